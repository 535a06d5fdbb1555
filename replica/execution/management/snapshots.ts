/**
 * Canister snapshots: taking, loading, listing, deleting, and moving them out of and into the network.
 *
 * Always: a snapshot is complete from the moment it is taken and independent of the canister's
 * later life; loading one happens whole or not at all.
 * Never: more than MAX_SNAPSHOTS per canister; a taken snapshot changes.
 *
 * Source: Interface Spec 0.66, `take_canister_snapshot` and the methods after it.
 */
import { concatBytes, toHex } from '../../codec/bytes.ts';
import { sha256 } from '../../codec/sha256.ts';
import type {
  CanisterSnapshot,
  CanisterState,
  GlobalValue,
  HookStatus,
  PageSource,
} from '../../state/canister-state.ts';
import { MAX_SNAPSHOTS } from '../../state/canister-state.ts';
import type { ReplicatedState } from '../../state/replicated-state.ts';
import type { UserError } from '../../types/errors.ts';
import { ErrorCode, userError } from '../../types/errors.ts';
import { Principal } from '../../types/principal.ts';
import { canisterError } from '../canister-error.ts';
import { executionOf } from '../management-port.ts';
import { compileModule, loadSnapshot } from '../wasm/engine.ts';
import { WASM_PAGE_BYTES } from '../wasm/types.ts';
import * as candid from './candid-types.ts';
import { chunkFault, storedChunkHashes } from './chunk-store.ts';
import type { Checked } from './faults.ts';
import {
  failure,
  invalidPayload,
  invalidSettings,
  notController,
  rejected,
  snapshotNotFound,
  snapshotNotOwned,
  success,
} from './faults.ts';
import { uninstall } from './install-code.ts';
import type { CanisterMethod, Operation } from './operation.ts';
import {
  bumpVersion,
  chargeInstructions,
  growthFault,
  reject,
  reply,
  replyNothing,
} from './operation.ts';
import { readPages, WritablePages } from './snapshot-image.ts';
import { opt } from './wire.ts';

/** Taking or loading one costs this and an instruction per byte. */
const SNAPSHOT_INSTRUCTIONS = 2_000_000_000;
/** Reading or writing a slice costs this and an instruction per byte. */
const SLICE_INSTRUCTIONS = 5_000_000;
/** So that the reply fits a response. */
const MAX_SLICE_BYTES = 2_000_000n;
/** Largest module that can be installed (system API sheet), heap and stable memory of a canister. */
const MAX_MODULE_BYTES = 100n * 1024n * 1024n;
const MAX_HEAP_BYTES = 6n * 1024n ** 3n;
const MAX_STABLE_BYTES = 500n * 1024n ** 3n;
const MAX_GLOBALS = 1_000;
const MAX_CERTIFIED_DATA_BYTES = 32;

/** The canister's id, then the number of the snapshot among all it ever had: unique for ever. */
function newSnapshotId(canister: CanisterState): Uint8Array {
  const number = new Uint8Array(8);
  new DataView(number.buffer).setBigUint64(0, BigInt(canister.nextSnapshotNumber));
  canister.nextSnapshotNumber += 1;
  return concatBytes(canister.id.bytes, number);
}

/** Whose snapshot an id names; undefined for bytes that are no such id. */
function ownerOf(snapshotId: Uint8Array): Principal | undefined {
  if (snapshotId.length <= 8) return undefined;
  return Principal.tryFromBytes(snapshotId.subarray(0, snapshotId.length - 8));
}

/** The canister's own snapshot with this id. */
function ownSnapshot(canister: CanisterState, id: Uint8Array): Checked<CanisterSnapshot> {
  const snapshot = canister.snapshots.get(toHex(id));
  if (snapshot !== undefined) return success(snapshot);
  const owner = ownerOf(id);
  return failure(
    owner === undefined || owner.equals(canister.id)
      ? snapshotNotFound(canister.id, id)
      : snapshotNotOwned(canister.id, id),
  );
}

