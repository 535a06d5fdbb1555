// A stretch of one chat's events, for scrolling and for jumping to a message.

import { MAX_BYTES_PER_PAGE } from "../../../chat/chat-events";
import { Event, EventsArgs, EventsResult, MessageError } from "../../../generated/user/types";
import { callerIsOwner } from "../guards";
import { events as store, findChatWith } from "../model/chats";
import { eventView } from "../model/views";

const MAX_EVENTS: u32 = 100;

export function events(arg: EventsArgs): EventsResult {
  if (!callerIsOwner()) return EventsResult.Err(MessageError.NotAuthorized());
  const chat = findChatWith(arg.them);
  if (chat === null) return EventsResult.Err(MessageError.ChatNotFound());
  const page: Event[] = [];
  const limit = <i32>min<u32>(arg.max, MAX_EVENTS);
  let index = arg.ascending ? <i64>arg.from : min<i64>(arg.from, <i64>chat.nextIndex - 1);
  let bytes: u32 = 0;
  while (page.length < limit && bytes < MAX_BYTES_PER_PAGE && index >= 0 && index < <i64>chat.nextIndex) {
    const record = store.get(chat.number, <u32>index);
    bytes += store.sizeOf(chat.number, <u32>index);
    if (record !== null) page.push(eventView(chat.number, <u32>index, record));
    index += arg.ascending ? 1 : -1;
  }
  return EventsResult.Ok(page);
}
