// A stretch of the group's events, for scrolling and for jumping to a message.

import { MAX_BYTES_PER_PAGE } from "../../../chat/chat-events";
import { Event, EventsArgs, EventsResult, GroupError } from "../../../generated/group/types";
import { callingMember } from "../guards";
import { CHAT, events as store, group } from "../model/group";
import { eventView } from "../model/views";

const MAX_EVENTS: u32 = 100;

export function events(arg: EventsArgs): EventsResult {
  const member = callingMember();
  if (member === null) return EventsResult.Err(GroupError.NotMember());
  const page: Event[] = [];
  const limit = <i32>min<u32>(arg.max, MAX_EVENTS);
  const end = <i64>group().nextIndex;
  let index = arg.ascending ? <i64>arg.from : min<i64>(arg.from, end - 1);
  let bytes: u32 = 0;
  while (page.length < limit && bytes < MAX_BYTES_PER_PAGE && index >= 0 && index < end) {
    const record = store.get(CHAT, <u32>index);
    bytes += store.sizeOf(CHAT, <u32>index);
    if (record !== null) page.push(eventView(<u32>index, record, member.number));
    index += arg.ascending ? 1 : -1;
  }
  return EventsResult.Ok(page);
}