/** Whether a further snapshot fits, given the one it replaces. */
function replaced(
  canister: CanisterState,
  replace: candid.Opt<Uint8Array>,
): Checked<CanisterSnapshot | undefined> {
  const [id] = replace;
  if (id !== undefined) return ownSnapshot(canister, id);
  if (canister.snapshots.size < MAX_SNAPSHOTS) return success(undefined);
  return failure(
    rejected(
      `Canister ${canister.id.toText()} has reached the maximum number of snapshots allowed: ${MAX_SNAPSHOTS}.`,
    ),
  );
}

function paidFor(operation: Operation, canister: CanisterState, instructions: number): UserError | undefined {
  const unpaid = chargeInstructions(operation, canister, instructions);
  return unpaid && userError(unpaid.code, `Canister snapshotting failed with: \`${unpaid.message}\``);
}

function chunkBytes(chunks: ReadonlyMap<string, Uint8Array>): number {
  let bytes = 0;
  for (const chunk of chunks.values()) bytes += chunk.length;
  return bytes;
}

/** 16 bytes hold the largest global. */
const GLOBAL_BYTES = 16;

function totalBytes(snapshot: Omit<CanisterSnapshot, 'totalBytes'>): number {
  return (
    snapshot.wasmModule.length +
    snapshot.image.heapBytes +
    snapshot.image.stableBytes +
    snapshot.image.globals.length * GLOBAL_BYTES +
    snapshot.certifiedData.length +
    chunkBytes(snapshot.chunks)
  );
}

function toListItem(snapshot: CanisterSnapshot): {
  id: Uint8Array;
  taken_at_timestamp: bigint;
  total_size: bigint;
} {
  return {
    id: snapshot.id,
    taken_at_timestamp: snapshot.takenAtNanos,
    total_size: BigInt(snapshot.totalBytes),
  };
}

// ---------------------------------------------------------------- take, load, list, delete

export const takeSnapshot: CanisterMethod<candid.TakeSnapshotArgsCandid> = {
  argument: candid.TakeSnapshotArgs,
  run(operation, args, canister) {
    const old = replaced(canister, args.replace_snapshot);
    if (!old.ok) return reject(old.error);
    if (canister.code === undefined) {
      return reject(
        rejected(`Failed to create snapshot for empty canister ${canister.id.toText()}:`),
      );
    }
    const execution = executionOf(canister);
    const expectedBytes =
      canister.code.module.bytes.length +
      execution.heapBytes +
      execution.stableBytes +
      chunkBytes(canister.chunks);
    const fault =
      growthFault(operation, canister, expectedBytes - (old.value?.totalBytes ?? 0)) ??
      paidFor(operation, canister, SNAPSHOT_INSTRUCTIONS + expectedBytes);
    if (fault !== undefined) return reject(fault);

    const content = {
      id: newSnapshotId(canister),
      canisterId: canister.id,
      source: 'taken-from-canister' as const,
      takenAtNanos: operation.context.timeNanos,
      canisterVersion: canister.version,
      wasmModule: canister.code.module.bytes,
      image: execution.snapshot(),
      certifiedData: canister.certifiedData,
      chunks: new Map(canister.chunks),
      globalTimer: canister.globalTimer,
      hookStatus: canister.hookStatus,
    };
    const snapshot: CanisterSnapshot = { ...content, totalBytes: totalBytes(content) };
    if (old.value !== undefined) canister.deleteSnapshot(toHex(old.value.id));
    canister.setSnapshot(toHex(snapshot.id), snapshot);
    if (args.uninstall_code[0] === true) {
      uninstall(operation, canister, args.sender_canister_version);
    }
    return reply(candid.SnapshotReply, toListItem(snapshot));
  },
};

/** The snapshot to load, which may be another canister's of this subnet, if the sender controls that too. */
function snapshotToLoad(
  state: ReplicatedState,
  target: CanisterState,
  sender: Principal,
  id: Uint8Array,
): Checked<CanisterSnapshot> {
  const ownerId = ownerOf(id) ?? target.id;
  if (ownerId.equals(target.id)) return ownSnapshot(target, id);
  const owner = state.canister(ownerId);
  if (owner === undefined) return failure(snapshotNotFound(target.id, id));
  if (!owner.isController(sender)) {
    return failure(notController(owner.id, owner.settings.controllers, sender));
  }
  return ownSnapshot(owner, id);
}

