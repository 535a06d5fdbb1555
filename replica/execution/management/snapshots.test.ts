import { describe, expect, it } from 'vitest';
import { sha256 } from '../../codec/sha256.ts';
import type { CanisterState } from '../../state/canister-state.ts';
import { Principal } from '../../types/principal.ts';
import { executionOf } from '../management-port.ts';
import * as candid from './candid-types.ts';
import { tracing } from './test-modules.ts';
import { NO_SETTINGS, START_NANOS, TestSubnet } from './testing.ts';
import { toWire } from './wire.ts';

const alice = Principal.fromBytes(Uint8Array.of(1, 1, 1));
const bob = Principal.fromBytes(Uint8Array.of(2, 2, 2));
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (value: string) => new TextEncoder().encode(value);

interface Metadata {
  source: Record<string, null>;
  taken_at_timestamp: bigint;
  wasm_module_size: bigint;
  globals: candid.SnapshotGlobalCandid[];
  wasm_memory_size: bigint;
  stable_memory_size: bigint;
  wasm_chunk_store: candid.ChunkHashCandid[];
  canister_version: bigint;
  certified_data: Uint8Array;
  global_timer: candid.Opt<candid.GlobalTimerCandid>;
  on_low_wasm_memory_hook_status: candid.Opt<candid.LowWasmMemoryHookStatusCandid>;
}

class Fixture {
  readonly subnet = new TestSubnet();
  readonly canister: CanisterState;
  constructor() {
    this.canister = this.subnet.create(alice);
    const outcome = this.subnet.install(this.canister, alice, tracing(), { arg: bytes('first') });
    if (outcome.kind !== 'reply') throw new Error('install failed');
    this.canister.setChunk(Buffer.from(sha256(bytes('chunk'))).toString('hex'), bytes('chunk'));
  }

  take(options: Partial<candid.TakeSnapshotArgsCandid> = {}, canister = this.canister, from = alice) {
    return this.subnet.call<{ id: Uint8Array; taken_at_timestamp: bigint; total_size: bigint }>(
      'take_canister_snapshot',
      candid.TakeSnapshotArgs,
      { canister_id: toWire(canister.id), replace_snapshot: [], uninstall_code: [], sender_canister_version: [], ...options },
      { from, reply: candid.SnapshotReply },
    );
  }
  taken(options: Partial<candid.TakeSnapshotArgsCandid> = {}): Uint8Array {
    const outcome = this.take(options);
    if (outcome.kind !== 'reply') throw new Error(outcome.kind === 'reject' ? outcome.message : 'pending');
    return outcome.value.id;
  }
  load(snapshot_id: Uint8Array, canister = this.canister, from = alice) {
    return this.subnet.call(
      'load_canister_snapshot',
      candid.LoadSnapshotArgs,
      { canister_id: toWire(canister.id), snapshot_id, sender_canister_version: [] },
      { from },
    );
  }
  list(from = alice) {
    return this.subnet.call<{ id: Uint8Array; total_size: bigint }[]>(
      'list_canister_snapshots',
      candid.CanisterIdArgs,
      { canister_id: toWire(this.canister.id) },
      { from, reply: candid.ListSnapshotsReply },
    );
  }
  metadata(snapshot_id: Uint8Array, canister = this.canister) {
    const outcome = this.subnet.call<Metadata>(
      'read_canister_snapshot_metadata',
      candid.SnapshotIdArgs,
      { canister_id: toWire(canister.id), snapshot_id },
      { from: alice, reply: candid.SnapshotMetadataReply },
    );
    if (outcome.kind !== 'reply') throw new Error('rejected');
    return outcome.value;
  }
  read(snapshot_id: Uint8Array, kind: candid.ReadSnapshotDataArgsCandid['kind']) {
    return this.subnet.call<{ chunk: Uint8Array }>(
      'read_canister_snapshot_data',
      candid.ReadSnapshotDataArgs,
      { canister_id: toWire(this.canister.id), snapshot_id, kind },
      { from: alice, reply: candid.ReadSnapshotDataReply },
    );
  }
  readAll(snapshot_id: Uint8Array, kind: 'wasm_module' | 'wasm_memory' | 'stable_memory', size: bigint): Uint8Array {
    const outcome = this.read(snapshot_id, { [kind]: { offset: 0n, size } } as never);
    if (outcome.kind !== 'reply') throw new Error('rejected');
    return outcome.value.chunk;
  }
  write(snapshot_id: Uint8Array, kind: candid.UploadSnapshotDataArgsCandid['kind'], chunk: Uint8Array, canister = this.canister) {
    return this.subnet.call(
      'upload_canister_snapshot_data',
      candid.UploadSnapshotDataArgs,
      { canister_id: toWire(canister.id), snapshot_id, kind, chunk },
      { from: alice },
    );
  }
  upload(metadata: Metadata, canister: CanisterState) {
    return this.subnet.call<{ snapshot_id: Uint8Array }>(
      'upload_canister_snapshot_metadata',
      candid.UploadSnapshotMetadataArgs,
      { ...metadata, canister_id: toWire(canister.id), replace_snapshot: [] },
      { from: alice, reply: candid.UploadSnapshotMetadataReply },
    );
  }
}

