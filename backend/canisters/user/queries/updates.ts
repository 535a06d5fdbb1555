// Everything that changed for the owner after a version: one page in proportion to the changes.

import { DirectChatUpdate, Event, GroupEntry, Profile, UpdatesArgs, UserUpdates } from "../../../generated/user/types";
import { Principal } from "../../../cdk/principal/principal";
import { mayReadFor } from "../guards";
import { allBlocked } from "../model/blocked";
import { events, findChat } from "../model/chats";
import { groupByNumber, GROUP_FLAG } from "../model/groups";
import { chatView, eventView, groupView, profileView } from "../model/views";
import { BLOCKED_LIST, PROFILE } from "../model/profile";

function lastMessageBytes(chat: u32): u32 {
  if (chat & GROUP_FLAG) return 0;
  const direct = findChat(chat);
  return direct === null || direct.latestMessage < 0 ? 0 : events.sizeOf(chat, <u32>direct.latestMessage);
}

export function updates(arg: UpdatesArgs): UserUpdates | null {
  if (!mayReadFor(arg.on_behalf_of)) return null;
  if (arg.since >= events.version) return null;
  const changes = events.changedSince(arg.since, lastMessageBytes);
  const chats: DirectChatUpdate[] = [];
  const groups: GroupEntry[] = [];
  let profile: Profile | null = null;
  let blocked: Array<Principal> | null = null;
  const entries = changes.entries;
  for (let i = 0; i < entries.length; ) {
    const chat = entries[i].chat;
    if (chat == PROFILE) {
      profile = profileView();
      i++;
    } else if (chat == BLOCKED_LIST) {
      blocked = allBlocked();
      i++;
    } else if (chat & GROUP_FLAG) {
      const membership = groupByNumber(chat & ~GROUP_FLAG);
      if (membership !== null) groups.push(groupView(membership));
      i++;
    } else {
      const changed: Event[] = [];
      for (; i < entries.length && entries[i].chat == chat; i++) {
        const record = entries[i].record;
        if (record !== null) changed.push(eventView(chat, entries[i].index, record));
      }
      const direct = findChat(chat);
      if (direct !== null) chats.push(new DirectChatUpdate(chatView(direct), changed));
    }
  }
  return new UserUpdates(changes.version, changes.more, profile, blocked, chats, groups);
}
