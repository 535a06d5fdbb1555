// The event store of one canister: numbered events of any number of chats, the index of message ids,
// who reacted with what, and the log of changes that clients sync by.
//
// Properties:
// - E1 an event keeps its index for ever; its content is the current version.
// - E2 a message id names at most one event of a chat; sending it again finds the first.
// - E3 the version is the length of the change log; whoever asks "since v" gets every event that was
//   added or changed after v, in its current form, and work in proportion to those changes.
// - E4 a reaction costs the same for the first and the thousandth person.
// - E5 a deleted message leaves neither text nor reactions in stable memory.
//
// Keys (big-endian so that order in the map is order in the chat):
//   events     u64 = chat << 32 | index                         → EventRecord
//   messageIds 12 bytes = chat u32 · message id u64             → u32 index
//   reactions  chat u32 · index u32 · person u32 · reaction UTF-8 → u8 0
//   changes    vector of u64 = chat << 32 | index, index SUMMARY for what is not an event

import { StableBTreeMap } from "../cdk/stable/btree-map";
import { Memory } from "../cdk/stable/memory-manager";
import { StableVector } from "../cdk/stable/vector";
import { EventRecord, ReactionTally, TALLY_PEOPLE_SHOWN } from "./event-record";

/** In place of an event index in the change log: the chat's summary changed, none of its events. */
export const SUMMARY: u32 = 0xffff_ffff;

/** Different reactions to one message; more would be a way to fill memory. */
const MAX_REACTION_KINDS: i32 = 50;

/** A page of changes ends after this many distinct entries … */
const MAX_CHANGES_PER_PAGE: i32 = 200;
/** … or this many log entries read, so that a page of repeated edits is bounded too … */
const MAX_LOG_ENTRIES_PER_PAGE: u64 = 2000;
/** … or this many stored bytes: a query's reply holds 3 MiB, and a page shares it with other chats' pages. */
export const MAX_BYTES_PER_PAGE: u32 = 400_000;

/** Stored bytes of what a chat's summary adds to a page besides its changed events: its last message. */
export type SummaryBytes = (chat: u32) => u32;

/** One changed event; `record` is null for SUMMARY. */
export class Change {
  constructor(
    public chat: u32,
    public index: u32,
    public record: EventRecord | null,
  ) {}
}

export class Changes {
  /** Distinct, ascending: chats together, events in order, SUMMARY last. */
  entries: Array<Change> = [];
  /** Version reached: pass it as `since` for what follows. */
  version: u64 = 0;
  more: bool = false;
}

export const enum ReactOutcome {
  Changed = 0,
  Unchanged = 1,
  TooManyKinds = 2,
}

export class ChatEvents {
  private events: StableBTreeMap<u64, EventRecord>;
  private messageIds: StableBTreeMap<Uint8Array, u32>;
  private reactions: StableBTreeMap<Uint8Array, u8>;
  private changes: StableVector<u64>;

  constructor(events: Memory, messageIds: Memory, reactions: Memory, changes: Memory) {
    this.events = new StableBTreeMap<u64, EventRecord>(events);
    this.messageIds = new StableBTreeMap<Uint8Array, u32>(messageIds);
    this.reactions = new StableBTreeMap<Uint8Array, u8>(reactions);
    this.changes = new StableVector<u64>(changes);
  }

  get version(): u64 {
    return this.changes.length;
  }

  /** Adds an event at `index`, which must be the chat's next. */
  append(chat: u32, index: u32, record: EventRecord): void {
    this.events.insert(eventKey(chat, index), record);
    if (record.isMessage) this.messageIds.insert(messageKey(chat, record.messageId), index);
    this.changes.push(eventKey(chat, index));
  }

  get(chat: u32, index: u32): EventRecord | null {
    if (!this.events.find(eventKey(chat, index))) return null;
    return this.events.found();
  }

  /** Stored bytes of an event, 0 when there is none. */
  sizeOf(chat: u32, index: u32): u32 {
    return this.events.find(eventKey(chat, index)) ? this.events.foundLen : 0;
  }

  /** Replaces an event's content and tells clients. */
  update(chat: u32, index: u32, record: EventRecord): void {
    this.events.insert(eventKey(chat, index), record);
    this.changes.push(eventKey(chat, index));
  }

  /** Tells clients that something of the chat changed that is not an event. */
  touchSummary(chat: u32): void {
    this.changes.push(eventKey(chat, SUMMARY));
  }

  /** Index of a message, or -1. */
  indexOf(chat: u32, messageId: u64): i64 {
    const key = messageKey(chat, messageId);
    if (!this.messageIds.find(key)) return -1;
    return <i64>this.messageIds.found();
  }

