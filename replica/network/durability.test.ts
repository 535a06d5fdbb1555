import { IDL } from '@dfinity/candid';
import { Principal as AgentPrincipal } from '@dfinity/principal';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import wabtInit from 'wabt';
import { toHex } from '../codec/bytes.ts';
import { ListSnapshotsReply, NodeMetricsArgs, NodeMetricsReply } from '../execution/management/candid-types.ts';
import { decodeAnswer, PROXY, proxyArgument } from '../execution/management/proxy.testing.ts';
import { stateHash } from '../execution/state-hash.ts';
import { MessageRouting } from '../messaging/message-routing.ts';
import { Principal } from '../types/principal.ts';
import { expectReply, startNetwork } from './embed.ts';
import type { CallOutcome, EmbeddedNetwork } from './embed.ts';

/** `heap` and `stable` add one to the byte at the offset given as u32; `get` replies with all counters' sum as u32. */
const WRITER = (marker: number): string => `(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_arg_data_copy" (func $arg (param i32 i32 i32)))
  (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
  (import "ic0" "stable64_size" (func $size (result i64)))
  (import "ic0" "stable64_read" (func $read (param i64 i64 i64)))
  (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
  (import "ic0" "certified_data_set" (func $certify (param i32 i32)))
  (import "ic0" "global_timer_set" (func $timer (param i64) (result i64)))
  (import "ic0" "trap" (func $trap (param i32 i32)))
  (memory 8)
  (global $calls (mut i64) (i64.const ${marker}))
  (func $offset (result i32) (call $arg (i32.const 0) (i32.const 0) (i32.const 4)) (i32.load (i32.const 0)))
  (func (export "canister_init") (drop (call $grow (i64.const 8))))
  (func (export "canister_update heap") (local $at i32)
    (local.set $at (call $offset))
    (i32.store8 (local.get $at) (i32.add (i32.load8_u (local.get $at)) (i32.const 1)))
    (global.set $calls (i64.add (global.get $calls) (i64.const 1)))
    (call $certify (local.get $at) (i32.const 8))
    (call $append (local.get $at) (i32.const 1)) (call $reply))
  (func (export "canister_update stable") (local $at i64)
    (local.set $at (i64.extend_i32_u (call $offset)))
    (call $read (i64.const 16) (local.get $at) (i64.const 1))
    (i32.store8 (i32.const 16) (i32.add (i32.load8_u (i32.const 16)) (i32.const 1)))
    (call $write (local.get $at) (i64.const 16) (i64.const 1))
    (call $append (i32.const 16) (i32.const 1)) (call $reply))
  (func (export "canister_update trapping") (local $at i32)
    (local.set $at (call $offset))
    (i32.store8 (local.get $at) (i32.const 77))
    (call $trap (i32.const 0) (i32.const 0)))
  (func (export "canister_update arm")
    (drop (call $timer (i64.const 1)))
    (call $reply))
  (func (export "canister_global_timer")
    (i32.store8 (i32.const 5000) (i32.add (i32.load8_u (i32.const 5000)) (i32.const 1)))))`;

const wabt = await wabtInit();
const MODULES = [1, 2].map((marker) => wabt.parseWat('writer.wat', WRITER(marker)).toBinary({}).buffer);
const MEMORY_BYTES = 8 * 65_536;

const folders: string[] = [];
let network: EmbeddedNetwork | undefined;

afterEach(async () => {
  await network?.stop({ crash: true });
  network = undefined;
  for (const path of folders.splice(0)) rmSync(path, { recursive: true });
});

function newFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'parley-durability-'));
  folders.push(path);
  return path;
}

function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

const ById = IDL.Record({ canister_id: IDL.Principal });
const Snapshot = IDL.Record({ canister_id: IDL.Principal, snapshot_id: IDL.Vec(IDL.Nat8) });
const Take = IDL.Record({ canister_id: IDL.Principal, replace_snapshot: IDL.Opt(IDL.Vec(IDL.Nat8)) });
const Chunk = IDL.Record({ canister_id: IDL.Principal, chunk: IDL.Vec(IDL.Nat8) });

async function manage(net: EmbeddedNetwork, id: string, method: string, type: IDL.Type, more: object = {}): Promise<CallOutcome> {
  const arg = new Uint8Array(IDL.encode([type], [{ canister_id: AgentPrincipal.fromText(id), ...more }]));
  return net.update('aaaaa-aa', method, arg, { effective: id });
}

/** One random thing done to the network. What is refused is refused the same way everywhere. */
async function randomStep(net: EmbeddedNetwork, canisters: string[], random: (below: number) => number): Promise<void> {
  const id = canisters[random(canisters.length)];
  const choice = random(20);
  if (id === undefined || choice === 0) {
    const created = await net.createCanister({ subnet: random(2), cycles: 100_000_000_000_000n });
    await net.install(created, MODULES[0]!);
    canisters.push(created);
    return;
  }
  const at = u32(64 + random(MEMORY_BYTES - 128));
  if (choice < 7) await net.update(id, 'heap', at);
  else if (choice < 11) await net.update(id, 'stable', at);
  else if (choice === 11) await net.update(id, 'trapping', at);
  else if (choice === 12) await net.update(id, 'arm', new Uint8Array(0));
  else if (choice === 13) await net.install(id, MODULES[random(2)]!, new Uint8Array(0), { mode: random(2) === 0 ? 'upgrade' : 'reinstall' }).catch(() => {});
  else if (choice === 14) await manage(net, id, 'take_canister_snapshot', Take, { replace_snapshot: [] });
  else if (choice === 15) {
    const listed = IDL.decode([ListSnapshotsReply], expectReply(await manage(net, id, 'list_canister_snapshots', ById))) as unknown as [{ id: Uint8Array }[]];
    const snapshot = listed[0]![0] as { id: Uint8Array } | undefined;
    if (snapshot) await manage(net, id, 'delete_canister_snapshot', Snapshot, { snapshot_id: snapshot.id });
  } else if (choice === 16) await manage(net, id, 'upload_chunk', Chunk, { chunk: Uint8Array.from({ length: 100 }, () => random(256)) });
  else if (choice === 17) await manage(net, id, 'clear_chunk_store', ById);
  else if (choice === 18 && random(4) === 0) await manage(net, id, 'uninstall_code', ById);
  else await net.time.advance(1 + random(20_000));
}

