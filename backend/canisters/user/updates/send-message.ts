// Posts a message to a person. The write is local and answers at once; delivery goes through the outbox. Only
// the very first message to somebody waits for the user index to confirm that the recipient exists.
// Safe to repeat: a message id that was posted answers its first event. If that message was given up, it is sent again.

import { self, timeMillis } from "../../../cdk/api";
import { Later, Rejection } from "../../../cdk/calls";
import { Principal } from "../../../cdk/principal/principal";
import { EventRecord } from "../../../chat/event-record";
import { checkText, MAX_MESSAGE_CHARS, TextCheck } from "../../../chat/text-rules";
import * as user_index from "../../../generated/user_index/client";
import { reply_send_message } from "../../../generated/user/replies";
import { CharLimit, MessageError, SendMessageArgs, SendMessageResult, Sent } from "../../../generated/user/types";
import { callerIsOwner } from "../guards";
import { userIndex } from "../model/account";
import { isBlocked } from "../model/blocked";
import { DirectChat, events, findChatWith, me } from "../model/chats";
import { enqueueMessage, enqueueRead, hasRoom, hasRoomToResend, nextSequence, resend } from "../model/delivery";
import { limitSend } from "../model/limits";
import { addEvent, chatWith, readMark } from "../model/posting";

export function send_message(arg: SendMessageArgs): Later {
  if (!callerIsOwner()) return refuse(MessageError.NotAuthorized());
  arg.text = arg.text.trim();
  const check = checkText(arg.text, MAX_MESSAGE_CHARS);
  if (check == TextCheck.Empty) return refuse(MessageError.EmptyText());
  if (check == TextCheck.TooLong) return refuse(MessageError.TextTooLong(new CharLimit(MAX_MESSAGE_CHARS)));
  if (arg.recipient.equals(self())) return refuse(MessageError.CannotMessageSelf());
  const chat = findChatWith(arg.recipient);
  if (chat !== null) return reply_send_message(post(chat, arg));
  if (isBlocked(arg.recipient)) return refuse(MessageError.Blocked());
  user_index.c2c_lookup_user(userIndex(), arg.recipient).perform(onLookup, onLookupFailed, arg);
}

function refuse(error: MessageError): void {
  reply_send_message(SendMessageResult.Err(error));
}

function onLookup(context: Object | null): void {
  const arg = changetype<SendMessageArgs>(context);
  const found = user_index.c2c_lookup_user_reply();
  if (found === null) return refuse(MessageError.RecipientNotFound());
  reply_send_message(post(chatWith(arg.recipient, found.username), arg));
}

function onLookupFailed(context: Object | null, rejection: Rejection): void {
  // Nothing was kept; the client's outbox tries again.
  refuse(MessageError.Unavailable(rejection.message));
}

/** Why nothing new may be sent now, or null. */
function refusalOf(chat: DirectChat): MessageError | null {
  if (chat.blocked) return MessageError.Blocked();
  const wait = limitSend();
  return wait === null ? null : MessageError.RateLimited(wait);
}

/** What somebody who was no acquaintance yet was not told (see mark_read). */
function tellReadMark(chat: DirectChat, them: Principal): void {
  const read = readMark(chat);
  if (read.found) enqueueRead(them, timeMillis(), read.messageId);
}

function post(chat: DirectChat, arg: SendMessageArgs): SendMessageResult {
  const known = events.indexOf(chat.number, arg.message_id);
  if (known >= 0) {
    const first = events.get(chat.number, <u32>known)!;
    if (first.actor != me()) return SendMessageResult.Err(MessageError.NotYourMessage());
    if (first.isGivenUp && !first.isSentAgain) {
      const refusal = refusalOf(chat);
      if (refusal !== null) return SendMessageResult.Err(refusal);
      if (!hasRoomToResend(chat, arg.recipient)) return SendMessageResult.Err(MessageError.TooManyWaiting());
      resend(chat, arg.recipient, first, <u32>known);
    }
    return SendMessageResult.Ok(new Sent(<u32>known, first.timestamp));
  }
  const refusal = refusalOf(chat);
  if (refusal !== null) return SendMessageResult.Err(refusal);
  if (!hasRoom(arg.recipient)) return SendMessageResult.Err(MessageError.TooManyWaiting());
  const record = EventRecord.message(arg.message_id, me(), arg.text, timeMillis());
  const replied = arg.replies_to;
  if (replied !== null) {
    record.hasReply = true;
    record.repliesTo = replied.value;
  }
  record.sequence = 1 + nextSequence(arg.recipient);
  const isAnswer = !chat.isAnswered;
  const index = addEvent(chat, record);
  enqueueMessage(arg.recipient, record);
  if (isAnswer) tellReadMark(chat, arg.recipient);
  return SendMessageResult.Ok(new Sent(index, record.timestamp));
}
