// Lets somebody write again.

import { Principal } from "../../../cdk/principal/principal";
import { BlockError, BlockResult } from "../../../generated/user/types";
import { callerIsOwner } from "../guards";
import { setBlocked } from "../model/blocked";

export function unblock_user(person: Principal): BlockResult {
  if (!callerIsOwner()) return BlockResult.Err(BlockError.NotAuthorized());
  setBlocked(person, false);
  return BlockResult.Ok();
}
