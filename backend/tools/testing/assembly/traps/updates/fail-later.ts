import { Later, Rejection } from "../../../../../cdk/calls";
import { Principal } from "../../../../../cdk/principal/principal";
import * as traps from "../../../../../generated/traps/client";
import { failing, spin } from "../kinds";

export function fail_later(other: Principal, kind: u32): Later {
  traps.fail_in_query(other, 1000 + kind).perform(onReply, onReject, null);
}

function onReply(context: Object | null): void {
  failing(traps.fail_in_query_reply() - 1000 + spin);
}

function onReject(context: Object | null, rejection: Rejection): void {
  unreachable();
}
