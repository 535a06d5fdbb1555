// Deletes a message: one's own, or any by owners and admins. Nothing of its text stays.

import { timeMillis } from "../../../cdk/api";
import { DeleteMessageArgs, GroupError, GroupResult } from "../../../generated/group/types";
import { callingMember } from "../guards";
import { CHAT, events } from "../model/group";

export function delete_message(arg: DeleteMessageArgs): GroupResult {
  const member = callingMember();
  if (member === null) return GroupResult.Err(GroupError.NotMember());
  const index = events.indexOf(CHAT, arg.message_id);
  if (index < 0) return GroupResult.Err(GroupError.MessageNotFound());
  const record = events.get(CHAT, <u32>index)!;
  if (record.actor != member.number && !member.mayModerate) return GroupResult.Err(GroupError.NotYourMessage());
  if (!record.isDeleted) events.erase(CHAT, <u32>index, record, member.number, timeMillis());
  return GroupResult.Ok();
}
