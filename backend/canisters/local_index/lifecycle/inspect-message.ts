// Refuses what is not the controllers' before it costs this canister anything: children call from inside, people ask
// by query. Not a guard: handlers check again.

import { caller, isController } from "../../../cdk/api";
import { isForCanisters } from "../../../cdk/guards";
import { isCanisterCall } from "../../../chat/ingress";

export function inspect_message(method: string): bool {
  return isForCanisters(method) ? isCanisterCall(method) : isController(caller());
}
