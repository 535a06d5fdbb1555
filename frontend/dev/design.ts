// The real screens over the network in memory, with people who never existed. `?path=/chat/…` opens a
// screen, `?state=signed-out` and so on choose where the account stands.

import { mount } from 'svelte';
import '../src/ui/tokens.css';
import '../src/ui/base.css';
import Root from '../src/app/Root.svelte';
import { ParleyDatabase } from '../src/db/database.ts';
import type { Me, TimelineEvent } from '../src/domain/chat.ts';
import { RequestError } from '../src/domain/failure.ts';
import { groupId, userId, type GroupId, type MessageId, type UserId } from '../src/domain/ids.ts';
import { Router } from '../src/features/router.svelte.ts';
import { Session } from '../src/features/session/session.svelte.ts';
import { settings } from '../src/features/settings.svelte.ts';
import { createEngineHost } from '../src/sync/engine-host.ts';
import { openTabChannel } from '../src/sync/tab-channel.ts';
import { saveDraft } from '../src/sync/actions.ts';
import { cleanName } from '../src/domain/names.ts';
import { newDirectChat } from '../src/sync/reducer.ts';
import { directChatId } from '../src/domain/ids.ts';
import { WriteAhead } from '../src/sync/write-ahead.ts';
import { FakeBackend } from './fake-backend.ts';

const query = new URLSearchParams(location.search);
const state = query.get('state') ?? 'ready';

const me: Me = { userId: userId('me-aaa'), username: 'marguerite', localIndex: 'subnet-a', displayName: 'Marguerite', bio: '' };
const names = ['tomas_h', 'ines', 'akira', 'leonore', 'samuel_k', 'wanjiru', 'olu_bello', 'petra', 'noor'];
const displayNames: Record<string, string> = { tomas_h: 'Tomás Herrera', ines: 'Inês', wanjiru: 'Wanjirũ Kamau', samuel_k: 'Samuel', petra: 'Petra Nováková' };
const people = names.map((username, i) => ({
  userId: userId(`user-${'abcdefghij'[i]}`),
  username,
  displayName: displayNames[username] ?? null,
}));
const person = (name: string): UserId => people.find((p) => p.username === name)?.userId ?? me.userId;

const backend = new FakeBackend(state === 'needs-username' ? null : me);
backend.people_.push(...people);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const now = Date.now();
backend.now = now;

