import { Later, Rejection } from "../../../../../cdk/calls";
import { Principal } from "../../../../../cdk/principal/principal";
import * as traps from "../../../../../generated/traps/client";
import { reply_keep_back } from "../../../../../generated/traps/replies";

export function keep_back(other: Principal, kind: u32): Later {
  traps.fail(other, kind).perform(onReply, onReject, null);
}

function onReply(context: Object | null): void { reply_keep_back(); }

function onReject(context: Object | null, rejection: Rejection): void { reply_keep_back(); }
