// Gives a pooled user canister to its owner. Asking again for the same owner gives the same canister.

import { caller } from "../../../cdk/api";
import { Later, Rejection } from "../../../cdk/calls";
import { Principal } from "../../../cdk/principal/principal";
import * as user from "../../../generated/user/client";
import { ClaimArgs, ClaimResultTag } from "../../../generated/user/types";
import { reply_c2c_create_user } from "../../../generated/local_index/replies";
import { CreatedUser, CreateUserArgs, CreateUserResult } from "../../../generated/local_index/types";
import { scheduleMaintenance } from "../jobs/maintenance";
import { anyChild, findChild, Kind, moveChild, State } from "../model/children";
import { dropUserId, setUserId, userIdOf } from "../model/owners";
import { userIndex } from "../model/settings";

class Handover {
  constructor(
    public owner: Principal,
    public userId: Principal,
    /** Taken from the pool for this call, so it goes back if the call fails. */
    public isFresh: bool,
  ) {}
}

export function c2c_create_user(arg: CreateUserArgs): Later {
  if (!caller().equals(userIndex())) return refuse("only the user index creates accounts");
  let userId = userIdOf(arg.owner);
  const isFresh = userId === null;
  if (userId === null) {
    const child = anyChild(Kind.User, State.Pool);
    scheduleMaintenance();
    if (child === null) return refuse("no canister is ready yet");
    moveChild(child, State.InUse);
    userId = child.principal;
    setUserId(arg.owner, userId);
  }
  user.c2c_claim(userId, new ClaimArgs(arg.owner, arg.username)).perform(onClaimed, onRejected, new Handover(arg.owner, userId, isFresh));
}

function refuse(reason: string): void {
  reply_c2c_create_user(CreateUserResult.Err(reason));
}

function onClaimed(context: Object | null): void {
  const handover = changetype<Handover>(context);
  const result = user.c2c_claim_reply();
  if (result.tag == ClaimResultTag.Err) return strike(handover, result.as_Err);
  reply_c2c_create_user(CreateUserResult.Ok(new CreatedUser(handover.userId)));
}

/** The child belongs to somebody else. It stays in use: in the pool it would be offered, and refuse, for ever. */
function strike(handover: Handover, reason: string): void {
  if (handover.isFresh) dropUserId(handover.owner);
  refuse(reason);
}

function onRejected(context: Object | null, rejection: Rejection): void {
  takeBack(changetype<Handover>(context), rejection.message);
}

/** A rejected claim changed nothing in the child: it serves the next one. */
function takeBack(handover: Handover, reason: string): void {
  if (handover.isFresh) {
    dropUserId(handover.owner);
    moveChild(findChild(handover.userId)!, State.Pool);
  }
  refuse(reason);
}
