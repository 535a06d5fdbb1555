// The application subnets that take accounts: one local index each, and how many accounts it was given.

import { Principal } from "../../../cdk/principal/principal";
import { StableBTreeMap } from "../../../cdk/stable/btree-map";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { SUBNETS } from "../memory";

const subnets = new StableBTreeMap<Uint8Array, u32>(stableMemory(SUBNETS));

export class SubnetEntry {
  constructor(
    public localIndex: Uint8Array,
    public users: u32,
  ) {}
}

export function allSubnets(): Array<SubnetEntry> {
  const list: SubnetEntry[] = [];
  const cursor = subnets.cursor();
  for (let ok = cursor.first(); ok; ok = cursor.next()) list.push(new SubnetEntry(cursor.key, cursor.value));
  return list;
}

export function isLocalIndex(who: Principal): bool {
  return subnets.has(who.bytes);
}

/** False when it is known already. */
export function addSubnet(localIndex: Principal): bool {
  if (subnets.has(localIndex.bytes)) return false;
  return subnets.insert(localIndex.bytes, 0);
}

/** The local index with the fewest accounts; the first of equals. Null when there is none. */
export function leastLoaded(): Uint8Array | null {
  let best: SubnetEntry | null = null;
  const all = allSubnets();
  for (let i = 0; i < all.length; i++) if (best === null || all[i].users < best.users) best = all[i];
  return best === null ? null : best.localIndex;
}

/** Counts an account in, when a place is taken, or out, when the attempt failed. */
export function countUser(localIndex: Uint8Array, delta: i32): void {
  if (subnets.find(localIndex)) subnets.insert(localIndex, subnets.found() + delta);
}
