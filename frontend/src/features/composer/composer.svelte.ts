// What is being written in one chat: kept as a draft with every change, so that nothing typed is ever lost
// to a reload, an update or a closed tab.

import type { Draft, ParleyDatabase } from '../../db/database.ts';
import type { MessageEvent } from '../../domain/chat.ts';
import type { ChatId, MessageId, UserId } from '../../domain/ids.ts';
import { composeMessage, editMessage, MAX_TEXT_CHARS, saveDraft } from '../../sync/actions.ts';
import { messageKey } from '../../sync/reducer.ts';
import { draftChanged, draftSaved, isUnsaved } from './drafts.ts';
import type { WriteAhead } from '../../sync/write-ahead.ts';

const SAVE_AFTER_MS = 300;

export class ComposerState {
  readonly #db: ParleyDatabase;
  readonly #chatId: ChatId;
  readonly #me: UserId;
  #text = $state.raw('');
  #replyTo = $state.raw<MessageEvent | null>(null);
  #editing = $state.raw<MessageEvent | null>(null);
  /** What was being written before an edit took its place. */
  #setAside = '';
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** How often what is written was changed here. */
  #changes = 0;
  readonly #keep = (): Promise<void> => this.keep();

  readonly #writeAhead: WriteAhead;

  constructor(db: ParleyDatabase, writeAhead: WriteAhead, chatId: ChatId, me: UserId) {
    this.#db = db;
    this.#writeAhead = writeAhead;
    this.#chatId = chatId;
    this.#me = me;
  }

  get text(): string {
    return this.#text;
  }

  set text(text: string) {
    this.#text = text;
    this.#later();
  }

  get replyEvent(): MessageEvent | null {
    return this.#replyTo;
  }

  get editing(): MessageEvent | null {
    return this.#editing;
  }

  get tooLong(): boolean {
    // Code points, as the canister counts; the length in UTF-16 units is an upper bound and cheap.
    return this.#text.length > MAX_TEXT_CHARS && [...this.#text.trim()].length > MAX_TEXT_CHARS;
  }

  get sendable(): boolean {
    return this.#text.trim() !== '' && !this.tooLong;
  }

  async restore(): Promise<void> {
    const draft = await this.#db.drafts.get(this.#chatId);
    // Whoever typed faster than the database wins.
    if (!draft || this.#changes > 0) return;
    const find = async (id: MessageId | null): Promise<MessageEvent | null> => {
      const event = id ? await this.#db.events.get([this.#chatId, messageKey(id)]) : undefined;
      return event?.kind === 'message' ? event : null;
    };
    const [replyTo, editing] = [await find(draft.replyTo), await find(draft.editing)];
    if (this.#changes > 0) return;
    this.#text = draft.text;
    this.#replyTo = replyTo;
    this.#editing = editing;
  }

  reply(event: MessageEvent): void {
    if (this.#editing) this.stopEdit();
    this.#replyTo = event;
    this.#later();
  }

  stopReply(): void {
    this.#replyTo = null;
    this.#later();
  }

  edit(event: MessageEvent): void {
    if (!this.#editing) this.#setAside = this.#text;
    this.#replyTo = null;
    this.#editing = event;
    this.#text = event.body.text;
    this.#later();
  }

  stopEdit(): void {
    this.#editing = null;
    this.#text = this.#setAside;
    this.#setAside = '';
    this.#later();
  }

  /** `sent` when a new message is on its way. */
  async submit(): Promise<'sent' | 'edited' | 'nothing'> {
    if (!this.sendable) return 'nothing';
    clearTimeout(this.#timer);
    draftSaved(this.#keep);
    const text = this.#text;
    if (this.#editing) {
      const event = this.#editing;
      this.#editing = null;
      this.#text = this.#setAside;
      this.#setAside = '';
      if (text.trim() !== event.body.text) await editMessage(this.#db, this.#me, event, text);
      await this.saveNow();
      return 'edited';
    }
    const replyTo = this.#replyTo?.id ?? null;
    // Cleared first: the next message may be typed while this one is stored.
    this.#text = '';
    this.#replyTo = null;
    const outgoing = composeMessage(this.#chatId, text, replyTo);
    if (outgoing) await this.#writeAhead.send(this.#db, this.#me, outgoing);
    return 'sent';
  }

  async saveNow(): Promise<void> {
    clearTimeout(this.#timer);
    const changes = this.#changes;
    await saveDraft(this.#db, this.#draft());
    // Not before: a page that goes away while the database writes still has to note the draft.
    if (changes === this.#changes) draftSaved(this.#keep);
  }

  /** Stores the draft of a page that may be gone before the database has taken it. */
  async keep(): Promise<void> {
    const forget = this.#writeAhead.noteDraft(this.#me, this.#draft());
    await this.saveNow();
    forget();
  }

  /** The screen goes away: what was typed is written. */
  leave(): void {
    if (isUnsaved(this.#keep)) void this.saveNow();
  }

  #draft(): Draft {
    return {
      chatId: this.#chatId,
      text: this.#text,
      replyTo: this.#replyTo?.id ?? null,
      editing: this.#editing?.id ?? null,
      updatedAt: Date.now(),
    };
  }

  #later(): void {
    this.#changes += 1;
    draftChanged(this.#keep);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.saveNow(), SAVE_AFTER_MS);
  }
}
