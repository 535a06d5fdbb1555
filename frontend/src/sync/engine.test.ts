import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeBackend } from '../../dev/fake-backend.ts';
import { ParleyDatabase } from '../db/database.ts';
import type { Chat, Me } from '../domain/chat.ts';
import { RequestError } from '../domain/failure.ts';
import { directChatId, groupId, groupChatId, userId } from '../domain/ids.ts';
import { questions, SyncEngine } from './engine.ts';
import { newDirectChat, newGroupChat } from './reducer.ts';
import type { TabChannel } from './tab-channel.ts';

const me: Me = { userId: userId('me'), username: 'me_me_me', localIndex: 'subnet-a', displayName: null, bio: '' };
const silent: TabChannel = { post: () => undefined, listen: () => () => undefined, close: () => undefined };

let db: ParleyDatabase;
beforeEach(() => {
  db = new ParleyDatabase(`engine-${crypto.randomUUID()}`);
});
afterEach(() => db.delete());

const groupChat = (name: string, localIndex: string): Chat =>
  newGroupChat({ group: groupId(name), localIndex, name, status: { is: 'joined', at: 0 }, readUpTo: -1 }, 0);

describe('asking the network', () => {
  it('asks each subnet once, and the home subnet always', () => {
    const asked = questions(me, '5', [groupChat('g1', 'subnet-b'), groupChat('g2', 'subnet-b'), newDirectChat(userId('x'), 'x', 0)], false);
    expect(asked.map((q) => [q.localIndex, q.user?.since ?? null, q.groups.length])).toEqual([
      ['subnet-a', '5', 0],
      ['subnet-b', null, 2],
    ]);
  });

  it('leaves out groups where I am only invited or no member any more', () => {
    const invited: Chat = { ...(groupChat('g1', 'subnet-b') as Chat & { kind: 'group' }), membership: 'invited' };
    expect(questions(me, '0', [invited], false)).toHaveLength(1);
  });

  it('splits what is too much for one question', () => {
    const many = Array.from({ length: 230 }, (_, i) => groupChat(`g${i}`, 'subnet-a'));
    expect(questions(me, '0', many, false).map((q) => [q.user !== null, q.groups.length])).toEqual([
      [true, 100],
      [false, 100],
      [false, 30],
    ]);
  });
});

describe('a round of sync', () => {
  it('brings a new group with its events and members in one round', async () => {
    const backend = new FakeBackend(me);
    const ann = userId('ann');
    await backend.createGroup(me, 'Hikers', '', [], '12345');
    const group = groupId('group-12345');
    backend.post({ kind: 'group', group }, ann, 'welcome');
    backend.groups.get(group)?.members.push({ userId: ann, username: 'ann_lee', role: 'member', joinedAt: 1 });
    const engine = new SyncEngine(db, backend, me, silent, { now: () => 0, random: () => 0 });
    expect(await engine.round()).toBe(true);
    expect(await db.chats.get(groupChatId(group))).toMatchObject({ unread: 1, memberCount: 2, membersStale: false });
    expect((await db.people.get(ann))?.username).toBe('ann_lee');
    expect(await db.getMeta('synced')).toBe(true);
  });

  it('goes on when the member list of one group cannot be had', async () => {
    const backend = new FakeBackend(me);
    const ann = userId('ann');
    for (const id of ['1', '2']) await backend.createGroup(me, `Group ${id}`, '', [], id);
    backend.groups.get(groupId('group-2'))?.members.push({ userId: ann, username: 'ann_lee', role: 'member', joinedAt: 1 });
    const members = backend.members.bind(backend);
    backend.members = (group) => (group === 'group-1' ? Promise.reject(new RequestError('unavailable')) : members(group));
    const engine = new SyncEngine(db, backend, me, silent, { now: () => 0, random: () => 0 });
    await engine.round();
    expect((await db.people.get(ann))?.username).toBe('ann_lee');
    expect(await db.getMeta('synced')).toBe(true);
    // It is asked again in the next round.
    expect(await db.chats.get(groupChatId(groupId('group-1')))).toMatchObject({ membersStale: true });
  });

  it('says that nothing changed when nothing did', async () => {
    const backend = new FakeBackend(me);
    backend.post({ kind: 'direct', them: userId('ann') }, userId('ann'), 'hi');
    const engine = new SyncEngine(db, backend, me, silent, { now: () => 0, random: () => 0 });
    expect(await engine.round()).toBe(true);
    expect(await engine.round()).toBe(false);
    expect(await db.chats.get(directChatId(userId('ann')))).toMatchObject({ unread: 1 });
  });
});