async function hashes(net: EmbeddedNetwork): Promise<string[]> {
  await net.settle();
  return Promise.all(net.subnets.map(async (subnet) => `${await subnet.height()} ${toHex(await subnet.stateHash())} ${fullHash(subnet.state)}`));
}

function fullHash(state: Parameters<typeof stateHash>[0]): string {
  const hash: unknown = stateHash(state);
  return hash instanceof Uint8Array ? toHex(hash) : String(hash);
}

describe('durability', () => {
  test.each([1, 2, 3, 4, 5, 6])('D4 restarts, clean or after a crash, reach the same state hash (seed %i)', async (seed) => {
    const random = randomFrom(seed);
    const stateDir = newFolder();
    const canisters: string[] = [];
    let before: string[] = [];
    for (let life = 0; life < 5; life++) {
      // Odd seeds also write checkpoints while batches go on, so that crashes come during and after them.
      const checkpointBatches = seed % 2 === 1 ? 3 : undefined;
      network = await startNetwork({ subnets: [{ kind: 'system' }, { kind: 'application' }], stateDir, seed, checkpointBatches });
      if (life > 0) expect(await hashes(network), `life ${life}`).toEqual(before);
      for (let step = 0; step < 25; step++) await randomStep(network, canisters, random);
      // What is compared is the state after everything due has run.
      await network.tick();
      before = await hashes(network);
      await network.stop({ crash: random(2) === 0 });
      network = undefined;
    }
  });

  test('a canister deleted before a restart stays deleted, and its records with it', async () => {
    const stateDir = newFolder();
    network = await startNetwork({ subnets: [{ kind: 'application' }], stateDir });
    const id = await network.createCanister({ cycles: 100_000_000_000_000n });
    await network.install(id, MODULES[0]!);
    await network.stop();
    network = await startNetwork({ stateDir });
    expectReply(await manage(network, id, 'stop_canister', ById));
    expectReply(await manage(network, id, 'delete_canister', ById));
    await network.stop();
    network = await startNetwork({ stateDir });
    expect(network.subnets[0]!.state.canister(Principal.fromText(id))).toBeUndefined();
  });

  test('daily samples of who made the blocks outlast restarts', async () => {
    const stateDir = newFolder();
    network = await startNetwork({ subnets: [{ kind: 'application' }], stateDir });
    const subnetId = network.subnets[0]!.id;
    const id = await network.createCanister({ cycles: 10n ** 15n });
    await network.install(id, PROXY);
    const day = 86_400_000;
    const samples = async (): Promise<unknown> => {
      const arg = IDL.encode([NodeMetricsArgs], [{ subnet_id: AgentPrincipal.fromText(subnetId), start_at_timestamp_nanos: 0n }]);
      const call = proxyArgument('aaaaa-aa', 'node_metrics_history', new Uint8Array(arg), 0n);
      const { reply } = decodeAnswer(await network!.update(id, 'call', call));
      return IDL.decode([NodeMetricsReply], reply!)[0];
    };
    expect(await samples()).toEqual([]);
    for (let passed = 0; passed < 2; passed++) {
      await network.time.advance(day);
      await network.update(id, 'ping', new Uint8Array(0));
    }
    const before = await samples();
    expect(before).toMatchObject([{ node_metrics: [{ num_block_failures_total: 0n }] }, { node_metrics: [{}] }]);
    for (const checkpointed of [true, false]) {
      await network.stop({ crash: !checkpointed });
      network = await startNetwork({ stateDir });
      expect(await samples()).toEqual(before);
    }
  });

  test('a batch that the replica itself fails over is not in the log: the next start goes on before it', async () => {
    const stateDir = newFolder();
    network = await startNetwork({ subnets: [{ kind: 'application' }], stateDir });
    const id = await network.createCanister({ cycles: 100_000_000_000_000n });
    await network.install(id, MODULES[0]!);
    const before = await hashes(network);
    const defect = vi.spyOn(MessageRouting.prototype, 'executeBatch').mockImplementationOnce(() => {
      throw new Error('a defect');
    });
    await expect(network.update(id, 'heap', u32(100))).rejects.toThrow();
    expect(defect).toHaveBeenCalledTimes(1);
    await network.stop({ crash: true });
    defect.mockRestore();
    network = await startNetwork({ stateDir });
    expect(await hashes(network)).toEqual(before);
    expect([...expectReply(await network.update(id, 'heap', u32(100)))]).toEqual([1]);
  });

  test('a folder in use, and one of other subnets, are refused with a message that says what to do', async () => {
    const stateDir = newFolder();
    network = await startNetwork({ subnets: [{ kind: 'application' }], stateDir });
    await network.stop();
    await expect(startNetwork({ subnets: [{ kind: 'system' }], stateDir })).rejects.toThrow('--clean');
  });
});
