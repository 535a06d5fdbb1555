import { Actor, HttpAgent } from '@dfinity/agent';
import type { ActorSubclass } from '@dfinity/agent';
import { IDL } from '@dfinity/candid';
import { Ed25519KeyIdentity } from '@dfinity/identity';
import { afterEach, describe, expect, test } from 'vitest';
import wabtInit from 'wabt';
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
