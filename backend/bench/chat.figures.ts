// The figures of the chat canisters: what one message costs, and what an account costs.

import { IDL } from '@dfinity/candid';
import { Principal } from '@dfinity/principal';
import { ChatNetwork, encodeInit, method, moduleOf } from '../integration/chat-network.ts';
import { MeteredLocalIndex } from '../integration/metered-local-index.ts';
import type { Figure } from '../tools/bench/figures.ts';
import { Metered } from '../tools/bench/meter.ts';

const LOCAL_INDEX = Principal.fromUint8Array(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 7, 1, 1));
const USER_INDEX = Principal.fromUint8Array(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 8, 1, 1));
const THEM = Principal.fromUint8Array(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 9, 1, 1));
const OWNER = Principal.selfAuthenticating(new Uint8Array([1]));

/** 200 characters, as the bars say. */
const TEXT = 'The quick brown fox jumps over the lazy dog. '.repeat(5).slice(0, 200);
const SEND_BAR = 250_000;
const SECOND = 1_000_000_000n;

type Kind = Parameters<typeof method>[0];
const encode = (kind: Kind, name: string, ...args: unknown[]): Uint8Array => new Uint8Array(IDL.encode(method(kind, name).argTypes, args));
const decode = (kind: Kind, name: string, reply: Uint8Array): unknown => IDL.decode(method(kind, name).retTypes, reply)[0];

const init = (kind: 'user' | 'group'): Uint8Array => encodeInit(kind, [{ user_index: USER_INDEX, local_index: LOCAL_INDEX }]);

function as(canister: Metered, caller: Principal): Metered {
  canister.caller = caller.toUint8Array();
  return canister;
}

function userCanister(): Metered {
  const canister = Metered.install(moduleOf('user'), init('user'));
  as(canister, LOCAL_INDEX).update('c2c_claim', encode('user', 'c2c_claim', { owner: OWNER, username: 'somebody' }));
  return canister;
}

/** Answers the one call that an update has open, as the user index would. */
function answerLookup(canister: Metered, call: ReturnType<Metered['attempt']>, id: Principal): ReturnType<Metered['run']> {
  const open = call.delta?.calls.find((candidate) => candidate.method === 'c2c_lookup_user');
  if (open === undefined) throw new Error('no lookup was made');
  const summary = { user_id: id, username: 'somebody_else', display_name: [], local_index: LOCAL_INDEX };
  const reply = new Uint8Array(IDL.encode(method('user_index', 'c2c_lookup_user').retTypes, [[summary]]));
  return canister.run({ kind: 'replyCallback', closure: open.onReply }, reply);
}

const NOTHING = new Uint8Array(IDL.encode([], []));
const RANDOMNESS = new Uint8Array(IDL.encode([IDL.Vec(IDL.Nat8)], [new Uint8Array(32).fill(7)]));

/** Answers what a group says of itself after a message: its announcement, and before the first one the drawing of its key. Answers all instructions. */
function answerAnnouncement(group: Metered, outcome: ReturnType<Metered['attempt']>): bigint {
  let spent = 0n;
  for (const call of outcome.delta?.calls ?? []) {
    if (call.method !== 'c2c_announce' && call.method !== 'raw_rand') continue;
    const answered = group.run({ kind: 'replyCallback', closure: call.onReply }, call.method === 'raw_rand' ? RANDOMNESS : NOTHING);
    spent += answered.instructions + answerAnnouncement(group, answered.outcome);
  }
  return spent;
}

/** An update of a group, and what it costs until its new version is announced. */
function change(group: Metered, name: string, ...args: unknown[]): bigint {
  const run = group.update(name, encode('group', name, ...args));
  return run.instructions + answerAnnouncement(group, run.outcome);
}

const directMessage = (id: number): Uint8Array => encode('user', 'send_message', { recipient: THEM, message_id: BigInt(id), text: TEXT, replies_to: [] });

/** The sender's whole update call, outbox included, in a chat with 900 messages. */
export async function sendDirect(): Promise<Figure[]> {
  const canister = userCanister();
  as(canister, OWNER);
  answerLookup(canister, canister.attempt({ kind: 'update', method: 'send_message' }, directMessage(0)), THEM);
  let spent = 0n;
  // The recipient acknowledges nothing here, and a thousand envelopes is all that may wait for it.
  for (let id = 1; id <= 900; id++) {
    canister.timeNanos += SECOND;
    const run = canister.update('send_message', directMessage(id));
    if (!('Ok' in (decode('user', 'send_message', run.reply) as object))) throw new Error('the message was refused');
    if (id > 890) spent += run.instructions;
  }
  return [{ name: 'send-direct', value: Number(spent / 10n), unit: 'instructions', bar: SEND_BAR, note: "sender's update call, 200 characters, 900 messages in the chat" }];
}

