// Refuses what no page sends before it costs this canister anything: anybody may call, with a key made for the purpose.
// Not a guard: handlers check again.

import { argumentBytes } from "../../../cdk/guards";

/** An identity with all its devices takes 2,500 bytes; the longest call has one device and some names of fields. */
const MAX_ARGUMENT_BYTES: u32 = 16_384;

export function inspect_message(method: string): bool {
  return argumentBytes() <= MAX_ARGUMENT_BYTES;
}
