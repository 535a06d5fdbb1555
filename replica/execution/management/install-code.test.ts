import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../codec/sha256.ts';
import type { CanisterState } from '../../state/canister-state.ts';
import { Principal } from '../../types/principal.ts';
import { APPLICATION_SUBNET } from '../../types/subnet-config.ts';
import { executionOf } from '../management-port.ts';
import * as candid from './candid-types.ts';
import { customSection, fromText, tracing } from './test-modules.ts';
import { TestSubnet } from './testing.ts';
import { toWire } from './wire.ts';

const alice = Principal.fromBytes(Uint8Array.of(1, 1, 1));
const bob = Principal.fromBytes(Uint8Array.of(2, 2, 2));
const hashOf = (wasm: Uint8Array) => new Uint8Array(sha256(wasm));
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (value: string) => new TextEncoder().encode(value);
const heap = (canister: CanisterState, at: number, size: number) => executionOf(canister).readHeap(at, size);
const versionSeen = (canister: CanisterState) =>
  Buffer.from(heap(canister, 1000, 8)).readBigUInt64LE();
const UPGRADE: candid.InstallModeCandid = { upgrade: [] };

function installed(options: Parameters<typeof tracing>[0] = {}) {
  const subnet = new TestSubnet();
  const canister = subnet.create(alice);
  const outcome = subnet.install(canister, alice, tracing(options), { arg: bytes('hello') });
  if (outcome.kind !== 'reply') throw new Error(JSON.stringify(outcome, (_k, v) => (typeof v === 'bigint' ? `${v}` : v)));
  return { subnet, canister };
}

describe('install_code: the Wasm memory limit', () => {
  it('holds for memory that the module begins with, too', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice);
    canister.settings.wasmMemoryLimit = 65_536;
    expect(subnet.install(canister, alice, tracing())).toMatchObject({ kind: 'reject', code: 539 });
    expect([canister.code, canister.version]).toEqual([undefined, 0n]);
    canister.settings.wasmMemoryLimit = 2 * 65_536;
    expect(subnet.install(canister, alice, tracing()).kind).toBe('reply');
  });
});

describe('install_code: rates', () => {
  const config = { instructions: { ...APPLICATION_SUBNET.instructions, installPerSecond: 1_000 } };

  it('where they are limited, an installation after a large one has to wait, whether it succeeded or not', () => {
    for (const traps of [undefined, 'init'] as const) {
      const subnet = new TestSubnet(config);
      const canister = subnet.create(alice);
      const other = subnet.create(alice);
      const install = (to = canister) => subnet.install(to, alice, tracing({ traps }), { mode: { reinstall: null } });
      expect(install().kind).toBe(traps === undefined ? 'reply' : 'reject');
      expect(install()).toMatchObject({
        kind: 'reject',
        code: 209,
        message: expect.stringMatching(/^Canister .* is rate limited because it executed too many instructions/),
      });
      expect(install(other)).not.toMatchObject({ code: 209 });
      subnet.timeNanos = canister.installAllowedAtNanos - 1n;
      expect(install()).toMatchObject({ code: 209 });
      subnet.timeNanos++;
      expect(install()).not.toMatchObject({ code: 209 });
    }
  });

  it('are free otherwise', () => {
    const { subnet, canister } = installed();
    for (let again = 0; again < 3; again++) expect(subnet.install(canister, alice, tracing(), { mode: UPGRADE }).kind).toBe('reply');
  });
});

