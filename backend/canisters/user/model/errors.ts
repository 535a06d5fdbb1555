// Outcomes of posting in the words of user.did.

import { MessageError, MessageResult } from "../../../generated/user/types";
import { Outcome } from "./posting";

export function messageResult(outcome: Outcome): MessageResult {
  switch (outcome) {
    case Outcome.NotFound:
      return MessageResult.Err(MessageError.MessageNotFound());
    case Outcome.NotAuthor:
      return MessageResult.Err(MessageError.NotYourMessage());
    case Outcome.Deleted:
      return MessageResult.Err(MessageError.AlreadyDeleted());
    case Outcome.Refused:
      return MessageResult.Err(MessageError.InvalidReaction());
    default:
      return MessageResult.Ok();
  }
}
