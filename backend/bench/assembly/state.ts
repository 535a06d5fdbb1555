/** Everything that is measured, each in regions of its own. */
import { StableBTreeMap } from "../../cdk/stable/btree-map";
import { stableMemory } from "../../cdk/stable/memory-manager";
import { StableVector } from "../../cdk/stable/vector";

export const map = new StableBTreeMap<u64, u64>(stableMemory(1));
export const large = new StableBTreeMap<Uint8Array, Uint8Array>(stableMemory(2));
export const vector = new StableVector<u64>(stableMemory(3));

/** Keys that look random and are the same in every run (xorshift64*). */
export class Keys {
  private x: u64 = 0x9e3779b97f4a7c15;

  next(): u64 {
    let x = this.x;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    this.x = x;
    return x * 0x2545f4914f6cdd1d;
  }
}

export function keys(n: u32): StaticArray<u64> {
  const source = new Keys();
  const list = new StaticArray<u64>(n);
  for (let i: u32 = 0; i < n; i++) list[i] = source.next();
  return list;
}
