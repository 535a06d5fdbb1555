// Leaves a group.

import { Later, Rejection } from "../../../cdk/calls";
import { Principal } from "../../../cdk/principal/principal";
import * as group from "../../../generated/group/client";
import { GroupErrorTag as RemoteErrorTag, GroupResultTag as RemoteResultTag } from "../../../generated/group/types";
import { reply_leave_group } from "../../../generated/user/replies";
import { GroupError, GroupResult } from "../../../generated/user/types";
import { callerIsOwner } from "../guards";
import { findGroup, Membership, saveGroup } from "../model/groups";

export function leave_group(groupId: Principal): Later {
  if (!callerIsOwner()) return refuse(GroupError.NotAuthorized());
  const membership = findGroup(groupId);
  if (membership === null) return refuse(GroupError.GroupNotFound());
  if (membership.membership != Membership.Joined) return reply_leave_group(GroupResult.Ok());
  group.c2c_leave(groupId).perform(onLeft, onRejected, groupId);
}

function refuse(error: GroupError): void {
  reply_leave_group(GroupResult.Err(error));
}

function onLeft(context: Object | null): void {
  const result = group.c2c_leave_reply();
  if (result.tag == RemoteResultTag.Err && result.as_Err.tag == RemoteErrorTag.LastOwner) return refuse(GroupError.LastOwner());
  const membership = findGroup(changetype<Principal>(context))!;
  membership.membership = Membership.Gone;
  saveGroup(membership);
  reply_leave_group(GroupResult.Ok());
}

function onRejected(context: Object | null, rejection: Rejection): void {
  refuse(GroupError.Unavailable(rejection.message));
}
