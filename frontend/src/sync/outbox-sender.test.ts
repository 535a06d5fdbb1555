import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { FakeBackend } from '../../dev/fake-backend.ts';
import { ParleyDatabase } from '../db/database.ts';
import { FIRST_PENDING_ORDER, messageState, type Me, type MessageEvent } from '../domain/chat.ts';
import { RequestError, type FailureCode } from '../domain/failure.ts';
import { directChatId, messageId, userId, type UserId } from '../domain/ids.ts';
import { composeMessage, deleteMessage, editMessage, openDirectChat, react, retryMessage, sendMessage } from './actions.ts';
import { OutboxSender } from './outbox-sender.ts';
import { newDirectChat } from './reducer.ts';

const me: Me = { userId: userId('me'), username: 'me_me_me', localIndex: 'a', displayName: null, bio: '' };
const ann = userId('ann');
const bob = userId('bob');

let db: ParleyDatabase;
let backend: FakeBackend;
let now: number;
let refused: FailureCode[];
let expired: number;

beforeEach(async () => {
  db = new ParleyDatabase(`outbox-${crypto.randomUUID()}`);
  backend = new FakeBackend(me);
  now = 10_000;
  refused = [];
  expired = 0;
  await openDirectChat(db, { userId: ann, username: 'ann_lee' }, 0);
  await openDirectChat(db, { userId: bob, username: 'bob_ray' }, 0);
});
afterEach(() => db.delete());

const sender = (): OutboxSender =>
  new OutboxSender(
    db,
    backend,
    () => me,
    { confirmed: () => undefined, refused: (_, code) => refused.push(code), sessionExpired: () => (expired += 1) },
    { now: () => now, random: () => 0 },
  );

/** Runs the outbox until it is empty, letting time pass when it waits. */
async function untilEmpty(outbox: OutboxSender): Promise<void> {
  for (let turn = 0; turn < 500; turn += 1) {
    const next = await outbox.drain();
    if (next === null) return;
    now = Math.max(now, next);
  }
  throw new Error('the outbox does not empty');
}

async function send(them: UserId, text: string): Promise<void> {
  const outgoing = composeMessage(directChatId(them), text, null, now);
  if (outgoing) await sendMessage(db, me.userId, outgoing);
}
const texts = (them: UserId): string[] => backend.texts({ kind: 'direct', them });

async function theMessage(them: UserId): Promise<MessageEvent> {
  const [event] = await db.events.where('[chatId+order]').between([directChatId(them), -1], [directChatId(them), Infinity]).toArray();
  if (event?.kind !== 'message') throw new Error('no message');
  return event;
}

describe('sending', () => {
  it('shows at once and gets its place when the network has it', async () => {
    await send(ann, 'hello');
    expect(await theMessage(ann)).toMatchObject({ pending: { state: 'waiting' }, order: FIRST_PENDING_ORDER + 1 });
    await untilEmpty(sender());
    const sent = await theMessage(ann);
    expect(sent.order).toBe(0);
    expect(sent).not.toHaveProperty('pending');
    expect(await db.jobs.count()).toBe(0);
  });

  it('arrives in order, once, through lost answers, lost requests and reloads', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(ann, bob), fc.constantFrom('ok', 'lost', 'offline', 'unavailable')), { minLength: 1, maxLength: 12 }),
        async (steps) => {
          await Promise.all([db.jobs.clear(), db.events.clear()]);
          backend = new FakeBackend(me);
          const expected = new Map<UserId, string[]>([[ann, []], [bob, []]]);
          for (const [i, [them, trouble]] of steps.entries()) {
            await send(them, `text ${i}`);
            expected.get(them)?.push(`text ${i}`);
            if (trouble === 'lost') backend.troubles.push('lost');
            else if (trouble !== 'ok') backend.troubles.push(new RequestError(trouble as FailureCode));
            // A reload in between: a new sender over the same database.
            if (i % 3 === 0) await sender().drain();
          }
          await untilEmpty(sender());
          for (const [them, wanted] of expected) if (wanted.length > 0) expect(texts(them)).toEqual(wanted);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('does not let a failing chat hold up another', async () => {
    await send(ann, 'to ann');
    await send(bob, 'to bob');
    backend.troubles.push(new RequestError('unavailable'));
    await sender().drain();
    expect(texts(bob)).toEqual(['to bob']);
  });

  it('does not overtake: a message behind a waiting one waits too', async () => {
    await send(ann, 'first');
    await send(ann, 'second');
    backend.troubles.push(new RequestError('offline'));
    const next = await sender().drain();
    expect(next).toBeGreaterThan(now);
    expect(backend.direct.get(ann)).toBeUndefined();
    await untilEmpty(sender());
    expect(texts(ann)).toEqual(['first', 'second']);
  });

  it('keeps everything while the session has run out, and says so', async () => {
    await send(ann, 'later');
    backend.troubles.push(new RequestError('session-expired'));
    await sender().drain();
    expect(expired).toBe(1);
    expect(await db.jobs.count()).toBe(1);
    expect(await theMessage(ann)).toMatchObject({ pending: { state: 'waiting' } });
  });

  it('marks a refused message with the reason, and sends it again when told', async () => {
    await send(ann, 'hello');
    backend.troubles.push(new RequestError('recipient-not-found'));
    await untilEmpty(sender());
    const failed = await theMessage(ann);
    expect(failed.pending).toEqual({ state: 'failed', code: 'recipient-not-found' });
    await retryMessage(db, me.userId, failed, now);
    await untilEmpty(sender());
    expect(texts(ann)).toEqual(['hello']);
    expect(await theMessage(ann)).toMatchObject({ id: failed.id, order: 0 });
  });
});

