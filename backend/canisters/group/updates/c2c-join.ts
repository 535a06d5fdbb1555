// Somebody invited accepts, through their user canister. Anything can be invited, so the user index is asked
// whether the caller is a user canister: only those may vouch for a sign-in principal and a name.

import { caller, reject, timeMillis } from "../../../cdk/api";
import { Later, Rejection } from "../../../cdk/calls";
import { Principal } from "../../../cdk/principal/principal";
import { EventKind, EventRecord } from "../../../chat/event-record";
import { reply_c2c_join } from "../../../generated/group/replies";
import { GroupError, JoinArgs, JoinedGroup, JoinResult } from "../../../generated/group/types";
import * as user_index from "../../../generated/user_index/client";
import { addEvent, events, group, people } from "../model/group";
import { addMember, isInvited, Member, memberByNumber, membersChanged } from "../model/members";

class Joining {
  constructor(
    public userId: Principal,
    public args: JoinArgs,
  ) {}
}

/** Why this person cannot join, or null. */
function fault(userId: Principal): GroupError | null {
  const number = people.find(userId);
  if (number < 0) return GroupError.NotInvited();
  if (memberByNumber(<u32>number) !== null) return GroupError.AlreadyMember();
  return isInvited(<u32>number) ? null : GroupError.NotInvited();
}

function refuse(error: GroupError): void {
  reply_c2c_join(JoinResult.Err(error));
}

export function c2c_join(arg: JoinArgs): Later {
  const userId = caller();
  const refusal = fault(userId);
  if (refusal !== null) return refuse(refusal);
  user_index.c2c_lookup_user(new Principal(group().userIndex), userId).perform(onLookup, onLookupFailed, new Joining(userId, arg));
}

function onLookup(context: Object | null): void {
  const joining = changetype<Joining>(context);
  if (user_index.c2c_lookup_user_reply() === null) return reject("the caller is no user canister");
  // The invitation may have been taken back meanwhile.
  const refusal = fault(joining.userId);
  if (refusal !== null) return refuse(refusal);
  const member = new Member();
  member.number = people.numberOf(joining.userId);
  member.principal = joining.args.owner_principal.bytes;
  member.username = joining.args.username;
  member.joined = timeMillis();
  addMember(member);
  addEvent(EventRecord.system(EventKind.Joined, member.number, member.joined));
  membersChanged(events.version);
  reply_c2c_join(JoinResult.Ok(new JoinedGroup(group().name)));
}

function onLookupFailed(context: Object | null, rejection: Rejection): void {
  // Nothing was kept: the invitation stands and can be accepted again.
  reject("the user index does not answer");
}
