// Local indexes announce group canisters before handing them out.

import { caller, trap } from "../../../cdk/api";
import { Principal } from "../../../cdk/principal/principal";
import { callerIsLocalIndex } from "../guards";
import { groups } from "../model/groups";

export function c2c_register_groups(ids: Array<Principal>): void {
  if (!callerIsLocalIndex()) trap("only local indexes register groups");
  const localIndex = caller().bytes;
  for (let i = 0; i < ids.length; i++) groups.insert(ids[i].bytes, localIndex);
}
