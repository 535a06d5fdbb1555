// What travels to the other copies of direct chats: one ordered queue a counterpart, in stable memory.
// An acknowledgement moves the chat's "delivered" mark. A message that is given up keeps a mark of its own until it is
// sent again and arrives. What the other side threw away (its owner has blocked this person) looks as if it were still
// under way, and counts as given up once something later is delivered.

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
import { DirectChat, events, FailedDelivery, findChatWith, me, Resent, saveChat } from "./chats";

/** Envelopes waiting for one counterpart; more are refused, so that a dead account cannot fill this canister. */
const MAX_WAITING: u32 = 1_000;
/** Failed messages remembered by reason; older ones just stay undelivered. */
const MAX_FAILURES: i32 = 50;
/** Messages on their way again at the same time. */
const MAX_RESENT: i32 = 50;
/** Events that the delivery mark passes with one acknowledgement; it goes on with the next one. */
const MAX_WALK: i64 = 5_000;
/** Reason of what was thrown away at the other side. */
const NOT_DELIVERED: string = "it was not delivered";

const outbox = new Outbox(stableMemory(OUTBOX_ENVELOPES), stableMemory(OUTBOX_DESTINATIONS), send, acknowledged, giveUp);

function send(destination: Principal, first: u64, envelopes: Array<Uint8Array>): Call {
  const decoded = new Array<DirectEnvelope>(envelopes.length);
  for (let i = 0; i < envelopes.length; i++) decoded[i] = decodeDirectEnvelope(envelopes[i]);
  return user.c2c_deliver(destination, new Delivery(first, decoded));
}

function acknowledged(destination: Principal): Ack {
  const delivered = user.c2c_deliver_reply();
  const next = delivered.next;
  const dropped = delivered.dropped;
  const chat = findChatWith(destination);
  if (chat === null) return Ack.upTo(next);
  if (dropped !== null && dropped.value) {
    chat.droppedUpTo = max(chat.droppedUpTo, next);
    saveChat(chat);
  } else {
    markDelivered(chat, next);
  }
  return Ack.upTo(next);
}

/**
 * Moves the mark up to the first own message whose envelope number is not below `next`: over what the other side
 * wrote too, so that nothing is looked at twice.
 */
function markDelivered(chat: DirectChat, next: u64): void {
  const mine = me();
  let reached = chat.delivered;
  let news = settleResent(chat, next);
  const end = min(<i64>chat.nextIndex, reached + MAX_WALK);
  for (let index = reached + 1; index < end; index++) {
    const record = events.get(chat.number, <u32>index)!;
    if (record.isMessage && record.actor == mine) {
      if (record.sequence > next) break;
      if (record.sequence <= chat.droppedUpTo && !record.isGivenUp) failMessage(chat, record, <u32>index, NOT_DELIVERED);
      news = true;
    }
    reached = index;
  }
  if (reached == chat.delivered && !news) return;
  chat.delivered = reached;
  saveChat(chat);
  // Only own messages show whether they were delivered.
  if (news) events.touchSummary(chat.number);
}

/** What was sent again and has arrived, or was thrown away, is settled. True when there was any. */
function settleResent(chat: DirectChat, next: u64): bool {
  const before = chat.resent;
  if (before.length == 0) return false;
  chat.resent = [];
  for (let i = 0; i < before.length; i++) {
    const again = before[i];
    if (again.sequence > next) {
      chat.resent.push(again);
      continue;
    }
    const index = <u32>events.indexOf(chat.number, again.messageId);
    const record = events.get(chat.number, index)!;
    if (record.isDeleted) continue;
    record.isSentAgain = false;
    if (again.sequence <= chat.droppedUpTo) {
      failMessage(chat, record, index, NOT_DELIVERED);
    } else {
      record.isGivenUp = false;
      events.update(chat.number, index, record);
    }
  }
  return chat.resent.length < before.length;
}

/** The chat must be stored after this. */
function failMessage(chat: DirectChat, record: EventRecord, index: u32, reason: string): void {
  if (record.isDeleted) return;
  record.isGivenUp = true;
  record.isSentAgain = false;
  events.update(chat.number, index, record);
  const failure = new FailedDelivery();
  failure.messageId = record.messageId;
  failure.reason = reason;
  chat.failures.push(failure);
  if (chat.failures.length > MAX_FAILURES) chat.failures.shift();
}

function giveUp(destination: Principal, sequence: u64, envelope: Uint8Array, reason: string): void {
  const chat = findChatWith(destination);
  const action = decodeDirectEnvelope(envelope).action;
  if (chat === null || action.tag != DirectActionTag.Message) return;
  const messageId = action.as_Message.message_id;
  for (let i = 0; i < chat.resent.length; i++) {
    if (chat.resent[i].messageId == messageId) {
      chat.resent.splice(i, 1);
      break;
    }
  }
  const index = <u32>events.indexOf(chat.number, messageId);
  failMessage(chat, events.get(chat.number, index)!, index, reason);
  saveChat(chat);
  events.touchSummary(chat.number);
}

/** Forgets that a message failed: it was deleted, or is sent again. True when that changed the chat. */
export function forgetFailure(chat: DirectChat, messageId: u64): bool {
  for (let i = 0; i < chat.failures.length; i++) {
    if (chat.failures[i].messageId == messageId) {
      chat.failures.splice(i, 1);
      return true;
    }
  }
  return false;
}

export function hasRoomToResend(chat: DirectChat, them: Principal): bool {
  return chat.resent.length < MAX_RESENT && hasRoom(them);
}

/** Puts a message that was given up on its way again, as it reads now. Where it did arrive, its id is known there. */
export function resend(chat: DirectChat, them: Principal, record: EventRecord, index: u32): void {
  forgetFailure(chat, record.messageId);
  const again = new Resent();
  again.messageId = record.messageId;
  again.sequence = 1 + nextSequence(them);
  chat.resent.push(again);
  record.isSentAgain = true;
  events.update(chat.number, index, record);
  saveChat(chat);
  events.touchSummary(chat.number);
  enqueueMessage(them, record);
  // It may have arrived as it read before.
  if (record.editedAt != 0) enqueueEdit(them, record.editedAt, record.messageId, record.text);
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
