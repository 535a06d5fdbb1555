import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ParleyDatabase } from '../db/database.ts';
import type { Me, MessageEvent } from '../domain/chat.ts';
import { directChatId, groupChatId, groupId, messageId, userId } from '../domain/ids.ts';
import { composeMessage, react, retryMessage, sendMessage } from './actions.ts';
import type { DirectUpdate, GroupUpdate, UserUpdate, WireEvent } from './backend-port.ts';
import { applyGroupUpdate, applyNotMember, applyUserUpdate } from './reducer.ts';

const me: Me = { userId: userId('me'), username: 'me_me_me', localIndex: 'a', displayName: null, bio: '' };
const ann = userId('ann');
const chatId = directChatId(ann);
const group = groupId('grp');

let db: ParleyDatabase;
beforeEach(() => {
  db = new ParleyDatabase(`reducer-${crypto.randomUUID()}`);
});
afterEach(() => db.delete());

const message = (index: number, sender = ann, text = `text ${index}`): WireEvent => ({
  kind: 'message',
  index,
  at: 1_000 + index,
  id: messageId(BigInt(100 + index)),
  sender,
  replyTo: null,
  body: { text, deleted: false, editedAt: null, reactions: [] },
});

const direct = (events: WireEvent[], more: Partial<DirectUpdate> = {}): DirectUpdate => ({
  them: ann,
  username: 'ann_lee',
  createdAt: 1,
  latestIndex: Math.max(-1, ...events.map((e) => e.index)),
  latestMessage: events.findLast((e) => e.kind === 'message') ?? null,
  readByMeUpTo: -1,
  readByThemUpTo: -1,
  deliveredUpTo: -1,
  undelivered: [],
  events,
  ...more,
});

const update = (version: string, chats: DirectUpdate[], groups: UserUpdate['groups'] = []): UserUpdate => ({
  version,
  more: false,
  profile: null,
  chats,
  groups,
  blocked: null,
});

describe('what the network says about direct chats', () => {
  it('makes the chat with its last line and unread count, and remembers the version', async () => {
    await applyUserUpdate(db, me, update('7', [direct([message(0), message(1), message(2, me.userId)])]));
    expect(await db.chats.get(chatId)).toMatchObject({ title: 'ann_lee', unread: 2, latestIndex: 2, last: { text: 'text 2' }, activeAt: 1_002 });
    expect(await db.getMeta('userVersion')).toBe('7');
  });

  it('changes nothing when the same answer comes twice', async () => {
    const answer = update('7', [direct([message(0), message(1)])]);
    await applyUserUpdate(db, me, answer);
    const before = [await db.chats.toArray(), await db.events.toArray()];
    await applyUserUpdate(db, me, answer);
    expect([await db.chats.toArray(), await db.events.toArray()]).toEqual(before);
  });

  it('never takes a read mark back', async () => {
    await applyUserUpdate(db, me, update('1', [direct([message(0), message(1)], { readByMeUpTo: 1, deliveredUpTo: 1, readByThemUpTo: 1 })]));
    await applyUserUpdate(db, me, update('2', [direct([message(2)])]));
    expect(await db.chats.get(chatId)).toMatchObject({ readUpTo: 1, deliveredUpTo: 1, readByThemUpTo: 1, unread: 1 });
  });

  it('lets a waiting message find its place when the sync is faster than the answer', async () => {
    await applyUserUpdate(db, me, update('1', [direct([message(0)])]));
    const outgoing = composeMessage(chatId, 'hello', null, 5_000);
    if (!outgoing) throw new Error('sent');
    await sendMessage(db, me.userId, outgoing);
    const { id } = outgoing;
    const wire: WireEvent = { ...message(1, me.userId, 'hello'), id } as WireEvent;
    await applyUserUpdate(db, me, update('2', [direct([wire])]));
    const events = await db.events.toArray();
    expect(events).toHaveLength(2);
    expect(events.find((e) => e.key === `m${id}`)).toMatchObject({ order: 1 });
    expect(events.find((e) => e.key === `m${id}`)).not.toHaveProperty('pending');
    expect(await db.jobs.count()).toBe(0);
  });

  it('keeps a reaction of mine visible while it is under way', async () => {
    await applyUserUpdate(db, me, update('1', [direct([message(0)])]));
    const event = await db.events.get([chatId, 'm100']);
    if (event?.kind !== 'message') throw new Error('there');
    await react(db, me.userId, event, '🎉', true);
    await applyUserUpdate(db, me, update('2', [direct([message(0, ann, 'edited by her')])]));
    expect(await db.events.get([chatId, 'm100'])).toMatchObject({
      body: { text: 'edited by her', reactions: [{ emoji: '🎉', count: 1, mine: true }] },
      confirmed: { text: 'edited by her', reactions: [] },
    });
  });
});

