// Refuses what nobody outside may call before it costs this canister anything. Not a guard: handlers check again.

import { caller } from "../../../cdk/api";
import { argumentBytes, isForCanisters } from "../../../cdk/guards";
import { isCanisterCall } from "../../../chat/ingress";
import { callerIsRegistered, callerMayManage } from "../guards";

/** A username of 20 characters, a hundred ids. */
const MAX_ARGUMENT_BYTES: u32 = 4_096;

export function inspect_message(method: string): bool {
  if (argumentBytes() > MAX_ARGUMENT_BYTES) return false;
  if (isForCanisters(method)) return isCanisterCall(method);
  if (method == "register_user") return !caller().isAnonymous;
  if (method == "add_local_index" || method == "local_indexes") return callerMayManage();
  // Queries asked as updates.
  return callerIsRegistered();
}
