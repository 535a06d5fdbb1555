// Numbered and only ever added to: a released entry never changes, because somebody's data has that shape.

import type { Transaction } from 'dexie';

export interface Migration {
  version: number;
  /** Dexie's notation: primary key first, then indexes. `null` drops a store. */
  stores: Record<string, string | null>;
  upgrade?: (transaction: Transaction) => PromiseLike<unknown>;
}

export const migrations: readonly Migration[] = [
  {
    version: 1,
    stores: {
      meta: 'name',
      chats: 'id, activeAt',
      events: '[chatId+key], [chatId+order]',
      jobs: '++seq, chatId, [chatId+messageId]',
      drafts: 'chatId',
      people: 'userId',
      members: '[chatId+userId], chatId',
      invitees: '[chatId+userId], chatId',
    },
  },
];
