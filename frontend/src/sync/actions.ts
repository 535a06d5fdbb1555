// What a person does in a conversation: each action is one transaction that stores the job and shows its
// effect, and returns at once. The engine carries the jobs out.

import type { Draft, ParleyDatabase } from '../db/database.ts';
import { FIRST_PENDING_ORDER, messageState, type Chat, type MessageEvent, type Person } from '../domain/chat.ts';
import { newMessageId, type ChatId, type MessageId, type UserId } from '../domain/ids.ts';
import { withPending, type Job, type JobAction } from '../domain/job.ts';
import { messageKey, newDirectChat, reducerStores, refreshChat } from './reducer.ts';

/** The network's limit, in characters. */
export const MAX_TEXT_CHARS = 10_000;

const newJob = (chatId: ChatId, messageId: MessageId, action: JobAction, now: number): Job => ({
  chatId,
  messageId,
  action,
  createdAt: now,
  attempts: 0,
  notBefore: 0,
});

/** A message on its way into the outbox. `text` is trimmed and not empty. */
export interface Outgoing {
  id: MessageId;
  chatId: ChatId;
  text: string;
  replyTo: MessageId | null;
  at: number;
}

/** `null` when there is nothing to send. */
export function composeMessage(chatId: ChatId, text: string, replyTo: MessageId | null, now = Date.now()): Outgoing | null {
  const trimmed = text.trim();
  return trimmed === '' ? null : { id: newMessageId(), chatId, text: trimmed, replyTo, at: now };
}

/** Clears the chat's draft in the same transaction. */
export async function sendMessage(db: ParleyDatabase, me: UserId, { id, chatId, text, replyTo, at }: Outgoing): Promise<void> {
  await db.transaction('rw', [...reducerStores(db), db.drafts], async () => {
    const seq = await db.jobs.add(newJob(chatId, id, { do: 'send', text, replyTo }, at));
    const event: MessageEvent = {
      chatId,
      key: messageKey(id),
      kind: 'message',
      id,
      sender: me,
      order: FIRST_PENDING_ORDER + (seq as number),
      at,
      replyTo,
      body: { text, deleted: false, editedAt: null, reactions: [] },
      pending: { state: 'waiting' },
    };
    await db.events.put(event);
    await db.drafts.delete(chatId);
    const chat = await db.chats.get(chatId);
    if (chat) await db.chats.put(await refreshChat(db, { ...chat, readUpTo: Math.max(chat.readUpTo, chat.latestIndex) }, me));
  });
}

/** Edit, delete or react. Shows at once; undone if the network refuses. */
async function change(db: ParleyDatabase, me: UserId, event: MessageEvent, action: JobAction, now: number): Promise<void> {
  await db.transaction('rw', [...reducerStores(db)], async () => {
    const stored = await db.events.get([event.chatId, event.key]);
    if (stored?.kind !== 'message') return;
    const job = newJob(event.chatId, event.id, action, now);
    await db.jobs.add(job);
    await db.events.put({
      ...stored,
      confirmed: stored.confirmed ?? stored.body,
      body: withPending(stored.body, [job], me),
    });
    const chat = await db.chats.get(event.chatId);
    if (chat) await db.chats.put(await refreshChat(db, chat, me));
  });
}

export const editMessage = (db: ParleyDatabase, me: UserId, event: MessageEvent, text: string, now = Date.now()): Promise<void> =>
  change(db, me, event, { do: 'edit', text: text.trim() }, now);

export const deleteMessage = async (db: ParleyDatabase, me: UserId, event: MessageEvent, now = Date.now()): Promise<void> => {
  if (event.pending?.state === 'failed') return discardFailed(db, me, event);
  await change(db, me, event, { do: 'delete' }, now);
};

export const react = (
  db: ParleyDatabase,
  me: UserId,
  event: MessageEvent,
  emoji: string,
  add: boolean,
  now = Date.now(),
): Promise<void> => change(db, me, event, { do: 'react', emoji, add }, now);

/**
 * Sends a failed message again: one that never got its place goes to the end of the outbox; one that stands
 * in the chat already, and was not delivered, keeps its place.
 */
export async function retryMessage(db: ParleyDatabase, me: UserId, event: MessageEvent, now = Date.now()): Promise<void> {
  await db.transaction('rw', [...reducerStores(db)], async () => {
    const stored = await db.events.get([event.chatId, event.key]);
    const chat = await db.chats.get(event.chatId);
    if (stored?.kind !== 'message' || !chat || messageState(stored, chat).state !== 'failed') return;
    // The same message id: if an earlier attempt did arrive after all, it is not doubled.
    const seq = await db.jobs.add(
      newJob(event.chatId, event.id, { do: 'send', text: stored.body.text, replyTo: stored.replyTo }, now),
    );
    const place = stored.order < FIRST_PENDING_ORDER ? {} : { order: FIRST_PENDING_ORDER + (seq as number), at: now };
    await db.events.put({ ...stored, ...place, pending: { state: 'waiting' } });
    await db.chats.put(await refreshChat(db, chat, me));
  });
}

/** A message that never got its place is forgotten; nobody else ever knew of it. */
export async function discardFailed(db: ParleyDatabase, me: UserId, event: MessageEvent): Promise<void> {
  await db.transaction('rw', [...reducerStores(db)], async () => {
    await db.events.delete([event.chatId, event.key]);
    await db.jobs.where({ chatId: event.chatId, messageId: event.id }).delete();
    const chat = await db.chats.get(event.chatId);
    if (chat) await db.chats.put(await refreshChat(db, chat, me));
  });
}

/** Marks only go forward; the engine tells the network. */
export async function markRead(db: ParleyDatabase, me: UserId, chatId: ChatId, upTo: number): Promise<void> {
  await db.transaction('rw', [...reducerStores(db)], async () => {
    const chat = await db.chats.get(chatId);
    if (!chat || upTo <= chat.readUpTo) return;
    await db.chats.put(await refreshChat(db, { ...chat, readUpTo: upTo }, me));
  });
}

export async function saveDraft(db: ParleyDatabase, draft: Draft): Promise<void> {
  if (draft.text.trim() === '' && draft.replyTo === null && draft.editing === null) await db.drafts.delete(draft.chatId);
  else await db.drafts.put(draft);
}

/** Makes the chat exist locally, so that it can be opened; the network learns of it with the first message. */
export async function openDirectChat(db: ParleyDatabase, person: Person, now = Date.now()): Promise<Chat> {
  const fresh = newDirectChat(person.userId, person.username, now);
  return db.transaction('rw', db.chats, db.people, async () => {
    await db.people.put({ ...(await db.people.get(person.userId)), ...person });
    const stored = await db.chats.get(fresh.id);
    if (stored) return stored;
    await db.chats.put(fresh);
    return fresh;
  });
}

