// The figures of the chat canisters: what one message costs, and what an account costs.

import { IDL } from '@dfinity/candid';
import { Principal } from '@dfinity/principal';
import { ChatNetwork, encodeInit, method, moduleOf } from '../integration/chat-network.ts';
import type { Figure } from '../tools/bench/figures.ts';
import { Metered } from '../tools/bench/meter.ts';

const LOCAL_INDEX = Principal.fromUint8Array(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 7, 1, 1));
const USER_INDEX = Principal.fromUint8Array(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 8, 1, 1));
const THEM = Principal.fromUint8Array(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 9, 1, 1));
const OWNER = Principal.selfAuthenticating(new Uint8Array([1]));

/** 200 characters, as the bars say. */
const TEXT = 'The quick brown fox jumps over the lazy dog. '.repeat(5).slice(0, 200);
const SEND_BAR = 250_000;

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

const directMessage = (id: number): Uint8Array => encode('user', 'send_message', { recipient: THEM, message_id: BigInt(id), text: TEXT, replies_to: [] });

/** The sender's whole update call, outbox included, in a chat with 900 messages. */
export async function sendDirect(): Promise<Figure[]> {
  const canister = userCanister();
  as(canister, OWNER);
  answerLookup(canister, canister.attempt({ kind: 'update', method: 'send_message' }, directMessage(0)), THEM);
  let spent = 0n;
  // The recipient acknowledges nothing here, and a thousand envelopes is all that may wait for it.
  for (let id = 1; id <= 900; id++) {
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
  let spent = 0n;
  for (let first = 1; first <= 1_000; first++) {
    const run = canister.update('c2c_deliver', delivery(first));
    if (first > 990) spent += run.instructions;
  }
  return [{ name: 'deliver-direct', value: Number(spent / 10n), unit: 'instructions', bar: SEND_BAR, note: "recipient's call, 1,000 messages in the chat" }];
}

const MEMBERS = 1_000;
const userId = (n: number): Principal => Principal.fromUint8Array(Uint8Array.of(0, 0, 0, 0, 1, 0, n >> 8, n & 255, 1, 1));
const signInOf = (n: number): Principal => Principal.selfAuthenticating(new Uint8Array([2, n >> 8, n & 255]));

function groupCanister(): Metered {
  const canister = Metered.install(moduleOf('group'), init('group'));
  const claim = { owner_principal: signInOf(0), owner: userId(0), username: 'founder', name: 'Everybody', description: '', invite: [] };
  as(canister, LOCAL_INDEX).update('c2c_claim', encode('group', 'c2c_claim', claim));
  for (let n = 1; n < MEMBERS; n += 100) {
    const invite = Array.from({ length: Math.min(100, MEMBERS - n) }, (_, i) => userId(n + i));
    as(canister, signInOf(0)).update('invite_users', encode('group', 'invite_users', invite));
  }
  for (let n = 1; n < MEMBERS; n++) {
    const joining = encode('group', 'c2c_join', { owner_principal: signInOf(n), username: `member_${n}` });
    answerLookup(canister, as(canister, userId(n)).attempt({ kind: 'update', method: 'c2c_join' }, joining), userId(n));
  }
  return canister;
}

/** The whole update call in a group of 1,000 members, with few and with many messages in it. */
export async function sendGroup(): Promise<Figure[]> {
  const canister = groupCanister();
  const costs: number[] = [];
  let id = 0;
  for (const upTo of [100, 10_000]) {
    let spent = 0n;
    while (++id <= upTo) {
      const run = as(canister, signInOf(id % MEMBERS)).update('send_message', encode('group', 'send_message', { message_id: BigInt(id), text: TEXT, replies_to: [] }));
      if (id > upTo - 10) spent += run.instructions;
    }
    id--;
    costs.push(Number(spent / 10n));
  }
  return [{ name: 'send-group', value: costs[1]!, unit: 'instructions', bar: SEND_BAR, note: `1,000 members, 10,000 messages; ${costs[0]!.toLocaleString('en')} with 100 messages` }];
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
