// Everything that changed in the group after a version: one page in proportion to the changes.

import { Opt } from "../../../cdk/candid/opt";
import { Event, GroupError, GroupUpdates, UpdatesArgs, UpdatesResult } from "../../../generated/group/types";
import { readingMember } from "../guards";
import { events, group } from "../model/group";
import { hasStampKey, stampOf } from "../model/stamps";
import { eventView, summaryView } from "../model/views";

function lastMessageBytes(chat: u32): u32 {
  const latest = group().latestMessage;
  return latest < 0 ? 0 : events.sizeOf(chat, <u32>latest);
}

export function updates(arg: UpdatesArgs): UpdatesResult {
  const member = readingMember(arg.on_behalf_of);
  if (member === null) return UpdatesResult.Err(GroupError.NotMember());
  if (arg.since >= events.version) return UpdatesResult.Ok(null);
  const changes = events.changedSince(arg.since, lastMessageBytes);
  const changed: Event[] = [];
  for (let i = 0; i < changes.entries.length; i++) {
    const change = changes.entries[i];
    const record = change.record;
    if (record !== null) changed.push(eventView(change.index, record, member.number));
  }
  const membersChanged = group().membersVersion > arg.since;
  const stamp = hasStampKey() ? new Opt<u64>(stampOf(changes.version)) : null;
  return UpdatesResult.Ok(new GroupUpdates(changes.version, changes.more, summaryView(member), changed, membersChanged, stamp));
}
