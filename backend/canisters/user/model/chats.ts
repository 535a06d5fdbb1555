// Direct chats of this person: one record per counterpart, numbered like the counterpart in the table of
// people. Events live in the shared event store; here is what a chat list needs without reading them.
//
// Unread is index arithmetic: every event knows how many messages of theirs stand up to it (`ordinal`), so
// the number after the read mark is a subtraction.

import { ChatEvents } from "../../../chat/chat-events";
import { People } from "../../../chat/people";
import { ByteReader, ByteWriter } from "../../../cdk/stable/bytes";
import { StableBTreeMap } from "../../../cdk/stable/btree-map";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { self } from "../../../cdk/api";
import { Principal } from "../../../cdk/principal/principal";
import { CHANGES, CHATS, EVENTS, MESSAGE_IDS, PEOPLE_NUMBERS, PEOPLE_PRINCIPALS, REACTIONS } from "../memory";

const LAYOUT: u8 = 2;

/** No mark yet; marks are event indexes. */
export const NO_MARK: i64 = -1;

export class FailedDelivery {
  messageId: u64 = 0;
  reason: string = "";
}

/** A message that was given up and is on its way again. */
export class Resent {
  messageId: u64 = 0;
  /** 1 + number of its new envelope. */
  sequence: u64 = 0;
}

// Layout 1: u8 version · u64 created · text username · u32 next index · u32 theirs · u32 theirs read
//           · i64 read by me · i64 read by them · i64 delivered · i64 latest message · u64 next sequence from them
//           · varint failures { u64 message id, text reason }
// Layout 2: the same · u8 blocked · varint dropped up to · varint resent { u64 message id, varint sequence }
export class DirectChat {
  /** Number of the counterpart and of the chat; the key, not part of the record. */
  number: u32 = 0;
  created: u64 = 0;
  username: string = "";
  nextIndex: u32 = 0;
  /** Messages of theirs so far, and how many of them are read. */
  theirs: u32 = 0;
  theirsRead: u32 = 0;
  readByMe: i64 = NO_MARK;
  readByThem: i64 = NO_MARK;
  delivered: i64 = NO_MARK;
  latestMessage: i64 = NO_MARK;
  /** The next envelope to apply from their outbox. */
  nextSequence: u64 = 0;
  failures: Array<FailedDelivery> = [];
  /** By the owner; kept here too so that no message has to look it up. */
  blocked: bool = false;
  /** Envelopes below this number and above the delivery mark were thrown away at the other side. */
  droppedUpTo: u64 = 0;
  resent: Array<Resent> = [];

  /** The owner has written here: whoever writes is no stranger. ChatCreated is the one event that is nobody's message. */
  get isAnswered(): bool {
    return this.nextIndex > this.theirs + 1;
  }

  get unread(): u32 {
    return this.theirs - this.theirsRead;
  }

  encode(w: ByteWriter): void {
    w.u8(LAYOUT);
    w.u64(this.created);
    w.text(this.username);
    w.u32(this.nextIndex);
    w.u32(this.theirs);
    w.u32(this.theirsRead);
    w.u64(<u64>this.readByMe);
    w.u64(<u64>this.readByThem);
    w.u64(<u64>this.delivered);
    w.u64(<u64>this.latestMessage);
    w.u64(this.nextSequence);
    w.varint(this.failures.length);
    for (let i = 0; i < this.failures.length; i++) {
      w.u64(this.failures[i].messageId);
      w.text(this.failures[i].reason);
    }
    w.bool(this.blocked);
    w.varint(this.droppedUpTo);
    w.varint(this.resent.length);
    for (let i = 0; i < this.resent.length; i++) {
      w.u64(this.resent[i].messageId);
      w.varint(this.resent[i].sequence);
    }
  }

  decode(r: ByteReader): void {
    const layout = r.u8();
    assert(layout == 1 || layout == LAYOUT, "unknown layout of a direct chat");
    this.created = r.u64();
    this.username = r.text();
    this.nextIndex = r.u32();
    this.theirs = r.u32();
    this.theirsRead = r.u32();
    this.readByMe = <i64>r.u64();
    this.readByThem = <i64>r.u64();
    this.delivered = <i64>r.u64();
    this.latestMessage = <i64>r.u64();
    this.nextSequence = r.u64();
    const failures = <i32>r.varint();
    for (let i = 0; i < failures; i++) {
      const failure = new FailedDelivery();
      failure.messageId = r.u64();
      failure.reason = r.text();
      this.failures.push(failure);
    }
    if (layout == 1) return;
    this.blocked = r.bool();
    this.droppedUpTo = r.varint();
    const resent = <i32>r.varint();
    for (let i = 0; i < resent; i++) {
      const again = new Resent();
      again.messageId = r.u64();
      again.sequence = r.varint();
      this.resent.push(again);
    }
  }
}

export const people = new People(stableMemory(PEOPLE_NUMBERS), stableMemory(PEOPLE_PRINCIPALS));
export const events = new ChatEvents(stableMemory(EVENTS), stableMemory(MESSAGE_IDS), stableMemory(REACTIONS), stableMemory(CHANGES));
const chats = new StableBTreeMap<u32, DirectChat>(stableMemory(CHATS));

export function findChat(number: u32): DirectChat | null {
  if (!chats.find(number)) return null;
  const chat = chats.found();
  chat.number = number;
  return chat;
}

export function findChatWith(them: Principal): DirectChat | null {
  const number = people.find(them);
  if (number < 0) return null;
  return findChat(<u32>number);
}

export function saveChat(chat: DirectChat): void {
  chats.insert(chat.number, chat);
}

/** This person's own number in the table. */
export function me(): u32 {
  return people.numberOf(self());
}
