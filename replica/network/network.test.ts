import { Actor, HttpAgent } from '@dfinity/agent';
import type { ActorSubclass } from '@dfinity/agent';
import { IDL } from '@dfinity/candid';
import { Ed25519KeyIdentity } from '@dfinity/identity';
import { Principal as AgentPrincipal } from '@dfinity/principal';
import { afterEach, describe, expect, test } from 'vitest';
import wabtInit from 'wabt';
import { Principal } from '../types/principal.ts';
import { expectReply, startNetwork } from './embed.ts';
import type { EmbeddedNetwork, NetworkOptions } from './embed.ts';

/** Adds one to a nat8 kept at address 0, and replies with Candid. */
const COUNTER = `(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (memory 1)
  (data (i32.const 8) "DIDL\\00\\01\\7b")
  (func $answer
    (call $append (i32.const 8) (i32.const 7))
    (call $append (i32.const 0) (i32.const 1))
    (call $reply))
  (func (export "canister_update inc")
    (i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1)))
    (call $answer))
  (func (export "canister_query get") (call $answer)))`;

/** `relay`: calls `inc` of the canister whose id (10 bytes) is the argument, and passes reply or reject on. */
const RELAY = `(module
  (import "ic0" "msg_arg_data_copy" (func $arg (param i32 i32 i32)))
  (import "ic0" "msg_arg_data_size" (func $size (result i32)))
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reject" (func $reject (param i32 i32)))
  (import "ic0" "msg_reject_msg_size" (func $rejectSize (result i32)))
  (import "ic0" "msg_reject_msg_copy" (func $rejectCopy (param i32 i32 i32)))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (memory 1)
  (table funcref (elem $onReply $onReject))
  (data (i32.const 0) "inc")
  (func (export "canister_update relay")
    (call $arg (i32.const 100) (i32.const 0) (i32.const 10))
    (call $new (i32.const 100) (i32.const 10) (i32.const 0) (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0))
    (if (call $perform) (then unreachable)))
  (func $onReply (param i32)
    (call $arg (i32.const 200) (i32.const 0) (call $size))
    (call $append (i32.const 200) (call $size))
    (call $reply))
  (func $onReject (param i32)
    (call $rejectCopy (i32.const 200) (i32.const 0) (call $rejectSize))
    (call $reject (i32.const 200) (call $rejectSize))))`;

const wabt = await wabtInit();

function wasmOf(text: string): Uint8Array {
  return wabt.parseWat('test.wat', text).toBinary({}).buffer;
}

const NOTHING = Uint8Array.of(0x44, 0x49, 0x44, 0x4c, 0, 0);
let network: EmbeddedNetwork | undefined;

async function start(options: NetworkOptions = {}): Promise<EmbeddedNetwork> {
  return (network = await startNetwork(options));
}

afterEach(async () => {
  await network?.stop();
  network = undefined;
});

async function counterOn(net: EmbeddedNetwork, subnet?: number): Promise<string> {
  const id = await net.createCanister({ cycles: 100_000_000_000_000n, ...(subnet !== undefined && { subnet }) });
  await net.install(id, wasmOf(COUNTER));
  return id;
}

interface Counter {
  inc: () => Promise<number>;
  get: () => Promise<number>;
}

const counterInterface: IDL.InterfaceFactory = () => IDL.Service({ inc: IDL.Func([], [IDL.Nat8], []), get: IDL.Func([], [IDL.Nat8], ['query']) });

async function actor(net: EmbeddedNetwork, canisterId: string): Promise<ActorSubclass<Counter>> {
  const agent = await HttpAgent.create({ host: net.url!, identity: Ed25519KeyIdentity.generate(), shouldFetchRootKey: true });
  return Actor.createActor<Counter>(counterInterface, { agent, canisterId });
}