describe('changing what was sent', () => {
  beforeEach(async () => {
    await send(ann, 'hello');
    await untilEmpty(sender());
  });

  it('edits, reacts and deletes, each shown before it is confirmed', async () => {
    await editMessage(db, me.userId, await theMessage(ann), 'hello there', now);
    expect((await theMessage(ann)).body.text).toBe('hello there');
    await react(db, me.userId, await theMessage(ann), '🎉', true, now);
    expect((await theMessage(ann)).body.reactions).toHaveLength(1);
    await untilEmpty(sender());
    expect(texts(ann)).toEqual(['hello there']);
    expect(await theMessage(ann)).not.toHaveProperty('confirmed');
    await deleteMessage(db, me.userId, await theMessage(ann), now);
    await untilEmpty(sender());
    expect((await theMessage(ann)).body).toEqual({ text: '', deleted: true, editedAt: null, reactions: [] });
  });

  it('takes back what was refused, and only that', async () => {
    await editMessage(db, me.userId, await theMessage(ann), 'no good', now);
    await react(db, me.userId, await theMessage(ann), '🎉', true, now);
    backend.troubles.push(new RequestError('not-allowed'));
    await untilEmpty(sender());
    expect(refused).toEqual(['not-allowed']);
    expect((await theMessage(ann)).body).toMatchObject({ text: 'hello', reactions: [{ emoji: '🎉', mine: true }] });
  });
});

describe('a message that was given up', () => {
  const givenUp: MessageEvent = {
    chatId: directChatId(ann),
    key: 'm77',
    kind: 'message',
    id: messageId(77n),
    sender: me.userId,
    order: 3,
    at: 1_000,
    replyTo: null,
    body: { text: 'anybody there?', deleted: false, editedAt: null, reactions: [] },
    delivery: 'given-up',
  };
  const stored = async (): Promise<MessageEvent> => (await db.events.get([givenUp.chatId, givenUp.key])) as MessageEvent;
  const state = async (): Promise<string> => messageState(await stored(), (await db.chats.get(givenUp.chatId))!).state;

  beforeEach(async () => {
    await db.events.put(givenUp);
    await db.chats.put({ ...newDirectChat(ann, 'ann_lee', 0), latestIndex: 3, deliveredUpTo: 5 });
  });

  it('is sent again with its id, keeps its place, and is on its way', async () => {
    expect(await state()).toBe('failed');
    await retryMessage(db, me.userId, givenUp, now);
    expect(await state()).toBe('waiting');
    await untilEmpty(sender());
    expect(await stored()).toMatchObject({ order: 3, at: 1_000 });
    expect(await state()).toBe('sent');
    expect(texts(ann)).toEqual(['anybody there?']);
  });

  it('is not sent again twice', async () => {
    await retryMessage(db, me.userId, givenUp, now);
    await retryMessage(db, me.userId, givenUp, now);
    expect(await db.jobs.count()).toBe(1);
  });

  it('goes back to being undelivered, with a word, when that is refused', async () => {
    backend.troubles.push(new RequestError('blocked'));
    await retryMessage(db, me.userId, givenUp, now);
    await untilEmpty(sender());
    expect(await state()).toBe('failed');
    expect(refused).toEqual(['blocked']);
  });

  it('waits its turn when the network wants less at once', async () => {
    backend.troubles.push(new RequestError('rate-limited'));
    await retryMessage(db, me.userId, givenUp, now);
    await untilEmpty(sender());
    expect(await state()).toBe('sent');
  });
});
