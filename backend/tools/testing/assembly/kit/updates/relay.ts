import { Later, Rejection } from "../../../../../cdk/calls";
import { Principal } from "../../../../../cdk/principal/principal";
import * as kit from "../../../../../generated/kit/client";
import { reply_relay } from "../../../../../generated/kit/replies";
import { Relayed, RelayedErr } from "../../../../../generated/kit/types";

class Context {
  constructor(public prefix: string) {}
}

export function relay(other: Principal, text: string, seconds: u32): Later {
  const call = kit.echo(other, text);
  if (seconds > 0) call.bestEffort(seconds);
  call.perform(onEcho, onNoEcho, new Context("relayed "));
}

function onEcho(context: Object | null): void {
  reply_relay(Relayed.Ok(changetype<Context>(context).prefix + kit.echo_reply()));
}

function onNoEcho(context: Object | null, rejection: Rejection): void {
  reply_relay(Relayed.Err(new RelayedErr(rejection.code, rejection.message, <u8>rejection.retry, rejection.sent)));
}
