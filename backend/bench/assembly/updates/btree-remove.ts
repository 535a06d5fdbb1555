import { instructions } from "../../../cdk/api";
import { keys, map } from "../state";

export function btree_remove(n: u32): u64 {
  const list = keys(n);
  const before = instructions();
  for (let i: u32 = 0; i < n; i++) map.remove(unchecked(list[i]));
  const used = instructions() - before;
  assert(map.size == 0, "the map is not empty");
  return used;
}