  /** Adds or takes back a person's reaction. `record` is the message's event and is updated in place and stored. */
  react(chat: u32, index: u32, record: EventRecord, person: u32, reaction: string, add: bool): ReactOutcome {
    const key = reactionKey(chat, index, person, reaction);
    let at = -1;
    for (let i = 0; i < record.tallies.length; i++) {
      if (record.tallies[i].reaction == reaction) {
        at = i;
        break;
      }
    }
    if (add) {
      if (at < 0 && record.tallies.length >= MAX_REACTION_KINDS) return ReactOutcome.TooManyKinds;
      if (!this.reactions.insert(key, 0)) return ReactOutcome.Unchanged;
      if (at < 0) {
        const fresh = new ReactionTally();
        fresh.reaction = reaction;
        at = record.tallies.push(fresh) - 1;
      }
      const tally = record.tallies[at];
      tally.count++;
      if (tally.people.length < TALLY_PEOPLE_SHOWN) tally.people.push(person);
    } else {
      if (!this.reactions.remove(key)) return ReactOutcome.Unchanged;
      const tally = record.tallies[at];
      tally.count--;
      const shown = tally.people.indexOf(person);
      if (shown >= 0) tally.people.splice(shown, 1);
      if (tally.count == 0) record.tallies.splice(at, 1);
    }
    this.update(chat, index, record);
    return ReactOutcome.Changed;
  }

  /** Whether a person reacted with `tally.reaction`. Reads stable memory only when the shown few do not tell. */
  hasReacted(chat: u32, index: u32, person: u32, tally: ReactionTally): bool {
    if (tally.people.includes(person)) return true;
    if (<u32>tally.people.length == tally.count) return false;
    return this.reactions.has(reactionKey(chat, index, person, tally.reaction));
  }

  /** Turns a message into its placeholder: text and reactions go (E5). */
  erase(chat: u32, index: u32, record: EventRecord, by: u32, at: u64): void {
    if (record.tallies.length > 0) this.dropReactions(chat, index);
    record.text = "";
    record.tallies = [];
    record.editedAt = 0;
    record.isGivenUp = false;
    record.isSentAgain = false;
    record.deletedAt = at;
    record.deletedBy = by;
    this.update(chat, index, record);
  }

  private dropReactions(chat: u32, index: u32): void {
    const prefix = reactionPrefix(chat, index);
    const doomed: Uint8Array[] = [];
    const cursor = this.reactions.cursor();
    for (let ok = cursor.seek(prefix); ok && startsWith(cursor.key, prefix); ok = cursor.next()) doomed.push(cursor.key);
    for (let i = 0; i < doomed.length; i++) this.reactions.remove(doomed[i]);
  }

  /**
   * What changed after version `since`, oldest first, one page of at least one change. `summaryBytes` is asked
   * once for each chat on the page.
   */
  changedSince(since: u64, summaryBytes: SummaryBytes): Changes {
    const result = new Changes();
    const end = this.changes.length;
    let at = min(since, end);
    const stop = min(end, at + MAX_LOG_ENTRIES_PER_PAGE);
    const seen = new Set<u64>();
    const chats = new Set<u32>();
    let bytes: u32 = 0;
    while (at < stop && result.entries.length < MAX_CHANGES_PER_PAGE && bytes < MAX_BYTES_PER_PAGE) {
      const key = this.changes.get(at++);
      if (seen.has(key)) continue;
      seen.add(key);
      const chat = <u32>(key >> 32);
      if (!chats.has(chat)) {
        chats.add(chat);
        bytes += summaryBytes(chat);
      }
      let record: EventRecord | null = null;
      if (<u32>key != SUMMARY) {
        if (!this.events.find(key)) continue;
        bytes += this.events.foundLen;
        record = this.events.found();
      }
      result.entries.push(new Change(chat, <u32>key, record));
    }
    result.entries.sort((a, b) => (a.chat != b.chat ? (a.chat < b.chat ? -1 : 1) : a.index < b.index ? -1 : a.index > b.index ? 1 : 0));
    result.version = at;
    result.more = at < end;
    return result;
  }
}

@inline function eventKey(chat: u32, index: u32): u64 {
  return ((<u64>chat) << 32) | (<u64>index);
}

function messageKey(chat: u32, messageId: u64): Uint8Array {
  const key = new Uint8Array(12);
  store<u32>(key.dataStart, bswap(chat));
  store<u64>(key.dataStart, bswap(messageId), 4);
  return key;
}

function reactionPrefix(chat: u32, index: u32): Uint8Array {
  const key = new Uint8Array(8);
  store<u32>(key.dataStart, bswap(chat));
  store<u32>(key.dataStart, bswap(index), 4);
  return key;
}

function reactionKey(chat: u32, index: u32, person: u32, reaction: string): Uint8Array {
  const bytes = String.UTF8.byteLength(reaction);
  const key = new Uint8Array(12 + bytes);
  store<u32>(key.dataStart, bswap(chat));
  store<u32>(key.dataStart, bswap(index), 4);
  store<u32>(key.dataStart, bswap(person), 8);
  String.UTF8.encodeUnsafe(changetype<usize>(reaction), reaction.length, key.dataStart + 12);
  return key;
}

function startsWith(key: Uint8Array, prefix: Uint8Array): bool {
  return key.length >= prefix.length && memory.compare(key.dataStart, prefix.dataStart, prefix.length) == 0;
}
