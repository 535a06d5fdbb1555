// The member list and who is invited, for members.

import { GroupError, Member as MemberView, MemberList, MembersResult } from "../../../generated/group/types";
import { callingMember } from "../guards";
import { allInvited, allMembers } from "../model/members";
import { memberView } from "../model/views";

export function members(): MembersResult {
  if (callingMember() === null) return MembersResult.Err(GroupError.NotMember());
  const all = allMembers();
  const list = new Array<MemberView>(all.length);
  for (let i = 0; i < all.length; i++) list[i] = memberView(all[i]);
  return MembersResult.Ok(new MemberList(list, allInvited()));
}
