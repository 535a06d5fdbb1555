// Tells a canister of this network which local index made a group canister; null when none did.

import { Principal } from "../../../cdk/principal/principal";
import { callerIsOurs } from "../guards";
import { groups } from "../model/groups";

export function c2c_lookup_group(groupId: Principal): Principal | null {
  if (!callerIsOurs() || !groups.find(groupId.bytes)) return null;
  return new Principal(groups.found());
}
