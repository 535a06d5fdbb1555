// Canisters that were found not to belong to this network, so that they cannot make this one ask again and again.
// Heap only, bounded, and for a while: a canister may become somebody's.

import { timeMillis } from "../../../cdk/api";
import { Principal } from "../../../cdk/principal/principal";

const MAX_KNOWN: i32 = 1_000;
const FOR_MILLIS: u64 = 10 * 60_000;

const until = new Map<string, u64>();

export function isImpostor(canister: Principal): bool {
  if (until.size == 0) return false;
  const name = canister.toText();
  return until.has(name) && until.get(name) > timeMillis();
}

export function noteImpostor(canister: Principal): void {
  if (until.size >= MAX_KNOWN) until.clear();
  until.set(canister.toText(), timeMillis() + FOR_MILLIS);
}
