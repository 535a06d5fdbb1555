// Joins a group the owner was invited to, vouching for the owner's sign-in principal.

import { timeMillis } from "../../../cdk/api";
import { Later, Rejection } from "../../../cdk/calls";
import { Principal } from "../../../cdk/principal/principal";
import * as group from "../../../generated/group/client";
import { GroupErrorTag as RemoteErrorTag, JoinArgs, JoinResultTag } from "../../../generated/group/types";
import { reply_accept_invite } from "../../../generated/user/replies";
import { GroupError, GroupResult } from "../../../generated/user/types";
import { callerIsOwner } from "../guards";
import { account } from "../model/account";
import { findGroup, Membership, saveGroup } from "../model/groups";

export function accept_invite(groupId: Principal): Later {
  if (!callerIsOwner()) return refuse(GroupError.NotAuthorized());
  const membership = findGroup(groupId);
  if (membership === null || membership.membership == Membership.Gone) return refuse(GroupError.NotInvited());
  if (membership.membership == Membership.Joined) return reply_accept_invite(GroupResult.Ok());
  const state = account();
  group.c2c_join(groupId, new JoinArgs(new Principal(state.owner), state.username)).perform(onJoined, onRejected, groupId);
}

function refuse(error: GroupError): void {
  reply_accept_invite(GroupResult.Err(error));
}

function onJoined(context: Object | null): void {
  const membership = findGroup(changetype<Principal>(context))!;
  const result = group.c2c_join_reply();
  if (result.tag == JoinResultTag.Ok) {
    membership.name = result.as_Ok.name;
  } else if (result.as_Err.tag != RemoteErrorTag.AlreadyMember) {
    membership.membership = Membership.Gone;
    saveGroup(membership);
    return refuse(GroupError.NotInvited());
  }
  membership.membership = Membership.Joined;
  membership.at = timeMillis();
  saveGroup(membership);
  reply_accept_invite(GroupResult.Ok());
}

function onRejected(context: Object | null, rejection: Rejection): void {
  refuse(GroupError.Unavailable(rejection.message));
}
