import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ParleyDatabase, type Draft } from '../db/database.ts';
import { directChatId, userId, type MessageId } from '../domain/ids.ts';
import { composeMessage, openDirectChat, type Outgoing } from './actions.ts';
import { WriteAhead, type KeyValueStorage } from './write-ahead.ts';

const me = userId('me');
const ann = userId('ann');
const chatId = directChatId(ann);

class MemoryStorage implements KeyValueStorage {
  readonly map = new Map<string, string>();
  get length(): number {
    return this.map.size;
  }
  key(i: number): string | null {
    return [...this.map.keys()][i] ?? null;
  }
  getItem(key: string): string | null {
    return this.map.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.map.set(key, value);
  }
  removeItem(key: string): void {
    this.map.delete(key);
  }
}

let db: ParleyDatabase;
let storage: MemoryStorage;
beforeEach(async () => {
  db = new ParleyDatabase(`ahead-${crypto.randomUUID()}`);
  storage = new MemoryStorage();
  await openDirectChat(db, { userId: ann, username: 'ann_lee' }, 0);
});
afterEach(() => db.delete());

const outgoing = (text: string, at = 1): Outgoing => {
  const message = composeMessage(chatId, text, null, at);
  if (!message) throw new Error('composed');
  return message;
};

/** What a tab leaves behind that is closed before the database has stored anything. */
const interrupted = (message: Outgoing): void => storage.setItem(`parley-sending:${message.id}`, JSON.stringify({ ...message, me }));

const texts = async (): Promise<string[]> =>
  (await db.jobs.orderBy('seq').toArray()).map((job) => (job.action.do === 'send' ? job.action.text : job.action.do));

describe('a tab closed in the middle of sending', () => {
  it('loses nothing: the next start takes up what was being sent, in order', async () => {
    interrupted(outgoing('second', 2));
    interrupted(outgoing('first', 1));
    await new WriteAhead(storage).takeUp(db, me);
    expect(await texts()).toEqual(['first', 'second']);
    expect(storage.length).toBe(0);
  });

  it('sends once what was stored already', async () => {
    const message = outgoing('once');
    await new WriteAhead(storage).send(db, me, message);
    expect(storage.length).toBe(0);
    interrupted(message);
    await new WriteAhead(storage).takeUp(db, me);
    expect(await texts()).toEqual(['once']);
  });

  it('sends nothing in the name of somebody else, and keeps nothing of theirs', async () => {
    interrupted(outgoing('mine'));
    await new WriteAhead(storage).takeUp(db, userId('another'));
    expect(await texts()).toEqual([]);
    expect(storage.length).toBe(0);
  });

  it.each(['', 'null', '{}', '{"id":7}', '{"id":"1","chatId":"x","text":"a","replyTo":null,"at":1,"me":"me"}'])('ignores %j', async (text) => {
    storage.setItem('parley-sending:1', text);
    await new WriteAhead(storage).takeUp(db, me);
    expect(await texts()).toEqual([]);
    expect(storage.length).toBe(0);
  });
});

describe('a page that goes away in the middle of typing', () => {
  const draft = (text: string, updatedAt = 5): Draft => ({ chatId, text, replyTo: null, editing: null, updatedAt });

  it('loses nothing: the next start takes up what was typed', async () => {
    new WriteAhead(storage).noteDraft(me, { ...draft('half a sen'), replyTo: '7' as MessageId });
    await new WriteAhead(storage).takeUp(db, me);
    expect(await db.drafts.get(chatId)).toEqual({ ...draft('half a sen'), replyTo: '7' });
    expect(storage.length).toBe(0);
  });

  it('keeps what the database has of later', async () => {
    await db.drafts.put(draft('half a sentence', 9));
    new WriteAhead(storage).noteDraft(me, draft('half a sen'));
    await new WriteAhead(storage).takeUp(db, me);
    expect((await db.drafts.get(chatId))?.text).toBe('half a sentence');
  });

  it('clears a draft that was emptied last', async () => {
    await db.drafts.put(draft('no longer wanted', 4));
    new WriteAhead(storage).noteDraft(me, draft(''));
    await new WriteAhead(storage).takeUp(db, me);
    expect(await db.drafts.get(chatId)).toBeUndefined();
  });

  it('leaves no note behind once the database has it, and none to somebody else', async () => {
    new WriteAhead(storage).noteDraft(me, draft('stored'))();
    expect(storage.length).toBe(0);
    new WriteAhead(storage).noteDraft(me, draft('mine'));
    await new WriteAhead(storage).takeUp(db, userId('another'));
    expect([await db.drafts.count(), storage.length]).toEqual([0, 0]);
  });

  it.each(['', '7', '{"me":"me"}', '{"me":"me","chatId":"d:ann","text":7,"replyTo":null,"editing":null,"updatedAt":1}'])('ignores %j', async (text) => {
    storage.setItem('parley-draft:d:ann', text);
    await new WriteAhead(storage).takeUp(db, me);
    expect([await db.drafts.count(), storage.length]).toEqual([0, 0]);
  });
});
