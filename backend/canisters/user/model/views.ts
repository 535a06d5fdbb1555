// From records to the types of user.did, as the owner sees them.

import { Opt } from "../../../cdk/candid/opt";
import { Principal } from "../../../cdk/principal/principal";
import { EventKind as RecordKind, EventRecord } from "../../../chat/event-record";
import {
  DeletedContent,
  DirectChatSummary,
  Event,
  EventKind,
  FailedDelivery,
  GroupEntry,
  GroupStatus,
  InvitedStatus,
  JoinedStatus,
  Message,
  MessageContent,
  MessageDelivery,
  Profile,
  Reaction,
  TextContent,
} from "../../../generated/user/types";
import { account } from "./account";
import { DirectChat, events, me, people } from "./chats";
import { GroupMembership, Membership } from "./groups";

/** Marks are -1 when there is none. */
function mark(value: i64): Opt<u32> | null {
  return value < 0 ? null : new Opt<u32>(<u32>value);
}

/** u64 fields of records are 0 when there is none. */
function stamp(value: u64): Opt<u64> | null {
  return value == 0 ? null : new Opt<u64>(value);
}

function persons(numbers: Array<u32>): Array<Principal> {
  const list = new Array<Principal>(numbers.length);
  for (let i = 0; i < numbers.length; i++) list[i] = people.principal(numbers[i]);
  return list;
}

function reactionsOf(chat: u32, index: u32, record: EventRecord): Array<Reaction> {
  const list = new Array<Reaction>(record.tallies.length);
  for (let i = 0; i < record.tallies.length; i++) {
    const tally = record.tallies[i];
    list[i] = new Reaction(tally.reaction, tally.count, events.hasReacted(chat, index, me(), tally), persons(tally.people));
  }
  return list;
}

function deliveryView(record: EventRecord): Opt<MessageDelivery> | null {
  if (!record.isGivenUp) return null;
  return new Opt<MessageDelivery>(record.isSentAgain ? MessageDelivery.SentAgain : MessageDelivery.GivenUp);
}

export function eventView(chat: u32, index: u32, record: EventRecord): Event {
  if (record.kind != RecordKind.Message) return new Event(index, record.timestamp, EventKind.ChatCreated());
  const content = record.isDeleted
    ? MessageContent.Deleted(new DeletedContent(people.principal(record.deletedBy), record.deletedAt))
    : MessageContent.Text(new TextContent(record.text));
  const message = new Message(
    record.messageId,
    people.principal(record.actor),
    content,
    record.hasReply ? new Opt<u64>(record.repliesTo) : null,
    reactionsOf(chat, index, record),
    stamp(record.editedAt),
    deliveryView(record),
  );
  return new Event(index, record.timestamp, EventKind.Message(message));
}

export function chatView(chat: DirectChat): DirectChatSummary {
  let latest: Event | null = null;
  if (chat.latestMessage >= 0) {
    const index = <u32>chat.latestMessage;
    const record = events.get(chat.number, index);
    if (record !== null) latest = eventView(chat.number, index, record);
  }
  const failed = new Array<FailedDelivery>(chat.failures.length);
  for (let i = 0; i < chat.failures.length; i++) {
    failed[i] = new FailedDelivery(chat.failures[i].messageId, chat.failures[i].reason);
  }
  return new DirectChatSummary(
    people.principal(chat.number),
    chat.username,
    chat.created,
    chat.nextIndex - 1,
    latest,
    chat.unread,
    mark(chat.readByMe),
    mark(chat.readByThem),
    mark(chat.delivered),
    failed,
  );
}

function statusView(group: GroupMembership): GroupStatus {
  if (group.membership == Membership.Joined) return GroupStatus.Joined(new JoinedStatus(group.at));
  if (group.membership == Membership.Gone) return GroupStatus.Gone();
  return GroupStatus.Invited(new InvitedStatus(new Principal(group.invitedBy), group.at));
}

export function groupView(group: GroupMembership): GroupEntry {
  return new GroupEntry(group.group, new Principal(group.localIndex), group.name, statusView(group), mark(group.readUpTo));
}

export function profileView(): Profile {
  const state = account();
  return new Profile(state.username, state.displayName, state.bio);
}

