import { Later, Rejection, rawCall } from "../../../../../cdk/calls";
import { Principal } from "../../../../../cdk/principal/principal";
import { reply_relay_missing } from "../../../../../generated/kit/replies";
import { Relayed, RelayedErr } from "../../../../../generated/kit/types";

export function relay_missing(other: Principal): Later {
  rawCall(other, "no such method", new Uint8Array(0)).perform(onReply, onReject, null);
}

function onReply(context: Object | null): void { reply_relay_missing(Relayed.Ok("?")); }

function onReject(context: Object | null, rejection: Rejection): void {
  reply_relay_missing(Relayed.Err(new RelayedErr(rejection.code, rejection.message, <u8>rejection.retry, rejection.sent)));
}
