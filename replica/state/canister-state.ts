/**
 * Everything a subnet knows about one canister, as plain data.
 *
 * Always: changing a field in execution goes with `markDirty()`, so that certification and storage see it.
 * Never: wall clock, randomness, or arrival-dependent iteration; maps iterate in insertion order, which is itself
 * a function of the batches, and is kept by the codec.
 * The live Wasm instance is behind {@link ExecutionHandle}; this layer never looks inside.
 */
import type { Cycles } from '../types/cycles.ts';
import type { CanisterRequest, MessageId, SenderInfo, TimeNanos } from '../types/messages.ts';
import type { Principal, PrincipalKey } from '../types/principal.ts';
import { CanisterQueues } from './queues.ts';

export type Visibility =
  | { readonly kind: 'controllers' }
  | { readonly kind: 'public' }
  | { readonly kind: 'allowed-viewers'; readonly principals: readonly Principal[] };

export interface CanisterSettings {
  /** At most 10; may be empty. In the order given. */
  controllers: readonly Principal[];
  /** Percent, 0 to 100. */
  computeAllocation: number;
  /** Bytes; a floor for charging, not a cap. */
  memoryAllocation: number;
  /** Seconds. */
  freezingThresholdSeconds: bigint;
  reservedCyclesLimit: Cycles;
  minimumIncomingCanisterCallCycles: Cycles;
  /** Bytes, 0 = none. */
  wasmMemoryLimit: number;
  /** Bytes, 0 = off. */
  wasmMemoryThreshold: number;
  logVisibility: Visibility;
  snapshotVisibility: Visibility;
  statusVisibility: Visibility;
  /** Unique names, sorted by the UTF-16 order of the names. */
  environmentVariables: readonly { readonly name: string; readonly value: string }[];
  /** Bytes of log kept. */
  logMemoryLimit: number;
}

export const DEFAULT_FREEZING_THRESHOLD_SECONDS = 2_592_000n;
export const DEFAULT_RESERVED_CYCLES_LIMIT: Cycles = 5_000_000_000_000n;
export const DEFAULT_WASM_MEMORY_LIMIT = 3 * 1024 ** 3;
export const DEFAULT_LOG_MEMORY_LIMIT = 4096;

export function defaultSettings(controllers: readonly Principal[]): CanisterSettings {
  return {
    controllers,
    computeAllocation: 0,
    memoryAllocation: 0,
    freezingThresholdSeconds: DEFAULT_FREEZING_THRESHOLD_SECONDS,
    reservedCyclesLimit: DEFAULT_RESERVED_CYCLES_LIMIT,
    minimumIncomingCanisterCallCycles: 0n,
    wasmMemoryLimit: DEFAULT_WASM_MEMORY_LIMIT,
    wasmMemoryThreshold: 0,
    logVisibility: { kind: 'controllers' },
    snapshotVisibility: { kind: 'controllers' },
    statusVisibility: { kind: 'controllers' },
    environmentVariables: [],
    logMemoryLimit: DEFAULT_LOG_MEMORY_LIMIT,
  };
}

/** Who waits for the answer of a management call. Plain data: it is stored while the call is pending. */
export type CallOrigin =
  | { readonly kind: 'ingress'; readonly messageId: MessageId; readonly sender: Principal }
  | {
      readonly kind: 'canister';
      readonly sender: Principal;
      readonly callbackId: number;
      readonly deadlineNanos: TimeNanos;
      /** The id the caller addressed (`aaaaa-aa` or a subnet id): the respondent of the answer. */
      readonly callee: Principal;
    };

export interface StopRequest {
  readonly origin: CallOrigin;
  /** Given back to the caller with the answer. */
  readonly refund: Cycles;
  readonly requestedAtNanos: TimeNanos;
}

export type CanisterStatus =
  | { readonly kind: 'running' }
  | { readonly kind: 'stopping'; stopRequests: StopRequest[] }
  | { readonly kind: 'stopped' };

export type ChangeOrigin =
  | { readonly kind: 'user'; readonly user: Principal }
  | { readonly kind: 'canister'; readonly canister: Principal; readonly version?: bigint };

export type ChangeDetails =
  | {
      readonly kind: 'creation';
      readonly controllers: readonly Principal[];
      readonly environmentVariablesHash?: Uint8Array;
    }
  | { readonly kind: 'code-uninstall' }
  | {
      readonly kind: 'code-deployment';
      readonly mode: 'install' | 'reinstall' | 'upgrade';
      readonly moduleHash: Uint8Array;
    }
  | {
      readonly kind: 'load-snapshot';
      readonly fromCanister?: Principal;
      readonly snapshotId: Uint8Array;
      readonly canisterVersion: bigint;
      readonly takenAtNanos: TimeNanos;
      readonly source: 'taken-from-canister' | 'metadata-upload';
    }
  | { readonly kind: 'controllers-change'; readonly controllers: readonly Principal[] };

