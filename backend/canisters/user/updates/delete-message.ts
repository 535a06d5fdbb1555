// Deletes one of the owner's messages, on both copies. Nothing of its text stays.

import { timeMillis } from "../../../cdk/api";
import { DeleteMessageArgs, MessageError, MessageResult } from "../../../generated/user/types";
import { callerIsOwner } from "../guards";
import { enqueueDelete, forgetFailure, hasRoom } from "../model/delivery";
import { messageResult } from "../model/errors";
import { findChatWith, me, saveChat } from "../model/chats";
import { deleteMessage, Outcome } from "../model/posting";

export function delete_message(arg: DeleteMessageArgs): MessageResult {
  if (!callerIsOwner()) return MessageResult.Err(MessageError.NotAuthorized());
  const chat = findChatWith(arg.them);
  if (chat === null) return MessageResult.Err(MessageError.ChatNotFound());
  if (!hasRoom(arg.them)) return MessageResult.Err(MessageError.TooManyWaiting());
  const now = timeMillis();
  const outcome = deleteMessage(chat, me(), arg.message_id, now);
  if (outcome == Outcome.Done) {
    if (forgetFailure(chat, arg.message_id)) saveChat(chat);
    enqueueDelete(arg.them, now, arg.message_id);
  }
  return messageResult(outcome);
}
