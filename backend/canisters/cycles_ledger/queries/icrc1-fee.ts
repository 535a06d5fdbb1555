// Source: ICRC-1.

import { Nat } from "../../../cdk/candid/nat";
import { FEE } from "../model/token";

export function icrc1_fee(): Nat {
  return Nat.from(FEE);
}
