// A chat's events in the local database, as the timeline needs them: by place, with the names and the
// quoted messages that belong to them.

import type { ParleyDatabase } from '../../db/database.ts';
import { FIRST_PENDING_ORDER, peopleIn, type Chat, type MessageEvent, type TimelineEvent } from '../../domain/chat.ts';
import type { ChatId, MessageId, UserId } from '../../domain/ids.ts';
import { handleOf, shownName } from '../../domain/names.ts';
import { messageKey } from '../../sync/reducer.ts';

export interface LoadedEvents {
  events: TimelineEvent[];
  names: ReadonlyMap<UserId, string>;
  /** Usernames, of those who are called something else. */
  handles: ReadonlyMap<UserId, string>;
  quotes: ReadonlyMap<MessageId, MessageEvent>;
}

export const NOTHING_LOADED: LoadedEvents = { events: [], names: new Map(), handles: new Map(), quotes: new Map() };

export class TimelineStore {
  readonly chatId: ChatId;
  readonly #db: ParleyDatabase;

  constructor(db: ParleyDatabase, chatId: ChatId) {
    this.#db = db;
    this.chatId = chatId;
  }

  chat(): Promise<Chat | undefined> {
    return this.#db.chats.get(this.chatId);
  }

  async placeOf(id: MessageId): Promise<number | null> {
    return (await this.#db.events.get([this.chatId, messageKey(id)]))?.order ?? null;
  }

  /** Both ends inclusive. */
  count(from: number, to: number): Promise<number> {
    return this.#between(from, to, true, true).count();
  }

  /**
   * Order of the event `count` before `order` (exclusive), or of the first there is; `order` if there is none.
   * Never among the waiting messages: they get lower orders when they are sent, and must not fall out of a
   * window that began with them.
   */
  async stepBack(order: number, count: number): Promise<number> {
    const keys = await this.#between(-1, order, true, false).reverse().limit(count).keys();
    const last = keys.at(-1);
    if (last === undefined) return order === Infinity ? 0 : order;
    if (orderOf(last) < FIRST_PENDING_ORDER) return orderOf(last);
    const [newest] = await this.#between(-1, FIRST_PENDING_ORDER, true, false).reverse().limit(1).keys();
    return newest === undefined ? 0 : orderOf(newest) + 1;
  }

  /** Order of the event `count` after `order` (exclusive); Infinity when the end is nearer than that. */
  async stepForward(order: number, count: number): Promise<number> {
    const keys = await this.#between(order, Infinity, false, true)
      .limit(count + 1)
      .keys();
    const last = keys[count - 1];
    return keys.length <= count || last === undefined ? Infinity : orderOf(last);
  }

  /** Both ends inclusive, in order. */
  async load(from: number, to: number): Promise<LoadedEvents> {
    const events = await this.#between(from, to, true, true).sortBy('order');
    const people = new Set<UserId>();
    const replies = new Set<MessageId>();
    for (const event of events) {
      if (event.kind === 'message') {
        people.add(event.sender);
        if (event.replyTo) replies.add(event.replyTo);
        for (const { users } of event.body.reactions) for (const user of users) people.add(user);
        continue;
      }
      for (const person of peopleIn(event.event)) people.add(person);
    }
    const quoted = await this.#db.events.bulkGet([...replies].map((id): [ChatId, string] => [this.chatId, messageKey(id)]));
    const quotes = new Map<MessageId, MessageEvent>();
    for (const event of quoted) {
      if (event?.kind !== 'message') continue;
      quotes.set(event.id, event);
      people.add(event.sender);
    }
    const known = await this.#db.people.bulkGet([...people]);
    const names = new Map<UserId, string>();
    const handles = new Map<UserId, string>();
    for (const person of known) {
      if (!person) continue;
      names.set(person.userId, shownName(person));
      const handle = handleOf(person);
      if (handle) handles.set(person.userId, handle);
    }
    return { events, quotes, names, handles };
  }

  #between(from: number, to: number, includeFrom: boolean, includeTo: boolean) {
    return this.#db.events.where('[chatId+order]').between([this.chatId, from], [this.chatId, to], includeFrom, includeTo);
  }
}

/** Keys of the index are pairs, which the library's types do not tell. */
const orderOf = (key: unknown): number => (key as [ChatId, number])[1];