if (state !== 'empty') {
  const tomas = { kind: 'direct', them: person('tomas_h') } as const;
  const day = 24 * HOUR;
  backend.post(tomas, tomas.them, 'Did you get the tickets for Saturday?', now - day - 3 * HOUR);
  const tickets = backend.post(tomas, me.userId, 'Yes! Four of them, row K. The view should be good from there, and it is close to the exit in case Ines wants to leave early again.', now - day - 3 * HOUR + MINUTE);
  backend.post(tomas, me.userId, 'I paid for all, we can sort it out later.', now - day - 3 * HOUR + 2 * MINUTE);
  backend.change(tomas, tickets, (body) => ({ ...body, reactions: [{ emoji: '🎉', count: 1, mine: false, users: [tomas.them] }] }));
  backend.post(tomas, tomas.them, 'You are the best', now - day - 2 * HOUR);
  backend.post(tomas, tomas.them, '🙌', now - day - 2 * HOUR + 1000);
  const plan = backend.post(tomas, tomas.them, 'Shall we meet at the fountain first? There is a small place around the corner with very good coffee: https://example.org/places/the-corner', now - 40 * MINUTE);
  backend.post(tomas, me.userId, 'Good plan.', now - 38 * MINUTE, undefined, plan);
  const edited = backend.post(tomas, me.userId, 'Half past six, so that nobody has to run.', now - 37 * MINUTE);
  backend.change(tomas, edited, (body) => ({ ...body, editedAt: now - 36 * MINUTE }));
  backend.post(tomas, tomas.them, 'Perfect. I will tell Akira, he is always late otherwise.', now - 12 * MINUTE);
  const gone = backend.post(tomas, tomas.them, 'oops', now - 11 * MINUTE);
  backend.change(tomas, gone, () => ({ text: '', deleted: true, editedAt: null, reactions: [] }));
  backend.post(tomas, me.userId, 'See you there!', now - 10 * MINUTE);
  backend.mark(tomas.them, { delivered: 20, read: 7 });

  const group: GroupId = groupId('group-hike');
  backend.groups.set(group, {
    name: 'Sunday hikers',
    description: 'Every second Sunday, whatever the weather. Routes are decided on Thursday.',
    version: 1,
    entryVersion: 2,
    events: [],
    members: [
      { userId: person('wanjiru'), username: 'wanjiru', role: 'owner', joinedAt: 1 },
      { userId: person('leonore'), username: 'leonore', role: 'admin', joinedAt: 1 },
      { userId: me.userId, username: me.username, role: 'owner', joinedAt: 1 },
      { userId: person('samuel_k'), username: 'samuel_k', role: 'member', joinedAt: 1 },
      { userId: person('olu_bello'), username: 'olu_bello', role: 'member', joinedAt: 1 },
    ],
    invited: [person('noor')],
    read: 6,
    status: { is: 'joined', at: 1 },
    localIndex: 'subnet-b',
  });
  const hike = { kind: 'group', group } as const;
  const copy = backend.groups.get(group);
  const add = (event: { what: 'group-created'; name: string; by: UserId } | { what: 'joined'; user: UserId } | { what: 'invited'; users: UserId[]; by: UserId }, at: number): void => {
    copy?.events.push({ version: (backend.version += 1), event: { index: copy.events.length, at, kind: 'system', event } });
  };
  add({ what: 'group-created', name: 'Sunday hikers', by: person('wanjiru') }, now - 9 * day);
  add({ what: 'joined', user: me.userId }, now - 9 * day + HOUR);
  backend.post(hike, person('wanjiru'), 'Welcome everyone! First proposal: the ridge path, about 14 km, one steep part at the beginning and then mostly flat.', now - 5 * HOUR);
  backend.post(hike, person('wanjiru'), 'Train at 8:12 from platform 3.', now - 5 * HOUR + MINUTE);
  backend.post(hike, person('samuel_k'), 'I am in. Who brings the map?', now - 4 * HOUR);
  const map = backend.post(hike, me.userId, 'Me. And a thermos of tea for the top.', now - 4 * HOUR + 2 * MINUTE);
  backend.change(hike, map, (body) => ({
    ...body,
    reactions: [
      { emoji: '❤️', count: 3, mine: false, users: [] },
      { emoji: '👍', count: 2, mine: true, users: [] },
    ],
  }));
  add({ what: 'invited', users: [person('noor')], by: person('leonore') }, now - 3 * HOUR);
  backend.post(hike, person('leonore'), 'Noor would like to come too, she has never walked with us.', now - 50 * MINUTE);
  backend.post(hike, person('leonore'), 'The forecast says rain until noon, then sun. I would still go.', now - 49 * MINUTE);
  backend.post(hike, person('olu_bello'), 'Rain is just the hill saying hello', now - 20 * MINUTE);
  backend.post(hike, person('olu_bello'), '🌧️🥾', now - 20 * MINUTE + 2000);

  const say = (name: string, text: string, ago: number, read = true): void => {
    const chat = { kind: 'direct', them: person(name) } as const;
    backend.post(chat, chat.them, text, now - ago);
    const direct = backend.direct.get(chat.them);
    if (direct && read) direct.readByMe = 99;
  };
  const direct = backend.direct.get(tomas.them);
  if (direct) direct.readByMe = 99;
  say('ines', 'Send me the photos when you are home, the light was wonderful', 3 * HOUR, false);
  say('ines', 'And call your mother', 2 * HOUR, false);
  say('akira', '了解です。明日また連絡します。', 26 * HOUR);
  say('petra', 'The contract is signed. Finally!', 2 * day);
  say('leonore', 'Thank you for yesterday, it helped more than you know.', 4 * day);
  say('samuel_k', 'https://example.org/a-very-long-address-that-goes-on-and-on/and/on.html', 9 * day);

  const invite: GroupId = groupId('group-book');
  backend.groups.set(invite, {
    name: 'Book circle',
    description: '',
    version: 0,
    entryVersion: (backend.version += 1),
    events: [],
    members: [],
    invited: [],
    read: -1,
    status: { is: 'invited', by: person('petra'), at: now - 6 * HOUR },
    localIndex: 'subnet-b',
  });
}

