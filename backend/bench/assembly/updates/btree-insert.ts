import { instructions } from "../../../cdk/api";
import { keys, map } from "../state";

export function btree_insert(n: u32): u64 {
  const list = keys(n);
  const before = instructions();
  for (let i: u32 = 0; i < n; i++) map.insert(unchecked(list[i]), i);
  return instructions() - before;
}
