// Applies what the network said to the local database, one transaction per answer, so that a screen never
// shows half of one. Always: applying the same answer twice changes nothing the second time; a pending
// change of mine stays visible until it is confirmed or refused; read marks only go forward.

import type { ParleyDatabase } from '../db/database.ts';
import {
  FIRST_PENDING_ORDER,
  lastLineOf,
  type Chat,
  type DirectChat,
  type GroupChat,
  type LastLine,
  type Me,
  type MessageEvent,
  type TimelineEvent,
} from '../domain/chat.ts';
import { directChatId, groupChatId, type ChatId, type MessageId, type UserId } from '../domain/ids.ts';
import { withPending, type Job } from '../domain/job.ts';
import type { DirectUpdate, GroupEntryUpdate, GroupUpdate, UserUpdate, WireEvent } from './backend-port.ts';
import { noteUsernames } from './people-keeper.ts';

export const messageKey = (id: MessageId): string => `m${id}`;

/** Stores that the reducers write: open the transaction with these. */
export const reducerStores = (db: ParleyDatabase) => [db.meta, db.chats, db.events, db.jobs, db.people] as const;

export function mergeEvent(chatId: ChatId, wire: WireEvent, jobs: readonly Job[], me: UserId): TimelineEvent {
  const base = { chatId, order: wire.index, at: wire.at };
  if (wire.kind === 'system') return { ...base, key: `e${wire.index}`, kind: 'system', event: wire.event };
  const changes = jobs.filter((job) => job.action.do !== 'send');
  const message: MessageEvent = {
    ...base,
    key: messageKey(wire.id),
    kind: 'message',
    id: wire.id,
    sender: wire.sender,
    replyTo: wire.replyTo,
    body: withPending(wire.body, changes, me),
  };
  if (wire.delivery) message.delivery = wire.delivery;
  if (changes.length > 0) message.confirmed = wire.body;
  // It was given up and I am sending it again: the old answer does not end that.
  if (wire.delivery === 'given-up' && jobs.some((job) => job.action.do === 'send')) message.pending = { state: 'waiting' };
  return message;
}

export function newDirectChat(them: UserId, username: string, at: number): DirectChat {
  return {
    kind: 'direct',
    id: directChatId(them),
    them,
    title: username,
    activeAt: at,
    last: null,
    readUpTo: -1,
    readUpToSent: -1,
    unread: 0,
    latestIndex: -1,
    deliveredUpTo: -1,
    readByThemUpTo: -1,
    undelivered: {},
  };
}

export function newGroupChat(entry: GroupEntryUpdate, at: number): GroupChat {
  return {
    kind: 'group',
    id: groupChatId(entry.group),
    group: entry.group,
    localIndex: entry.localIndex,
    title: entry.name,
    activeAt: at,
    last: null,
    readUpTo: -1,
    readUpToSent: -1,
    unread: 0,
    latestIndex: -1,
    membership: 'member',
    invitedBy: null,
    description: '',
    myRole: 'member',
    memberCount: 0,
    version: '0',
    membersStale: true,
  };
}

/** Call inside a transaction over `reducerStores`. */
export async function putEvents(db: ParleyDatabase, chatId: ChatId, events: readonly WireEvent[], me: UserId): Promise<void> {
  if (events.length === 0) return;
  const jobs = await db.jobs.where({ chatId }).toArray();
  const byMessage = Map.groupBy(jobs, (job) => job.messageId);
  await db.events.bulkPut(
    events.map((event) => mergeEvent(chatId, event, event.kind === 'message' ? (byMessage.get(event.id) ?? []) : [], me)),
  );
  // A send whose answer was lost: the message is there, so the job has done its work.
  const arrived = new Set(events.flatMap((event) => (event.kind === 'message' && event.delivery !== 'given-up' ? [event.id] : [])));
  const done = jobs.filter((job) => job.action.do === 'send' && arrived.has(job.messageId));
  await db.jobs.bulkDelete(done.map((job) => job.seq as number));
}

const LAST_LINE_SEARCH = 30;

/**
 * Last line, time of activity and unread count from the events held locally. `latest` is the newest message
 * the network told of, which may be ahead of the events while a first sync is still paging.
 */
export async function refreshChat(db: ParleyDatabase, chat: Chat, me: UserId, latest: WireEvent | null = null): Promise<Chat> {
  const newest = await db.events
    .where('[chatId+order]')
    .between([chat.id, -1], [chat.id, Infinity])
    .reverse()
    .limit(LAST_LINE_SEARCH)
    .toArray();
  let last: LastLine | null;
  const message = newest.find((event) => event.kind === 'message');
  if (latest && (!message || (message.order < latest.index && message.order < FIRST_PENDING_ORDER))) {
    last = lastLineOf(mergeEvent(chat.id, latest, [], me));
  } else if (message) {
    last = lastLineOf(message);
  } else {
    last = newest.map(lastLineOf).find((line) => line !== null) ?? null;
  }
  const confirmed = newest.find((event) => event.order < FIRST_PENDING_ORDER);
  const unread = await db.events
    .where('[chatId+order]')
    .between([chat.id, chat.readUpTo + 1], [chat.id, FIRST_PENDING_ORDER])
    .filter((event) => event.kind === 'message' && event.sender !== me && !event.body.deleted)
    .count();
  return {
    ...chat,
    last,
    activeAt: last ? last.at : chat.activeAt,
    unread,
    latestIndex: Math.max(chat.latestIndex, confirmed?.order ?? -1),
  };
}

