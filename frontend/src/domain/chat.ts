// What the person sees: people, chats, and the events of a chat, as they are kept in the local database.

import type { FailureCode } from './failure.ts';
import type { ChatId, GroupId, MessageId, UserId } from './ids.ts';

export type Role = 'owner' | 'admin' | 'member';

export interface Me {
  userId: UserId;
  username: string;
  /** Local index of the subnet that hosts my user canister. */
  localIndex: string;
  displayName: string | null;
  bio: string;
}

export interface Person {
  userId: UserId;
  username: string;
  /** What they want to be called; nobody vouches for it. */
  displayName?: string | null;
  /** When the directory was last asked, milliseconds. */
  checkedAt?: number;
}

export interface Member {
  userId: UserId;
  username: string;
  role: Role;
  joinedAt: number;
}

export interface Reaction {
  emoji: string;
  count: number;
  mine: boolean;
  /** The first few who reacted, oldest first. */
  users: UserId[];
}

/** The part of a message that can change after it was sent. */
export interface MessageBody {
  text: string;
  deleted: boolean;
  /** Milliseconds, `null` when never edited. */
  editedAt: number | null;
  reactions: Reaction[];
}

export type SystemEvent =
  | { what: 'chat-created' }
  | { what: 'group-created'; name: string; by: UserId }
  | { what: 'invited'; users: UserId[]; by: UserId }
  | { what: 'joined'; user: UserId }
  | { what: 'left'; user: UserId }
  | { what: 'removed'; user: UserId; by: UserId }
  | { what: 'role-changed'; user: UserId; role: Role; by: UserId }
  | { what: 'renamed'; name: string; by: UserId };

/** Everybody who is named where the event is told. */
export function peopleIn(event: SystemEvent): UserId[] {
  return [...('by' in event ? [event.by] : []), ...('user' in event ? [event.user] : []), ...('users' in event ? event.users : [])];
}

interface EventBase {
  chatId: ChatId;
  /** Unique within the chat: `m<message id>` for messages, `e<index>` for the rest. */
  key: string;
  /** Sorts the chat. The event's index once the network gave it one; waiting messages follow all of those. */
  order: number;
  /** Milliseconds since 1970; by the sender's clock until the network gave its own. */
  at: number;
}

export interface MessageEvent extends EventBase {
  kind: 'message';
  id: MessageId;
  sender: UserId;
  replyTo: MessageId | null;
  body: MessageBody;
  /** Only while changes of mine are under way: the body as the network last confirmed it. */
  confirmed?: MessageBody;
  /** Only for own messages, and only where the chat's marks do not tell how far it got. */
  delivery?: 'given-up' | 'sent-again';
  /** Only for own messages that did not reach my canister yet, or that I send again. */
  pending?: { state: 'waiting' } | { state: 'failed'; code: FailureCode };
}

export interface SystemEventRow extends EventBase {
  kind: 'system';
  event: SystemEvent;
}

export type TimelineEvent = MessageEvent | SystemEventRow;

/** Every index given by the network is below it, every waiting message at or above it. */
export const FIRST_PENDING_ORDER = 2 ** 40;

export interface LastLine {
  sender: UserId | null;
  text: string;
  kind: 'text' | 'deleted' | 'system';
  /** Of a system line. Lines that were stored before it was kept have none. */
  event?: SystemEvent;
  at: number;
}

export type Membership = 'member' | 'invited' | 'gone';

interface ChatBase {
  id: ChatId;
  /** Username of the other person, or the group's name. */
  title: string;
  /** Last activity, milliseconds: sorts the list. */
  activeAt: number;
  last: LastLine | null;
  /** Index of the newest event that I have seen; -1 for none. Only grows. */
  readUpTo: number;
  /** The read mark that my canister knows. */
  readUpToSent: number;
  /** Messages of others after my read mark. */
  unread: number;
  /** Highest index held locally; -1 for none. */
  latestIndex: number;
}

export interface DirectChat extends ChatBase {
  kind: 'direct';
  them: UserId;
  deliveredUpTo: number;
  readByThemUpTo: number;
  /** Delivery given up by my canister, by message. */
  undelivered: Record<MessageId, string>;
}

export interface GroupChat extends ChatBase {
  kind: 'group';
  group: GroupId;
  localIndex: string;
  membership: Membership;
  invitedBy: UserId | null;
  description: string;
  myRole: Role;
  memberCount: number;
  /** Sync cursor, decimal text of 64 bits. */
  version: string;
  /** Cursor at which the member list was last fetched; differs from `membersWanted` when it is stale. */
  membersStale: boolean;
}

export type Chat = DirectChat | GroupChat;

/** State ticks of an own message. */
export type MessageState = 'waiting' | 'sent' | 'delivered' | 'read' | 'failed';

export function messageState(event: MessageEvent, chat: Chat): { state: MessageState; code?: FailureCode } {
  if (event.pending?.state === 'failed') return { state: 'failed', code: event.pending.code };
  if (event.pending) return { state: 'waiting' };
  if (chat.kind === 'group') return { state: 'sent' };
  if (event.delivery === 'sent-again') return { state: 'sent' };
  if (event.delivery === 'given-up' || chat.undelivered[event.id] !== undefined) return { state: 'failed', code: 'delivery-given-up' };
  if (event.order <= chat.readByThemUpTo) return { state: 'read' };
  if (event.order <= chat.deliveredUpTo) return { state: 'delivered' };
  return { state: 'sent' };
}

export function lastLineOf(event: TimelineEvent): LastLine | null {
  if (event.kind === 'system') {
    return event.event.what === 'chat-created' ? null : { sender: null, text: '', kind: 'system', event: event.event, at: event.at };
  }
  return event.body.deleted
    ? { sender: event.sender, text: '', kind: 'deleted', at: event.at }
    : { sender: event.sender, text: event.body.text.slice(0, 200), kind: 'text', at: event.at };
}
