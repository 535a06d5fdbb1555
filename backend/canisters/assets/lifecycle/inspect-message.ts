// Refuses uploads of strangers before they cost this canister anything; what is small is answered with the reason. Not a
// guard: handlers check again.

import { argumentBytes } from "../../../cdk/guards";
import { callerMayAnything } from "../guards";

/** Enough for every call without content. */
const MAX_STRANGER_BYTES: u32 = 4_096;

export function inspect_message(method: string): bool {
  return argumentBytes() <= MAX_STRANGER_BYTES || callerMayAnything();
}
