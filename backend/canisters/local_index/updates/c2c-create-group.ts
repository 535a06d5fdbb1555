// Gives a pooled group canister to the person who creates a group. Asking again with the same request id gives
// the same group.

import { caller } from "../../../cdk/api";
import { Later, Rejection } from "../../../cdk/calls";
import { Principal } from "../../../cdk/principal/principal";
import * as group from "../../../generated/group/client";
import { ClaimArgs, ClaimResultTag } from "../../../generated/group/types";
import { reply_c2c_create_group } from "../../../generated/local_index/replies";
import { CreatedGroup, CreateGroupArgs, CreateGroupResult } from "../../../generated/local_index/types";
import { scheduleMaintenance } from "../jobs/maintenance";
import { anyChild, findChild, Kind, moveChild, State } from "../model/children";
import { countGroups, dropGroupId, groupIdOf, setGroupId } from "../model/owners";

/** Groups one person may create: each costs this subnet a canister. */
const MAX_GROUPS: i32 = 50;

class Handover {
  constructor(
    public creator: Principal,
    public requestId: u64,
    public groupId: Principal,
    public isFresh: bool,
  ) {}
}

export function c2c_create_group(arg: CreateGroupArgs): Later {
  const creator = caller();
  const account = findChild(creator);
  if (account === null || account.kind != Kind.User || account.state != State.InUse) {
    return refuse("only user canisters of this subnet create groups");
  }
  let groupId = groupIdOf(creator, arg.request_id);
  const isFresh = groupId === null;
  if (groupId === null) {
    if (countGroups(creator, MAX_GROUPS) == MAX_GROUPS) return refuse("you have created as many groups as one person may");
    const child = anyChild(Kind.Group, State.Pool);
    scheduleMaintenance();
    if (child === null) return refuse("no canister is ready yet");
    moveChild(child, State.InUse);
    groupId = child.principal;
    setGroupId(creator, arg.request_id, groupId);
  }
  const claim = new ClaimArgs(arg.owner_principal, creator, arg.username, arg.name, arg.description, arg.invite);
  group.c2c_claim(groupId, claim).perform(onClaimed, onRejected, new Handover(creator, arg.request_id, groupId, isFresh));
}

function refuse(reason: string): void {
  reply_c2c_create_group(CreateGroupResult.Err(reason));
}

function onClaimed(context: Object | null): void {
  const handover = changetype<Handover>(context);
  const result = group.c2c_claim_reply();
  if (result.tag == ClaimResultTag.Err) return strike(handover, result.as_Err);
  reply_c2c_create_group(CreateGroupResult.Ok(new CreatedGroup(handover.groupId)));
}

/** The child belongs to somebody else. It stays in use: in the pool it would be offered, and refuse, for ever. */
function strike(handover: Handover, reason: string): void {
  if (handover.isFresh) dropGroupId(handover.creator, handover.requestId);
  refuse(reason);
}

function onRejected(context: Object | null, rejection: Rejection): void {
  takeBack(changetype<Handover>(context), rejection.message);
}

function takeBack(handover: Handover, reason: string): void {
  if (handover.isFresh) {
    dropGroupId(handover.creator, handover.requestId);
    moveChild(findChild(handover.groupId)!, State.Pool);
  }
  refuse(reason);
}