export interface CanisterChange {
  readonly timeNanos: TimeNanos;
  readonly canisterVersion: bigint;
  readonly origin: ChangeOrigin;
  readonly details: ChangeDetails;
}

/** Changes kept per canister; the sheet demands at least 20. */
export const MAX_HISTORY_CHANGES = 20;

export interface CanisterHistory {
  /** Of all changes ever, also those no longer kept. */
  totalChanges: number;
  /** Oldest first, at most {@link MAX_HISTORY_CHANGES}. */
  changes: CanisterChange[];
}

/** Who is answered when a call context replies. */
export type CallContextOrigin =
  | { readonly kind: 'ingress'; readonly messageId: MessageId; readonly sender: Principal; readonly methodName: string }
  | {
      readonly kind: 'canister';
      readonly sender: Principal;
      readonly callbackId: number;
      readonly deadlineNanos: TimeNanos;
      readonly methodName: string;
    }
  | { readonly kind: 'system-task' };

export interface CallContext {
  readonly id: number;
  readonly origin: CallContextOrigin;
  responded: boolean;
  /** Attached and not yet accepted. */
  availableCycles: Cycles;
  /** The code was uninstalled since: callbacks only refund. */
  deleted: boolean;
  readonly startedAtNanos: TimeNanos;
  /** Sum over the messages of this context: performance counter 1. */
  instructionsExecuted: number;
  /** Callbacks registered by messages of this context and still waiting. */
  outstandingCalls: number;
  readonly senderInfo?: SenderInfo;
}

/** A closure of the canister: index into its function table and its environment. */
export interface WasmClosure {
  readonly functionIndex: number;
  readonly environment: bigint;
}

export interface Callback {
  readonly id: number;
  readonly callContextId: number;
  readonly respondent: Principal;
  readonly cyclesSent: Cycles;
  /** Paid when calling, for executing the callback; what is left is given back. */
  readonly prepaidExecution: Cycles;
  /** Paid when calling, for the largest response; what is left is given back. */
  readonly prepaidTransmission: Cycles;
  readonly onReply: WasmClosure;
  readonly onReject: WasmClosure;
  readonly onCleanup?: WasmClosure;
  readonly deadlineNanos: TimeNanos;
  /** When the call was made. 0 in records from before it was kept. */
  readonly madeAtNanos: TimeNanos;
  /** The deadline response has been enqueued; a later real response is dropped. */
  expired: boolean;
}

export interface LogRecord {
  readonly index: number;
  readonly timeNanos: TimeNanos;
  readonly content: Uint8Array;
}

export interface CanisterLog {
  nextIndex: number;
  /** Oldest first; total content within the settings' limit. */
  records: LogRecord[];
}

export type HookStatus = 'condition-not-satisfied' | 'ready' | 'executed';

export const IMAGE_PAGE_BYTES = 4096;

/** Pages of {@link IMAGE_PAGE_BYTES}; undefined reads as zeros. Returned buffers are not modified by anyone. */
export interface PageSource {
  page(index: number): Uint8Array | undefined;
  /** Indices of the pages present, in any order; absent: try each. */
  indices?(): Iterable<number>;
}

/** Floats as raw bits, so that NaN payloads survive. */
export type GlobalValue =
  | { readonly type: 'i32'; readonly value: number }
  | { readonly type: 'i64'; readonly value: bigint }
  | { readonly type: 'f32'; readonly bits: number }
  | { readonly type: 'f64'; readonly bits: bigint }
  | { readonly type: 'v128'; readonly bits: bigint };

/** Memories and globals of a canister at one moment. Sizes are multiples of 64 KiB. The engine's type of the same name. */
export interface MemoryImage {
  readonly heapBytes: number;
  readonly heap: PageSource;
  readonly stableBytes: number;
  readonly stable: PageSource;
  readonly globals: readonly GlobalValue[];
}

