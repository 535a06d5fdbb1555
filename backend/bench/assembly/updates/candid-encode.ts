import { instructions } from "../../../cdk/api";
import { encodeWide, Wide } from "../../../generated/bench/types";

export function candid_encode(arg: Wide): u64 {
  const before = instructions();
  encodeWide(arg);
  return instructions() - before;
}
