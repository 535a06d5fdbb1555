// Changes the text of one of the caller's messages.

import { timeMillis } from "../../../cdk/api";
import { checkText, MAX_MESSAGE_CHARS, TextCheck } from "../../../chat/text-rules";
import { CharLimit, EditMessageArgs, GroupError, GroupResult } from "../../../generated/group/types";
import { callingMember } from "../guards";
import { CHAT, events } from "../model/group";
import { limitSend } from "../model/limits";

export function edit_message(arg: EditMessageArgs): GroupResult {
  const member = callingMember();
  if (member === null) return GroupResult.Err(GroupError.NotMember());
  const text = arg.text.trim();
  const check = checkText(text, MAX_MESSAGE_CHARS);
  if (check == TextCheck.Empty) return GroupResult.Err(GroupError.EmptyText());
  if (check == TextCheck.TooLong) return GroupResult.Err(GroupError.TextTooLong(new CharLimit(MAX_MESSAGE_CHARS)));
  const index = events.indexOf(CHAT, arg.message_id);
  if (index < 0) return GroupResult.Err(GroupError.MessageNotFound());
  const record = events.get(CHAT, <u32>index)!;
  if (record.actor != member.number) return GroupResult.Err(GroupError.NotYourMessage());
  if (record.isDeleted) return GroupResult.Err(GroupError.AlreadyDeleted());
  if (record.text != text) {
    const refusal = limitSend(member.number);
    if (refusal !== null) return GroupResult.Err(refusal);
    record.text = text;
    record.editedAt = timeMillis();
    events.update(CHAT, <u32>index, record);
  }
  return GroupResult.Ok();
}
