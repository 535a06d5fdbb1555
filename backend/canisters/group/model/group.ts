// The group itself: name, where it hangs, counters. One record, written with every event.

import { ByteReader, ByteWriter } from "../../../cdk/stable/bytes";
import { StableCell } from "../../../cdk/stable/cell";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { ChatEvents } from "../../../chat/chat-events";
import { EventRecord } from "../../../chat/event-record";
import { People } from "../../../chat/people";
import { CHANGES, EVENTS, GROUP, MESSAGE_IDS, PEOPLE_NUMBERS, PEOPLE_PRINCIPALS, REACTIONS } from "../memory";

const LAYOUT: u8 = 1;

/** A group has one chat. */
export const CHAT: u32 = 0;

// Layout 1: u8 version · bytes user index · bytes local index · u8 claimed · text name · text description
//           · u64 created · u32 next index · i64 latest message · u32 owners · u64 members version
export class Group {
  userIndex: Uint8Array = new Uint8Array(0);
  localIndex: Uint8Array = new Uint8Array(0);
  isClaimed: bool = false;
  name: string = "";
  description: string = "";
  created: u64 = 0;
  nextIndex: u32 = 0;
  latestMessage: i64 = -1;
  owners: u32 = 0;
  /** Version of the change log when the member list, a role or an invitation last changed. */
  membersVersion: u64 = 0;

  encode(w: ByteWriter): void {
    w.u8(LAYOUT);
    w.bytes(this.userIndex);
    w.bytes(this.localIndex);
    w.bool(this.isClaimed);
    w.text(this.name);
    w.text(this.description);
    w.u64(this.created);
    w.u32(this.nextIndex);
    w.i64(this.latestMessage);
    w.u32(this.owners);
    w.u64(this.membersVersion);
  }

  decode(r: ByteReader): void {
    assert(r.u8() == LAYOUT, "unknown layout of the group");
    this.userIndex = r.bytes();
    this.localIndex = r.bytes();
    this.isClaimed = r.bool();
    this.name = r.text();
    this.description = r.text();
    this.created = r.u64();
    this.nextIndex = r.u32();
    this.latestMessage = r.i64();
    this.owners = r.u32();
    this.membersVersion = r.u64();
  }
}

const cell = new StableCell<Group>(stableMemory(GROUP), new Group());
let cached: Group | null = null;

/** The group; change it and call `saveGroup`. */
export function group(): Group {
  let current = cached;
  if (current === null) {
    current = cell.get();
    cached = current;
  }
  return current;
}

export function saveGroup(): void {
  cell.set(group());
}

export const people = new People(stableMemory(PEOPLE_NUMBERS), stableMemory(PEOPLE_PRINCIPALS));
export const events = new ChatEvents(stableMemory(EVENTS), stableMemory(MESSAGE_IDS), stableMemory(REACTIONS), stableMemory(CHANGES));

/** Appends an event and stores the group; answers the event's index. A message's id must be new. */
export function addEvent(record: EventRecord): u32 {
  const state = group();
  const index = state.nextIndex++;
  if (record.isMessage) {
    state.latestMessage = <i64>index;
    record.ordinal = 0;
  }
  events.append(CHAT, index, record);
  saveGroup();
  return index;
}
