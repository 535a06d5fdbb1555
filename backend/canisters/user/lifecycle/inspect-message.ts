// Refuses what is not the owner's, and what only canisters call, before it costs this canister anything. Not a guard:
// handlers check again.

import { isForCanisters } from "../../../cdk/guards";
import { isCanisterCall } from "../../../chat/ingress";
import { callerIsOwner } from "../guards";

export function inspect_message(method: string): bool {
  return isForCanisters(method) ? isCanisterCall(method) : callerIsOwner();
}
