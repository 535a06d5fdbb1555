import { instructions } from "../../../cdk/api";
import { vector } from "../state";

export function vec_get(n: u32): u64 {
  let sum: u64 = 0;
  const before = instructions();
  for (let i: u32 = 0; i < n; i++) sum += vector.get(i);
  const used = instructions() - before;
  assert(sum == <u64>n * <u64>(n - 1) / 2, "the vector does not hold what was pushed");
  return used;
}