/** The recipient's call for one delivered message. */
export async function deliverDirect(): Promise<Figure[]> {
  const canister = userCanister();
  const delivery = (first: number): Uint8Array =>
    encode('user', 'c2c_deliver', {
      first: BigInt(first),
      envelopes: [{ timestamp: 1n, action: { Message: { message_id: BigInt(first), text: TEXT, replies_to: [] } } }],
    });
  as(canister, THEM);
  answerLookup(canister, canister.attempt({ kind: 'update', method: 'c2c_deliver' }, delivery(0)), THEM);
  // The owner has answered: these are no strangers.
  as(canister, OWNER).update('send_message', directMessage(1_000_000));
  as(canister, THEM);
  let spent = 0n;
  for (let first = 1; first <= 1_000; first++) {
    canister.timeNanos += SECOND;
    const run = canister.update('c2c_deliver', delivery(first));
    if (first > 990) spent += run.instructions;
  }
  return [{ name: 'deliver-direct', value: Number(spent / 10n), unit: 'instructions', bar: SEND_BAR, note: "recipient's call, 1,000 messages in the chat" }];
}

const MEMBERS = 1_000;
const userId = (n: number): Principal => Principal.fromUint8Array(Uint8Array.of(0, 0, 0, 0, 1, 0, n >> 8, n & 255, 1, 1));
const signInOf = (n: number): Principal => Principal.selfAuthenticating(new Uint8Array([2, n >> 8, n & 255]));

function groupCanister(members = MEMBERS): Metered {
  const canister = Metered.install(moduleOf('group'), init('group'));
  const claim = { owner_principal: signInOf(0), owner: userId(0), username: 'founder', name: 'Everybody', description: '', invite: [] };
  change(as(canister, LOCAL_INDEX), 'c2c_claim', claim);
  for (let n = 1; n < members; n += 100) {
    canister.timeNanos += 1_000n * SECOND;
    const invite = Array.from({ length: Math.min(100, members - n) }, (_, i) => userId(n + i));
    change(as(canister, signInOf(0)), 'invite_users', invite);
  }
  for (let n = 1; n < members; n++) {
    const joining = encode('group', 'c2c_join', { owner_principal: signInOf(n), username: `member_${n}` });
    answerAnnouncement(canister, answerLookup(canister, as(canister, userId(n)).attempt({ kind: 'update', method: 'c2c_join' }, joining), userId(n)).outcome);
  }
  return canister;
}

/** The whole update call in a group of 1,000 members and the announcement of it, with few and with many messages in it. */
export async function sendGroup(): Promise<Figure[]> {
  const canister = groupCanister();
  const costs: number[] = [];
  let id = 0;
  for (const upTo of [100, 100_000]) {
    let spent = 0n;
    while (++id <= upTo) {
      canister.timeNanos += SECOND;
      const cost = change(as(canister, signInOf(id % MEMBERS)), 'send_message', { message_id: BigInt(id), text: TEXT, replies_to: [] });
      if (id > upTo - 10) spent += cost;
    }
    id--;
    costs.push(Number(spent / 10n));
  }
  return [{ name: 'send-group', value: costs[1]!, unit: 'instructions', bar: SEND_BAR, note: `1,000 members, 100,000 messages, announced; ${costs[0]!.toLocaleString('en')} with 100 messages` }, ...largeGroup(canister)];
}

/** What else is asked of that group. */
function largeGroup(canister: Metered): Figure[] {
  // The 100,000th and last message, so that it is on the page below too.
  for (let n = 0; n < MEMBERS - 1; n++) change(as(canister, signInOf(n)), 'react', { message_id: 100_000n, reaction: '👍', add: true });
  const thousandth = change(as(canister, signInOf(MEMBERS - 1)), 'react', { message_id: 100_000n, reaction: '👍', add: true });
  const page = as(canister, signInOf(5)).query('events', encode('group', 'events', { from: 4_000_000, ascending: false, max: 50 }));
  if ((decode('group', 'events', page.reply) as { Ok: unknown[] }).Ok.length !== 50) throw new Error('a page of another size');
  const { version } = (decode('group', 'updates', canister.query('updates', encode('group', 'updates', { since: 0n, on_behalf_of: [] })).reply) as { Ok: [{ version: bigint }] }).Ok[0];
  if (version === 0n) throw new Error('no version');
  const many = canister.upgrade(moduleOf('group'), init('group'));
  const few = Metered.install(moduleOf('group'), init('group')).upgrade(moduleOf('group'), init('group'));
  return [
    { name: 'react', value: Number(thousandth), unit: 'instructions', bar: 150_000, note: 'the 1,000th reaction to one message' },
    { name: 'events-page', value: Number(page.instructions), unit: 'instructions', bar: 3_000_000, note: '50 messages of 200 characters, the newest of 100,000' },
    { name: 'upgrade-group', value: Number(many), unit: 'instructions', bar: 5_000_000, note: `1,000 members, 100,000 messages; ${few.toLocaleString('en')} when empty` },
  ];
}

const GROUPS = 200;