describe('install_code: install', () => {
  it('runs init with the argument under the next version, and records the deployment', () => {
    const { subnet, canister } = installed();
    expect(text(heap(canister, 0, 5))).toBe('hello');
    expect(versionSeen(canister)).toBe(1n);
    expect(canister.version).toBe(1n);
    expect(text(canister.certifiedData)).toBe('boom');
    expect(canister.globalTimer).toBe(77n);
    expect(canister.code!.installedAtNanos).toBe(subnet.timeNanos);
    expect(canister.history.changes.at(-1)).toMatchObject({
      canisterVersion: 1n,
      details: { kind: 'code-deployment', mode: 'install', moduleHash: hashOf(tracing()) },
    });
  });

  it('charges the instructions of compiling and of init', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice);
    const before = canister.balance;
    subnet.install(canister, alice, tracing());
    const { module } = executionOf(canister);
    const paid = before - canister.balance;
    expect(paid).toBeGreaterThan(BigInt(module.instructionCount * 6000) + 5_000_000n);
    expect(paid).toBeLessThan(BigInt(module.instructionCount * 6000) + 5_100_000n);
  });

  it('takes gzip and keeps the hash of what was uploaded', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice);
    const packed = new Uint8Array(gzipSync(tracing()));
    expect(subnet.install(canister, alice, packed).kind).toBe('reply');
    expect(canister.code!.module.hash).toEqual(hashOf(packed));
  });

  it('refuses a canister with code, strangers, and modules that are none', () => {
    const { subnet, canister } = installed();
    expect(subnet.install(canister, alice, tracing())).toMatchObject({
      code: 514,
      message: `Canister ${canister.id.toText()} cannot be installed because the canister is not empty. Try installing with mode='reinstall' instead.`,
    });
    expect(subnet.install(canister, bob, tracing(), { mode: { reinstall: null } })).toMatchObject({ code: 512 });
    const empty = subnet.create(alice);
    expect(subnet.install(empty, alice, Uint8Array.of(1, 2, 3))).toMatchObject({
      code: 505,
      message: expect.stringMatching(`^Error from Canister ${empty.id.toText()}: Canister's Wasm module is not valid: `),
    });
    expect(subnet.install(empty, alice, tracing(), { mode: UPGRADE })).toMatchObject({ code: 537 });
    expect(empty.version).toBe(0n);
  });

  it('undoes everything when init traps, but keeps the fee and the log', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice);
    const before = canister.balance;
    const outcome = subnet.install(canister, alice, tracing({ traps: 'init', print: true }), { arg: bytes('hi') });
    expect(outcome).toMatchObject({
      code: 503,
      message: expect.stringContaining("Canister called `ic0.trap` with message: 'boom'"),
    });
    expect(canister.code).toBeUndefined();
    expect(canister.version).toBe(0n);
    expect(canister.globalTimer).toBe(0n);
    expect(canister.certifiedData.length).toBe(0);
    expect(canister.history.totalChanges).toBe(1);
    expect(before - canister.balance).toBeGreaterThan(5_000_000n);
    const log = canister.log.records.map(({ content }) => text(content));
    expect(log[0]).toBe('hi');
    expect(log.at(-1)).toMatch(/boom/);
  });

  it('refuses when the balance cannot carry the instruction limit', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice, 1_000_000_000n);
    expect(subnet.install(canister, alice, tracing())).toMatchObject({
      code: 207,
      message: expect.stringMatching(/^Canister installation failed with `Canister .* is out of cycles/),
    });
    expect(canister.balance).toBe(1_000_000_000n);
  });

  it('refuses code whose memory the balance could not carry, and gives the rest back', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice, 301_000_000_000n);
    canister.settings.freezingThresholdSeconds = 2n ** 60n;
    // The canister is far below its freezing limit only once it has a heap.
    canister.history.changes = [];
    expect(subnet.install(canister, alice, tracing()).kind).toBe('reject');
    expect(canister.code).toBeUndefined();
  });
});

describe('install_code: reinstall', () => {
  it('wipes memories, certified data, timer and log, and keeps chunks', () => {
    const { subnet, canister } = installed({ print: true });
    subnet.install(canister, alice, tracing(), { mode: UPGRADE });
    expect(canister.code!.execution.stableBytes).toBe(65_536);
    canister.setChunk('00', new Uint8Array(1));
    const quiet = fromText('(module (memory 1) (func (export "canister_update a")))');
    expect(subnet.install(canister, alice, quiet, { mode: { reinstall: null } }).kind).toBe('reply');
    expect(canister.code!.execution.stableBytes).toBe(0);
    expect(heap(canister, 0, 5)).toEqual(new Uint8Array(5));
    expect(canister.certifiedData.length).toBe(0);
    expect(canister.globalTimer).toBe(0n);
    expect(canister.log.records).toEqual([]);
    expect(canister.chunks.size).toBe(1);
    expect(canister.version).toBe(3n);
  });

  it('leaves the old code running when the new init traps', () => {
    const { subnet, canister } = installed();
    const hash = canister.code!.module.hash;
    expect(subnet.install(canister, alice, tracing({ traps: 'init' }), { mode: { reinstall: null } })).toMatchObject({ code: 503 });
    expect(canister.code!.module.hash).toEqual(hash);
    expect(text(heap(canister, 0, 5))).toBe('hello');
    expect(canister.globalTimer).toBe(77n);
  });

  it('works on an empty canister', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice);
    expect(subnet.install(canister, alice, tracing(), { mode: { reinstall: null } }).kind).toBe('reply');
  });
});

describe('install_code: upgrade', () => {
  it('runs pre_upgrade under the old version and post_upgrade under the next, keeping stable memory only', () => {
    const { subnet, canister } = installed();
    expect(subnet.install(canister, alice, tracing({ extra: '(func (export "canister_update b"))' }), { mode: UPGRADE, arg: bytes('again') }).kind).toBe('reply');
    const stable = executionOf(canister).readStable(0, 8);
    expect(Buffer.from(stable).readBigUInt64LE()).toBe(1n);
    expect(versionSeen(canister)).toBe(2n);
    expect(text(heap(canister, 0, 5))).toBe('again');
    expect(executionOf(canister).globals).toMatchObject([{ type: 'i32', value: 1 }]);
    expect(canister.globalTimer).toBe(0n);
    expect(text(canister.certifiedData)).toBe('boom');
    expect(canister.code!.module.updates.has('b')).toBe(true);
  });

  it.each(['pre', 'post'] as const)('undoes everything when %s_upgrade traps', (traps) => {
    const { subnet, canister } = installed(traps === 'pre' ? { traps } : {});
    const hash = canister.code!.module.hash;
    const next = tracing(traps === 'post' ? { traps } : {});
    expect(subnet.install(canister, alice, next, { mode: UPGRADE })).toMatchObject({ code: 503 });
    expect(canister.code!.module.hash).toEqual(hash);
    expect(canister.code!.execution.stableBytes).toBe(0);
    expect(text(heap(canister, 0, 5))).toBe('hello');
    expect(canister.globalTimer).toBe(77n);
    expect(canister.version).toBe(1n);
    expect(executionOf(canister).globals).toMatchObject([{ value: 1 }]);
    // And the canister can be upgraded afterwards.
    const skip: candid.InstallModeCandid = { upgrade: [{ skip_pre_upgrade: [true], wasm_memory_persistence: [] }] };
    expect(subnet.install(canister, alice, tracing(), { mode: skip }).kind).toBe('reply');
  });

  it('skips pre_upgrade when asked', () => {
    const { subnet, canister } = installed({ traps: 'pre' });
    const mode: candid.InstallModeCandid = { upgrade: [{ skip_pre_upgrade: [true], wasm_memory_persistence: [] }] };
    expect(subnet.install(canister, alice, tracing(), { mode }).kind).toBe('reply');
    expect(canister.code!.execution.stableBytes).toBe(0);
  });

  describe('with enhanced orthogonal persistence', () => {
    const marked = (extra = '') =>
      new Uint8Array([...tracing({ extra }), ...customSection('icp:private enhanced-orthogonal-persistence', '')]);
    const upgrade = (persistence: [] | [{ keep: null }] | [{ replace: null }]): candid.InstallModeCandid => ({
      upgrade: [{ skip_pre_upgrade: [], wasm_memory_persistence: persistence }],
    });
    const start = () => {
      const subnet = new TestSubnet();
      const canister = subnet.create(alice);
      subnet.install(canister, alice, marked(), { arg: bytes('hello') });
      return { subnet, canister };
    };

    it('insists on the option for modules that were built for it', () => {
      const { subnet, canister } = start();
      for (const mode of [UPGRADE, upgrade([])]) {
        expect(subnet.install(canister, alice, marked(), { mode })).toMatchObject({
          code: 504,
          message: expect.stringMatching(/^Missing upgrade option: /),
        });
      }
    });

    it('keep retains the heap and needs a new module built for it', () => {
      const { subnet, canister } = start();
      expect(subnet.install(canister, alice, tracing(), { mode: upgrade([{ keep: null }]) })).toMatchObject({
        code: 504,
        message: expect.stringMatching(/^Invalid upgrade option: /),
      });
      expect(subnet.install(canister, alice, marked('(func)'), { mode: upgrade([{ keep: null }]), arg: bytes('HE') }).kind).toBe('reply');
      expect(text(heap(canister, 0, 5))).toBe('HEllo');
    });

    it('replace wipes the heap', () => {
      const { subnet, canister } = start();
      expect(subnet.install(canister, alice, marked(), { mode: upgrade([{ replace: null }]), arg: bytes('HE') }).kind).toBe('reply');
      expect(text(heap(canister, 0, 5))).toBe('HE\0\0\0');
    });
  });
});

describe('install_chunked_code', () => {
  const chunked = (
    subnet: TestSubnet,
    target: CanisterState,
    store: CanisterState | undefined,
    parts: readonly Uint8Array[],
    from = alice,
  ) =>
    subnet.call(
      'install_chunked_code',
      candid.InstallChunkedCodeArgs,
      {
        mode: { install: null },
        target_canister: toWire(target.id),
        store_canister: store === undefined ? [] : [toWire(store.id)],
        chunk_hashes_list: parts.map((part) => ({ hash: sha256(part) })),
        wasm_module_hash: sha256(Buffer.concat(parts)),
        arg: bytes('chunk'),
        sender_canister_version: [],
      },
      { from },
    );
  const halves = (wasm: Uint8Array) => [wasm.slice(0, 100), wasm.slice(100)];
  const store = (subnet: TestSubnet, canister: CanisterState, parts: readonly Uint8Array[]) => {
    for (const chunk of parts) {
      subnet.call('upload_chunk', candid.UploadChunkArgs, { canister_id: toWire(canister.id), chunk }, { from: canister.settings.controllers[0]! });
    }
  };

  it('installs from the own store or another one that the caller controls, and keeps the chunks', () => {
    const subnet = new TestSubnet();
    const [source, target] = [subnet.create(alice), subnet.create(alice)];
    const parts = halves(tracing());
    store(subnet, source, parts);
    expect(chunked(subnet, source, undefined, parts).kind).toBe('reply');
    expect(chunked(subnet, target, source, parts).kind).toBe('reply');
    expect(text(heap(target, 0, 5))).toBe('chunk');
    expect(source.chunks.size).toBe(2);
  });

  it('refuses the store of a canister that the caller does not control', () => {
    const subnet = new TestSubnet();
    const [source, target] = [subnet.create(bob), subnet.create(alice)];
    const parts = halves(tracing());
    store(subnet, source, parts);
    expect(chunked(subnet, target, source, parts)).toMatchObject({ code: 512 });
    expect(target.code).toBeUndefined();
  });
});

describe('uninstall_code', () => {
  it('empties the canister, keeps balance and settings, records the change', () => {
    const { subnet, canister } = installed();
    canister.setChunk('00', new Uint8Array(1));
    const { balance } = canister;
    expect(
      subnet.call(
        'uninstall_code',
        candid.VersionedCanisterIdArgs,
        { canister_id: toWire(canister.id), sender_canister_version: [] },
        { from: alice },
      ).kind,
    ).toBe('reply');
    expect(canister.code).toBeUndefined();
    expect(canister.chunks.size).toBe(0);
    expect(canister.balance).toBe(balance);
    expect(canister.version).toBe(2n);
    expect(canister.history.changes.at(-1)).toMatchObject({ canisterVersion: 2n, details: { kind: 'code-uninstall' } });
  });
});

describe('canister_metadata', () => {
  it('gives public sections to all and private ones to controllers', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice);
    const wasm = new Uint8Array([
      ...tracing(),
      ...customSection('icp:public candid:service', 'service : {}'),
      ...customSection('icp:private secret', 's'),
    ]);
    subnet.install(canister, alice, wasm);
    const controlled = subnet.create(alice);
    canister.settings.controllers = [controlled.id];
    const ask = (name: string, from: Principal) =>
      subnet.call<{ value: Uint8Array }>(
        'canister_metadata',
        candid.CanisterMetadataArgs,
        { canister_id: toWire(canister.id), name },
        { from, reply: candid.CanisterMetadataReply },
      );
    const stranger = subnet.create(bob).id;
    const reply = ask('candid:service', stranger);
    expect(reply.kind === 'reply' && text(reply.value.value)).toBe('service : {}');
    expect(ask('secret', stranger)).toMatchObject({ kind: 'reject', code: 512 });
    expect(ask('secret', controlled.id).kind).toBe('reply');
    expect(ask('missing', stranger)).toMatchObject({ kind: 'reject', code: 406 });
  });
});
