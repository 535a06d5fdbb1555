// What groups have announced last. A group without an entry is asked every time, so that entries may be missing but
// must never outlive the announcing: they go before a child gets another module.

import { Principal } from "../../../cdk/principal/principal";
import { StableBTreeMap } from "../../../cdk/stable/btree-map";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { STAMPS } from "../memory";

const stamps = new StableBTreeMap<Uint8Array, u64>(stableMemory(STAMPS));

export function setStamp(group: Principal, stamp: u64): void {
  stamps.insert(group.bytes, stamp);
}

export function dropStamp(child: Principal): void {
  stamps.remove(child.bytes);
}

/** Whether this group's last announcement was this stamp. */
export function hasStamp(group: Principal, stamp: u64): bool {
  return stamps.find(group.bytes) && stamps.found() == stamp;
}
