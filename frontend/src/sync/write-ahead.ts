// Between the tap on "send" and the database's word that it is stored, a tab can be closed. What is being
// sent is therefore first written where writing does not wait, and taken up again at the next start. The
// message id is drawn before, so that taking up twice sends once.

import type { ParleyDatabase } from '../db/database.ts';
import { parseChatId, type ChatId, type MessageId, type UserId } from '../domain/ids.ts';
import { sendMessage, type Outgoing } from './actions.ts';
import { messageKey } from './reducer.ts';

export type KeyValueStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>;

const PREFIX = 'parley-sending:';

export class WriteAhead {
  readonly #storage: KeyValueStorage;

  constructor(storage: KeyValueStorage) {
    this.#storage = storage;
  }

  async send(db: ParleyDatabase, me: UserId, outgoing: Outgoing): Promise<void> {
    const key = `${PREFIX}${outgoing.id}`;
    try {
      this.#storage.setItem(key, JSON.stringify({ ...outgoing, me }));
    } catch {
      // Full or forbidden: then the database alone has to be quick enough.
    }
    await sendMessage(db, me, outgoing);
    this.#storage.removeItem(key);
  }

  /** At the start, before anything is shown. Only what `me` was sending; the rest is not ours to keep. */
  async takeUp(db: ParleyDatabase, me: UserId | null): Promise<void> {
    const keys: string[] = [];
    for (let i = 0; i < this.#storage.length; i += 1) {
      const key = this.#storage.key(i);
      if (key?.startsWith(PREFIX)) keys.push(key);
    }
    const found = keys.flatMap((key) => {
      const outgoing = parseOutgoing(this.#storage.getItem(key), me);
      return outgoing ? [outgoing] : [];
    });
    for (const outgoing of found.sort((a, b) => a.at - b.at)) {
      if (me && !(await db.events.get([outgoing.chatId, messageKey(outgoing.id)]))) await sendMessage(db, me, outgoing);
    }
    for (const key of keys) this.#storage.removeItem(key);
  }
}

function parseOutgoing(text: string | null, me: UserId | null): Outgoing | null {
  try {
    const value = JSON.parse(text ?? '') as Partial<Record<keyof Outgoing | 'me', unknown>>;
    const { id, chatId, text: words, replyTo, at } = value;
    const number = /^\d{1,20}$/;
    if (value.me !== me || typeof id !== 'string' || !number.test(id) || typeof chatId !== 'string' || !parseChatId(chatId)) return null;
    if (typeof words !== 'string' || words === '' || typeof at !== 'number') return null;
    if (replyTo !== null && (typeof replyTo !== 'string' || !number.test(replyTo))) return null;
    return { id: id as MessageId, chatId: chatId as ChatId, text: words, replyTo: replyTo as MessageId | null, at };
  } catch {
    return null;
  }
}
