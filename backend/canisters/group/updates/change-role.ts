// Gives a member another role. The last owner keeps theirs.

import { timeMillis } from "../../../cdk/api";
import { EventKind, EventRecord } from "../../../chat/event-record";
import { ChangeRoleArgs, GroupError, GroupResult } from "../../../generated/group/types";
import { callingMember } from "../guards";
import { addEvent, events, group } from "../model/group";
import { changeRole, memberByUserId, membersChanged, RoleCode } from "../model/members";
import { roleCode } from "../model/views";

export function change_role(arg: ChangeRoleArgs): GroupResult {
  const member = callingMember();
  if (member === null) return GroupResult.Err(GroupError.NotMember());
  if (member.role != RoleCode.Owner) return GroupResult.Err(GroupError.NotAuthorized());
  const target = memberByUserId(arg.user_id);
  if (target === null) return GroupResult.Err(GroupError.UserNotFound());
  const role = roleCode(arg.role);
  if (role == target.role) return GroupResult.Ok();
  if (target.role == RoleCode.Owner && group().owners == 1) return GroupResult.Err(GroupError.LastOwner());
  changeRole(target, role);
  const record = EventRecord.system(EventKind.RoleChanged, member.number, timeMillis());
  record.subjects = [target.number];
  record.text = role.toString();
  addEvent(record);
  membersChanged(events.version);
  return GroupResult.Ok();
}
