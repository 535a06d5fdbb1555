import { cyclesRefunded } from "../../../../../cdk/api";
import { Later, Rejection } from "../../../../../cdk/calls";
import { Principal } from "../../../../../cdk/principal/principal";
import * as kit from "../../../../../generated/kit/client";
import { reply_send_cycles } from "../../../../../generated/kit/replies";

export function send_cycles(other: Principal, amount: u64, most: u64): Later {
  kit.take_cycles(other, most).cycles(amount).perform(onTaken, onNotTaken, null);
}

function onTaken(context: Object | null): void { reply_send_cycles(cyclesRefunded()); }
function onNotTaken(context: Object | null, rejection: Rejection): void { reply_send_cycles(cyclesRefunded()); }
