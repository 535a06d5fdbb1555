// Carries out the jobs of the outbox. Always: one job at a time per chat, oldest first; a job is repeated
// until it is confirmed or refused for good, with the same message id. Never: a job is dropped because the
// answer was lost.

import type { ParleyDatabase } from '../db/database.ts';
import { FIRST_PENDING_ORDER, type Me } from '../domain/chat.ts';
import { failureClass, RequestError, type FailureCode } from '../domain/failure.ts';
import { parseChatId } from '../domain/ids.ts';
import { headJobs, retryDelayMs, withPending, type Job } from '../domain/job.ts';
import type { ChatBackend } from './backend-port.ts';
import { messageKey, reducerStores, refreshChat } from './reducer.ts';

/** Chats served at the same time. */
const PARALLEL_CHATS = 4;

export interface OutboxEvents {
  /** Something was confirmed: the network has news. */
  confirmed(): void;
  /** A change was refused for good and undone. */
  refused(job: Job, code: FailureCode): void;
  sessionExpired(): void;
}

export interface Clock {
  now(): number;
  random(): number;
}

export class OutboxSender {
  readonly #db: ParleyDatabase;
  readonly #backend: ChatBackend;
  readonly #me: () => Me;
  readonly #events: OutboxEvents;
  readonly #clock: Clock;
  readonly #busy = new Set<string>();

  constructor(db: ParleyDatabase, backend: ChatBackend, me: () => Me, events: OutboxEvents, clock: Clock) {
    this.#db = db;
    this.#backend = backend;
    this.#me = me;
    this.#events = events;
    this.#clock = clock;
  }

  /**
   * Sends what is due, until nothing is. Answers the time at which the next waiting job is due, or `null`
   * when the outbox is empty or everything due is already on its way.
   */
  async drain(): Promise<number | null> {
    for (;;) {
      const heads = headJobs(await this.#db.jobs.orderBy('seq').toArray());
      const free = heads.filter((job) => !this.#busy.has(job.chatId));
      const due = free.filter((job) => job.notBefore <= this.#clock.now()).slice(0, PARALLEL_CHATS - this.#busy.size);
      if (due.length === 0) {
        return free.length === 0 ? null : Math.min(...free.map((job) => job.notBefore));
      }
      await Promise.all(due.map((job) => this.#perform(job)));
    }
  }

  async #perform(job: Job): Promise<void> {
    this.#busy.add(job.chatId);
    try {
      const target = parseChatId(job.chatId);
      if (!target) throw new Error(`not a chat id: ${job.chatId}`);
      const place = await this.#backend.perform(this.#me(), target, job.messageId, job.action);
      await this.#confirm(job, place);
      this.#events.confirmed();
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      await this.#fail(job, error.code);
    } finally {
      this.#busy.delete(job.chatId);
    }
  }

  async #confirm(job: Job, place: { index: number; at: number } | null): Promise<void> {
    const db = this.#db;
    await db.transaction('rw', [...reducerStores(db)], async () => {
      await db.jobs.delete(job.seq as number);
      const event = await db.events.get([job.chatId, messageKey(job.messageId)]);
      if (event?.kind !== 'message') return;
      if (job.action.do === 'send') {
        const { pending: _, ...sent } = event;
        if (event.order < FIRST_PENDING_ORDER) {
          // The sync was faster, or it stood in the chat before and was sent again: the place is known.
          if (event.pending) await db.events.put({ ...sent, delivery: 'sent-again' });
          return;
        }
        if (!place) return;
        await db.events.put({ ...sent, order: place.index, at: place.at });
      } else if (event.confirmed) {
        const confirmed = withPending(event.confirmed, [job], this.#me().userId);
        const rest = await db.jobs.where({ chatId: job.chatId, messageId: job.messageId }).toArray();
        const { confirmed: _, ...plain } = event;
        await db.events.put(
          rest.length === 0 ? { ...plain, body: confirmed } : { ...event, confirmed, body: withPending(confirmed, rest, this.#me().userId) },
        );
      }
      const chat = await db.chats.get(job.chatId);
      if (chat) await db.chats.put(await refreshChat(db, chat, this.#me().userId));
    });
  }

  async #fail(job: Job, code: FailureCode): Promise<void> {
    const action = failureClass(code);
    const db = this.#db;
    if (action === 'wait') {
      // Stays as it is: it goes out after the next sign-in.
      await db.jobs.update(job.seq as number, { notBefore: this.#clock.now() + 5_000 });
      this.#events.sessionExpired();
      return;
    }
    if (action === 'retry') {
      const attempts = job.attempts + 1;
      await db.jobs.update(job.seq as number, {
        attempts,
        notBefore: this.#clock.now() + retryDelayMs(attempts, this.#clock.random()),
      });
      return;
    }
    let told = false;
    await db.transaction('rw', [...reducerStores(db)], async () => {
      await db.jobs.delete(job.seq as number);
      const event = await db.events.get([job.chatId, messageKey(job.messageId)]);
      if (event?.kind !== 'message') return;
      if (job.action.do === 'send') {
        told = event.order >= FIRST_PENDING_ORDER;
        const { pending: _, ...settled } = event;
        // What stands in the chat goes back to being undelivered.
        await db.events.put(event.order < FIRST_PENDING_ORDER ? settled : { ...event, pending: { state: 'failed', code } });
      } else if (event.confirmed) {
        const rest = await db.jobs.where({ chatId: job.chatId, messageId: job.messageId }).toArray();
        const { confirmed, ...plain } = event;
        const body = withPending(confirmed, rest, this.#me().userId);
        await db.events.put(rest.length === 0 ? { ...plain, body } : { ...event, body });
      }
      const chat = await db.chats.get(job.chatId);
      if (chat) await db.chats.put(await refreshChat(db, chat, this.#me().userId));
    });
    // A message that failed says so where it stands.
    if (!told) this.#events.refused(job, code);
  }

  /** The network is back, or the person signed in again: nothing waits for its back-off. */
  async hurry(): Promise<void> {
    await this.#db.jobs.filter((job) => job.notBefore > 0).modify({ notBefore: 0 });
  }
}
