// The outbox: what the person did and the network has not confirmed yet. A job is stored before anything
// is shown as done, is safe to repeat, and leaves the outbox only when it was confirmed or can never be.
// Always: jobs of one chat go in the order they were made. Never: a job is lost by closing the tab.

import type { MessageBody, Reaction } from './chat.ts';
import type { ChatId, MessageId, UserId } from './ids.ts';

export type JobAction =
  | { do: 'send'; text: string; replyTo: MessageId | null }
  | { do: 'edit'; text: string }
  | { do: 'delete' }
  | { do: 'react'; emoji: string; add: boolean };

export interface Job {
  /** Given by the database; grows, so it orders. */
  seq?: number;
  chatId: ChatId;
  messageId: MessageId;
  action: JobAction;
  createdAt: number;
  attempts: number;
  /** Not before this time, milliseconds. */
  notBefore: number;
}

/** The body as the person should see it: confirmed, with my own pending changes on top. */
export function withPending(body: MessageBody, jobs: readonly Job[], me: UserId): MessageBody {
  let view = body;
  for (const { action, createdAt } of jobs) {
    switch (action.do) {
      case 'send':
        break;
      case 'edit':
        view = { ...view, text: action.text, editedAt: createdAt };
        break;
      case 'delete':
        view = { text: '', deleted: true, editedAt: null, reactions: [] };
        break;
      case 'react':
        view = { ...view, reactions: toggleReaction(view.reactions, action.emoji, action.add, me) };
        break;
    }
  }
  return view;
}

export function toggleReaction(reactions: readonly Reaction[], emoji: string, add: boolean, me: UserId): Reaction[] {
  const found = reactions.find((r) => r.emoji === emoji);
  if (!found) return add ? [...reactions, { emoji, count: 1, mine: true, users: [me] }] : [...reactions];
  if (found.mine === add) return [...reactions];
  const count = found.count + (add ? 1 : -1);
  if (count === 0) return reactions.filter((r) => r !== found);
  const users = add ? [...found.users, me] : found.users.filter((u) => u !== me);
  return reactions.map((r) => (r === found ? { emoji, count, mine: add, users } : r));
}

/** The oldest job of each chat that has one, in the order they were made. */
export function headJobs(jobs: readonly Job[]): Job[] {
  const seen = new Set<ChatId>();
  const heads: Job[] = [];
  for (const job of jobs) {
    if (seen.has(job.chatId)) continue;
    seen.add(job.chatId);
    heads.push(job);
  }
  return heads;
}

const FIRST_RETRY_MS = 500;
/** Long enough to spare a struggling network, short enough that "back online" feels prompt. */
const MAX_RETRY_MS = 30_000;

/** Exponential back-off with up to a quarter of jitter. `random` is in [0, 1). */
export function retryDelayMs(attempts: number, random: number): number {
  const base = Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempts, 10), MAX_RETRY_MS);
  return Math.round(base * (1 - random / 4));
}