describe('asking every group itself', () => {
  const watched = (backend: FakeBackend): boolean[] => {
    const asked: boolean[] = [];
    const updates = backend.updates.bind(backend);
    backend.updates = (question) => {
      asked.push(question.thorough);
      return updates(question);
    };
    return asked;
  };

  it('happens at the start and then every five minutes', async () => {
    const backend = new FakeBackend(me);
    const asked = watched(backend);
    let now = 0;
    const engine = new SyncEngine(db, backend, me, silent, { now: () => now, random: () => 0 });
    for (const at of [0, 1_000, 299_000, 300_001, 301_000]) {
      now = at;
      await engine.round();
    }
    expect(asked).toEqual([true, false, false, true, false]);
  });

  it('happens again when a subnet did not answer', async () => {
    const backend = new FakeBackend(me);
    const asked = watched(backend);
    const engine = new SyncEngine(db, backend, me, silent, { now: () => 0, random: () => 0 });
    const { updates } = backend;
    backend.updates = async (question) => {
      await updates(question);
      throw new RequestError('unavailable');
    };
    await expect(engine.round()).rejects.toThrow();
    backend.updates = updates;
    await engine.round();
    await engine.round();
    expect(asked).toEqual([true, true, false]);
  });

  it('happens when somebody comes back to the screen', async () => {
    const backend = new FakeBackend(me);
    const asked = watched(backend);
    let hear: Parameters<TabChannel['listen']>[0] = () => undefined;
    const channel: TabChannel = { ...silent, listen: (listener) => ((hear = listener), () => undefined) };
    const engine = new SyncEngine(db, backend, me, channel, { now: () => 0, random: () => 0 });
    engine.start();
    try {
      await vi.waitFor(() => expect(asked).toEqual([true]));
      for (const visible of [true, false, true]) hear({ kind: 'presence', tab: 'one', visible, activeAt: 0 });
      await vi.waitFor(() => expect(asked.filter(Boolean)).toHaveLength(2));
    } finally {
      engine.stop();
    }
  });
});

describe('read marks', () => {
  it('are sent in portions that the network takes whole', async () => {
    const backend = new FakeBackend(me);
    const portions: number[] = [];
    backend.markRead = (_me, marks) => {
      portions.push(marks.length);
      return Promise.resolve();
    };
    await db.chats.bulkPut(Array.from({ length: 130 }, (_, i) => ({ ...newDirectChat(userId(`u${i}`), `u${i}`, 0), readUpTo: 3 })));
    const engine = new SyncEngine(db, backend, me, silent, { now: () => 0, random: () => 0 });
    await engine.sendMarks();
    await engine.sendMarks();
    await engine.sendMarks();
    expect(portions).toEqual([100, 30]);
  });
});

describe('names', () => {
  const ann = { userId: userId('ann'), username: 'ann_lee', displayName: 'Ann Lee' };

  it('come with the first news of somebody, and are not asked for when nothing happens', async () => {
    const backend = new FakeBackend(me);
    backend.people_.push(ann);
    backend.post({ kind: 'direct', them: ann.userId }, ann.userId, 'hello');
    const engine = new SyncEngine(db, backend, me, silent, { now: () => 1e12, random: () => 0 });
    await engine.round();
    expect(await db.people.get(ann.userId)).toMatchObject(ann);
    const asked = backend.calls.filter((call) => call === 'people').length;
    for (let i = 0; i < 5; i += 1) await engine.round();
    expect(backend.calls.filter((call) => call === 'people')).toHaveLength(asked);
  });

  it('wait when the directory is away: messages do not', async () => {
    const backend = new FakeBackend(me);
    backend.people_.push(ann);
    backend.post({ kind: 'direct', them: ann.userId }, ann.userId, 'hello');
    backend.troubles.push(new RequestError('unavailable'));
    const engine = new SyncEngine(db, backend, me, silent, { now: () => 1e12, random: () => 0 });
    await engine.round();
    expect((await db.chats.toArray()).map((chat) => chat.last?.text)).toEqual(['hello']);
  });
});
