// Makes a group with the owner as its first member. Safe to repeat with the same request id.

import { timeMillis } from "../../../cdk/api";
import { Later, Rejection } from "../../../cdk/calls";
import { Principal } from "../../../cdk/principal/principal";
import { checkText, MAX_DESCRIPTION_CHARS, MAX_NAME_CHARS, TextCheck } from "../../../chat/text-rules";
import * as local_index from "../../../generated/local_index/client";
import { CreateGroupArgs as CreateGroupCall, CreateGroupResultTag } from "../../../generated/local_index/types";
import { reply_create_group } from "../../../generated/user/replies";
import { CharLimit, CreatedGroup, CreateGroupArgs, CreateGroupResult, GroupError } from "../../../generated/user/types";
import { callerIsOwner } from "../guards";
import { account, localIndex } from "../model/account";
import { groupOrNew, Membership, saveGroup } from "../model/groups";
import { limitGroup } from "../model/limits";

export function create_group(arg: CreateGroupArgs): Later {
  if (!callerIsOwner()) return refuse(GroupError.NotAuthorized());
  arg.name = arg.name.trim();
  arg.description = arg.description.trim();
  if (checkText(arg.name, MAX_NAME_CHARS) != TextCheck.Ok) return refuse(GroupError.InvalidName());
  if (checkText(arg.description, MAX_DESCRIPTION_CHARS) == TextCheck.TooLong) {
    return refuse(GroupError.DescriptionTooLong(new CharLimit(MAX_DESCRIPTION_CHARS)));
  }
  const wait = limitGroup();
  if (wait !== null) return refuse(GroupError.RateLimited(wait));
  const state = account();
  const call = new CreateGroupCall(new Principal(state.owner), state.username, arg.name, arg.description, arg.invite, arg.request_id);
  local_index.c2c_create_group(localIndex(), call).perform(onCreated, onRejected, arg);
}

function refuse(error: GroupError): void {
  reply_create_group(CreateGroupResult.Err(error));
}

function onCreated(context: Object | null): void {
  const arg = changetype<CreateGroupArgs>(context);
  const result = local_index.c2c_create_group_reply();
  if (result.tag == CreateGroupResultTag.Err) return refuse(GroupError.Unavailable(result.as_Err));
  const groupId = result.as_Ok.group_id;
  const membership = groupOrNew(groupId);
  membership.membership = Membership.Joined;
  membership.localIndex = account().localIndex;
  membership.name = arg.name;
  membership.at = timeMillis();
  saveGroup(membership);
  reply_create_group(CreateGroupResult.Ok(new CreatedGroup(groupId, localIndex())));
}

function onRejected(context: Object | null, rejection: Rejection): void {
  refuse(GroupError.Unavailable(rejection.message));
}
