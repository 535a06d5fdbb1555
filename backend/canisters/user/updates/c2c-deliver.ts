// What happened on another person's copy, in order. The first time somebody writes, the user index is asked
// whether the caller is a user canister of this network; nobody else can put anything here. Of people whom the owner
// has blocked only deletions are taken, without telling them. What comes too fast is left to the sender's outbox.

import { caller, reject, timeMillis } from "../../../cdk/api";
import { Later, openCalls, Rejection } from "../../../cdk/calls";
import { Opt } from "../../../cdk/candid/opt";
import { Principal } from "../../../cdk/principal/principal";
import { EventRecord } from "../../../chat/event-record";
import { checkText, isReaction, MAX_MESSAGE_CHARS, TextCheck } from "../../../chat/text-rules";
import * as user_index from "../../../generated/user_index/client";
import { reply_c2c_deliver } from "../../../generated/user/replies";
import { Delivered, Delivery, DirectActionTag, DirectEnvelope } from "../../../generated/user/types";
import { account, userIndex } from "../model/account";
import { isBlocked } from "../model/blocked";
import { DirectChat, events, findChatWith, me, saveChat } from "../model/chats";
import { isImpostor, noteImpostor } from "../model/impostors";
import { mayBeginChat, mayDeliver } from "../model/limits";
import { addEvent, chatWith, deleteMessage, editMessage, react } from "../model/posting";

/** More first contacts than this wait for their turn: each holds an envelope on the heap. */
const MAX_OPEN_CALLS: i32 = 100;
const NO_USER: string = "the caller is no user canister";

/** What waits for the user index. Anybody can make such, so it holds one envelope, and none beyond the bounds. */
class FirstContact {
  constructor(
    public sender: Principal,
    public delivery: Delivery,
  ) {}
}

export function c2c_deliver(delivery: Delivery): Later {
  if (!account().isClaimed) return reject("there is no such account");
  const sender = caller();
  const chat = findChatWith(sender);
  if (chat !== null) return answer(chat, delivery);
  const envelopes = delivery.envelopes;
  if (isBlocked(sender)) return reply_c2c_deliver(new Delivered(delivery.first + <u64>envelopes.length, new Opt<bool>(true)));
  if (isImpostor(sender)) return reject(NO_USER);
  if (openCalls() >= MAX_OPEN_CALLS) return reply_c2c_deliver(new Delivered(0, null));
  // The others come again: the answer will say that they were not taken.
  if (envelopes.length > 1) delivery.envelopes = [envelopes[0]];
  if (envelopes.length > 0 && isOversized(envelopes[0])) return reject("no user canister sends that much");
  user_index.c2c_lookup_user(userIndex(), sender).perform(onLookup, onLookupFailed, new FirstContact(sender, delivery));
}

function isOversized(envelope: DirectEnvelope): bool {
  const action = envelope.action;
  if (action.tag == DirectActionTag.Message) return checkText(action.as_Message.text, MAX_MESSAGE_CHARS) == TextCheck.TooLong;
  if (action.tag == DirectActionTag.Edit) return checkText(action.as_Edit.text, MAX_MESSAGE_CHARS) == TextCheck.TooLong;
  return action.tag == DirectActionTag.React && !isReaction(action.as_React.reaction);
}

function onLookup(context: Object | null): void {
  const contact = changetype<FirstContact>(context);
  const found = user_index.c2c_lookup_user_reply();
  if (found === null) {
    noteImpostor(contact.sender);
    return reject(NO_USER);
  }
  // Another of their calls may have begun the chat meanwhile.
  if (findChatWith(contact.sender) === null && !mayBeginChat()) return reply_c2c_deliver(new Delivered(0, null));
  answer(chatWith(contact.sender, found.username), contact.delivery);
}

function onLookupFailed(context: Object | null, rejection: Rejection): void {
  // Nothing was applied: the sender's outbox tries again.
  reply_c2c_deliver(new Delivered(0, null));
}

function answer(chat: DirectChat, delivery: Delivery): void {
  // A gap is what the sender has given up: it will not come any more, and what follows must not wait for it.
  if (delivery.first > chat.nextSequence) chat.nextSequence = delivery.first;
  const envelopes = delivery.envelopes;
  let dropped = false;
  for (let i = <i32>min<u64>(chat.nextSequence - delivery.first, envelopes.length); i < envelopes.length; i++) {
    if (!mayDeliver(chat)) break;
    chat.nextSequence++;
    if (chat.blocked) {
      dropped = true;
      // Whoever takes their words back may do so.
      if (envelopes[i].action.tag != DirectActionTag.Delete) continue;
    }
    apply(chat, envelopes[i]);
  }
  saveChat(chat);
  reply_c2c_deliver(new Delivered(chat.nextSequence, dropped ? new Opt<bool>(true) : null));
}

function apply(chat: DirectChat, envelope: DirectEnvelope): void {
  // Clocks of subnets differ a little; nothing may seem to come from the future.
  const at = min(envelope.timestamp, timeMillis());
  const them = chat.number;
  switch (envelope.action.tag) {
    case DirectActionTag.Message: {
      const action = envelope.action.as_Message;
      if (checkText(action.text, MAX_MESSAGE_CHARS) != TextCheck.Ok) return;
      if (events.indexOf(them, action.message_id) >= 0) return;
      const record = EventRecord.message(action.message_id, them, action.text, at);
      const replied = action.replies_to;
      if (replied !== null) {
        record.hasReply = true;
        record.repliesTo = replied.value;
      }
      addEvent(chat, record);
      return;
    }
    case DirectActionTag.Edit: {
      const action = envelope.action.as_Edit;
      if (checkText(action.text, MAX_MESSAGE_CHARS) == TextCheck.Ok) editMessage(chat, them, action.message_id, action.text, at);
      return;
    }
    case DirectActionTag.Delete:
      deleteMessage(chat, them, envelope.action.as_Delete.message_id, at);
      return;
    case DirectActionTag.React: {
      const action = envelope.action.as_React;
      if (isReaction(action.reaction)) react(chat, them, action.message_id, action.reaction, action.add);
      return;
    }
    case DirectActionTag.Read: {
      const index = events.indexOf(them, envelope.action.as_Read.message_id);
      if (index <= chat.readByThem || events.get(them, <u32>index)!.actor != me()) return;
      chat.readByThem = index;
      if (chat.delivered < index) chat.delivered = index;
      events.touchSummary(them);
      return;
    }
  }
}
