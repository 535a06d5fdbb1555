// Lets an application subnet take accounts.

import { Principal } from "../../../cdk/principal/principal";
import { AdminResult } from "../../../generated/user_index/types";
import { callerMayManage } from "../guards";
import { addSubnet } from "../model/subnets";

export function add_local_index(localIndex: Principal): AdminResult {
  if (!callerMayManage()) return AdminResult.Err("only controllers and governance add local indexes");
  // Adding again is no error: deployments are repeated.
  addSubnet(localIndex);
  return AdminResult.Ok();
}
