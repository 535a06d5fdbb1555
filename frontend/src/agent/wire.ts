// Candid as the canisters speak it, translated once into the domain's words.

import type { Principal } from '@dfinity/principal';
import type * as Group from '../../generated/group.did.ts';
import type * as User from '../../generated/user.did.ts';
import type { MessageBody, Role, SystemEvent } from '../domain/chat.ts';
import { RequestError, type FailureCode } from '../domain/failure.ts';
import { groupId, messageId, userId, type UserId } from '../domain/ids.ts';
import { cleanName } from '../domain/names.ts';
import type { DirectUpdate, GroupEntryUpdate, GroupUpdate, UserUpdate, WireEvent } from '../sync/backend-port.ts';

/** Candid's `opt` is a list of at most one. */
export const optional = <T>(value: [] | [T]): T | null => (value.length === 0 ? null : value[0]);

export const asUser = (principal: Principal): UserId => userId(principal.toText());

/** Nobody leaves a group without any name, but its name may be made of nothing that can be seen. */
const groupName = (name: string): string => cleanName(name) || '…';

const position = (value: [] | [number]): number => optional(value) ?? -1;

function body(message: User.Message | Group.Message): MessageBody {
  const { content } = message;
  const editedAt = optional(message.edited);
  return {
    text: 'Text' in content ? content.Text.text : '',
    deleted: 'Deleted' in content,
    editedAt: editedAt === null ? null : Number(editedAt),
    reactions: message.reactions.map(({ reaction, count, mine, users }) => ({
      emoji: reaction,
      count,
      mine,
      users: users.map(asUser),
    })),
  };
}

export const asRole = (value: Role): Group.Role =>
  value === 'owner' ? { Owner: null } : value === 'admin' ? { Admin: null } : { Member: null };

export function role(value: Group.Role): Role {
  if ('Owner' in value) return 'owner';
  return 'Admin' in value ? 'admin' : 'member';
}

function systemEvent(kind: Exclude<Group.EventKind | User.EventKind, { Message: unknown }>): SystemEvent {
  if ('ChatCreated' in kind) return { what: 'chat-created' };
  if ('GroupCreated' in kind) return { what: 'group-created', name: groupName(kind.GroupCreated.name), by: asUser(kind.GroupCreated.by) };
  if ('Invited' in kind) return { what: 'invited', users: kind.Invited.users.map(asUser), by: asUser(kind.Invited.by) };
  if ('Joined' in kind) return { what: 'joined', user: asUser(kind.Joined.user) };
  if ('Left' in kind) return { what: 'left', user: asUser(kind.Left.user) };
  if ('Removed' in kind) return { what: 'removed', user: asUser(kind.Removed.user), by: asUser(kind.Removed.by) };
  if ('RoleChanged' in kind) {
    const { user, role: next, by } = kind.RoleChanged;
    return { what: 'role-changed', user: asUser(user), role: role(next), by: asUser(by) };
  }
  return { what: 'renamed', name: groupName(kind.Renamed.name), by: asUser(kind.Renamed.by) };
}

export function wireEvent(event: User.Event | Group.Event): WireEvent {
  const base = { index: event.index, at: Number(event.timestamp) };
  const { kind } = event;
  if (!('Message' in kind)) return { ...base, kind: 'system', event: systemEvent(kind) };
  const { Message: message } = kind;
  const replyTo = optional(message.replies_to);
  const delivery = 'delivery' in message ? optional(message.delivery) : null;
  return {
    ...base,
    kind: 'message',
    id: messageId(message.message_id),
    sender: asUser(message.sender),
    replyTo: replyTo === null ? null : messageId(replyTo),
    body: body(message),
    ...(delivery ? { delivery: 'GivenUp' in delivery ? ('given-up' as const) : ('sent-again' as const) } : {}),
  };
}

const latest = (event: [] | [User.Event | Group.Event]): WireEvent | null => {
  const found = optional<User.Event | Group.Event>(event);
  return found && wireEvent(found);
};