async function applyDirect(db: ParleyDatabase, me: UserId, update: DirectUpdate): Promise<void> {
  const id = directChatId(update.them);
  const stored = await db.chats.get(id);
  const before = stored?.kind === 'direct' ? stored : newDirectChat(update.them, update.username, update.createdAt);
  await putEvents(db, id, update.events, me);
  await noteUsernames(db, [{ userId: update.them, username: update.username }]);
  const chat: DirectChat = {
    ...before,
    title: update.username,
    readUpTo: Math.max(before.readUpTo, update.readByMeUpTo),
    readUpToSent: Math.max(before.readUpToSent, update.readByMeUpTo),
    deliveredUpTo: Math.max(before.deliveredUpTo, update.deliveredUpTo),
    readByThemUpTo: Math.max(before.readByThemUpTo, update.readByThemUpTo),
    undelivered: Object.fromEntries(update.undelivered.map(({ id: message, reason }) => [message, reason])),
  };
  await db.chats.put(await refreshChat(db, chat, me, update.latestMessage));
}

async function applyGroupEntry(db: ParleyDatabase, me: UserId, entry: GroupEntryUpdate): Promise<void> {
  const id = groupChatId(entry.group);
  const stored = await db.chats.get(id);
  if (entry.status.is === 'gone') {
    // Whoever leaves or declines has dropped it already. Who was removed reads why, and what was said before.
    if (stored?.kind === 'group' && stored.membership === 'member') await db.chats.put({ ...stored, membership: 'gone' });
    else if (stored?.kind === 'group' && stored.membership === 'invited') await dropChat(db, id);
    return;
  }
  const before = stored?.kind === 'group' ? stored : newGroupChat(entry, entry.status.at);
  const chat: GroupChat = {
    ...before,
    // My canister knows the name that the group had when I came; the group itself tells of a new one.
    title: before.version === '0' ? entry.name : before.title,
    localIndex: entry.localIndex,
    membership: entry.status.is === 'invited' ? 'invited' : 'member',
    invitedBy: entry.status.is === 'invited' ? entry.status.by : before.invitedBy,
    readUpTo: Math.max(before.readUpTo, entry.readUpTo),
    readUpToSent: Math.max(before.readUpToSent, entry.readUpTo),
  };
  await db.chats.put(await refreshChat(db, chat, me));
}

/** Call inside a transaction over `reducerStores` (members go with the next fetch). */
export async function dropChat(db: ParleyDatabase, id: ChatId): Promise<void> {
  await db.events.where('[chatId+order]').between([id, -1], [id, Infinity]).delete();
  await db.jobs.where({ chatId: id }).delete();
  await db.chats.delete(id);
}

export async function applyUserUpdate(db: ParleyDatabase, me: Me, update: UserUpdate): Promise<void> {
  await db.transaction('rw', [...reducerStores(db)], async () => {
    for (const chat of update.chats) await applyDirect(db, me.userId, chat);
    for (const entry of update.groups) await applyGroupEntry(db, me.userId, entry);
    if (update.profile) await db.setMeta('me', { ...me, ...update.profile });
    if (update.blocked) await db.setMeta('blocked', update.blocked);
    await db.setMeta('userVersion', update.version);
  });
}

export async function applyGroupUpdate(db: ParleyDatabase, me: Me, update: GroupUpdate): Promise<void> {
  await db.transaction('rw', [...reducerStores(db)], async () => {
    const id = groupChatId(update.group);
    const before = await db.chats.get(id);
    // Left meanwhile: the answer is about a chat that is no longer ours.
    if (before?.kind !== 'group') return;
    await putEvents(db, id, update.events, me.userId);
    const chat: GroupChat = {
      ...before,
      title: update.name,
      description: update.description,
      myRole: update.myRole,
      memberCount: update.memberCount,
      version: update.version,
      membersStale: before.membersStale || update.membersChanged,
    };
    await db.chats.put(await refreshChat(db, chat, me.userId, update.latestMessage));
  });
}

export async function applyNotMember(db: ParleyDatabase, chatId: ChatId): Promise<void> {
  await db.transaction('rw', [...reducerStores(db)], async () => {
    const chat = await db.chats.get(chatId);
    if (chat?.kind === 'group' && chat.membership === 'member') await db.chats.put({ ...chat, membership: 'gone' });
  });
}
