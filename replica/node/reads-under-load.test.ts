import { afterEach, describe, expect, test } from 'vitest';
import wabtInit from 'wabt';
import { decodeCertificate } from '../codec/certificate.ts';
import { label, lookupLeaf } from '../codec/hash-tree.ts';
import { expectReply, startNetwork } from '../network/embed.ts';
import type { EmbeddedNetwork } from '../network/embed.ts';
import { Principal } from '../types/principal.ts';

/** `inc` adds one and certifies the count; `get` replies with the count and the certificate of it. */
const CERTIFIED_COUNTER = `(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "certified_data_set" (func $certify (param i32 i32)))
  (import "ic0" "data_certificate_size" (func $size (result i32)))
  (import "ic0" "data_certificate_copy" (func $copy (param i32 i32 i32)))
  (memory 1)
  (func (export "canister_update inc")
    (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))
    (call $certify (i32.const 8) (i32.const 4))
    (call $reply))
  (func (export "canister_query get")
    (call $copy (i32.const 100) (i32.const 0) (call $size))
    (call $append (i32.const 8) (i32.const 4))
    (call $append (i32.const 100) (call $size))
    (call $reply)))`;

const NOTHING = new Uint8Array(0);
const wabt = await wabtInit();
const WASM = wabt.parseWat('counter.wat', CERTIFIED_COUNTER).toBinary({}).buffer;
let network: EmbeddedNetwork | undefined;

afterEach(async () => {
  await network?.stop();
  network = undefined;
});

async function counter(): Promise<{ net: EmbeddedNetwork; canister: string }> {
  const net = (network = await startNetwork({ subnets: [{ kind: 'application' }] }));
  const canister = await net.createCanister();
  await net.install(canister, WASM, NOTHING);
  await net.update(canister, 'inc', NOTHING);
  return { net, canister };
}

async function counted(net: EmbeddedNetwork, canister: string): Promise<{ count: Uint8Array; certified: Uint8Array | undefined }> {
  const reply = expectReply(await net.query(canister, 'get', NOTHING));
  const { tree } = decodeCertificate(reply.slice(4));
  const certified = lookupLeaf(tree, [label('canister'), Principal.fromText(canister).bytes, label('certified_data')]);
  return { count: reply.slice(0, 4), certified };
}

describe('D3 reads under load', () => {
  test('see what is certified, not a batch that was executed but is not published', async () => {
    const { net, canister } = await counter();
    const updates: Promise<unknown>[] = [];
    const queries: ReturnType<typeof counted>[] = [];
    for (let turn = 0; turn < 20; turn++) {
      updates.push(net.update(canister, 'inc', NOTHING), net.update(canister, 'inc', NOTHING));
      queries.push(counted(net, canister));
      await Promise.resolve();
    }
    for (const { count, certified } of await Promise.all(queries)) expect(count).toEqual(certified);
    await Promise.all(updates);
    expect((await counted(net, canister)).count).toEqual(Uint8Array.of(41, 0, 0, 0));
  });

  test('are answered although a batch is always under way', async () => {
    const { net, canister } = await counter();
    let answered = false;
    const query = counted(net, canister).then(() => (answered = true));
    for (let turn = 0; turn < 200 && !answered; turn++) {
      await net.submit(canister, 'inc', NOTHING);
      net.time.setQuiet(net.time.get() + 2_000_000_000n);
    }
    expect(answered).toBe(true);
    await query;
  });

  test('that come after the node stopped are refused', async () => {
    const { net, canister } = await counter();
    await net.stop({ crash: true });
    network = undefined;
    await expect(net.query(canister, 'get', NOTHING)).rejects.toThrow('shutting down');
  });
});
