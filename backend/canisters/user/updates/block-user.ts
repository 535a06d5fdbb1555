// Keeps somebody away: what comes from them is thrown away from now on, without telling them.

import { self } from "../../../cdk/api";
import { Principal } from "../../../cdk/principal/principal";
import { BlockError, BlockResult, PeopleLimit } from "../../../generated/user/types";
import { callerIsOwner } from "../guards";
import { hasRoomForBlocked, isBlocked, MAX_BLOCKED, setBlocked } from "../model/blocked";

export function block_user(person: Principal): BlockResult {
  if (!callerIsOwner()) return BlockResult.Err(BlockError.NotAuthorized());
  if (person.equals(self())) return BlockResult.Err(BlockError.CannotBlockSelf());
  if (!isBlocked(person) && !hasRoomForBlocked()) return BlockResult.Err(BlockError.TooManyBlocked(new PeopleLimit(MAX_BLOCKED)));
  setBlocked(person, true);
  return BlockResult.Ok();
}