describe('what the network says about groups', () => {
  const joined = { group, localIndex: 'b', name: 'Hikers', status: { is: 'joined' as const, at: 1 }, readUpTo: -1 };
  const news = (events: WireEvent[]): GroupUpdate => ({
    group,
    version: '9',
    more: false,
    name: 'Hikers',
    description: 'walks',
    myRole: 'admin',
    memberCount: 3,
    latestIndex: events.length - 1,
    latestMessage: null,
    events,
    membersChanged: true,
  });

  it('keeps the name that the group tells, when my own list still has the old one', async () => {
    await applyUserUpdate(db, me, update('1', [], [joined]));
    await applyGroupUpdate(db, me, { ...news([message(0)]), name: 'Renamed' });
    await applyUserUpdate(db, me, update('2', [], [{ ...joined, readUpTo: 0 }]));
    expect(await db.chats.get(groupChatId(group))).toMatchObject({ title: 'Renamed', readUpTo: 0 });
  });

  it('says what happened last as long as nobody has written', async () => {
    const joinedGroup = { what: 'joined', user: ann } as const;
    await applyUserUpdate(db, me, update('1', [], [joined]));
    await applyGroupUpdate(db, me, news([{ kind: 'system', index: 0, at: 7, event: joinedGroup }]));
    expect(await db.chats.get(groupChatId(group))).toMatchObject({ last: { kind: 'system', event: joinedGroup, at: 7 } });
    await applyGroupUpdate(db, me, news([message(1)]));
    expect(await db.chats.get(groupChatId(group))).toMatchObject({ last: { kind: 'text', text: 'text 1' } });
  });

  it('forgets an invitation that was taken back', async () => {
    await applyUserUpdate(db, me, update('1', [], [{ ...joined, status: { is: 'invited', by: ann, at: 1 } }]));
    await applyUserUpdate(db, me, update('2', [], [{ ...joined, status: { is: 'gone' } }]));
    expect(await db.chats.count()).toBe(0);
  });

  it('shows an invitation, then the group, and lets those who were removed read on', async () => {
    const id = groupChatId(group);
    await applyUserUpdate(db, me, update('1', [], [{ ...joined, status: { is: 'invited', by: ann, at: 1 } }]));
    expect(await db.chats.get(id)).toMatchObject({ membership: 'invited', invitedBy: ann });
    await applyUserUpdate(db, me, update('2', [], [joined]));
    await applyGroupUpdate(db, me, news([message(0)]));
    expect(await db.chats.get(id)).toMatchObject({ membership: 'member', version: '9', unread: 1, myRole: 'admin', membersStale: true });
    await applyUserUpdate(db, me, update('3', [], [{ ...joined, status: { is: 'gone' } }]));
    expect(await db.chats.get(id)).toMatchObject({ membership: 'gone', last: { text: 'text 0' } });
    expect(await db.events.count()).toBe(1);
  });

  it('ignores news of a group that was left meanwhile', async () => {
    await applyGroupUpdate(db, me, news([message(0)]));
    expect(await db.chats.count()).toBe(0);
    expect(await db.events.count()).toBe(0);
  });

  it('keeps the conversation readable after a removal', async () => {
    await applyUserUpdate(db, me, update('2', [], [joined]));
    await applyGroupUpdate(db, me, news([message(0)]));
    await applyNotMember(db, groupChatId(group));
    expect(await db.chats.get(groupChatId(group))).toMatchObject({ membership: 'gone' });
    expect(await db.events.count()).toBe(1);
  });
});

describe('what the network says about blocking and delivery', () => {
  it('takes over the list of the blocked when it came, and keeps it when it did not', async () => {
    await applyUserUpdate(db, me, { ...update('1', []), blocked: [ann] });
    await applyUserUpdate(db, me, update('2', []));
    expect(await db.getMeta('blocked')).toEqual([ann]);
    await applyUserUpdate(db, me, { ...update('3', []), blocked: [] });
    expect(await db.getMeta('blocked')).toEqual([]);
  });

  it('an old word about a message that is being sent again ends nothing', async () => {
    const gone = { ...message(0, me.userId), delivery: 'given-up' } as WireEvent;
    await applyUserUpdate(db, me, update('1', [direct([gone])]));
    const [stored] = await db.events.toArray();
    await retryMessage(db, me.userId, stored as MessageEvent, 5_000);
    await applyUserUpdate(db, me, update('2', [direct([gone])]));
    expect(await db.jobs.count()).toBe(1);
    expect(await db.events.toArray()).toMatchObject([{ pending: { state: 'waiting' }, delivery: 'given-up' }]);

    await applyUserUpdate(db, me, update('3', [direct([{ ...gone, delivery: 'sent-again' } as WireEvent])]));
    expect(await db.jobs.count()).toBe(0);
    const [sent] = await db.events.toArray();
    expect(sent).toMatchObject({ delivery: 'sent-again' });
    expect(sent).not.toHaveProperty('pending');
  });
});