export interface CanisterSnapshot {
  readonly id: Uint8Array;
  readonly canisterId: Principal;
  readonly source: 'taken-from-canister' | 'metadata-upload';
  readonly takenAtNanos: TimeNanos;
  readonly canisterVersion: bigint;
  /** As uploaded to install_code (maybe gzip). */
  wasmModule: Uint8Array;
  image: MemoryImage;
  certifiedData: Uint8Array;
  /** By hex of SHA-256. */
  chunks: Map<string, Uint8Array>;
  /** Absent in an upload that does not say. */
  globalTimer?: TimeNanos;
  hookStatus?: HookStatus;
  /** Counted for memory usage and reported as `total_size`. */
  totalBytes: number;
}

export const MAX_SNAPSHOTS = 10;

/**
 * The live or evicted Wasm instance. This is the engine's ExecutionState; this layer sees only the sizes.
 * The execution layer gets the whole with `executionOf`.
 */
export interface ExecutionHandle {
  readonly heapBytes: number;
  readonly stableBytes: number;
  readonly globals: readonly GlobalValue[];
}

export interface CustomSection {
  /** Without the `icp:public ` or `icp:private ` prefix. */
  readonly name: string;
  readonly visibility: 'public' | 'private';
  readonly content: Uint8Array;
}

/** What the state needs to know of a module: the engine's CanisterModule fits. Shared between canisters, immutable. */
export interface ModuleInfo {
  /** SHA-256 of the bytes as uploaded. */
  readonly hash: Uint8Array;
  /** As uploaded (maybe gzip). */
  readonly bytes: Uint8Array;
  readonly memory64: boolean;
  readonly updates: ReadonlySet<string>;
  readonly queries: ReadonlySet<string>;
  readonly compositeQueries: ReadonlySet<string>;
  /** `canister_heartbeat` and so on. */
  readonly entryPoints: ReadonlySet<string>;
  readonly customSections: readonly CustomSection[];
  readonly customSectionBytes: number;
}

/** The installed code. Replaced as a whole by install, reinstall, upgrade, snapshot load. */
export interface InstalledCode {
  readonly module: ModuleInfo;
  readonly installedAtNanos: TimeNanos;
  /** Mutable behind this handle. */
  readonly execution: ExecutionHandle;
}

/** Cycles consumed so far by cause, for `canister_metrics`. */
export interface ConsumedCycles {
  memory: Cycles;
  computeAllocation: Cycles;
  ingressInduction: Cycles;
  instructions: Cycles;
  transmission: Cycles;
  uninstall: Cycles;
  canisterCreation: Cycles;
  httpOutcalls: Cycles;
  burned: Cycles;
}

export type ConsumptionCause = keyof ConsumedCycles;

export interface QueryStats {
  calls: bigint;
  instructions: bigint;
  requestBytes: bigint;
  responseBytes: bigint;
}

/** An ingress message waiting in the canister's queue. */
export interface QueuedIngress {
  readonly messageId: MessageId;
  readonly sender: Principal;
  readonly methodName: string;
  readonly arg: Uint8Array;
  readonly expiryNanos: TimeNanos;
  readonly effectiveCanisterId: Principal;
  readonly senderInfo?: SenderInfo;
  /** Induction fee to be taken after execution (a small update_settings must be able to unfreeze). */
  readonly deferredFee: Cycles;
}

const CHUNK_CHARGED_BYTES = 1024 * 1024;
/** A change record counts as this many bytes plus 29 per principal; an approximation of the public replica's. */
const CHANGE_BASE_BYTES = 64;

export class CanisterState {
  readonly id: Principal;
  readonly createdAtNanos: TimeNanos;
  settings: CanisterSettings;
  status: CanisterStatus = { kind: 'running' };
  balance: Cycles;
  reservedBalance: Cycles = 0n;
  /** Grows by one with every successful change (execution sheet §1). */
  version = 0n;
  history: CanisterHistory = { totalChanges: 0, changes: [] };
  code: InstalledCode | undefined;
  /** At most 32 bytes. Empty without code. */
  certifiedData: Uint8Array = new Uint8Array(0);
  /** 0 = off. */
  globalTimer: TimeNanos = 0n;
  hookStatus: HookStatus = 'condition-not-satisfied';
  /** By hex of SHA-256, in order of upload. */
  chunks = new Map<string, Uint8Array>();
  /** By hex of the snapshot id, in order of creation. */
  snapshots = new Map<string, CanisterSnapshot>();
  nextSnapshotNumber = 0;
  log: CanisterLog = { nextIndex: 0, records: [] };
  queues = new CanisterQueues();
  ingressQueue: QueuedIngress[] = [];
  /** Where the scheduler goes on: alternates system tasks, canister messages and ingress. */
  nextInputSource: 'ingress' | 'canister' = 'ingress';
  callContexts = new Map<number, CallContext>();
  callbacks = new Map<number, Callback>();
  nextCallContextId = 1;
  nextCallbackId = 1;
  consumed: ConsumedCycles = {
    memory: 0n,
    computeAllocation: 0n,
    ingressInduction: 0n,
    instructions: 0n,
    transmission: 0n,
    uninstall: 0n,
    canisterCreation: 0n,
    httpOutcalls: 0n,
    burned: 0n,
  };
  queryStats: QueryStats = { calls: 0n, instructions: 0n, requestBytes: 0n, responseBytes: 0n };
  /** Until then installations are refused, where their rate is limited; see SubnetConfig. */
  installAllowedAtNanos: TimeNanos = 0n;
  /** Resources are paid up to this time. */
  chargedUntilNanos: TimeNanos;