/** Rounds of asking on one subnet, all instructions: the local index's and the children's. And what an announcement costs there. */
export async function sync(): Promise<Figure[]> {
  const index = new MeteredLocalIndex(GROUPS);
  const empty = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
  for (const kind of ['User', 'Group'] as const) index.activate(kind, 1, empty);
  const ids: Uint8Array[] = [];
  index.run((call) => {
    if (call.method === 'c2c_register_groups') ids.push((IDL.decode(method('user_index', 'c2c_register_groups').argTypes, call.payload)[0] as unknown as Principal[])[0]!.toUint8Array());
    return index.usual(call);
  });
  // All groups alike: one stands for them.
  const group = groupCanister(100);
  const member = signInOf(7);
  type Page = { Ok: [{ version: bigint; stamp: [] | [bigint] }] };
  const pageSince = (since: bigint): Uint8Array => as(group, member).query('updates', encode('group', 'updates', { since, on_behalf_of: [] })).reply;
  const { version: since, stamp } = (decode('group', 'updates', pageSince(0n)) as Page).Ok[0];
  let announcing = 0n;
  for (const id of ids) {
    index.canister.caller = id;
    announcing += index.canister.update('c2c_announce', encode('local_index', 'c2c_announce', { stamp: stamp[0]! })).instructions;
  }

  let asked = 0;
  const round = (known: [] | [bigint]): bigint => {
    let spent = 0n;
    asked = 0;
    const groups = ids.map((id) => ({ group_id: Principal.fromUint8Array(id), since, stamp: known }));
    for (let from = 0; from < GROUPS; from += 100) {
      const question = encode('local_index', 'updates', { user: [], groups: groups.slice(from, from + 100) });
      let outcome = as(index.canister, member).attempt({ kind: 'compositeQuery', method: 'updates' }, question);
      for (;;) {
        if (outcome.error !== null) throw new Error(outcome.error.message);
        spent += outcome.instructionsUsed;
        const call = outcome.delta!.calls[0];
        if (call === undefined) break;
        asked++;
        const told = as(group, LOCAL_INDEX).query('updates', call.payload);
        spent += told.instructions;
        outcome = index.canister.attempt({ kind: 'compositeReplyCallback', closure: call.onReply }, told.reply);
      }
      const { failed } = decode('local_index', 'updates', (outcome.delta!.response as { data: Uint8Array }).data) as { failed: unknown[] };
      if (failed.length > 0) throw new Error('a group did not answer');
    }
    return spent;
  };
  const idle = round(stamp);
  if (asked > 0) throw new Error('a group was asked for nothing');
  const thorough = round([]);
  as(group, member);
  change(group, 'send_message', { message_id: 1n, text: TEXT, replies_to: [] });
  index.canister.caller = ids[50]!;
  index.canister.update('c2c_announce', encode('local_index', 'c2c_announce', { stamp: stamp[0]! + 1n }));
  const one = round(stamp);
  if (asked !== 1) throw new Error(`${asked} groups were asked`);
  const figure = (name: string, value: bigint, note: string, bar?: number): Figure => ({ name, value: Number(value), unit: 'instructions', ...(bar !== undefined && { bar }), note });
  return [
    figure('sync-idle', idle, `nothing changed in ${GROUPS} groups of one subnet`, 2_000_000),
    figure('sync-one', one, `one message in one of ${GROUPS} groups of one subnet`, 2_500_000),
    figure('sync-thorough', thorough, `nothing changed in ${GROUPS} groups of one subnet, and every one is asked`),
    figure('announce', announcing / BigInt(GROUPS), `the local index's part of a new version, with ${GROUPS} groups`),
  ];
}

/** The dearest message of a rolling upgrade, with few and with many children. */
export async function maintenance(): Promise<Figure[]> {
  const dearest = [1_000, 10_000].map((children) => {
    const index = new MeteredLocalIndex(children);
    index.activate('User', 1, Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
    index.run();
    index.dearest = 0n;
    index.activate('User', 2, Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 0, 1, 0));
    index.run();
    if (index.status('User').outdated > 0) throw new Error('children were forgotten');
    return Number(index.dearest);
  }) as [number, number];
  return [{ name: 'maintenance', value: dearest[1], unit: 'instructions', note: `dearest message while 10,000 children are upgraded; ${dearest[0].toLocaleString('en')} with 1,000` }];
}

const BILLION = 1_000_000_000n;

/** What the network keeps of a registration: all canisters' cycles before, less all canisters' cycles after. */
export async function signup(): Promise<Figure[]> {
  const network = await ChatNetwork.start({ poolTarget: 2 });
  const total = (): bigint =>
    network.net.subnets.reduce((sum, subnet) => sum + [...subnet.state!.canisters.values()].reduce((part, canister) => part + canister.balance, 0n), 0n);
  await network.person('first_comer');
  await network.net.settle();
  const before = total();
  const people = 4;
  for (let n = 0; n < people; n++) await network.person(`newcomer_${n}`);
  await network.net.settle();
  const spent = (before - total()) / BigInt(people);
  await network.stop();
  return [{ name: 'signup', value: Number(spent / BILLION), unit: 'billion cycles', bar: 550, note: 'a registration, with the canister that refills the pool; without the balance that canister keeps' }];
}
