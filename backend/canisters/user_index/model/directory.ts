// The registered people and the three ways to find them: by sign-in principal, by user id, by username.

import { Principal } from "../../../cdk/principal/principal";
import { ByteReader, ByteWriter } from "../../../cdk/stable/bytes";
import { StableBTreeMap } from "../../../cdk/stable/btree-map";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { BY_PRINCIPAL, BY_USER_ID, BY_USERNAME, USERS } from "../memory";
import { fold } from "./usernames";

const LAYOUT: u8 = 2;

// Layout 1: u8 version · bytes sign-in principal · bytes user id · bytes local index · text username · u64 created (ms)
// Layout 2: the same · text display name (empty: none)
export class User {
  principal: Uint8Array = new Uint8Array(0);
  userId: Uint8Array = new Uint8Array(0);
  localIndex: Uint8Array = new Uint8Array(0);
  username: string = "";
  created: u64 = 0;
  /** Empty when there is none. */
  displayName: string = "";

  encode(w: ByteWriter): void {
    w.u8(LAYOUT);
    w.bytes(this.principal);
    w.bytes(this.userId);
    w.bytes(this.localIndex);
    w.text(this.username);
    w.u64(this.created);
    w.text(this.displayName);
  }

  decode(r: ByteReader): void {
    const layout = r.u8();
    assert(layout == 1 || layout == LAYOUT, "unknown layout of a user");
    this.principal = r.bytes();
    this.userId = r.bytes();
    this.localIndex = r.bytes();
    this.username = r.text();
    this.created = r.u64();
    if (layout > 1) this.displayName = r.text();
  }
}

const users = new StableBTreeMap<u32, User>(stableMemory(USERS));
const byPrincipal = new StableBTreeMap<Uint8Array, u32>(stableMemory(BY_PRINCIPAL));
const byUserId = new StableBTreeMap<Uint8Array, u32>(stableMemory(BY_USER_ID));
const byUsername = new StableBTreeMap<string, u32>(stableMemory(BY_USERNAME));

export function addUser(user: User): void {
  const number = <u32>users.size;
  users.insert(number, user);
  byPrincipal.insert(user.principal, number);
  byUserId.insert(user.userId, number);
  byUsername.insert(fold(user.username), number);
}

export function userByPrincipal(principal: Principal): User | null {
  return byPrincipal.find(principal.bytes) ? users.get(byPrincipal.found()) : null;
}

export function userById(userId: Principal): User | null {
  return byUserId.find(userId.bytes) ? users.get(byUserId.found()) : null;
}

/** Nothing when there is no such user. */
export function setDisplayName(userId: Principal, displayName: string): void {
  if (!byUserId.find(userId.bytes)) return;
  const number = byUserId.found();
  const user = users.get(number);
  user.displayName = displayName;
  users.insert(number, user);
}

export function isTaken(username: string): bool {
  return byUsername.has(fold(username));
}

/** Whose names begin with `prefix`, alphabetically, at most `limit`. */
export function usersByPrefix(prefix: string, limit: i32): Array<User> {
  const folded = fold(prefix);
  const numbers: u32[] = [];
  const cursor = byUsername.cursor();
  for (let ok = cursor.seek(folded); ok && numbers.length < limit && cursor.key.startsWith(folded); ok = cursor.next()) {
    numbers.push(cursor.value);
  }
  const found = new Array<User>(numbers.length);
  for (let i = 0; i < numbers.length; i++) found[i] = users.get(numbers[i]);
  return found;
}
