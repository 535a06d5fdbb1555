import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ParleyDatabase } from '../../db/database.ts';
import { directChatId, userId } from '../../domain/ids.ts';
import { openDirectChat } from '../../sync/actions.ts';
import { WriteAhead, type KeyValueStorage } from '../../sync/write-ahead.ts';
import { ComposerState } from './composer.svelte.ts';
import { saveAllDrafts } from './drafts.ts';

const me = userId('me');
const ann = userId('ann');
const chatId = directChatId(ann);

/** Holds the notes of a page and remembers which there have been. */
class Notes implements KeyValueStorage {
  readonly now = new Map<string, string>();
  readonly ever: string[] = [];
  get length(): number {
    return this.now.size;
  }
  key(i: number): string | null {
    return [...this.now.keys()][i] ?? null;
  }
  getItem(key: string): string | null {
    return this.now.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.now.set(key, value);
    this.ever.push((JSON.parse(value) as { text: string }).text);
  }
  removeItem(key: string): void {
    this.now.delete(key);
  }
}

let db: ParleyDatabase;
let notes: Notes;
let composer: ComposerState;
beforeEach(async () => {
  db = new ParleyDatabase(`composer-${crypto.randomUUID()}`);
  notes = new Notes();
  await openDirectChat(db, { userId: ann, username: 'ann_lee' }, 0);
  composer = new ComposerState(db, new WriteAhead(notes), chatId, me);
});
afterEach(() => db.delete());

it('notes what is typed when the page goes away, until the database has it', async () => {
  composer.text = 'half a sen';
  const leaving = saveAllDrafts();
  expect(notes.ever).toEqual(['half a sen']);
  await leaving;
  expect(notes.length).toBe(0);
  expect((await db.drafts.get(chatId))?.text).toBe('half a sen');
});

it('notes it also while the database is writing, for that may not come to an end', async () => {
  composer.text = 'half a sen';
  const writing = composer.saveNow();
  const leaving = saveAllDrafts();
  expect(notes.ever).toEqual(['half a sen']);
  await Promise.all([writing, leaving]);
});

it('notes nothing that the database has, and nothing that was sent', async () => {
  composer.text = 'stored';
  await composer.saveNow();
  await saveAllDrafts();
  expect(notes.ever).toEqual([]);
  composer.text = 'sent';
  await composer.submit();
  await saveAllDrafts();
  expect([notes.ever, notes.length]).toEqual([['sent'], 0]);
  expect(await db.drafts.get(chatId)).toBeUndefined();
});

it('keeps a word typed while the database was writing the one before', async () => {
  composer.text = 'half';
  const writing = composer.saveNow();
  composer.text = 'half a sen';
  await writing;
  await saveAllDrafts();
  expect(notes.ever).toEqual(['half a sen']);
  expect((await db.drafts.get(chatId))?.text).toBe('half a sen');
});
