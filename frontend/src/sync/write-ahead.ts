// Between the tap on "send" and the database's word that it is stored, a tab can be closed. What is being
// sent is therefore first written where writing does not wait, and taken up again at the next start. The
// message id is drawn before, so that taking up twice sends once. The same goes for what is being typed when
// a page goes away.

import type { Draft, ParleyDatabase } from '../db/database.ts';
import { parseChatId, type ChatId, type MessageId, type UserId } from '../domain/ids.ts';
import { saveDraft, sendMessage, type Outgoing } from './actions.ts';
import { messageKey } from './reducer.ts';

export type KeyValueStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>;

const SENDING = 'parley-sending:';
const DRAFT = 'parley-draft:';

export class WriteAhead {
  readonly #storage: KeyValueStorage;

  constructor(storage: KeyValueStorage) {
    this.#storage = storage;
  }

  async send(db: ParleyDatabase, me: UserId, outgoing: Outgoing): Promise<void> {
    const forget = this.#note(`${SENDING}${outgoing.id}`, { ...outgoing, me });
    await sendMessage(db, me, outgoing);
    forget();
  }

  /** Returns what to call when the database has the draft. */
  noteDraft(me: UserId, draft: Draft): () => void {
    return this.#note(`${DRAFT}${draft.chatId}`, { ...draft, me });
  }

  #note(key: string, value: object): () => void {
    try {
      this.#storage.setItem(key, JSON.stringify(value));
    } catch {
      // Full or forbidden: then the database alone has to be quick enough.
    }
    return () => this.#storage.removeItem(key);
  }

  /** At the start, before anything is shown. Only what `me` was sending; the rest is not ours to keep. */
  async takeUp(db: ParleyDatabase, me: UserId | null): Promise<void> {
    const keys = Array.from({ length: this.#storage.length }, (_, i) => this.#storage.key(i) ?? '');
    const sending = keys.filter((key) => key.startsWith(SENDING));
    const found = sending.flatMap((key) => parseOutgoing(this.#storage.getItem(key), me) ?? []);
    for (const outgoing of found.sort((a, b) => a.at - b.at)) {
      if (me && !(await db.events.get([outgoing.chatId, messageKey(outgoing.id)]))) await sendMessage(db, me, outgoing);
    }
    const drafts = keys.filter((key) => key.startsWith(DRAFT));
    for (const key of drafts) {
      const draft = parseDraft(this.#storage.getItem(key), me);
      const stored = draft && (await db.drafts.get(draft.chatId));
      if (draft && draft.updatedAt > (stored?.updatedAt ?? 0)) await saveDraft(db, draft);
    }
    for (const key of [...sending, ...drafts]) this.#storage.removeItem(key);
  }
}

const isNumber = (value: unknown): value is string => typeof value === 'string' && /^\d{1,20}$/.test(value);
const isNumberOrNull = (value: unknown): value is string | null => value === null || isNumber(value);
const isChatId = (value: unknown): value is ChatId => typeof value === 'string' && parseChatId(value) !== null;

/** The fields of a note that belongs to `me`; none of anything else. */
function fieldsOf(text: string | null, me: UserId | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '');
    const fields = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
    return fields['me'] === me ? fields : {};
  } catch {
    return {};
  }
}

function parseOutgoing(text: string | null, me: UserId | null): Outgoing | null {
  const { id, chatId, text: words, replyTo, at } = fieldsOf(text, me);
  if (!isNumber(id) || !isChatId(chatId) || !isNumberOrNull(replyTo)) return null;
  if (typeof words !== 'string' || words === '' || typeof at !== 'number') return null;
  return { id: id as MessageId, chatId, text: words, replyTo: replyTo as MessageId | null, at };
}

function parseDraft(text: string | null, me: UserId | null): Draft | null {
  const { chatId, text: words, replyTo, editing, updatedAt } = fieldsOf(text, me);
  if (!isChatId(chatId) || !isNumberOrNull(replyTo) || !isNumberOrNull(editing)) return null;
  if (typeof words !== 'string' || typeof updatedAt !== 'number') return null;
  return { chatId, text: words, replyTo: replyTo as MessageId | null, editing: editing as MessageId | null, updatedAt };
}