export const loadCanisterSnapshot: CanisterMethod<candid.LoadSnapshotArgsCandid> = {
  argument: candid.LoadSnapshotArgs,
  run(operation, args, canister) {
    const { state, call, context } = operation;
    const found = snapshotToLoad(state, canister, call.sender, args.snapshot_id);
    if (!found.ok) return reject(found.error);
    const snapshot = found.value;

    const compiled = compileModule(snapshot.wasmModule);
    if (!compiled.ok) return reject(canisterError(canister.id, compiled.error));
    const { module } = compiled;
    const types = snapshot.image.globals.map(({ type }) => type);
    if (types.join() !== module.globalTypes.join()) {
      return reject(
        invalidPayload(
          `Globals of the snapshot (${types.join()}) do not match those of its Wasm module (${module.globalTypes.join()}).`,
        ),
      );
    }
    const chunksBefore = canister.chunks.size;
    const growth =
      snapshot.image.heapBytes +
      snapshot.image.stableBytes +
      module.bytes.length -
      ((canister.code?.execution.heapBytes ?? 0) +
        (canister.code?.execution.stableBytes ?? 0) +
        (canister.code?.module.bytes.length ?? 0)) +
      (snapshot.chunks.size - chunksBefore) * WASM_CHUNK_BILLED_BYTES;
    const fault =
      growthFault(operation, canister, growth) ??
      paidFor(operation, canister, SNAPSHOT_INSTRUCTIONS + snapshot.totalBytes);
    if (fault !== undefined) return reject(fault);
    const loaded = loadSnapshot(module, snapshot.image);
    if (!loaded.ok) return reject(canisterError(canister.id, loaded.error));
    share(snapshot.image.heap);
    share(snapshot.image.stable);

    if (canister.code !== undefined) executionOf(canister).dispose();
    canister.code = { module, installedAtNanos: context.timeNanos, execution: loaded.state };
    canister.certifiedData = snapshot.certifiedData;
    if (snapshot.globalTimer !== undefined) canister.globalTimer = snapshot.globalTimer;
    if (snapshot.hookStatus !== undefined) canister.hookStatus = snapshot.hookStatus;
    if (chunksBefore > 0) canister.clearChunks();
    for (const [hash, chunk] of snapshot.chunks) canister.setChunk(hash, chunk);
    bumpVersion(operation, canister, {
      details: {
        kind: 'load-snapshot',
        fromCanister: snapshot.canisterId.equals(canister.id) ? undefined : snapshot.canisterId,
        snapshotId: snapshot.id,
        canisterVersion: snapshot.canisterVersion,
        takenAtNanos: snapshot.takenAtNanos,
        source: snapshot.source,
      },
      senderVersion: args.sender_canister_version,
    });
    return replyNothing();
  },
};

const WASM_CHUNK_BILLED_BYTES = 1024 * 1024;

export const listSnapshots: CanisterMethod<candid.CanisterIdArgsCandid> = {
  argument: candid.CanisterIdArgs,
  run: (_operation, _args, canister) =>
    reply(candid.ListSnapshotsReply, [...canister.snapshots.values()].map(toListItem)),
};

export const deleteSnapshot: CanisterMethod<candid.SnapshotIdArgsCandid> = {
  argument: candid.SnapshotIdArgs,
  run(_operation, args, canister) {
    const snapshot = ownSnapshot(canister, args.snapshot_id);
    if (!snapshot.ok) return reject(snapshot.error);
    canister.deleteSnapshot(toHex(snapshot.value.id));
    return replyNothing();
  },
};

// ---------------------------------------------------------------- reading

const scratch = new DataView(new ArrayBuffer(8));