describe('embedded network', () => {
  test('runs a canister on each subnet', async () => {
    const net = await start();
    for (const subnet of [0, 1, 2]) {
      const id = await counterOn(net, subnet);
      expectReply(await net.update(id, 'inc', NOTHING));
      expectReply(await net.update(id, 'inc', NOTHING));
      expect(expectReply(await net.query(id, 'get', NOTHING)).at(-1)).toBe(2);
    }
  });

  test('an unmodified agent calls and queries, verifying certificates and query signatures', async () => {
    const net = await start({ port: 0 });
    for (const subnet of [0, 1]) {
      const counter = await actor(net, await counterOn(net, subnet));
      expect(await counter.inc()).toBe(1);
      expect(await counter.get()).toBe(1);
    }
  });

  test('the virtual clock catches up with the machine’s for the sake of agents, and never goes back', async () => {
    const HOUR = 3_600_000;
    const behind = BigInt(Date.now() - HOUR) * 1_000_000n;
    const net = await start({ port: 0, startTimeNanos: behind });
    net.time.catchUp();
    expect(net.time.get() - behind).toBeGreaterThan(BigInt(HOUR - 60_000) * 1_000_000n);
    expect(await (await actor(net, await counterOn(net, 0))).inc()).toBe(1);
    await net.time.advance(HOUR);
    const ahead = net.time.get();
    net.time.catchUp();
    expect(net.time.get()).toBe(ahead);
  });

  test('a call to another subnet and its response travel in certified streams, which are then emptied', async () => {
    const net = await start();
    const counter = await counterOn(net, 2);
    const relay = await net.createCanister({ subnet: 1, cycles: 100_000_000_000_000n });
    await net.install(relay, wasmOf(RELAY));
    const callee = Principal.fromText(counter).bytes;
    for (let times = 1; times <= 5; times++) {
      expect(expectReply(await net.update(relay, 'relay', callee)).at(-1)).toBe(times);
    }
    // Signals alone wait a second for a block to take them along.
    await net.time.advance(2000);
    await net.time.advance(2000);
    for (const at of [1, 2]) {
      for (const stream of net.subnets[at]!.state.streams.values()) expect(stream.messages).toEqual([]);
    }
  });

  test('a call to a canister that does not exist on another subnet is rejected', async () => {
    const net = await start();
    const relay = await net.createCanister({ subnet: 1, cycles: 100_000_000_000_000n });
    await net.install(relay, wasmOf(RELAY));
    const missing = Principal.fromText(net.subnets[2]!.canisterRanges[0]![1]).bytes;
    const outcome = await net.update(relay, 'relay', missing);
    expect(outcome).toMatchObject({ kind: 'reject', message: expect.stringContaining('not found') });
  });

  test('a management call whose effective canister id is not the canister of its argument is refused', async () => {
    const net = await start();
    const [one, other] = [await counterOn(net, 1), await counterOn(net, 1)];
    const arg = new Uint8Array(IDL.encode([IDL.Record({ canister_id: IDL.Principal })], [{ canister_id: AgentPrincipal.fromText(one) }]));
    for (const method of ['canister_status', 'stop_canister']) {
      const refused = await net.update('aaaaa-aa', method, arg, { effective: other });
      expect(refused).toMatchObject({ kind: 'reject', errorCode: 'IC0408', message: expect.stringContaining(one) });
    }
    expect(await net.query('aaaaa-aa', 'canister_status', arg, { effective: other })).toMatchObject({ kind: 'reject', errorCode: 'IC0408' });
    expectReply(await net.update('aaaaa-aa', 'stop_canister', arg, { effective: one }));
  });

  test('the same program gives the same state hashes', async () => {
    const run = async (): Promise<Uint8Array> => {
      const net = await start();
      const id = await counterOn(net);
      await net.update(id, 'inc', NOTHING);
      await net.time.advance(1000);
      const hash = await net.subnets[1]!.stateHash();
      await net.stop();
      network = undefined;
      return hash;
    };
    expect(await run()).toEqual(await run());
  });
});
