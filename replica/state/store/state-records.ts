/**
 * The replicated state as records of a checkpoint store.
 *
 * Keys (one kind byte, then; ids are preceded by their length, page indices are u32 big endian):
 *
 *     01                       the subnet: everything but canisters and ingress history
 *     02 canister              system state of a canister
 *     03 canister              sizes and globals of its memories
 *     04 canister page         4 KiB of heap
 *     05 canister page         4 KiB of stable memory
 *     06 SHA-256               a module as uploaded, shared by canisters and snapshots
 *     07 canister SHA-256      a chunk of the chunk store
 *     08 canister snapshot     a snapshot: all but module, pages and chunks
 *     09 canister snapshot page   its heap
 *     0a canister snapshot page   its stable memory
 *     0b canister snapshot SHA-256  a chunk of its chunk store
 *     0c message id            an entry of the ingress history
 *
 * Absent pages are zeros. Key 00 belongs to the store.
 */
import { createHash } from 'node:crypto';
import type { MessageId } from '../../types/messages.ts';
import { Principal } from '../../types/principal.ts';
import type { PrincipalKey } from '../../types/principal.ts';
import type { CanisterSnapshot, CanisterState, GlobalValue, InstalledCode, MemoryImage, PageSource } from '../canister-state.ts';
import { IMAGE_PAGE_BYTES } from '../canister-state.ts';
import {
  decodeCanister,
  decodeIngressEntry,
  decodeSnapshot,
  decodeSubnetState,
  encodeCanister,
  encodeIngressEntry,
  encodeSnapshot,
  encodeSubnetState,
  readGlobal,
  writeGlobal,
} from '../codec.ts';
import { RecordError, RecordReader, RecordWriter } from '../record.ts';
import type { NetworkTopology, ReplicatedState } from '../replicated-state.ts';
import { corruptedCheckpoint } from './checkpoint-store.ts';
import type { RecordChange } from './checkpoint-store.ts';

const KIND = {
  subnet: 1,
  canister: 2,
  memory: 3,
  heapPage: 4,
  stablePage: 5,
  module: 6,
  chunk: 7,
  snapshot: 8,
  snapshotHeapPage: 9,
  snapshotStablePage: 10,
  snapshotChunk: 11,
  ingress: 12,
} as const;

const KINDS_OF_A_CANISTER = [
  KIND.canister,
  KIND.memory,
  KIND.heapPage,
  KIND.stablePage,
  KIND.chunk,
  KIND.snapshot,
  KIND.snapshotHeapPage,
  KIND.snapshotStablePage,
  KIND.snapshotChunk,
];
const KINDS_OF_A_SNAPSHOT = [KIND.snapshot, KIND.snapshotHeapPage, KIND.snapshotStablePage, KIND.snapshotChunk];

/** What the store needs of the engine's execution state (execution/wasm/types.ts). */
export interface PersistentMemory {
  readonly hasChangesSinceCheckpoint: boolean;
  changesSinceCheckpoint(): {
    readonly heap: PersistentChanges;
    readonly stable: PersistentChanges;
    readonly globals: readonly GlobalValue[];
  };
  markCheckpointed(heap: PageSource, stable: PageSource): void;
}

interface PersistentChanges {
  readonly replaced: boolean;
  readonly bytes: number;
  readonly pages: () => Iterable<readonly [index: number, page: Uint8Array]>;
}

/** Reads records as of the newest checkpoint, including one that is still being written. */
export interface RecordReaderPort {
  get(key: Uint8Array): Uint8Array | undefined;
  entries(prefix: Uint8Array): Iterable<{ readonly key: Uint8Array; readonly value: Uint8Array }>;
}

/** Makes live things out of stored ones; the execution layer knows how. */
export interface CodeLoader {
  /** Throws when the module does not compile: it did when it was installed. */
  install(moduleBytes: Uint8Array, moduleHash: Uint8Array, image: MemoryImage, installedAtNanos: bigint): InstalledCode;
  memoryOf(canister: CanisterState): PersistentMemory;
}

// ---------------------------------------------------------------------------------------------------------------------
// Keys.

