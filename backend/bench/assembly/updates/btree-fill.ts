import { instructions } from "../../../cdk/api";
import { map } from "../state";

export function btree_fill(from: u64, n: u32): u64 {
  const before = instructions();
  for (let i: u64 = from; i < from + n; i++) map.insert(i, i);
  return instructions() - before;
}
