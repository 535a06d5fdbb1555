// Groups this person is in or was invited to, with read positions. The groups themselves hold everything
// else; a membership is numbered like its group in the table of people.

import { Principal } from "../../../cdk/principal/principal";
import { ByteReader, ByteWriter } from "../../../cdk/stable/bytes";
import { StableBTreeMap } from "../../../cdk/stable/btree-map";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { GROUPS } from "../memory";
import { events, NO_MARK, people } from "./chats";

const LAYOUT: u8 = 1;

/** Set in a chat number of the change log when it is a group's. People are fewer than 2^31. */
export const GROUP_FLAG: u32 = 0x8000_0000;

export namespace Membership {
  export const Invited: u8 = 0;
  export const Joined: u8 = 1;
  export const Gone: u8 = 2;
}

// Layout 1: u8 version · u8 membership · bytes local index · text name · u64 at · bytes invited by
//           · i64 read up to · u64 next notice
export class GroupMembership {
  /** Number of the group in the table of people; the key, not part of the record. */
  number: u32 = 0;
  membership: u8 = Membership.Invited;
  localIndex: Uint8Array = new Uint8Array(0);
  /** As of the invitation or joining; the group tells its current name itself. */
  name: string = "";
  /** When it was invited or joined, milliseconds. */
  at: u64 = 0;
  invitedBy: Uint8Array = new Uint8Array(0);
  readUpTo: i64 = NO_MARK;
  /** The next notice to apply from the group's outbox. */
  nextNotice: u64 = 0;

  get group(): Principal {
    return people.principal(this.number);
  }

  encode(w: ByteWriter): void {
    w.u8(LAYOUT);
    w.u8(this.membership);
    w.bytes(this.localIndex);
    w.text(this.name);
    w.u64(this.at);
    w.bytes(this.invitedBy);
    w.i64(this.readUpTo);
    w.u64(this.nextNotice);
  }

  decode(r: ByteReader): void {
    assert(r.u8() == LAYOUT, "unknown layout of a group membership");
    this.membership = r.u8();
    this.localIndex = r.bytes();
    this.name = r.text();
    this.at = r.u64();
    this.invitedBy = r.bytes();
    this.readUpTo = r.i64();
    this.nextNotice = r.u64();
  }
}

const groups = new StableBTreeMap<u32, GroupMembership>(stableMemory(GROUPS));

export function findGroup(group: Principal): GroupMembership | null {
  const number = people.find(group);
  return number < 0 ? null : groupByNumber(<u32>number);
}

export function groupByNumber(number: u32): GroupMembership | null {
  if (!groups.find(number)) return null;
  const found = groups.found();
  found.number = number;
  return found;
}

/** The membership, or a fresh one that is not stored yet. */
export function groupOrNew(group: Principal): GroupMembership {
  const found = findGroup(group);
  if (found !== null) return found;
  const fresh = new GroupMembership();
  fresh.number = people.numberOf(group);
  return fresh;
}

/** Stores it and tells the owner's clients. */
export function saveGroup(membership: GroupMembership): void {
  groups.insert(membership.number, membership);
  events.touchSummary(GROUP_FLAG | membership.number);
}
