// Who was given what, so that asking twice gives the same canister.

import { Principal } from "../../../cdk/principal/principal";
import { StableBTreeMap } from "../../../cdk/stable/btree-map";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { GROUP_REQUESTS, OWNERS } from "../memory";

const userIds = new StableBTreeMap<Uint8Array, Uint8Array>(stableMemory(OWNERS));
const groupIds = new StableBTreeMap<Uint8Array, Uint8Array>(stableMemory(GROUP_REQUESTS));

export function userIdOf(owner: Principal): Principal | null {
  return userIds.find(owner.bytes) ? new Principal(userIds.found()) : null;
}

export function setUserId(owner: Principal, userId: Principal): void {
  userIds.insert(owner.bytes, userId.bytes);
}

export function dropUserId(owner: Principal): void {
  userIds.remove(owner.bytes);
}

function requestKey(creator: Principal, requestId: u64): Uint8Array {
  const key = new Uint8Array(creator.bytes.length + 8);
  key.set(creator.bytes);
  store<u64>(key.dataStart + creator.bytes.length, bswap(requestId));
  return key;
}

export function groupIdOf(creator: Principal, requestId: u64): Principal | null {
  return groupIds.find(requestKey(creator, requestId)) ? new Principal(groupIds.found()) : null;
}

export function setGroupId(creator: Principal, requestId: u64, groupId: Principal): void {
  groupIds.insert(requestKey(creator, requestId), groupId.bytes);
}

export function dropGroupId(creator: Principal, requestId: u64): void {
  groupIds.remove(requestKey(creator, requestId));
}

/** Groups that a person created here, counted up to `limit`. */
export function countGroups(creator: Principal, limit: i32): i32 {
  const prefix = creator.bytes;
  let count = 0;
  const cursor = groupIds.cursor();
  for (let ok = cursor.seek(prefix); ok && count < limit; ok = cursor.next()) {
    const key = cursor.key;
    if (key.length != prefix.length + 8 || memory.compare(key.dataStart, prefix.dataStart, prefix.length) != 0) break;
    count++;
  }
  return count;
}
