// The window on a chat's events that is on screen. The chat may be of any length: the window holds a few
// hundred events, slides by pages, and follows the end while it touches it.

import type { ParleyDatabase } from '../../db/database.ts';
import { live, type Live } from '../../db/live.svelte.ts';
import type { MessageEvent, TimelineEvent } from '../../domain/chat.ts';
import type { ChatId, MessageId, UserId } from '../../domain/ids.ts';
import { toDays, type TimelineDay } from '../../domain/timeline.ts';
import { startOfDay } from '../../i18n/dates.ts';

const FIRST_PAGE = 60;
const PAGE = 60;
/** More than this many on screen make scrolling heavy. */
const MAX_WINDOW = 300;
/** Shown above the first unread message, for context. */
const BEFORE_UNREAD = 15;

interface Window {
  /** Inclusive, in orders. */
  from: number;
  /** Inclusive; Infinity follows the end. */
  to: number;
}

interface Loaded {
  events: TimelineEvent[];
  names: Map<UserId, string>;
  quotes: Map<MessageId, MessageEvent>;
}

export class Timeline {
  readonly chatId: ChatId;
  readonly #db: ParleyDatabase;
  readonly #me: UserId;
  readonly #loaded: Live<Loaded | null>;
  #window = $state.raw<Window | null>(null);
  /** The read mark when the chat was opened: the unread line stays where it was found. */
  #unreadAfter = $state.raw<number | null>(null);
  #moving = false;
  #days = $derived.by((): TimelineDay[] => toDays(this.events, this.#unreadAfter, this.#me, startOfDay));

  constructor(db: ParleyDatabase, chatId: ChatId, me: UserId) {
    this.#db = db;
    this.chatId = chatId;
    this.#me = me;
    this.#loaded = live(
      () => this.#window,
      (window) => (window ? this.#load(window) : Promise.resolve(null)),
    );
  }

  get ready(): boolean {
    return (this.#loaded.current ?? null) !== null;
  }

  get events(): TimelineEvent[] {
    return this.#loaded.current?.events ?? [];
  }

  get days(): TimelineDay[] {
    return this.#days;
  }

  get names(): ReadonlyMap<UserId, string> {
    return this.#loaded.current?.names ?? new Map<UserId, string>();
  }

  get quotes(): ReadonlyMap<MessageId, MessageEvent> {
    return this.#loaded.current?.quotes ?? new Map<MessageId, MessageEvent>();
  }

  get followsEnd(): boolean {
    return this.#window?.to === Infinity;
  }

  get hasUnreadLine(): boolean {
    return this.#unreadAfter !== null;
  }

  /** Opens at the first unread message, or at the end. */
  async open(): Promise<void> {
    const chat = await this.#db.chats.get(this.chatId);
    if (chat && chat.unread > 0) {
      this.#unreadAfter = chat.readUpTo;
      const context = await this.#stepBack(chat.readUpTo + 1, BEFORE_UNREAD);
      const last = await this.#stepForward(chat.readUpTo, MAX_WINDOW - BEFORE_UNREAD);
      this.#window = { from: context, to: last };
    } else {
      await this.toEnd();
    }
  }

  async toEnd(): Promise<void> {
    this.#window = { from: await this.#stepBack(Infinity, FIRST_PAGE), to: Infinity };
  }

  /** What I send is after everything there is: the line would only be in the way. */
  forgetUnreadLine(): void {
    this.#unreadAfter = null;
  }

  async older(): Promise<void> {
    await this.#move(async ({ from, to }) => {
      const next = await this.#stepBack(from, PAGE);
      if (next === from) return null;
      const size = await this.#count(next, to);
      return { from: next, to: size > MAX_WINDOW ? await this.#stepForward(next - 1, MAX_WINDOW) : to };
    });
  }

  async newer(): Promise<void> {
    await this.#move(async ({ from, to }) => {
      if (to === Infinity) return null;
      const next = await this.#stepForward(to, PAGE);
      const size = await this.#count(from, next);
      return { from: size > MAX_WINDOW ? await this.#stepBack(next === Infinity ? Infinity : next + 1, MAX_WINDOW) : from, to: next };
    });
  }

  /** Moves the window so that it holds this message. `false` when the message is not held locally. */
  async reveal(id: MessageId): Promise<boolean> {
    const event = await this.#db.events.get([this.chatId, `m${id}`]);
    if (!event) return false;
    const window = this.#window;
    if (window && event.order >= window.from && event.order <= window.to) return true;
    this.#window = {
      from: await this.#stepBack(event.order, PAGE / 2),
      to: await this.#stepForward(event.order, PAGE),
    };
    return true;
  }

  async #move(next: (window: Window) => Promise<Window | null>): Promise<void> {
    const window = this.#window;
    if (!window || this.#moving) return;
    this.#moving = true;
    try {
      const moved = await next(window);
      // Something else (a jump) may have moved it meanwhile; that one wins.
      if (moved && this.#window === window) this.#window = moved;
    } finally {
      this.#moving = false;
    }
  }

  #between(from: number, to: number) {
    return this.#db.events.where('[chatId+order]').between([this.chatId, from], [this.chatId, to], true, true);
  }

  #count(from: number, to: number): Promise<number> {
    return this.#between(from, to).count();
  }

  /** Order of the event `count` before `order` (exclusive), or of the first there is; `order` if there is none. */
  async #stepBack(order: number, count: number): Promise<number> {
    const keys = await this.#db.events
      .where('[chatId+order]')
      .between([this.chatId, -1], [this.chatId, order], true, false)
      .reverse()
      .limit(count)
      .keys();
    const last = keys.at(-1) as unknown as [ChatId, number] | undefined;
    return last ? last[1] : order === Infinity ? 0 : order;
  }

  /** Order of the event `count` after `order` (exclusive); Infinity when the end is nearer than that. */
  async #stepForward(order: number, count: number): Promise<number> {
    const keys = await this.#db.events
      .where('[chatId+order]')
      .between([this.chatId, order], [this.chatId, Infinity], false, true)
      .limit(count + 1)
      .keys();
    if (keys.length <= count) return Infinity;
    return (keys[count - 1] as unknown as [ChatId, number])[1];
  }

  async #load({ from, to }: Window): Promise<Loaded> {
    const events = await this.#between(from, to).sortBy('order');
    const people = new Set<UserId>();
    const replies = new Set<MessageId>();
    for (const event of events) {
      if (event.kind === 'message') {
        people.add(event.sender);
        if (event.replyTo) replies.add(event.replyTo);
      } else {
        const { event: what } = event;
        if ('by' in what) people.add(what.by);
        if ('user' in what) people.add(what.user);
        if ('users' in what) what.users.forEach((user) => people.add(user));
      }
    }
    const quoted = await this.#db.events.bulkGet([...replies].map((id): [ChatId, string] => [this.chatId, `m${id}`]));
    const quotes = new Map<MessageId, MessageEvent>();
    for (const event of quoted) {
      if (event?.kind !== 'message') continue;
      quotes.set(event.id, event);
      people.add(event.sender);
    }
    const known = await this.#db.people.bulkGet([...people]);
    return { events, quotes, names: new Map(known.flatMap((person) => (person ? [[person.userId, person.username]] : []))) };
  }
}
