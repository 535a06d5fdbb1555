// Whom the owner has blocked. Chats carry the mark too, so that messages need not look here.

import { Principal } from "../../../cdk/principal/principal";
import { StableBTreeMap } from "../../../cdk/stable/btree-map";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { BLOCKED } from "../memory";
import { events, findChat, people, saveChat } from "./chats";
import { BLOCKED_LIST } from "./profile";

/** The list is told whole when it changes. */
export const MAX_BLOCKED: u32 = 1_000;

const blocked = new StableBTreeMap<u32, u8>(stableMemory(BLOCKED));

export function isBlocked(person: Principal): bool {
  const number = people.find(person);
  return number >= 0 && blocked.has(<u32>number);
}

export function hasRoomForBlocked(): bool {
  return blocked.size < <u64>MAX_BLOCKED;
}

/** Blocks or unblocks; nothing when it is so already. */
export function setBlocked(person: Principal, value: bool): void {
  if (isBlocked(person) == value) return;
  const number = people.numberOf(person);
  if (value) blocked.insert(number, 0);
  else blocked.remove(number);
  const chat = findChat(number);
  if (chat !== null) {
    chat.blocked = value;
    saveChat(chat);
  }
  events.touchSummary(BLOCKED_LIST);
}

export function allBlocked(): Array<Principal> {
  const list: Principal[] = [];
  const cursor = blocked.cursor();
  for (let ok = cursor.first(); ok; ok = cursor.next()) list.push(people.principal(cursor.key));
  return list;
}
