// Source: ICRC-1.

import { Nat } from "../../../cdk/candid/nat";
import { book } from "../model/token";

export function icrc1_total_supply(): Nat {
  return Nat.from(book.supply);
}