function globalToWire(value: GlobalValue): candid.SnapshotGlobalCandid {
  switch (value.type) {
    case 'i32':
      return { i32: value.value | 0 };
    case 'i64':
      return { i64: BigInt.asIntN(64, value.value) };
    case 'f32':
      scratch.setUint32(0, value.bits);
      return { f32: scratch.getFloat32(0) };
    case 'f64':
      scratch.setBigUint64(0, BigInt.asUintN(64, value.bits));
      return { f64: scratch.getFloat64(0) };
    case 'v128':
      return { v128: value.bits };
  }
}

function globalFromWire(value: candid.SnapshotGlobalCandid): GlobalValue {
  if ('i32' in value) return { type: 'i32', value: value.i32 };
  if ('i64' in value) return { type: 'i64', value: value.i64 };
  if ('f32' in value) {
    scratch.setFloat32(0, value.f32);
    return { type: 'f32', bits: scratch.getUint32(0) };
  }
  if ('f64' in value) {
    scratch.setFloat64(0, value.f64);
    return { type: 'f64', bits: scratch.getBigUint64(0) };
  }
  return { type: 'v128', bits: value.v128 };
}

const HOOK_TO_WIRE: Record<HookStatus, candid.LowWasmMemoryHookStatusCandid> = {
  'condition-not-satisfied': { condition_not_satisfied: null },
  ready: { ready: null },
  executed: { executed: null },
};

function hookFromWire(value: candid.LowWasmMemoryHookStatusCandid): HookStatus {
  if ('ready' in value) return 'ready';
  return 'executed' in value ? 'executed' : 'condition-not-satisfied';
}

function timerToWire(timer: bigint | undefined): candid.Opt<candid.GlobalTimerCandid> {
  if (timer === undefined) return [];
  return timer === 0n ? [{ inactive: null }] : [{ active: timer }];
}

export const readSnapshotMetadata: CanisterMethod<candid.SnapshotIdArgsCandid> = {
  argument: candid.SnapshotIdArgs,
  run(_operation, args, canister) {
    const found = ownSnapshot(canister, args.snapshot_id);
    if (!found.ok) return reject(found.error);
    const snapshot = found.value;
    const { image } = snapshot;
    return reply(candid.SnapshotMetadataReply, {
      source:
        snapshot.source === 'metadata-upload'
          ? { metadata_upload: null }
          : { taken_from_canister: null },
      taken_at_timestamp: snapshot.takenAtNanos,
      wasm_module_size: BigInt(snapshot.wasmModule.length),
      globals: image.globals.map(globalToWire),
      wasm_memory_size: BigInt(image.heapBytes),
      stable_memory_size: BigInt(image.stableBytes),
      wasm_chunk_store: storedChunkHashes(snapshot.chunks),
      canister_version: snapshot.canisterVersion,
      certified_data: snapshot.certifiedData,
      global_timer: timerToWire(snapshot.globalTimer),
      on_low_wasm_memory_hook_status: opt(
        snapshot.hookStatus && HOOK_TO_WIRE[snapshot.hookStatus],
      ),
    });
  },
};

function slice(
  { offset, size }: candid.SliceCandid,
  total: number,
  read: (offset: number, size: number) => Uint8Array,
): Checked<Uint8Array> {
  if (size > MAX_SLICE_BYTES) {
    return failure(invalidPayload(`Requested slice too large: ${size} > ${MAX_SLICE_BYTES}`));
  }
  if (offset + size > BigInt(total)) return failure(invalidSlice(offset, size));
  return success(read(Number(offset), Number(size)));
}

function invalidSlice(offset: bigint, size: bigint): UserError {
  return invalidPayload(
    `Invalid subslice into wasm module / main memory / stable memory: offset: ${offset}, size: ${size}`,
  );
}

