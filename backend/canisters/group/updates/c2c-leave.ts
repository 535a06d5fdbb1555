// A member leaves, through their user canister.

import { caller, timeMillis } from "../../../cdk/api";
import { EventKind, EventRecord } from "../../../chat/event-record";
import { GroupError, GroupResult } from "../../../generated/group/types";
import { addEvent, events, group } from "../model/group";
import { memberByUserId, memberCount, membersChanged, removeMember, RoleCode } from "../model/members";

export function c2c_leave(): GroupResult {
  const member = memberByUserId(caller());
  if (member === null) return GroupResult.Err(GroupError.NotMember());
  if (member.role == RoleCode.Owner && group().owners == 1 && memberCount() > 1) return GroupResult.Err(GroupError.LastOwner());
  removeMember(member);
  addEvent(EventRecord.system(EventKind.Left, member.number, timeMillis()));
  membersChanged(events.version);
  return GroupResult.Ok();
}
