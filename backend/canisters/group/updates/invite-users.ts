// Invites people to the group.

import { Principal } from "../../../cdk/principal/principal";
import { GroupError, GroupResult, MemberLimit } from "../../../generated/group/types";
import { callingMember } from "../guards";
import { invite, InviteOutcome, MAX_INVITES } from "../model/inviting";
import { limitInvitations } from "../model/limits";
import { MAX_MEMBERS } from "../model/members";

export function invite_users(users: Array<Principal>): GroupResult {
  const member = callingMember();
  if (member === null) return GroupResult.Err(GroupError.NotMember());
  if (!member.mayModerate) return GroupResult.Err(GroupError.NotAuthorized());
  const refusal = limitInvitations(member.number, min(users.length, MAX_INVITES));
  if (refusal !== null) return GroupResult.Err(refusal);
  if (invite(users, member.number) == InviteOutcome.NoRoom) return GroupResult.Err(GroupError.TooManyMembers(new MemberLimit(MAX_MEMBERS)));
  return GroupResult.Ok();
}
