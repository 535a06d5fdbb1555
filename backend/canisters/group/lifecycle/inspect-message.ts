// Refuses strangers before they cost this canister anything. Not a guard: handlers check again.

import { acceptMessage } from "../../../cdk/api";
import { callingMember } from "../guards";

export function inspect_message(): void {
  if (callingMember() !== null) acceptMessage();
}
