// Somebody invited says no, through their user canister.

import { caller } from "../../../cdk/api";
import { GroupError, GroupResult } from "../../../generated/group/types";
import { CHAT, events, people } from "../model/group";
import { membersChanged, removeInvite } from "../model/members";

export function c2c_decline(): GroupResult {
  const number = people.find(caller());
  if (number < 0 || !removeInvite(<u32>number)) return GroupResult.Err(GroupError.NotInvited());
  events.touchSummary(CHAT);
  membersChanged(events.version);
  return GroupResult.Ok();
}