function readData(
  canister: CanisterState,
  snapshot: CanisterSnapshot,
  kind: candid.ReadSnapshotDataArgsCandid['kind'],
): Checked<Uint8Array> {
  const { image, wasmModule } = snapshot;
  if ('wasm_module' in kind) {
    return slice(kind.wasm_module, wasmModule.length, (offset, size) =>
      wasmModule.slice(offset, offset + size),
    );
  }
  if ('wasm_memory' in kind) {
    return slice(kind.wasm_memory, image.heapBytes, (offset, size) =>
      readPages(image.heap, offset, size),
    );
  }
  if ('stable_memory' in kind) {
    return slice(kind.stable_memory, image.stableBytes, (offset, size) =>
      readPages(image.stable, offset, size),
    );
  }
  const chunk = snapshot.chunks.get(toHex(kind.wasm_chunk.hash));
  return chunk === undefined
    ? failure(
        rejected(
          `Could not find chunk ${toHex(kind.wasm_chunk.hash)} in the snapshot ${toHex(snapshot.id)} of canister ${canister.id.toText()}.`,
        ),
      )
    : success(chunk);
}

export const readSnapshotData: CanisterMethod<candid.ReadSnapshotDataArgsCandid> = {
  argument: candid.ReadSnapshotDataArgs,
  run(operation, args, canister) {
    const snapshot = ownSnapshot(canister, args.snapshot_id);
    if (!snapshot.ok) return reject(snapshot.error);
    const data = readData(canister, snapshot.value, args.kind);
    if (!data.ok) return reject(data.error);
    const unpaid = paidFor(operation, canister, SLICE_INSTRUCTIONS + data.value.length);
    if (unpaid !== undefined) return reject(unpaid);
    return reply(candid.ReadSnapshotDataReply, { chunk: data.value });
  },
};

// ---------------------------------------------------------------- uploading

const EMPTY_PAGES: PageSource = { page: () => undefined, indices: () => [] };

function metadataFault(args: candid.UploadSnapshotMetadataArgsCandid): UserError | undefined {
  const sizes: [string, bigint, bigint][] = [
    ['wasm_module_size', args.wasm_module_size, MAX_MODULE_BYTES],
    ['wasm_memory_size', args.wasm_memory_size, MAX_HEAP_BYTES],
    ['stable_memory_size', args.stable_memory_size, MAX_STABLE_BYTES],
    ['number of globals', BigInt(args.globals.length), BigInt(MAX_GLOBALS)],
    ['certified_data size', BigInt(args.certified_data.length), BigInt(MAX_CERTIFIED_DATA_BYTES)],
  ];
  for (const [name, value, max] of sizes) {
    if (value > max) return invalidSettings(`Snapshot ${name} ${value} exceeds ${max}.`);
  }
  for (const [name, value] of sizes.slice(1, 3)) {
    if (value % BigInt(WASM_PAGE_BYTES) !== 0n) {
      return invalidSettings(`Snapshot ${name} ${value} is not a multiple of ${WASM_PAGE_BYTES}.`);
    }
  }
  if (args.globals.some((value) => 'v128' in value && value.v128 >= 2n ** 128n)) {
    return invalidSettings('Snapshot global of type v128 exceeds 128 bits.');
  }
  return undefined;
}

export const uploadSnapshotMetadata: CanisterMethod<candid.UploadSnapshotMetadataArgsCandid> = {
  argument: candid.UploadSnapshotMetadataArgs,
  run(operation, args, canister) {
    const old = replaced(canister, args.replace_snapshot);
    if (!old.ok) return reject(old.error);
    const invalid = metadataFault(args);
    if (invalid !== undefined) return reject(invalid);
    const bytes = Number(args.wasm_module_size + args.wasm_memory_size + args.stable_memory_size);
    const fault =
      growthFault(operation, canister, bytes - (old.value?.totalBytes ?? 0)) ??
      paidFor(operation, canister, SNAPSHOT_INSTRUCTIONS);
    if (fault !== undefined) return reject(fault);

    const [timer] = args.global_timer;
    const [hook] = args.on_low_wasm_memory_hook_status;
    const content = {
      id: newSnapshotId(canister),
      canisterId: canister.id,
      source: 'metadata-upload' as const,
      takenAtNanos: operation.context.timeNanos,
      canisterVersion: canister.version,
      wasmModule: new Uint8Array(Number(args.wasm_module_size)),
      image: {
        heapBytes: Number(args.wasm_memory_size),
        heap: EMPTY_PAGES,
        stableBytes: Number(args.stable_memory_size),
        stable: EMPTY_PAGES,
        globals: args.globals.map(globalFromWire),
      },
      certifiedData: args.certified_data.slice(),
      chunks: new Map<string, Uint8Array>(),
      globalTimer: timer && ('active' in timer ? timer.active : 0n),
      hookStatus: hook && hookFromWire(hook),
    };
    const snapshot: CanisterSnapshot = { ...content, totalBytes: totalBytes(content) };
    if (old.value !== undefined) canister.deleteSnapshot(toHex(old.value.id));
    canister.setSnapshot(toHex(snapshot.id), snapshot);
    return reply(candid.UploadSnapshotMetadataReply, { snapshot_id: snapshot.id });
  },
};

