// The window on a chat's events that is on screen. The chat may be of any length: the window holds a few
// hundred events, slides by pages, and follows the end while it touches it.

import type { ParleyDatabase } from '../../db/database.ts';
import { live, type Live } from '../../db/live.svelte.ts';
import type { MessageEvent, TimelineEvent } from '../../domain/chat.ts';
import type { ChatId, MessageId, UserId } from '../../domain/ids.ts';
import { toDays, type TimelineDay } from '../../domain/timeline.ts';
import { startOfDay } from '../../i18n/dates.ts';
import { NOTHING_LOADED, TimelineStore, type LoadedEvents } from './timeline-store.ts';

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

export class Timeline {
  readonly chatId: ChatId;
  readonly #store: TimelineStore;
  readonly #me: UserId;
  readonly #loaded: Live<LoadedEvents | null>;
  #window = $state.raw<Window | null>(null);
  /** The read mark when the chat was opened, or when news came unseen: the unread line stays where it was found. */
  #unreadAfter = $state.raw<number | null>(null);
  #moving = false;
  #days = $derived.by((): TimelineDay[] => toDays(this.events, this.#unreadAfter, this.#me, startOfDay));

  constructor(db: ParleyDatabase, chatId: ChatId, me: UserId) {
    this.#store = new TimelineStore(db, chatId);
    this.chatId = chatId;
    this.#me = me;
    this.#loaded = live(
      () => this.#window,
      (window) => (window ? this.#store.load(window.from, window.to) : Promise.resolve(null)),
    );
  }

  get ready(): boolean {
    return (this.#loaded.current ?? null) !== null;
  }

  get #shown(): LoadedEvents {
    return this.#loaded.current ?? NOTHING_LOADED;
  }

  get events(): TimelineEvent[] {
    return this.#shown.events;
  }

  get days(): TimelineDay[] {
    return this.#days;
  }

  get names(): ReadonlyMap<UserId, string> {
    return this.#shown.names;
  }

  get handles(): ReadonlyMap<UserId, string> {
    return this.#shown.handles;
  }

  get quotes(): ReadonlyMap<MessageId, MessageEvent> {
    return this.#shown.quotes;
  }

  get followsEnd(): boolean {
    return this.#window?.to === Infinity;
  }

  /** Opens at the first unread message, or at the end. */
  async open(): Promise<void> {
    const chat = await this.#store.chat();
    if (chat && chat.unread > 0) {
      this.#unreadAfter = chat.readUpTo;
      const context = await this.#store.stepBack(chat.readUpTo + 1, BEFORE_UNREAD);
      const last = await this.#store.stepForward(chat.readUpTo, MAX_WINDOW - BEFORE_UNREAD);
      this.#window = { from: context, to: last };
    } else {
      await this.toEnd();
    }
  }

  async toEnd(): Promise<void> {
    this.#window = { from: await this.#store.stepBack(Infinity, FIRST_PAGE), to: Infinity };
  }

  /** News came that nobody was looking at: the line stands before them, once. */
  drawUnreadLine(after: number): void {
    this.#unreadAfter = after;
  }

  /** What I send is after everything there is: the line would only be in the way. */
  forgetUnreadLine(): void {
    this.#unreadAfter = null;
  }

  async older(): Promise<void> {
    await this.#move(async ({ from, to }) => {
      const next = await this.#store.stepBack(from, PAGE);
      if (next === from) return null;
      const size = await this.#store.count(next, to);
      return { from: next, to: size > MAX_WINDOW ? await this.#store.stepForward(next - 1, MAX_WINDOW) : to };
    });
  }

  async newer(): Promise<void> {
    await this.#move(async ({ from, to }) => {
      if (to === Infinity) return null;
      const next = await this.#store.stepForward(to, PAGE);
      const size = await this.#store.count(from, next);
      return { from: size > MAX_WINDOW ? await this.#store.stepBack(next === Infinity ? Infinity : next + 1, MAX_WINDOW) : from, to: next };
    });
  }

  /** Moves the window so that it holds this message. `false` when the message is not held locally. */
  async reveal(id: MessageId): Promise<boolean> {
    const order = await this.#store.placeOf(id);
    if (order === null) return false;
    const window = this.#window;
    if (window && order >= window.from && order <= window.to) return true;
    this.#window = {
      from: await this.#store.stepBack(order, PAGE / 2),
      to: await this.#store.stepForward(order, PAGE),
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
}
