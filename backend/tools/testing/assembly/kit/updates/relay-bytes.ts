import { Later, Rejection } from "../../../../../cdk/calls";
import { Principal } from "../../../../../cdk/principal/principal";
import * as kit from "../../../../../generated/kit/client";
import { reply_relay_bytes } from "../../../../../generated/kit/replies";
import { texts, ticked } from "../state";

function note(text: string): void {
  ticked.push(text);
  texts.insert(<u32>texts.size, text);
}

export function relay_bytes(other: Principal, bytes: Uint8Array): Later {
  note("before");
  kit.reply_bytes(other, bytes).perform(onReply, onReject, null);
}

function onReply(context: Object | null): void {
  note("after");
  reply_relay_bytes(kit.reply_bytes_reply());
}

function onReject(context: Object | null, rejection: Rejection): void { reply_relay_bytes("rejected"); }
