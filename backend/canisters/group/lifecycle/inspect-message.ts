// Refuses strangers, and what only canisters call, before they cost this canister anything. Not a guard: handlers
// check again.

import { isForCanisters } from "../../../cdk/guards";
import { isCanisterCall } from "../../../chat/ingress";
import { callingMember } from "../guards";

export function inspect_message(method: string): bool {
  return isForCanisters(method) ? isCanisterCall(method) : callingMember() !== null;
}
