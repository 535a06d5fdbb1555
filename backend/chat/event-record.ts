// One event of a chat as it lies in stable memory.
//
// Layout of a record, version 1 (little-endian, varint = unsigned LEB128, text = varint length + UTF-8):
//   u8  layout version (1)
//   u8  kind (EventKind below)
//   u64 timestamp, milliseconds
//   varint actor (number of a person in this canister's table)
//   varint ordinal (messages by others than this copy's owner up to and including this event)
//   kind Message:  u64 message id · varint sequence · u8 flags (1 reply, 2 edited, 4 deleted, 8 given up, 16 sent again)
//                  · [u64 replies to] · [u64 edited at]
//                  · [u64 deleted at, varint deleted by] · text · varint tallies { text reaction, varint count,
//                  varint shown, varint person… }
//   other kinds:   text · varint subjects { varint person }
// A deleted message keeps its place and nothing of its text or reactions.

import { ByteReader, ByteWriter } from "../cdk/stable/bytes";

export namespace EventKind {
  export const Message: u8 = 0;
  export const ChatCreated: u8 = 1;
  export const Invited: u8 = 2;
  export const Joined: u8 = 3;
  export const Left: u8 = 4;
  export const Removed: u8 = 5;
  export const RoleChanged: u8 = 6;
  export const Renamed: u8 = 7;
}

const LAYOUT: u8 = 1;
const HAS_REPLY: u8 = 1;
const IS_EDITED: u8 = 2;
const IS_DELETED: u8 = 4;
const IS_GIVEN_UP: u8 = 8;
const IS_SENT_AGAIN: u8 = 16;

/** People named in a tally: enough for a tooltip; the rest is only counted. */
export const TALLY_PEOPLE_SHOWN: i32 = 5;

export class ReactionTally {
  reaction: string = "";
  count: u32 = 0;
  /** The first few who reacted and still do, oldest first. */
  people: Array<u32> = [];
}

export class EventRecord {
  kind: u8 = EventKind.Message;
  timestamp: u64 = 0;
  actor: u32 = 0;
  ordinal: u32 = 0;

  messageId: u64 = 0;
  /** 1 + number of the envelope that carries it to another copy; 0 when it does not travel. */
  sequence: u64 = 0;
  /** Did not reach the other copy; `isSentAgain`: and is on its way there again. */
  isGivenUp: bool = false;
  isSentAgain: bool = false;
  hasReply: bool = false;
  repliesTo: u64 = 0;
  /** 0 when never edited. */
  editedAt: u64 = 0;
  /** 0 while the message stands. */
  deletedAt: u64 = 0;
  deletedBy: u32 = 0;
  text: string = "";
  tallies: Array<ReactionTally> = [];

  subjects: Array<u32> = [];

  static message(messageId: u64, sender: u32, text: string, timestamp: u64): EventRecord {
    const record = new EventRecord();
    record.messageId = messageId;
    record.actor = sender;
    record.text = text;
    record.timestamp = timestamp;
    return record;
  }

  static system(kind: u8, actor: u32, timestamp: u64): EventRecord {
    const record = new EventRecord();
    record.kind = kind;
    record.actor = actor;
    record.timestamp = timestamp;
    return record;
  }

  @inline get isMessage(): bool {
    return this.kind == EventKind.Message;
  }

  @inline get isDeleted(): bool {
    return this.deletedAt != 0;
  }

  encode(w: ByteWriter): void {
    w.u8(LAYOUT);
    w.u8(this.kind);
    w.u64(this.timestamp);
    w.varint(this.actor);
    w.varint(this.ordinal);
    if (this.kind != EventKind.Message) {
      w.text(this.text);
      w.varint(this.subjects.length);
      for (let i = 0; i < this.subjects.length; i++) w.varint(this.subjects[i]);
      return;
    }
    w.u64(this.messageId);
    w.varint(this.sequence);
    let flags: u8 = 0;
    if (this.hasReply) flags |= HAS_REPLY;
    if (this.editedAt != 0) flags |= IS_EDITED;
    if (this.deletedAt != 0) flags |= IS_DELETED;
    if (this.isGivenUp) flags |= IS_GIVEN_UP;
    if (this.isSentAgain) flags |= IS_SENT_AGAIN;
    w.u8(flags);
    if (this.hasReply) w.u64(this.repliesTo);
    if (this.editedAt != 0) w.u64(this.editedAt);
    if (this.deletedAt != 0) {
      w.u64(this.deletedAt);
      w.varint(this.deletedBy);
    }
    w.text(this.text);
    w.varint(this.tallies.length);
    for (let i = 0; i < this.tallies.length; i++) {
      const tally = this.tallies[i];
      w.text(tally.reaction);
      w.varint(tally.count);
      w.varint(tally.people.length);
      for (let p = 0; p < tally.people.length; p++) w.varint(tally.people[p]);
    }
  }

  decode(r: ByteReader): void {
    assert(r.u8() == LAYOUT, "unknown layout of an event record");
    this.kind = r.u8();
    this.timestamp = r.u64();
    this.actor = <u32>r.varint();
    this.ordinal = <u32>r.varint();
    if (this.kind != EventKind.Message) {
      this.text = r.text();
      const count = <i32>r.varint();
      this.subjects = new Array<u32>(count);
      for (let i = 0; i < count; i++) this.subjects[i] = <u32>r.varint();
      return;
    }
    this.messageId = r.u64();
    this.sequence = r.varint();
    const flags = r.u8();
    this.hasReply = (flags & HAS_REPLY) != 0;
    this.isGivenUp = (flags & IS_GIVEN_UP) != 0;
    this.isSentAgain = (flags & IS_SENT_AGAIN) != 0;
    if (this.hasReply) this.repliesTo = r.u64();
    if (flags & IS_EDITED) this.editedAt = r.u64();
    if (flags & IS_DELETED) {
      this.deletedAt = r.u64();
      this.deletedBy = <u32>r.varint();
    }
    this.text = r.text();
    const tallies = <i32>r.varint();
    this.tallies = new Array<ReactionTally>(tallies);
    for (let i = 0; i < tallies; i++) {
      const tally = new ReactionTally();
      tally.reaction = r.text();
      tally.count = <u32>r.varint();
      const shown = <i32>r.varint();
      tally.people = new Array<u32>(shown);
      for (let p = 0; p < shown; p++) tally.people[p] = <u32>r.varint();
      this.tallies[i] = tally;
    }
  }
}
