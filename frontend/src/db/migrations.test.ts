import 'fake-indexeddb/auto';
import { afterEach, describe, expect, it } from 'vitest';
import Dexie from 'dexie';
import { ParleyDatabase } from './database.ts';
import { migrations } from './migrations.ts';

const NAME = 'migrations-test';
afterEach(() => Dexie.delete(NAME));

describe('the local database', () => {
  it('numbers its versions from one, without gaps', () => {
    expect(migrations.map(({ version }) => version)).toEqual(migrations.map((_, i) => i + 1));
  });

  it('never changes a released version', () => {
    // Somebody's data has this shape. A new version is a new line here; an old line never changes.
    expect(migrations.map(({ version, stores }) => [version, JSON.stringify(stores)])).toEqual([
      [
        1,
        '{"meta":"name","chats":"id, activeAt","events":"[chatId+key], [chatId+order]","jobs":"++seq, chatId, [chatId+messageId]","drafts":"chatId","people":"userId","members":"[chatId+userId], chatId","invitees":"[chatId+userId], chatId"}',
      ],
    ]);
  });

  it.each(migrations.map(({ version }) => version))('opens what version %i left, with its data', async (version) => {
    const old = new Dexie(NAME);
    for (const { version: number, stores } of migrations.filter((m) => m.version <= version)) old.version(number).stores(stores);
    await old.open();
    await old.table('drafts').put({ chatId: 'd:aaaaa-aa', text: 'kept', replyTo: null, editing: null, updatedAt: 1 });
    old.close();
    const db = new ParleyDatabase(NAME);
    expect((await db.drafts.toArray())[0]?.text).toBe('kept');
    db.close();
  });
});
