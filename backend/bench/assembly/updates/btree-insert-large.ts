import { instructions } from "../../../cdk/api";
import { Keys, large } from "../state";

/** Keys of 32 bytes, values of 1,024. */
export function btree_insert_large(n: u32): u64 {
  const source = new Keys();
  const list = new Array<Uint8Array>(n);
  for (let i: u32 = 0; i < n; i++) {
    const key = new Uint8Array(32);
    for (let j = 0; j < 32; j += 8) store<u64>(key.dataStart + j, source.next());
    list[i] = key;
  }
  const value = new Uint8Array(1024).fill(7);
  const before = instructions();
  for (let i: u32 = 0; i < n; i++) large.insert(unchecked(list[i]), value);
  return instructions() - before;
}