if (state === 'extreme') {
  // What nobody plans for: names, words and scripts that break layouts.
  const strange: [string, string | null][] = [
    ['a2345678901234567890', 'Maximiliane Friederike von Hohenzollern-Sigmaringen the Very Long'],
    ['salim_rtl', 'سليم الدوسري'],
    ['evil_bidi', 'Ann \u202Egnihton\u202C'],
    ['zalgo', `Z${'\u0335\u0327\u0310'.repeat(12)}a${'\u0322\u030f'.repeat(12)}lgo`],
    ['emoji_only', '🏴‍☠️👩‍👩‍👧‍👦🦄'],
  ];
  const essay = 'It was a bright cold day in spring, and nobody on the quay could say why the boats had come back so early. '.repeat(20);
  const long = 'Donaudampfschifffahrtsgesellschaftskapitän'.repeat(20);
  for (const [i, [username, displayName]] of strange.entries()) {
    const them = userId(`odd-${'abcde'[i]}`);
    backend.people_.push({ userId: them, username, displayName: displayName && cleanName(displayName) });
    const chat = { kind: 'direct', them } as const;
    backend.post(chat, them, 'Hello', now - HOUR);
    backend.post(chat, them, long, now - 50 * MINUTE);
    const first = backend.post(chat, me.userId, `https://example.org/${'path/'.repeat(60)}?q=${'x'.repeat(200)}`, now - 49 * MINUTE);
    backend.post(chat, them, `\u202Ethis text is turned around\u202C and this one not, evil \u202Eexe.gpj`, now - 40 * MINUTE);
    backend.post(chat, them, `Z${'\u0335\u0327\u0310\u0301'.repeat(30)}A${'\u0322\u030f\u0489'.repeat(30)}L${'\u0340'.repeat(60)}GO comes from above`, now - 39 * MINUTE);
    backend.post(chat, them, 'مرحبا، كيف حالك اليوم؟ هل نلتقي غداً في الساعة 7:30 قرب المكتبة؟', now - 30 * MINUTE, undefined, first);
    backend.post(chat, me.userId, 'שלום! כן, at 7:30 is good', now - 29 * MINUTE);
    backend.post(chat, them, '<img src=x onerror=alert(1)> <script>alert(2)</script> javascript:alert(3) [x](javascript:alert(4))', now - 28 * MINUTE);
    const liked = backend.post(chat, them, '👩‍👩‍👧‍👦🏴‍☠️🦄', now - 27 * MINUTE);
    backend.change(chat, liked, (body) => ({
      ...body,
      reactions: ['👍', '❤️', '😂', '🎉', '🔥', '👏', '🙏', '💯', '🤯', '🚀'].map((emoji, n) => ({ emoji, count: n * 37 + 1, mine: n % 3 === 0, users: [] })),
    }));
    backend.post(chat, me.userId, `many\nlines\n${'\n'.repeat(3)}and more\n    indented`, now - 20 * MINUTE);
    backend.post(chat, me.userId, 'W'.repeat(300), now - 19 * MINUTE);
    backend.post(chat, me.userId, essay.slice(0, 1_200), now - 18 * MINUTE);
    backend.post(chat, them, essay, now - 17 * MINUTE);
  }
  const crowd: GroupId = groupId('group-crowd');
  backend.groups.set(crowd, {
    name: 'The Society for the Preservation of Extremely Long Group Nam',
    description: `${'What it is about. '.repeat(20)}\n\n${long}`,
    version: 1,
    entryVersion: (backend.version += 1),
    events: [],
    members: Array.from({ length: 30 }, (_, i) => {
      const id = userId(`crowd-${'abcdefghijklmnopqrstuvwxyzABCD'[i]?.toLowerCase()}${i}`);
      const username = `member_number_${i}`;
      backend.people_.push({ userId: id, username, displayName: i % 3 === 0 ? `Person ${i} with a name that goes on` : null });
      return { userId: i === 0 ? me.userId : id, username: i === 0 ? me.username : username, role: i < 2 ? ('owner' as const) : i < 5 ? ('admin' as const) : ('member' as const), joinedAt: 1 };
    }),
    invited: [person('noor'), person('akira')],
    read: -1,
    status: { is: 'joined', at: 1 },
    localIndex: 'subnet-b',
  });
  const talk = { kind: 'group', group: crowd } as const;
  for (let i = 0; i < 40; i += 1) backend.post(talk, backend.groups.get(crowd)?.members[(i >> 1) % 30]?.userId ?? me.userId, `message ${i} of many`, now - (40 - i) * MINUTE);
}

