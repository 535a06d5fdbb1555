// Says no to an invitation. It disappears here at once; the group is told on the way.

import { Later, Rejection } from "../../../cdk/calls";
import { Principal } from "../../../cdk/principal/principal";
import * as group from "../../../generated/group/client";
import { reply_decline_invite } from "../../../generated/user/replies";
import { GroupError, GroupResult } from "../../../generated/user/types";
import { callerIsOwner } from "../guards";
import { findGroup, Membership, saveGroup } from "../model/groups";

export function decline_invite(groupId: Principal): Later {
  if (!callerIsOwner()) return reply_decline_invite(GroupResult.Err(GroupError.NotAuthorized()));
  const membership = findGroup(groupId);
  if (membership === null || membership.membership != Membership.Invited) {
    return reply_decline_invite(GroupResult.Err(GroupError.NotInvited()));
  }
  membership.membership = Membership.Gone;
  saveGroup(membership);
  group.c2c_decline(groupId).perform(onDeclined, onRejected, null);
}

// Whatever the group says, the invitation is gone here; an open place there can be taken back by its admins.
function onDeclined(context: Object | null): void {
  group.c2c_decline_reply();
  reply_decline_invite(GroupResult.Ok());
}

function onRejected(context: Object | null, rejection: Rejection): void {
  reply_decline_invite(GroupResult.Ok());
}