describe('taking and loading snapshots', () => {
  it('brings back memories, globals, certified data, timer and chunks, without running code', () => {
    const f = new Fixture();
    const id = f.taken();
    f.subnet.install(f.canister, alice, tracing(), { mode: { upgrade: [] }, arg: bytes('other') });
    f.canister.clearChunks();
    f.canister.certifiedData = bytes('new');
    expect(f.canister.code!.execution.stableBytes).toBe(65_536);

    expect(f.load(id).kind).toBe('reply');
    expect(text(executionOf(f.canister).readHeap(0, 5))).toBe('first');
    expect(f.canister.code!.execution.stableBytes).toBe(0);
    expect(executionOf(f.canister).globals).toMatchObject([{ value: 1 }]);
    expect(text(f.canister.certifiedData)).toBe('boom');
    expect(f.canister.globalTimer).toBe(77n);
    expect(f.canister.chunks.size).toBe(1);
    expect(f.canister.version).toBe(3n);
    expect(f.canister.history.changes.at(-1)).toMatchObject({
      canisterVersion: 3n,
      details: { kind: 'load-snapshot', snapshotId: id, canisterVersion: 1n, takenAtNanos: START_NANOS, source: 'taken-from-canister' },
    });
  });

  it('is independent of the canister: uninstalling it, or loading twice, changes nothing in it', () => {
    const f = new Fixture();
    const id = f.taken({ uninstall_code: [true] });
    expect(f.canister.code).toBeUndefined();
    expect(f.canister.snapshots.size).toBe(1);
    expect(f.load(id).kind).toBe('reply');
    executionOf(f.canister).writeHeap(0, bytes('dirty'));
    expect(text(f.readAll(id, 'wasm_memory', 5n))).toBe('first');
    expect(f.load(id).kind).toBe('reply');
    expect(text(executionOf(f.canister).readHeap(0, 5))).toBe('first');
  });

  it('can be loaded into another canister that the sender controls', () => {
    const f = new Fixture();
    const id = f.taken();
    const [own, foreign] = [f.subnet.create(alice), f.subnet.create(bob)];
    expect(f.load(id, own).kind).toBe('reply');
    expect(text(executionOf(own).readHeap(0, 5))).toBe('first');
    expect(own.history.changes.at(-1)).toMatchObject({ details: { fromCanister: f.canister.id } });
    expect(f.load(id, foreign, bob)).toMatchObject({ code: 512 });
  });

  it('counts as memory and is paid for', () => {
    const f = new Fixture();
    const [memory, balance] = [f.canister.memoryUsage(), f.canister.balance];
    const outcome = f.take();
    if (outcome.kind !== 'reply') throw new Error('rejected');
    expect(BigInt(f.canister.memoryUsage() - memory)).toBe(outcome.value.total_size);
    expect(outcome.value.total_size).toBeGreaterThan(2n * 65_536n);
    expect(balance - f.canister.balance).toBeGreaterThan(2_000_000_000n);
  });

  it('keeps at most ten, replaces one on demand, and never reuses an id', () => {
    const f = new Fixture();
    const ids = Array.from({ length: 10 }, () => Buffer.from(f.taken()).toString('hex'));
    expect(new Set(ids).size).toBe(10);
    expect(f.take()).toMatchObject({
      code: 406,
      message: `Canister ${f.canister.id.toText()} has reached the maximum number of snapshots allowed: 10.`,
    });
    const next = Buffer.from(f.taken({ replace_snapshot: [Buffer.from(ids[0]!, 'hex')] })).toString('hex');
    expect(ids).not.toContain(next);
    const list = f.list();
    expect(list.kind === 'reply' && list.value.map(({ id }) => Buffer.from(id).toString('hex'))).toEqual([...ids.slice(1), next]);
    const gone = { canister_id: toWire(f.canister.id), snapshot_id: Buffer.from(next, 'hex') };
    expect(f.subnet.call('delete_canister_snapshot', candid.SnapshotIdArgs, gone, { from: alice }).kind).toBe('reply');
    expect(f.subnet.call('delete_canister_snapshot', candid.SnapshotIdArgs, gone, { from: alice })).toMatchObject({ code: 305 });
  });

  it('refuses empty canisters, unknown and foreign ids', () => {
    const f = new Fixture();
    const other = f.subnet.create(alice);
    expect(f.take({}, other)).toMatchObject({
      code: 406,
      message: `Failed to create snapshot for empty canister ${other.id.toText()}:`,
    });
    expect(f.load(new Uint8Array(3))).toMatchObject({ code: 305 });
    expect(f.load(new Uint8Array(18))).toMatchObject({ code: 305 });
    const id = f.taken();
    expect(f.take({ replace_snapshot: [id] }, other)).toMatchObject({ code: 406, message: expect.stringMatching(/does not belong to canister/) });
    expect(f.take({}, f.canister, bob)).toMatchObject({ code: 512 });
  });

  it('shows itself to those whom the visibility admits', () => {
    const f = new Fixture();
    f.taken();
    expect(f.list(bob)).toMatchObject({ code: 512 });
    f.subnet.call(
      'update_settings',
      candid.UpdateSettingsArgs,
      { canister_id: toWire(f.canister.id), settings: { ...NO_SETTINGS, snapshot_visibility: [{ public: null }] }, sender_canister_version: [] },
      { from: alice },
    );
    expect(f.list(bob)).toMatchObject({ value: [{}] });
  });
});

