// What travels to the other copies of direct chats: one ordered queue a counterpart, in stable memory.
// An acknowledgement moves the chat's "delivered" mark; giving up leaves a reason with the message.

import { Ack, Outbox } from "../../../cdk/outbox/outbox";
import { Call } from "../../../cdk/calls";
import { Opt } from "../../../cdk/candid/opt";
import { Principal } from "../../../cdk/principal/principal";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { EventRecord } from "../../../chat/event-record";
import * as user from "../../../generated/user/client";
import {
  decodeDirectEnvelope,
  DeleteAction,
  Delivery,
  DirectAction,
  DirectActionTag,
  DirectEnvelope,
  EditAction,
  encodeDirectEnvelope,
  MessageAction,
  ReactAction,
  ReadAction,
} from "../../../generated/user/types";
import { OUTBOX_DESTINATIONS, OUTBOX_ENVELOPES } from "../memory";
import { DirectChat, events, FailedDelivery, findChatWith, me, saveChat } from "./chats";

/** Envelopes waiting for one counterpart; more are refused, so that a dead account cannot fill this canister. */
const MAX_WAITING: u32 = 1_000;
/** Failed messages remembered by reason; older ones just stay undelivered. */
const MAX_FAILURES: i32 = 50;

const outbox = new Outbox(stableMemory(OUTBOX_ENVELOPES), stableMemory(OUTBOX_DESTINATIONS), send, acknowledged, giveUp);

function send(destination: Principal, first: u64, envelopes: Array<Uint8Array>): Call {
  const decoded = new Array<DirectEnvelope>(envelopes.length);
  for (let i = 0; i < envelopes.length; i++) decoded[i] = decodeDirectEnvelope(envelopes[i]);
  return user.c2c_deliver(destination, new Delivery(first, decoded));
}

function acknowledged(destination: Principal): Ack {
  const next = user.c2c_deliver_reply().next;
  const chat = findChatWith(destination);
  if (chat !== null) markDelivered(chat, next);
  return Ack.upTo(next);
}

/**
 * Moves the mark up to the first own message whose envelope number is not below `next`: over what the other side
 * wrote too, so that nothing is looked at twice.
 */
function markDelivered(chat: DirectChat, next: u64): void {
  const mine = me();
  let reached = chat.delivered;
  let news = false;
  for (let index = reached + 1; index < <i64>chat.nextIndex; index++) {
    const record = events.get(chat.number, <u32>index)!;
    if (record.isMessage && record.actor == mine) {
      if (record.sequence > next) break;
      news = true;
    }
    reached = index;
  }
  if (reached == chat.delivered) return;
  chat.delivered = reached;
  saveChat(chat);
  // Only own messages show whether they were delivered.
  if (news) events.touchSummary(chat.number);
}

function giveUp(destination: Principal, sequence: u64, envelope: Uint8Array, reason: string): void {
  const chat = findChatWith(destination);
  const action = decodeDirectEnvelope(envelope).action;
  if (chat === null || action.tag != DirectActionTag.Message) return;
  const failure = new FailedDelivery();
  failure.messageId = action.as_Message.message_id;
  failure.reason = reason;
  chat.failures.push(failure);
  if (chat.failures.length > MAX_FAILURES) chat.failures.shift();
  saveChat(chat);
  events.touchSummary(chat.number);
}

/** Whether another envelope for this person fits; when false the caller's action must be refused. */
export function hasRoom(them: Principal): bool {
  return outbox.waiting(them) < MAX_WAITING;
}

/** The number that the next envelope for this person gets. */
export function nextSequence(them: Principal): u64 {
  return outbox.nextSequence(them);
}

function enqueue(them: Principal, at: u64, action: DirectAction): void {
  assert(outbox.enqueue(them, encodeDirectEnvelope(new DirectEnvelope(at, action))), "no room in the outbox");
}

export function enqueueMessage(them: Principal, record: EventRecord): void {
  const replied = record.hasReply ? new Opt<u64>(record.repliesTo) : null;
  enqueue(them, record.timestamp, DirectAction.Message(new MessageAction(record.messageId, record.text, replied)));
}

export function enqueueEdit(them: Principal, at: u64, messageId: u64, text: string): void {
  enqueue(them, at, DirectAction.Edit(new EditAction(messageId, text)));
}

export function enqueueDelete(them: Principal, at: u64, messageId: u64): void {
  enqueue(them, at, DirectAction.Delete(new DeleteAction(messageId)));
}

export function enqueueReact(them: Principal, at: u64, messageId: u64, reaction: string, add: bool): void {
  enqueue(them, at, DirectAction.React(new ReactAction(messageId, reaction, add)));
}

export function enqueueRead(them: Principal, at: u64, messageId: u64): void {
  enqueue(them, at, DirectAction.Read(new ReadAction(messageId)));
}
