// What inspect_message of the chat canisters has in common.

import { caller } from "../cdk/api";
import { isForCanisters } from "../cdk/guards";

/**
 * Methods for canisters (`c2c_…`) are refused to everybody who can sign a call from outside. Canisters cannot; only
 * test networks, which take any sender at its word, let them, and then the handler decides.
 */
export function isCanisterCall(method: string): bool {
  const who = caller();
  return isForCanisters(method) && !who.isSelfAuthenticating && !who.isAnonymous;
}
