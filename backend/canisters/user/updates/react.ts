// Adds or takes back the owner's reaction to a message, on both copies.

import { timeMillis } from "../../../cdk/api";
import { isReaction } from "../../../chat/text-rules";
import { MessageError, MessageResult, ReactArgs } from "../../../generated/user/types";
import { callerIsOwner } from "../guards";
import { enqueueReact, hasRoom } from "../model/delivery";
import { messageResult } from "../model/errors";
import { limitReaction } from "../model/limits";
import { findChatWith, me } from "../model/chats";
import { Outcome, react as applyReaction } from "../model/posting";

export function react(arg: ReactArgs): MessageResult {
  if (!callerIsOwner()) return MessageResult.Err(MessageError.NotAuthorized());
  if (!isReaction(arg.reaction)) return MessageResult.Err(MessageError.InvalidReaction());
  const chat = findChatWith(arg.them);
  if (chat === null) return MessageResult.Err(MessageError.ChatNotFound());
  if (!hasRoom(arg.them)) return MessageResult.Err(MessageError.TooManyWaiting());
  if (chat.blocked) return MessageResult.Err(MessageError.Blocked());
  const wait = limitReaction();
  if (wait !== null) return MessageResult.Err(MessageError.RateLimited(wait));
  const outcome = applyReaction(chat, me(), arg.message_id, arg.reaction, arg.add);
  if (outcome == Outcome.Done) enqueueReact(arg.them, timeMillis(), arg.message_id, arg.reaction, arg.add);
  return messageResult(outcome);
}
