// Amounts on the wire are nat of any size; in the book they are u64.

import { Nat } from "../cdk/candid/nat";

/** The amount, or u64.MAX_VALUE when it is larger than any balance can be. */
export function amountOf(value: Nat): u64 {
  return value.fitsU64 ? value.low : u64.MAX_VALUE;
}