describe('moving snapshots out and in', () => {
  it('what is read and uploaded into a new canister runs like the original', () => {
    const f = new Fixture();
    const id = f.taken();
    const meta = f.metadata(id);
    expect(meta).toMatchObject({
      source: { taken_from_canister: null },
      canister_version: 1n,
      global_timer: [{ active: 77n }],
      on_low_wasm_memory_hook_status: [{ condition_not_satisfied: null }],
      globals: [{ i32: 1 }],
      wasm_memory_size: 131_072n,
      stable_memory_size: 0n,
    });
    const target = f.subnet.create(alice);
    const uploaded = f.upload({ ...meta, stable_memory_size: 65_536n }, target);
    if (uploaded.kind !== 'reply') throw new Error('rejected');
    const { snapshot_id } = uploaded.value;
    const module = f.readAll(id, 'wasm_module', meta.wasm_module_size);
    const half = module.length >> 1;
    f.write(snapshot_id, { wasm_module: { offset: BigInt(half) } }, module.slice(half), target);
    f.write(snapshot_id, { wasm_module: { offset: 0n } }, module.slice(0, half), target);
    f.write(snapshot_id, { wasm_memory: { offset: 0n } }, f.readAll(id, 'wasm_memory', meta.wasm_memory_size), target);
    f.write(snapshot_id, { stable_memory: { offset: 4_090n } }, bytes('crosses a page'), target);
    const chunk = f.read(id, { wasm_chunk: meta.wasm_chunk_store[0]! });
    if (chunk.kind !== 'reply') throw new Error('rejected');
    f.write(snapshot_id, { wasm_chunk: null }, chunk.value.chunk, target);

    expect(f.metadata(snapshot_id, target)).toMatchObject({ source: { metadata_upload: null }, wasm_chunk_store: meta.wasm_chunk_store });
    expect(f.load(snapshot_id, target).kind).toBe('reply');
    expect(target.code!.module.hash).toEqual(f.canister.code!.module.hash);
    expect(text(executionOf(target).readHeap(0, 5))).toBe('first');
    expect(text(executionOf(target).readStable(4_090, 14))).toBe('crosses a page');
    expect(executionOf(target).globals).toEqual(executionOf(f.canister).globals);
    expect(target.globalTimer).toBe(77n);
    expect(target.chunks.size).toBe(1);
  });

  it('further writes to a loaded snapshot do not reach the canister that loaded it', () => {
    const f = new Fixture();
    const id = f.taken();
    const meta = f.metadata(id);
    const uploaded = f.upload({ ...meta, stable_memory_size: 131_072n }, f.canister);
    if (uploaded.kind !== 'reply') throw new Error('rejected');
    const { snapshot_id } = uploaded.value;
    f.write(snapshot_id, { wasm_module: { offset: 0n } }, f.readAll(id, 'wasm_module', meta.wasm_module_size));
    f.write(snapshot_id, { stable_memory: { offset: 70_000n } }, bytes('before'));
    expect(f.load(snapshot_id).kind).toBe('reply');
    f.write(snapshot_id, { stable_memory: { offset: 70_000n } }, bytes('after!'));
    f.write(snapshot_id, { stable_memory: { offset: 0n } }, bytes('after!'));
    expect(text(executionOf(f.canister).readStable(70_000, 6))).toBe('before');
    expect(text(executionOf(f.canister).readStable(0, 6))).toBe('\0'.repeat(6));
    expect(text(f.readAll(snapshot_id, 'stable_memory', 6n))).toBe('after!');
  });

  it('refuses slices out of range or too large, and writes to taken snapshots', () => {
    const f = new Fixture();
    const id = f.taken();
    expect(f.read(id, { wasm_memory: { offset: 131_072n, size: 1n } })).toMatchObject({
      code: 408,
      message: 'Invalid subslice into wasm module / main memory / stable memory: offset: 131072, size: 1',
    });
    expect(f.read(id, { wasm_memory: { offset: 2n ** 64n - 1n, size: 1n } })).toMatchObject({ code: 408 });
    expect(f.read(id, { wasm_memory: { offset: 0n, size: 2_000_001n } })).toMatchObject({
      message: 'Requested slice too large: 2000001 > 2000000',
    });
    expect(f.read(id, { wasm_chunk: { hash: new Uint8Array(32) } })).toMatchObject({ kind: 'reject' });
    expect(f.write(id, { wasm_memory: { offset: 0n } }, Uint8Array.of(1))).toMatchObject({
      code: 409,
      message: 'Only canister snapshots created by metadata upload can be mutated.',
    });
  });

  it('refuses metadata that no canister could have, and loads that do not fit together', () => {
    const f = new Fixture();
    const meta = f.metadata(f.taken());
    const target = f.subnet.create(alice);
    for (const change of [
      { wasm_module_size: 2n ** 40n },
      { wasm_memory_size: 1n },
      { stable_memory_size: 2n ** 50n },
      { certified_data: new Uint8Array(33) },
    ]) {
      expect(f.upload({ ...meta, ...change }, target)).toMatchObject({ kind: 'reject', code: 504 });
    }
    const empty = f.upload(meta, target);
    if (empty.kind !== 'reply') throw new Error('rejected');
    expect(f.load(empty.value.snapshot_id, target)).toMatchObject({ kind: 'reject', code: 505 });
    const wrongGlobals = f.upload({ ...meta, globals: [{ i64: 1n }] }, target);
    if (wrongGlobals.kind !== 'reply') throw new Error('rejected');
    const module = executionOf(f.canister).module.bytes;
    f.write(wrongGlobals.value.snapshot_id, { wasm_module: { offset: 0n } }, module, target);
    expect(f.load(wrongGlobals.value.snapshot_id, target)).toMatchObject({ kind: 'reject', code: 408 });
    expect(target.code).toBeUndefined();
  });
});
