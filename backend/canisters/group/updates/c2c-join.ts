// Somebody invited accepts, through their user canister.

import { caller, timeMillis } from "../../../cdk/api";
import { EventKind, EventRecord } from "../../../chat/event-record";
import { GroupError, JoinArgs, JoinedGroup, JoinResult } from "../../../generated/group/types";
import { addEvent, events, group, people } from "../model/group";
import { addMember, isInvited, Member, memberByNumber, membersChanged } from "../model/members";

export function c2c_join(arg: JoinArgs): JoinResult {
  const number = people.find(caller());
  if (number < 0) return JoinResult.Err(GroupError.NotInvited());
  if (memberByNumber(<u32>number) !== null) return JoinResult.Err(GroupError.AlreadyMember());
  if (!isInvited(<u32>number)) return JoinResult.Err(GroupError.NotInvited());
  const member = new Member();
  member.number = <u32>number;
  member.principal = arg.owner_principal.bytes;
  member.username = arg.username;
  member.joined = timeMillis();
  addMember(member);
  addEvent(EventRecord.system(EventKind.Joined, member.number, member.joined));
  membersChanged(events.version);
  return JoinResult.Ok(new JoinedGroup(group().name));
}
