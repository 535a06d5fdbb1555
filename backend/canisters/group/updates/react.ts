// Adds or takes back the caller's reaction to a message.

import { ReactOutcome } from "../../../chat/chat-events";
import { isReaction } from "../../../chat/text-rules";
import { GroupError, GroupResult, ReactArgs } from "../../../generated/group/types";
import { callingMember } from "../guards";
import { CHAT, events } from "../model/group";
import { limitReaction } from "../model/limits";

export function react(arg: ReactArgs): GroupResult {
  const member = callingMember();
  if (member === null) return GroupResult.Err(GroupError.NotMember());
  if (!isReaction(arg.reaction)) return GroupResult.Err(GroupError.InvalidReaction());
  const index = events.indexOf(CHAT, arg.message_id);
  if (index < 0) return GroupResult.Err(GroupError.MessageNotFound());
  const record = events.get(CHAT, <u32>index)!;
  if (record.isDeleted) return GroupResult.Err(GroupError.AlreadyDeleted());
  const refusal = limitReaction(member.number);
  if (refusal !== null) return GroupResult.Err(refusal);
  const outcome = events.react(CHAT, <u32>index, record, member.number, arg.reaction, arg.add);
  return outcome == ReactOutcome.TooManyKinds ? GroupResult.Err(GroupError.InvalidReaction()) : GroupResult.Ok();
}
