import { reject } from "../../../../../cdk/api";
import { Later, Rejection } from "../../../../../cdk/calls";
import { Principal } from "../../../../../cdk/principal/principal";
import * as traps from "../../../../../generated/traps/client";
import { reply_pass_on } from "../../../../../generated/traps/replies";

export function pass_on(other: Principal, kind: u32): Later {
  traps.fail(other, kind).perform(onReply, onReject, null);
}

function onReply(context: Object | null): void { reply_pass_on("nothing failed"); }

function onReject(context: Object | null, rejection: Rejection): void {
  reject("the other one said: " + rejection.message);
}