function directUpdate({ summary, events }: User.UserUpdates['chats'][number]): DirectUpdate {
  return {
    them: asUser(summary.them),
    username: summary.username,
    createdAt: Number(summary.created),
    latestIndex: summary.latest_event_index,
    latestMessage: latest(summary.latest_message),
    readByMeUpTo: position(summary.read_by_me_up_to),
    readByThemUpTo: position(summary.read_by_them_up_to),
    deliveredUpTo: position(summary.delivered_up_to),
    undelivered: summary.failed.map(({ message_id, reason }) => ({ id: messageId(message_id), reason })),
    events: events.map(wireEvent),
  };
}

function groupEntry(entry: User.GroupEntry): GroupEntryUpdate {
  const { status } = entry;
  return {
    group: groupId(entry.group_id.toText()),
    localIndex: entry.local_index.toText(),
    name: groupName(entry.name),
    readUpTo: position(entry.read_up_to),
    status:
      'Invited' in status
        ? { is: 'invited', by: asUser(status.Invited.by), at: Number(status.Invited.at) }
        : 'Joined' in status
          ? { is: 'joined', at: Number(status.Joined.at) }
          : { is: 'gone' },
  };
}

export function userUpdate(updates: User.UserUpdates): UserUpdate {
  const profile = optional(updates.profile);
  return {
    version: updates.version.toString(),
    more: updates.more,
    profile: profile && { username: profile.username, displayName: cleanName(optional(profile.display_name) ?? '') || null, bio: profile.bio },
    chats: updates.chats.map(directUpdate),
    groups: updates.groups.map(groupEntry),
    blocked: optional(updates.blocked)?.map(asUser) ?? null,
  };
}

/** A group's version and the stamp it gave it, as one text: `12` before the group had stamps, `12:3456` since. */
function groupVersion({ version, stamp }: Group.GroupUpdates): string {
  const known = optional(stamp);
  return known === null ? `${version}` : `${version}:${known}`;
}

/** The question after that version. Without its stamp the group is asked whatever it has announced. */
export function sinceVersion(text: string, thorough: boolean): { since: bigint; stamp: [] | [bigint] } {
  const [version = '0', stamp] = text.split(':');
  return { since: BigInt(version), stamp: stamp === undefined || thorough ? [] : [BigInt(stamp)] };
}

export function groupUpdate(updates: Group.GroupUpdates): GroupUpdate {
  const { summary } = updates;
  return {
    group: groupId(summary.group_id.toText()),
    version: groupVersion(updates),
    more: updates.more,
    name: groupName(summary.name),
    description: summary.description,
    myRole: role(summary.my_role),
    memberCount: summary.member_count,
    latestIndex: summary.latest_event_index,
    latestMessage: latest(summary.latest_message),
    events: updates.events.map(wireEvent),
    membersChanged: updates.members_changed,
  };
}

const FAILURES: Record<string, FailureCode> = {
  NotAuthorized: 'not-allowed',
  NotMember: 'not-member',
  EmptyText: 'empty-text',
  TextTooLong: 'text-too-long',
  RecipientNotFound: 'recipient-not-found',
  CannotMessageSelf: 'not-allowed',
  MessageNotFound: 'message-not-found',
  NotYourMessage: 'not-allowed',
  AlreadyDeleted: 'message-not-found',
  InvalidReaction: 'invalid-reaction',
  ChatNotFound: 'recipient-not-found',
  TooManyWaiting: 'too-many-waiting',
  InvalidName: 'invalid-name',
  DescriptionTooLong: 'text-too-long',
  DisplayNameTooLong: 'text-too-long',
  BioTooLong: 'text-too-long',
  NotInvited: 'not-invited',
  GroupNotFound: 'recipient-not-found',
  Unavailable: 'unavailable',
  AlreadyMember: 'not-allowed',
  TooManyMembers: 'too-many-members',
  LastOwner: 'last-owner',
  UserNotFound: 'recipient-not-found',
  RateLimited: 'rate-limited',
  Blocked: 'blocked',
  CannotBlockSelf: 'not-allowed',
  TooManyBlocked: 'too-many-blocked',
};

/** The `Ok` of a result, or the canister's refusal thrown as a RequestError. */
export function accepted<T>(result: { Ok: T } | { Err: object | string }): T {
  if ('Ok' in result) return result.Ok;
  if (typeof result.Err === 'string') throw new RequestError('unexpected', result.Err);
  const [name = '', detail] = Object.entries(result.Err)[0] ?? [];
  throw new RequestError(FAILURES[name] ?? 'unexpected', typeof detail === 'string' ? detail : name);
}
