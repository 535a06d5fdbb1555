// Gives this canister, made for the pool, to the person who creates a group.

import { timeMillis } from "../../../cdk/api";
import { EventKind, EventRecord } from "../../../chat/event-record";
import { ClaimArgs, ClaimResult } from "../../../generated/group/types";
import { callerIsLocalIndex } from "../guards";
import { addEvent, group, people } from "../model/group";
import { invite } from "../model/inviting";
import { addMember, Member, memberByUserId, RoleCode } from "../model/members";

export function c2c_claim(arg: ClaimArgs): ClaimResult {
  if (!callerIsLocalIndex()) return ClaimResult.Err("only the local index gives canisters away");
  const state = group();
  if (state.isClaimed) {
    return memberByUserId(arg.owner) !== null ? ClaimResult.Ok() : ClaimResult.Err("this canister is a group already");
  }
  const now = timeMillis();
  state.isClaimed = true;
  state.name = arg.name;
  state.description = arg.description;
  state.created = now;
  const owner = new Member();
  owner.number = people.numberOf(arg.owner);
  owner.principal = arg.owner_principal.bytes;
  owner.username = arg.username;
  owner.role = RoleCode.Owner;
  owner.joined = now;
  addMember(owner);
  const created = EventRecord.system(EventKind.ChatCreated, owner.number, now);
  created.text = arg.name;
  addEvent(created);
  // More than fit are not invited; the owner sees who is.
  invite(arg.invite, owner.number);
  return ClaimResult.Ok();
}
