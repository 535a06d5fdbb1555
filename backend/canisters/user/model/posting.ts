// What people do in a direct chat, applied to this copy. The same functions serve the owner's own calls and
// envelopes from the other copy; who may do what is decided by the callers, with `author`.

import { EventKind, EventRecord } from "../../../chat/event-record";
import { ReactOutcome } from "../../../chat/chat-events";
import { timeMillis } from "../../../cdk/api";
import { Principal } from "../../../cdk/principal/principal";
import { isBlocked } from "./blocked";
import { DirectChat, events, findChat, me, people, saveChat } from "./chats";

export const enum Outcome {
  Done = 0,
  /** Nothing to do: it was so already. */
  Unchanged = 1,
  NotFound = 2,
  NotAuthor = 3,
  Deleted = 4,
  Refused = 5,
}

/** The chat with a person, begun now if there is none. */
export function chatWith(them: Principal, username: string): DirectChat {
  const number = people.numberOf(them);
  const known = findChat(number);
  if (known !== null) return known;
  const chat = new DirectChat();
  chat.number = number;
  chat.created = timeMillis();
  chat.username = username;
  chat.blocked = isBlocked(them);
  addEvent(chat, EventRecord.system(EventKind.ChatCreated, me(), chat.created));
  return chat;
}

/** Appends and stores both the event and the chat; answers the event's index. A message's id must be new. */
export function addEvent(chat: DirectChat, record: EventRecord): u32 {
  const index = chat.nextIndex++;
  if (record.isMessage) {
    chat.latestMessage = <i64>index;
    if (record.actor == chat.number) chat.theirs++;
  }
  record.ordinal = chat.theirs;
  events.append(chat.number, index, record);
  saveChat(chat);
  return index;
}

export function editMessage(chat: DirectChat, author: u32, messageId: u64, text: string, at: u64): Outcome {
  const index = events.indexOf(chat.number, messageId);
  if (index < 0) return Outcome.NotFound;
  const record = events.get(chat.number, <u32>index)!;
  if (record.actor != author) return Outcome.NotAuthor;
  if (record.isDeleted) return Outcome.Deleted;
  if (record.text == text) return Outcome.Unchanged;
  record.text = text;
  record.editedAt = at;
  events.update(chat.number, <u32>index, record);
  return Outcome.Done;
}

export function deleteMessage(chat: DirectChat, author: u32, messageId: u64, at: u64): Outcome {
  const index = events.indexOf(chat.number, messageId);
  if (index < 0) return Outcome.NotFound;
  const record = events.get(chat.number, <u32>index)!;
  if (record.actor != author) return Outcome.NotAuthor;
  if (record.isDeleted) return Outcome.Unchanged;
  events.erase(chat.number, <u32>index, record, author, at);
  return Outcome.Done;
}

export function react(chat: DirectChat, person: u32, messageId: u64, reaction: string, add: bool): Outcome {
  const index = events.indexOf(chat.number, messageId);
  if (index < 0) return Outcome.NotFound;
  const record = events.get(chat.number, <u32>index)!;
  if (record.isDeleted) return Outcome.Deleted;
  const outcome = events.react(chat.number, <u32>index, record, person, reaction, add);
  if (outcome == ReactOutcome.TooManyKinds) return Outcome.Refused;
  return outcome == ReactOutcome.Changed ? Outcome.Done : Outcome.Unchanged;
}

/** The newest message of theirs that a mark has newly covered; `found` is false when there is none. */
export class ReadResult {
  found: bool = false;
  messageId: u64 = 0;
}

/** Moves the owner's read mark forward to the event `upTo`. */
export function markRead(chat: DirectChat, upTo: u32): ReadResult {
  const result = new ReadResult();
  const last = min<i64>(<i64>upTo, <i64>chat.nextIndex - 1);
  if (last <= chat.readByMe) return result;
  const before = chat.readByMe;
  const readBefore = chat.theirsRead;
  chat.readByMe = last;
  chat.theirsRead = events.get(chat.number, <u32>last)!.ordinal;
  saveChat(chat);
  events.touchSummary(chat.number);
  if (chat.theirsRead == readBefore) return result;
  result.found = true;
  result.messageId = messageOfOrdinal(chat, chat.theirsRead, before + 1, last).messageId;
  return result;
}

/** The newest message of theirs that the owner has read; `found` is false when there is none. */
export function readMark(chat: DirectChat): ReadResult {
  const result = new ReadResult();
  if (chat.theirsRead == 0) return result;
  result.found = true;
  result.messageId = messageOfOrdinal(chat, chat.theirsRead, 0, chat.readByMe).messageId;
  return result;
}

/** Their message that made the count of theirs `ordinal`, among the events from `low` to `high`. It is there. */
function messageOfOrdinal(chat: DirectChat, ordinal: u32, low: i64, high: i64): EventRecord {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (events.get(chat.number, <u32>middle)!.ordinal < ordinal) low = middle + 1;
    else high = middle;
  }
  return events.get(chat.number, <u32>low)!;
}
