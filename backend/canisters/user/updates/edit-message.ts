// Changes the text of one of the owner's messages, on both copies.

import { timeMillis } from "../../../cdk/api";
import { checkText, MAX_MESSAGE_CHARS, TextCheck } from "../../../chat/text-rules";
import { CharLimit, EditMessageArgs, MessageError, MessageResult } from "../../../generated/user/types";
import { callerIsOwner } from "../guards";
import { enqueueEdit, hasRoom } from "../model/delivery";
import { messageResult } from "../model/errors";
import { limitSend } from "../model/limits";
import { findChatWith, me } from "../model/chats";
import { editMessage, Outcome } from "../model/posting";

export function edit_message(arg: EditMessageArgs): MessageResult {
  if (!callerIsOwner()) return MessageResult.Err(MessageError.NotAuthorized());
  const text = arg.text.trim();
  const check = checkText(text, MAX_MESSAGE_CHARS);
  if (check == TextCheck.Empty) return MessageResult.Err(MessageError.EmptyText());
  if (check == TextCheck.TooLong) return MessageResult.Err(MessageError.TextTooLong(new CharLimit(MAX_MESSAGE_CHARS)));
  const chat = findChatWith(arg.them);
  if (chat === null) return MessageResult.Err(MessageError.ChatNotFound());
  if (!hasRoom(arg.them)) return MessageResult.Err(MessageError.TooManyWaiting());
  const wait = limitSend();
  if (wait !== null) return MessageResult.Err(MessageError.RateLimited(wait));
  const now = timeMillis();
  const outcome = editMessage(chat, me(), arg.message_id, text, now);
  if (outcome == Outcome.Done) enqueueEdit(arg.them, now, arg.message_id, text);
  return messageResult(outcome);
}
