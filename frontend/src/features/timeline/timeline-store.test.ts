import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ParleyDatabase } from '../../db/database.ts';
import { FIRST_PENDING_ORDER, type MessageEvent } from '../../domain/chat.ts';
import { directChatId, messageId, userId } from '../../domain/ids.ts';
import { TimelineStore } from './timeline-store.ts';

const ann = userId('ann');
const chatId = directChatId(ann);

let db: ParleyDatabase;
let store: TimelineStore;
beforeEach(() => {
  db = new ParleyDatabase(`timeline-${crypto.randomUUID()}`);
  store = new TimelineStore(db, chatId);
});
afterEach(() => db.delete());

const message = (order: number, more: Partial<MessageEvent> = {}): MessageEvent => ({
  chatId,
  key: `m${order}`,
  kind: 'message',
  id: messageId(BigInt(order)),
  sender: ann,
  order,
  at: order,
  replyTo: null,
  body: { text: `text ${order}`, deleted: false, editedAt: null, reactions: [] },
  ...more,
});
const texts = async (from: number, to: number): Promise<string[]> =>
  (await store.load(from, to)).events.map((event) => (event.kind === 'message' ? event.body.text : ''));

describe('the window on a chat', () => {
  it('steps back and forward by events, to the ends', async () => {
    await db.events.bulkPut([0, 1, 2, 5, 6, 9].map((order) => message(order)));
    expect([await store.stepBack(Infinity, 2), await store.stepBack(6, 2), await store.stepBack(6, 99), await store.stepBack(0, 5)]).toEqual([6, 2, 0, 0]);
    expect([await store.stepForward(1, 2), await store.stepForward(5, 9)]).toEqual([5, Infinity]);
  });

  it('that began with waiting messages still holds them when they are sent', async () => {
    const waiting = message(FIRST_PENDING_ORDER + 1, { pending: { state: 'waiting' } });
    await db.events.put(waiting);
    const alone = await store.stepBack(Infinity, 60);
    await db.events.put({ ...waiting, order: 1 });
    expect(await texts(alone, Infinity)).toHaveLength(1);

    await db.events.bulkPut([message(2), message(3)]);
    const many = Array.from({ length: 5 }, (_, i) => message(FIRST_PENDING_ORDER + 10 + i));
    await db.events.bulkPut(many);
    const from = await store.stepBack(Infinity, 3);
    await db.events.bulkPut(many.map((event, i) => ({ ...event, order: 4 + i })));
    expect(await texts(from, Infinity)).toHaveLength(5);
  });

  it('brings names, usernames beneath them, and quoted messages from far away', async () => {
    await db.people.put({ userId: ann, username: 'ann_lee', displayName: 'Ann Lee' });
    await db.events.bulkPut([message(1), message(900, { replyTo: messageId(1n) })]);
    const { names, handles, quotes } = await store.load(900, Infinity);
    expect([names.get(ann), handles.get(ann), quotes.get(messageId(1n))?.body.text]).toEqual(['Ann Lee', '@ann_lee', 'text 1']);
  });
});
