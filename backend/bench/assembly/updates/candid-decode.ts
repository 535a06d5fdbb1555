import { instructions } from "../../../cdk/api";
import { decodeWide, encodeWide, Wide } from "../../../generated/bench/types";

export function candid_decode(arg: Wide): u64 {
  const bytes = encodeWide(arg);
  const before = instructions();
  const wide = decodeWide(bytes);
  const used = instructions() - before;
  assert(wide.body.length == arg.body.length && wide.name == arg.name, "decoded something else");
  return used;
}
