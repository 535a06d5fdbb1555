// Posts a message. Safe to repeat: a message id that was posted answers its first event.

import { timeMillis } from "../../../cdk/api";
import { EventRecord } from "../../../chat/event-record";
import { checkText, MAX_MESSAGE_CHARS, TextCheck } from "../../../chat/text-rules";
import { CharLimit, GroupError, SendMessageArgs, SendMessageResult, Sent } from "../../../generated/group/types";
import { callingMember } from "../guards";
import { addEvent, CHAT, events } from "../model/group";
import { limitSend } from "../model/limits";

export function send_message(arg: SendMessageArgs): SendMessageResult {
  const member = callingMember();
  if (member === null) return SendMessageResult.Err(GroupError.NotMember());
  const text = arg.text.trim();
  const check = checkText(text, MAX_MESSAGE_CHARS);
  if (check == TextCheck.Empty) return SendMessageResult.Err(GroupError.EmptyText());
  if (check == TextCheck.TooLong) return SendMessageResult.Err(GroupError.TextTooLong(new CharLimit(MAX_MESSAGE_CHARS)));
  const known = events.indexOf(CHAT, arg.message_id);
  if (known >= 0) {
    const first = events.get(CHAT, <u32>known)!;
    if (first.actor != member.number) return SendMessageResult.Err(GroupError.NotYourMessage());
    return SendMessageResult.Ok(new Sent(<u32>known, first.timestamp));
  }
  const refusal = limitSend(member.number);
  if (refusal !== null) return SendMessageResult.Err(refusal);
  const record = EventRecord.message(arg.message_id, member.number, text, timeMillis());
  const replied = arg.replies_to;
  if (replied !== null) {
    record.hasReply = true;
    record.repliesTo = replied.value;
  }
  return SendMessageResult.Ok(new Sent(addEvent(record), record.timestamp));
}
