// Refuses what is not the owner's before it costs this canister anything. Not a guard: handlers check again.

import { callerIsOwner } from "../guards";

export function inspect_message(method: string): bool {
  return callerIsOwner();
}
