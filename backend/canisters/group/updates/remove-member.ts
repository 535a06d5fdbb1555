// Removes a member, or takes an invitation back.

import { timeMillis } from "../../../cdk/api";
import { Principal } from "../../../cdk/principal/principal";
import { EventKind, EventRecord } from "../../../chat/event-record";
import { GroupError, GroupResult } from "../../../generated/group/types";
import { callingMember } from "../guards";
import { addEvent, CHAT, events, people } from "../model/group";
import { memberByNumber, membersChanged, removeInvite, removeMember, RoleCode } from "../model/members";
import { enqueueRemoval } from "../model/notices";

export function remove_member(user: Principal): GroupResult {
  const member = callingMember();
  if (member === null) return GroupResult.Err(GroupError.NotMember());
  if (!member.mayModerate) return GroupResult.Err(GroupError.NotAuthorized());
  const number = people.find(user);
  if (number < 0) return GroupResult.Err(GroupError.UserNotFound());
  const target = memberByNumber(<u32>number);
  if (target === null) {
    if (!removeInvite(<u32>number)) return GroupResult.Err(GroupError.UserNotFound());
    events.touchSummary(CHAT);
  } else {
    // Owners go by their own will, or by another owner's after stepping down.
    if (target.role == RoleCode.Owner) return GroupResult.Err(GroupError.NotAuthorized());
    removeMember(target);
    const record = EventRecord.system(EventKind.Removed, member.number, timeMillis());
    record.subjects = [target.number];
    addEvent(record);
  }
  membersChanged(events.version);
  enqueueRemoval(user);
  return GroupResult.Ok();
}
