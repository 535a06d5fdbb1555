// Refuses strangers before they cost this canister anything. Not a guard: handlers check again.

import { callingMember } from "../guards";

export function inspect_message(method: string): bool {
  return callingMember() !== null;
}
