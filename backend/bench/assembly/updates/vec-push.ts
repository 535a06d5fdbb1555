import { instructions } from "../../../cdk/api";
import { vector } from "../state";

export function vec_push(n: u32): u64 {
  const before = instructions();
  for (let i: u32 = 0; i < n; i++) vector.push(i);
  return instructions() - before;
}