  /** System state or memory changed since the marks were last taken (see ReplicatedState.takeChanges). */
  dirty = true;
  /** Told of every mark; set by the ReplicatedState that holds this canister. */
  onDirty: ((canister: CanisterState) => void) | undefined;
  /** Hex of chunk hashes added or removed since then. */
  dirtyChunks = new Set<string>();
  /** Hex of snapshot ids added, changed or removed since then. */
  dirtySnapshots = new Set<string>();

  constructor(id: Principal, settings: CanisterSettings, balance: Cycles, createdAtNanos: TimeNanos) {
    this.id = id;
    this.settings = settings;
    this.balance = balance;
    this.createdAtNanos = createdAtNanos;
    this.chargedUntilNanos = createdAtNanos;
  }

  get key(): PrincipalKey {
    return this.id.key;
  }

  markDirty(): void {
    this.dirty = true;
    this.onDirty?.(this);
  }

  isController(principal: Principal): boolean {
    return this.settings.controllers.some((controller) => controller.equals(principal));
  }

  recordChange(change: CanisterChange): void {
    this.history.totalChanges++;
    this.history.changes.push(change);
    if (this.history.changes.length > MAX_HISTORY_CHANGES) this.history.changes.shift();
    this.markDirty();
  }

  setChunk(hashHex: string, chunk: Uint8Array): void {
    this.chunks.set(hashHex, chunk);
    this.dirtyChunks.add(hashHex);
    this.markDirty();
  }

  clearChunks(): void {
    for (const hash of this.chunks.keys()) this.dirtyChunks.add(hash);
    this.chunks.clear();
    this.markDirty();
  }

  setSnapshot(idHex: string, snapshot: CanisterSnapshot): void {
    this.snapshots.set(idHex, snapshot);
    this.dirtySnapshots.add(idHex);
    this.markDirty();
  }

  deleteSnapshot(idHex: string): void {
    if (this.snapshots.delete(idHex)) this.dirtySnapshots.add(idHex);
    this.markDirty();
  }

  /** Bytes by kind, as `memory_metrics` reports them. */
  memoryMetrics(): MemoryMetrics {
    const { code } = this;
    let snapshots = 0;
    for (const snapshot of this.snapshots.values()) snapshots += snapshot.totalBytes;
    let history = 0;
    for (const { details } of this.history.changes) {
      history += CHANGE_BASE_BYTES + ('controllers' in details ? 29 * details.controllers.length : 0);
    }
    return {
      heap: code?.execution.heapBytes ?? 0,
      stable: code?.execution.stableBytes ?? 0,
      globals: 8 * (code?.execution.globals.length ?? 0),
      wasmBinary: code?.module.bytes.length ?? 0,
      customSections: code?.module.customSectionBytes ?? 0,
      history,
      chunkStore: this.chunks.size * CHUNK_CHARGED_BYTES,
      snapshots,
    };
  }

  /** Bytes that storage is charged for, without message memory. */
  memoryUsage(): number {
    const metrics = this.memoryMetrics();
    return (
      metrics.heap +
      metrics.stable +
      metrics.globals +
      metrics.wasmBinary +
      metrics.customSections +
      metrics.history +
      metrics.chunkStore +
      metrics.snapshots
    );
  }
}

export interface MemoryMetrics {
  readonly heap: number;
  readonly stable: number;
  readonly globals: number;
  readonly wasmBinary: number;
  readonly customSections: number;
  readonly history: number;
  readonly chunkStore: number;
  readonly snapshots: number;
}

/** The origin under which a management call made by this request is answered. */
export function originOfRequest(request: CanisterRequest): CallOrigin {
  return {
    kind: 'canister',
    sender: request.sender,
    callbackId: request.callbackId,
    deadlineNanos: request.deadlineNanos,
    callee: request.receiver,
  };
}