function keyOf(kind: number, ...ids: readonly Uint8Array[]): Uint8Array {
  const key = new Uint8Array(1 + ids.reduce((sum, id) => sum + 1 + id.length, 0));
  key[0] = kind;
  let at = 1;
  for (const id of ids) {
    key[at] = id.length;
    key.set(id, at + 1);
    at += 1 + id.length;
  }
  return key;
}

function pageKey(prefix: Uint8Array, index: number): Uint8Array {
  const key = new Uint8Array(prefix.length + 4);
  key.set(prefix);
  new DataView(key.buffer).setUint32(prefix.length, index);
  return key;
}

function hexBytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

class StoredPages implements PageSource {
  readonly #records: RecordReaderPort;
  readonly #prefix: Uint8Array;
  constructor(records: RecordReaderPort, prefix: Uint8Array) {
    this.#records = records;
    this.#prefix = prefix;
  }
  page(index: number): Uint8Array | undefined {
    return this.#records.get(pageKey(this.#prefix, index));
  }
  *indices(): Iterable<number> {
    const { length } = this.#prefix;
    for (const { key } of this.#records.entries(this.#prefix)) yield new DataView(key.buffer, key.byteOffset + length, 4).getUint32(0);
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Writing.

/** What changed since the last checkpoint, gathered batch by batch. */
export class PendingChanges {
  readonly canisters = new Set<PrincipalKey>();
  readonly removedCanisters = new Set<PrincipalKey>();
  readonly ingress = new Set<MessageId>();

  add(outcome: { changedCanisters: readonly PrincipalKey[]; removedCanisters: readonly PrincipalKey[]; changedIngress: readonly MessageId[] }): void {
    for (const key of outcome.removedCanisters) {
      this.removedCanisters.add(key);
      this.canisters.delete(key);
    }
    for (const key of outcome.changedCanisters) this.canisters.add(key);
    for (const id of outcome.changedIngress) this.ingress.add(id);
  }
}

/** Turns pending changes of a state into record changes. Keeps track of which modules the store has. */
export class StateRecordWriter {
  readonly #records: RecordReaderPort;
  readonly #loader: CodeLoader;
  readonly #storedModules = new Set<string>();
  readonly #moduleHashes = new WeakMap<Uint8Array, string>();

  constructor(records: RecordReaderPort, loader: CodeLoader) {
    this.#records = records;
    this.#loader = loader;
    for (const { key } of records.entries(Uint8Array.of(KIND.module))) this.#storedModules.add(hexOf(key.subarray(2)));
  }

  /**
   * The changes, complete and independent of later execution (buffers are copies). Memories are marked as
   * checkpointed at once: from now on they read through `records`, which must serve these changes while they are
   * being written and, if that fails, until they are.
   */
  collect(state: ReplicatedState, pending: PendingChanges): RecordChange[] {
    const changes: RecordChange[] = [];
    for (const key of [...pending.removedCanisters].sort()) {
      const id = Principal.fromKey(key).bytes;
      for (const kind of KINDS_OF_A_CANISTER) changes.push({ kind: 'remove-prefix', prefix: keyOf(kind, id) });
    }
    for (const key of [...pending.canisters].sort()) {
      const canister = state.canisters.get(key);
      if (canister) this.#canister(canister, changes);
    }
    for (const id of [...pending.ingress].sort()) {
      const entry = state.ingressHistory.get(id);
      const key = keyOf(KIND.ingress, hexBytes(id));
      changes.push(entry ? { kind: 'put', key, value: encodeIngressEntry(entry) } : { kind: 'remove', key });
    }
    this.#modules(state, changes);
    changes.push({ kind: 'put', key: keyOf(KIND.subnet), value: encodeSubnetState(state, { withIngressHistory: false }) });
    return changes;
  }

  #canister(canister: CanisterState, changes: RecordChange[]): void {
    const id = canister.id.bytes;
    changes.push({ kind: 'put', key: keyOf(KIND.canister, id), value: encodeCanister(canister) });
    if (canister.code) this.#memories(canister, changes);
    else for (const kind of [KIND.memory, KIND.heapPage, KIND.stablePage]) changes.push({ kind: 'remove-prefix', prefix: keyOf(kind, id) });
    for (const hash of [...canister.dirtyChunks].sort()) {
      const chunk = canister.chunks.get(hash);
      const key = keyOf(KIND.chunk, id, hexBytes(hash));
      changes.push(chunk ? { kind: 'put', key, value: chunk } : { kind: 'remove', key });
    }
    canister.dirtyChunks.clear();
    for (const snapshotId of [...canister.dirtySnapshots].sort()) this.#snapshot(canister, snapshotId, changes);
    canister.dirtySnapshots.clear();
  }

  #memories(canister: CanisterState, changes: RecordChange[]): void {
    const memory = this.#loader.memoryOf(canister);
    if (!memory.hasChangesSinceCheckpoint) return;
    const id = canister.id.bytes;
    const { heap, stable, globals } = memory.changesSinceCheckpoint();
    const heapPrefix = keyOf(KIND.heapPage, id);
    const stablePrefix = keyOf(KIND.stablePage, id);
    pushPages(changes, heapPrefix, heap);
    pushPages(changes, stablePrefix, stable);
    const writer = new RecordWriter();
    writer.uint(heap.bytes);
    writer.uint(stable.bytes);
    writer.list(globals, (global) => writeGlobal(writer, global));
    changes.push({ kind: 'put', key: keyOf(KIND.memory, id), value: writer.finish() });
    memory.markCheckpointed(new StoredPages(this.#records, heapPrefix), new StoredPages(this.#records, stablePrefix));
  }

  #snapshot(canister: CanisterState, snapshotId: string, changes: RecordChange[]): void {
    const ids = [canister.id.bytes, hexBytes(snapshotId)] as const;
    const snapshot = canister.snapshots.get(snapshotId);
    const [headKey, heapPrefix, stablePrefix, chunkPrefix] = KINDS_OF_A_SNAPSHOT.map((kind) => keyOf(kind, ...ids)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    if (snapshot) {
      // Read before the old pages go: an unchanged part may be served by them.
      const heapPages = [...imagePages(snapshot.image.heap, snapshot.image.heapBytes)];
      const stablePages = [...imagePages(snapshot.image.stable, snapshot.image.stableBytes)];
      for (const prefix of [heapPrefix, stablePrefix, chunkPrefix]) changes.push({ kind: 'remove-prefix', prefix });
      changes.push({ kind: 'put', key: headKey, value: encodeSnapshot(snapshot, hexBytes(this.#hashOf(snapshot.wasmModule))) });
      for (const [index, page] of heapPages) changes.push({ kind: 'put', key: pageKey(heapPrefix, index), value: page });
      for (const [index, page] of stablePages) changes.push({ kind: 'put', key: pageKey(stablePrefix, index), value: page });
      for (const [hash, chunk] of snapshot.chunks) changes.push({ kind: 'put', key: keyOf(KIND.snapshotChunk, ...ids, hexBytes(hash)), value: chunk });
      const stored = { heap: new StoredPages(this.#records, heapPrefix), stable: new StoredPages(this.#records, stablePrefix) };
      snapshot.image = { ...snapshot.image, ...stored };
    } else {
      for (const prefix of [headKey, heapPrefix, stablePrefix, chunkPrefix]) changes.push({ kind: 'remove-prefix', prefix });
    }
  }

  #modules(state: ReplicatedState, changes: RecordChange[]): void {
    const used = new Map<string, Uint8Array>();
    for (const canister of state.canisters.values()) {
      if (canister.code) used.set(this.#hashOf(canister.code.module.bytes, canister.code.module.hash), canister.code.module.bytes);
      for (const { wasmModule } of canister.snapshots.values()) used.set(this.#hashOf(wasmModule), wasmModule);
    }
    for (const [hash, bytes] of used) {
      if (this.#storedModules.has(hash)) continue;
      this.#storedModules.add(hash);
      changes.push({ kind: 'put', key: keyOf(KIND.module, hexBytes(hash)), value: bytes });
    }
    for (const hash of this.#storedModules) {
      if (used.has(hash)) continue;
      this.#storedModules.delete(hash);
      changes.push({ kind: 'remove', key: keyOf(KIND.module, hexBytes(hash)) });
    }
  }

  #hashOf(module: Uint8Array, known?: Uint8Array): string {
    let hash = this.#moduleHashes.get(module);
    if (!hash) {
      hash = known ? hexOf(known) : createHash('sha256').update(module).digest('hex');
      this.#moduleHashes.set(module, hash);
    }
    return hash;
  }
}

function pushPages(changes: RecordChange[], prefix: Uint8Array, memory: PersistentChanges): void {
  if (memory.replaced) changes.push({ kind: 'remove-prefix', prefix });
  for (const [index, page] of memory.pages()) {
    const key = pageKey(prefix, index);
    if (isZero(page)) changes.push({ kind: 'remove', key });
    else changes.push({ kind: 'put', key, value: page.slice() });
  }
}

const ZERO_PAGE = new Uint8Array(IMAGE_PAGE_BYTES);

function isZero(page: Uint8Array): boolean {
  return Buffer.compare(page, ZERO_PAGE) === 0;
}

function* imagePages(source: PageSource, bytes: number): Iterable<readonly [number, Uint8Array]> {
  const all = function* (): Iterable<number> {
    for (let index = 0; index < bytes / IMAGE_PAGE_BYTES; index++) yield index;
  };
  for (const index of source.indices?.() ?? all()) {
    const page = source.page(index);
    if (page && !isZero(page)) yield [index, page.slice()];
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Reading.

/** The state of the last checkpoint, or undefined if the store is empty. Throws StoreError on damage. */
export function loadState(
  records: RecordReaderPort,
  topology: NetworkTopology,
  loader: CodeLoader,
  where: string,
): ReplicatedState | undefined {
  const subnetRecord = records.get(keyOf(KIND.subnet));
  if (!subnetRecord) return undefined;
  const modules = new Map<string, Uint8Array>();
  const needed = (key: Uint8Array, what: string): Uint8Array => {
    const value = records.get(key);
    if (!value) throw corruptedCheckpoint(where, `${what} is missing`);
    return value;
  };
  const moduleBytes = (hash: Uint8Array): Uint8Array => {
    const name = hexOf(hash);
    let bytes = modules.get(name);
    if (!bytes) modules.set(name, (bytes = needed(keyOf(KIND.module, hash), `module ${name}`)));
    return bytes;
  };
  const image = (canister: Principal): MemoryImage => {
    const reader = new RecordReader(needed(keyOf(KIND.memory, canister.bytes), `the memory of canister ${canister.toText()}`));
    const heapBytes = reader.uint();
    const stableBytes = reader.uint();
    const globals = reader.list(() => readGlobal(reader));
    reader.finish();
    const heap = new StoredPages(records, keyOf(KIND.heapPage, canister.bytes));
    const stable = new StoredPages(records, keyOf(KIND.stablePage, canister.bytes));
    return { heapBytes, heap, stableBytes, stable, globals };
  };
  const snapshot = (canister: Principal, idHex: string): CanisterSnapshot => {
    const ids = [canister.bytes, hexBytes(idHex)] as const;
    return decodeSnapshot(needed(keyOf(KIND.snapshot, ...ids), `snapshot ${idHex}`), (moduleHash) => ({
      wasmModule: moduleBytes(moduleHash),
      heap: new StoredPages(records, keyOf(KIND.snapshotHeapPage, ...ids)),
      stable: new StoredPages(records, keyOf(KIND.snapshotStablePage, ...ids)),
      chunk: (hash) => needed(keyOf(KIND.snapshotChunk, ...ids, hexBytes(hash)), `chunk ${hash} of snapshot ${idHex}`),
    }));
  };
  try {
    const state = decodeSubnetState(subnetRecord, topology);
    for (const { value } of records.entries(Uint8Array.of(KIND.ingress))) {
      state.restoreIngress(decodeIngressEntry(value));
    }
    for (const { value } of records.entries(Uint8Array.of(KIND.canister))) {
      state.restoreCanister(
        decodeCanister(value, {
          code: (id, hash, installedAtNanos) => loader.install(moduleBytes(hash), hash, image(id), installedAtNanos),
          chunk: (id, hash) => needed(keyOf(KIND.chunk, id.bytes, hexBytes(hash)), `chunk ${hash}`),
          snapshot,
        }),
      );
    }
    return state;
  } catch (error) {
    if (error instanceof RecordError) throw corruptedCheckpoint(where, error.message, error);
    throw error;
  }
}
