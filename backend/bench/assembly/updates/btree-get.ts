import { instructions } from "../../../cdk/api";
import { keys, map } from "../state";

export function btree_get(n: u32): u64 {
  const list = keys(n);
  let sum: u64 = 0;
  const before = instructions();
  for (let i: u32 = 0; i < n; i++) sum += map.getOr(unchecked(list[i]), 0);
  const used = instructions() - before;
  assert(sum == <u64>n * <u64>(n - 1) / 2, "the map does not hold what was inserted");
  return used;
}
