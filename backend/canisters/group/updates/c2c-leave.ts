// A member leaves, through their user canister. With the last one the invitations go: who came then would find a
// group that nobody can lead.

import { caller, timeMillis } from "../../../cdk/api";
import { EventKind, EventRecord } from "../../../chat/event-record";
import { GroupError, GroupResult } from "../../../generated/group/types";
import { addEvent, events, group, people } from "../model/group";
import { allInvited, memberByUserId, memberCount, membersChanged, removeInvite, removeMember, RoleCode } from "../model/members";
import { enqueueRemoval } from "../model/notices";

export function c2c_leave(): GroupResult {
  const member = memberByUserId(caller());
  if (member === null) return GroupResult.Err(GroupError.NotMember());
  if (member.role == RoleCode.Owner && group().owners == 1 && memberCount() > 1) return GroupResult.Err(GroupError.LastOwner());
  removeMember(member);
  addEvent(EventRecord.system(EventKind.Left, member.number, timeMillis()));
  if (memberCount() == 0) {
    const invited = allInvited();
    for (let i = 0; i < invited.length; i++) {
      removeInvite(people.numberOf(invited[i]));
      enqueueRemoval(invited[i]);
    }
  }
  membersChanged(events.version);
  return GroupResult.Ok();
}