const name = `parley-design-${state}`;
await indexedDB.deleteDatabase(name);
const db = new ParleyDatabase(name);
const engine = createEngineHost({
  db,
  channel: openTabChannel(name),
  clock: { now: () => Date.now(), random: () => Math.random() },
  connect: () => Promise.resolve(state === 'signed-out' ? null : backend),
});
if (state === 'ready') {
  await saveDraft(db, { chatId: directChatId(person('petra')), text: 'Congratulations! Shall we celebrate', replyTo: null, editing: null, updatedAt: now });
}
if (state === 'long') {
  // A chat that nobody would page through by hand.
  const chatId = directChatId(person('noor'));
  const words = 'the quick brown fox jumps over a lazy dog while nobody is looking and the rain keeps falling on the roof'.split(' ');
  const events = Array.from({ length: 20_000 }, (_, i): TimelineEvent => ({
    kind: 'message',
    chatId,
    key: `m${i}`,
    id: String(i) as MessageId,
    order: i,
    at: now - (20_000 - i) * 3 * MINUTE,
    sender: Math.floor(i / 3) % 2 === 0 ? me.userId : person('noor'),
    // Some answers go back further than any window reaches.
    replyTo: i % 40 === 39 ? (String(Math.max(0, i - (i % 80 === 79 ? 5_000 : 30))) as MessageId) : null,
    body: { text: `${i} ${words.slice(0, 2 + ((i * 7) % 17)).join(' ')}`.repeat(1 + (i % 5 === 0 ? 3 : 0)), deleted: false, editedAt: null, reactions: [] },
  }));
  await db.events.bulkPut(events);
  await db.chats.put({ ...newDirectChat(person('noor'), 'noor', now), latestIndex: 19_999, readUpTo: 19_999, readUpToSent: 19_999 });
}
if (state === 'loading') await db.setMeta('me', me);

const session = new Session(db, engine, openTabChannel(name), {
  prepare: () => Promise.resolve(),
  signIn: () => Promise.resolve('cancelled'),
  signOut: () => Promise.resolve(),
});
await Promise.all([session.restore(), settings.apply()]);
history.replaceState(null, '', `${query.get('path') ?? '/'}${location.search}`);
const target = document.getElementById('app');
if (target) mount(Root, { target, props: { services: { db, engine, session, writeAhead: new WriteAhead(localStorage), router: new Router() } } });
if (state !== 'loading') session.connect();
// For the console: `design.backend.troubles.push(…)` and the like.
Object.assign(globalThis, { design: { backend, db, RequestError } });
