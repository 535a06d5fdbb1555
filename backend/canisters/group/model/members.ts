// Members and invitations. A member is known by user id (their user canister) and calls with their sign-in
// principal, which their user canister vouched for when they joined.

import { Principal } from "../../../cdk/principal/principal";
import { ByteReader, ByteWriter } from "../../../cdk/stable/bytes";
import { StableBTreeMap } from "../../../cdk/stable/btree-map";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { INVITES, MEMBER_PRINCIPALS, MEMBERS } from "../memory";
import { group, people, saveGroup } from "./group";

const LAYOUT: u8 = 1;

export const MAX_MEMBERS: u32 = 1_000;

export namespace RoleCode {
  export const Owner: u8 = 0;
  export const Admin: u8 = 1;
  export const Member: u8 = 2;
}

// Layout 1: u8 version · bytes sign-in principal · text username · u8 role · u64 joined (milliseconds)
export class Member {
  /** The key, not part of the record. */
  number: u32 = 0;
  principal: Uint8Array = new Uint8Array(0);
  username: string = "";
  role: u8 = RoleCode.Member;
  joined: u64 = 0;

  get userId(): Principal {
    return people.principal(this.number);
  }

  get mayModerate(): bool {
    return this.role != RoleCode.Member;
  }

  encode(w: ByteWriter): void {
    w.u8(LAYOUT);
    w.bytes(this.principal);
    w.text(this.username);
    w.u8(this.role);
    w.u64(this.joined);
  }

  decode(r: ByteReader): void {
    assert(r.u8() == LAYOUT, "unknown layout of a member");
    this.principal = r.bytes();
    this.username = r.text();
    this.role = r.u8();
    this.joined = r.u64();
  }
}

const members = new StableBTreeMap<u32, Member>(stableMemory(MEMBERS));
const byPrincipal = new StableBTreeMap<Uint8Array, u32>(stableMemory(MEMBER_PRINCIPALS));
const invites = new StableBTreeMap<u32, u32>(stableMemory(INVITES));

export function memberCount(): u32 {
  return <u32>members.size;
}

export function memberByNumber(number: u32): Member | null {
  if (!members.find(number)) return null;
  const member = members.found();
  member.number = number;
  return member;
}

export function memberByUserId(userId: Principal): Member | null {
  const number = people.find(userId);
  return number < 0 ? null : memberByNumber(<u32>number);
}

/** The member who signs in with this principal. */
export function memberByPrincipal(principal: Principal): Member | null {
  if (!byPrincipal.find(principal.bytes)) return null;
  return memberByNumber(byPrincipal.found());
}

export function addMember(member: Member): void {
  members.insert(member.number, member);
  byPrincipal.insert(member.principal, member.number);
  invites.remove(member.number);
  if (member.role == RoleCode.Owner) group().owners++;
}

export function removeMember(member: Member): void {
  members.remove(member.number);
  byPrincipal.remove(member.principal);
  if (member.role == RoleCode.Owner) group().owners--;
}

export function changeRole(member: Member, role: u8): void {
  if (member.role == RoleCode.Owner) group().owners--;
  if (role == RoleCode.Owner) group().owners++;
  member.role = role;
  members.insert(member.number, member);
}

export function isInvited(number: u32): bool {
  return invites.has(number);
}

export function addInvite(number: u32, by: u32): void {
  invites.insert(number, by);
}

export function removeInvite(number: u32): bool {
  return invites.remove(number);
}

/** Members and invited people count against the limit together: everybody invited can join. */
export function hasRoomFor(count: u32): bool {
  return memberCount() + <u32>invites.size + count <= MAX_MEMBERS;
}

export function allMembers(): Array<Member> {
  const list: Member[] = [];
  const cursor = members.cursor();
  for (let ok = cursor.first(); ok; ok = cursor.next()) {
    const member = cursor.value;
    member.number = cursor.key;
    list.push(member);
  }
  return list;
}

export function allInvited(): Array<Principal> {
  const list: Principal[] = [];
  const cursor = invites.cursor();
  for (let ok = cursor.first(); ok; ok = cursor.next()) list.push(people.principal(cursor.key));
  return list;
}

/** Call after the event of a change among members was added. */
export function membersChanged(version: u64): void {
  group().membersVersion = version;
  saveGroup();
}