/** Pages that can be written: made on the first write, after a load, and after a restart. */
function writable(source: PageSource): WritablePages {
  return source instanceof WritablePages && !source.shared ? source : new WritablePages(source);
}

/** The canister that loaded it reads these pages on demand from now on. */
function share(source: PageSource): void {
  if (source instanceof WritablePages) source.shared = true;
}

function writeData(
  operation: Operation,
  canister: CanisterState,
  snapshot: CanisterSnapshot,
  { kind, chunk }: candid.UploadSnapshotDataArgsCandid,
): UserError | undefined {
  const { image } = snapshot;
  const fits = (offset: bigint, total: number) => offset + BigInt(chunk.length) <= BigInt(total);
  if ('wasm_module' in kind) {
    const { offset } = kind.wasm_module;
    if (!fits(offset, snapshot.wasmModule.length)) return invalidSlice(offset, BigInt(chunk.length));
    // A copy: a module compiled from the old bytes keeps them.
    const wasmModule = snapshot.wasmModule.slice();
    wasmModule.set(chunk, Number(offset));
    snapshot.wasmModule = wasmModule;
    return undefined;
  }
  if ('wasm_memory' in kind) {
    const { offset } = kind.wasm_memory;
    if (!fits(offset, image.heapBytes)) return invalidSlice(offset, BigInt(chunk.length));
    const heap = writable(image.heap);
    heap.write(Number(offset), chunk);
    snapshot.image = { ...image, heap };
    return undefined;
  }
  if ('stable_memory' in kind) {
    const { offset } = kind.stable_memory;
    if (!fits(offset, image.stableBytes)) return invalidSlice(offset, BigInt(chunk.length));
    const stable = writable(image.stable);
    stable.write(Number(offset), chunk);
    snapshot.image = { ...image, stable };
    return undefined;
  }
  const fault = chunkFault(chunk, snapshot.chunks) ?? growthFault(operation, canister, chunk.length);
  if (fault !== undefined) return fault;
  snapshot.chunks.set(toHex(sha256(chunk)), chunk.slice());
  snapshot.totalBytes = totalBytes(snapshot);
  return undefined;
}

export const uploadSnapshotData: CanisterMethod<candid.UploadSnapshotDataArgsCandid> = {
  argument: candid.UploadSnapshotDataArgs,
  run(operation, args, canister) {
    const found = ownSnapshot(canister, args.snapshot_id);
    if (!found.ok) return reject(found.error);
    const snapshot = found.value;
    if (snapshot.source !== 'metadata-upload') {
      return reject(
        userError(
          ErrorCode.CanisterSnapshotImmutable,
          'Only canister snapshots created by metadata upload can be mutated.',
        ),
      );
    }
    const unpaid = paidFor(operation, canister, SLICE_INSTRUCTIONS + args.chunk.length);
    if (unpaid !== undefined) return reject(unpaid);
    const fault = writeData(operation, canister, snapshot, args);
    if (fault !== undefined) return reject(fault);
    canister.setSnapshot(toHex(snapshot.id), snapshot);
    return replyNothing();
  },
};

