// From records to the types of group.did, as one member sees them.

import { Opt } from "../../../cdk/candid/opt";
import { self } from "../../../cdk/api";
import { Principal } from "../../../cdk/principal/principal";
import { EventKind as RecordKind, EventRecord } from "../../../chat/event-record";
import {
  CreatedEvent,
  DeletedContent,
  Event,
  EventKind,
  GroupSummary,
  InvitedEvent,
  Member as MemberView,
  Message,
  MessageContent,
  PersonEvent,
  Reaction,
  RemovedEvent,
  RenamedEvent,
  Role,
  RoleEvent,
  TextContent,
} from "../../../generated/group/types";
import { CHAT, events, group, people } from "./group";
import { Member, memberCount, RoleCode } from "./members";

export function roleView(code: u8): Role {
  return code == RoleCode.Owner ? Role.Owner : code == RoleCode.Admin ? Role.Admin : Role.Member;
}

export function roleCode(role: Role): u8 {
  return role == Role.Owner ? RoleCode.Owner : role == Role.Admin ? RoleCode.Admin : RoleCode.Member;
}

function persons(numbers: Array<u32>): Array<Principal> {
  const list = new Array<Principal>(numbers.length);
  for (let i = 0; i < numbers.length; i++) list[i] = people.principal(numbers[i]);
  return list;
}

function messageView(index: u32, record: EventRecord, reader: u32): Message {
  const reactions = new Array<Reaction>(record.tallies.length);
  for (let i = 0; i < record.tallies.length; i++) {
    const tally = record.tallies[i];
    reactions[i] = new Reaction(tally.reaction, tally.count, events.hasReacted(CHAT, index, reader, tally), persons(tally.people));
  }
  const content = record.isDeleted
    ? MessageContent.Deleted(new DeletedContent(people.principal(record.deletedBy), record.deletedAt))
    : MessageContent.Text(new TextContent(record.text));
  return new Message(
    record.messageId,
    people.principal(record.actor),
    content,
    record.hasReply ? new Opt<u64>(record.repliesTo) : null,
    reactions,
    record.editedAt == 0 ? null : new Opt<u64>(record.editedAt),
  );
}

function kindView(index: u32, record: EventRecord, reader: u32): EventKind {
  const actor = people.principal(record.actor);
  switch (record.kind) {
    case RecordKind.Message:
      return EventKind.Message(messageView(index, record, reader));
    case RecordKind.Invited:
      return EventKind.Invited(new InvitedEvent(persons(record.subjects), actor));
    case RecordKind.Joined:
      return EventKind.Joined(new PersonEvent(actor));
    case RecordKind.Left:
      return EventKind.Left(new PersonEvent(actor));
    case RecordKind.Removed:
      return EventKind.Removed(new RemovedEvent(people.principal(record.subjects[0]), actor));
    case RecordKind.RoleChanged:
      // The role lies in the text as one digit, its code.
      return EventKind.RoleChanged(new RoleEvent(people.principal(record.subjects[0]), roleView(<u8>(record.text.charCodeAt(0) - 0x30)), actor));
    case RecordKind.Renamed:
      return EventKind.Renamed(new RenamedEvent(record.text, actor));
    default:
      return EventKind.GroupCreated(new CreatedEvent(record.text, actor));
  }
}

export function eventView(index: u32, record: EventRecord, reader: u32): Event {
  return new Event(index, record.timestamp, kindView(index, record, reader));
}

export function memberView(member: Member): MemberView {
  return new MemberView(member.userId, member.username, roleView(member.role), member.joined);
}

export function summaryView(reader: Member): GroupSummary {
  const state = group();
  let latest: Event | null = null;
  if (state.latestMessage >= 0) {
    const record = events.get(CHAT, <u32>state.latestMessage);
    if (record !== null) latest = eventView(<u32>state.latestMessage, record, reader.number);
  }
  return new GroupSummary(
    self(),
    state.name,
    state.description,
    state.created,
    roleView(reader.role),
    memberCount(),
    state.nextIndex - 1,
    latest,
  );
}
