/**
 * What makes a node's state outlive its process: the log of batches and the checkpoints.
 *
 * Promises:
 * - D1 `append` resolves when the batch survives anything; the node releases nothing over a batch before.
 * - D4 Reopening gives the state of the last batch whose append resolved, or of a later one, and the same state hash:
 *   the last checkpoint, then the batches after it executed again. Each log entry names the hash of the state it was
 *   made on; a replay that does not reach it is refused.
 * - D5 Checkpoints are taken between batches and written in the background; they hold what changed since the last.
 */
import { equalBytes, toHex } from '../codec/bytes.ts';
import { CertifiedTree } from '../state/certified-tree.ts';
import { decodeBatch, encodeBatch } from '../state/message-codec.ts';
import type { NetworkTopology, ReplicatedState } from '../state/replicated-state.ts';
import { openBatchLog } from '../state/store/batch-log.ts';
import type { BatchLog } from '../state/store/batch-log.ts';
import { corruptedCheckpoint } from '../state/store/checkpoint-store.ts';
import type { CheckpointStore } from '../state/store/checkpoint-store.ts';
import { StoreError } from '../state/store/errors.ts';
import type { FileSystem } from '../state/store/file-system.ts';
import { OverlayRecords } from '../state/store/overlay-records.ts';
import { loadState, PendingChanges, StateRecordWriter } from '../state/store/state-records.ts';
import type { CodeLoader } from '../state/store/state-records.ts';
import type { Batch, BatchOutcome } from '../types/batch.ts';
import type { LogFields, LogLevel } from './types.ts';

export interface DurableState {
  /** Throws `StoreError('disk_full')` at once, with nothing changed, when the batch does not fit on the disk. */
  append(batch: Batch, stateHash: Uint8Array): Promise<void>;
  /**
   * The batch appended last could not be executed, and nothing over it has left: it goes out of the log, or it would fail
   * at every start again. Nothing can be appended after it.
   */
  takeBack(): void;
  /** After each published batch, before the next begins. */
  executed(state: ReplicatedState, outcome: BatchOutcome, stateHash: Uint8Array, executeMillis: number): void;
  /** Writes a checkpoint of the final state. */
  close(state: ReplicatedState, stateHash: Uint8Array): Promise<void>;
  /** Gives up as a crash would: nothing more is written. */
  abandon(): Promise<void>;
  readonly checkpointHeight: number | undefined;
  readonly checkpoints: number;
  readonly logBytes: number;
}

/** For networks without a state folder. */
export const NOT_DURABLE: DurableState = {
  append: () => Promise.resolve(),
  takeBack: () => {},
  executed: () => {},
  close: () => Promise.resolve(),
  abandon: () => Promise.resolve(),
  checkpointHeight: undefined,
  checkpoints: 0,
  logBytes: 0,
};

/** A restart reads the log at some 100 MB/s. */
const CHECKPOINT_LOG_BYTES = 16 * 1024 * 1024;
/** What a restart must execute again takes about as long as it took. */
const CHECKPOINT_EXECUTE_MILLIS = 1_500;
const CHECKPOINT_BATCHES = 5_000;
/** When nothing has happened for this long, writing disturbs nobody. */
const QUIET_MILLIS = 2_000;
/** Trickling traffic must not mean a checkpoint every two seconds. */
const QUIET_MIN_INTERVAL_MILLIS = 10_000;

const HASH_BYTES = 32;

export interface DurabilityOptions {
  readonly store: CheckpointStore;
  readonly fileSystem: FileSystem;
  readonly logFolder: string;
  readonly topology: NetworkTopology;
  readonly loader: CodeLoader;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly log: (level: LogLevel, event: string, fields: LogFields) => void;
  /** Calls back after so many milliseconds of real time; returns how to cancel. Absent: no checkpoints in quiet times. */
  readonly later?: (millis: number, callback: () => void) => () => void;
  readonly monotonicMillis: () => number;
  /** A checkpoint after so many batches at the latest. */
  readonly checkpointBatches?: number | undefined;
}

export interface Recovered {
  readonly durable: DiskDurability;
  readonly state: ReplicatedState;
  /** Of the state, with its hashes made. */
  readonly tree: CertifiedTree;
  readonly replayed: number;
}

/**
 * Opens the store and brings the state up to the last synced batch. `genesis` gives the state before the first batch;
 * `executor` executes batches on the state it is given.
 */
export function recover(
  options: DurabilityOptions,
  genesis: () => ReplicatedState,
  executor: (state: ReplicatedState) => { executeBatch(batch: Batch): BatchOutcome },
): Recovered {
  const { store, logFolder } = options;
  const info = store.latest();
  const records = new OverlayRecords(store);
  const loaded = loadState(records, options.topology, options.loader, logFolder);
  if ((loaded === undefined) !== (info === undefined)) throw corruptedCheckpoint(logFolder, 'it is incomplete');
  const state = loaded ?? genesis();
  const tree = new CertifiedTree(state);
  if (info && !equalBytes(tree.tree.digest(), info.stateHash)) {
    throw corruptedCheckpoint(logFolder, `at height ${info.height} it does not have the state hash it was written with`);
  }
  const { log, records: logged, cutBytes } = openBatchLog({
    fileSystem: options.fileSystem,
    folder: logFolder,
    afterHeight: info?.height ?? 0,
    randomBytes: options.randomBytes,
  });
  if (cutBytes > 0) options.log('warn', 'log.tail-cut', { bytes: cutBytes });
  const durable = new DiskDurability(options, records, log);
  if (logged.length > 0) {
    const routing = executor(state);
    for (const { height, payload } of logged) {
      if (!equalBytes(tree.tree.digest(), payload.subarray(0, HASH_BYTES))) throw diverged(height, tree.tree.digest(), payload);
      const began = options.monotonicMillis();
      const outcome = replaying(height, logFolder, () => {
        const executed = routing.executeBatch(decodeBatch(payload.subarray(HASH_BYTES)));
        tree.update(state, executed).digest();
        return executed;
      });
      durable.replayed(outcome, options.monotonicMillis() - began);
    }
    durable.recovered(state, tree.tree.digest());
  }
  return { durable, state, tree, replayed: logged.length };
}

/** It was executed before, by this program or an earlier version of it; so the fault is the program's. */
function replaying<T>(height: number, logFolder: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof StoreError) throw cause;
    throw new StoreError(
      'replay_failed',
      `batch ${height} in ${logFolder} cannot be executed again (${(cause as Error).message}); this is a fault of the replica, the folder is whole: ` +
        'start it with the version that wrote it or with a later one, or start with an empty one (--clean), which loses its contents',
      { cause },
    );
  }
}

function diverged(height: number, reached: Uint8Array, payload: Uint8Array): StoreError {
  return new StoreError(
    'diverged',
    `replaying the log before batch ${height} reached state ${toHex(reached)} instead of ${toHex(payload.subarray(0, HASH_BYTES))}; ` +
      'start this state folder with the version that wrote it, or start with an empty one (--clean), which loses its contents',
  );
}

export class DiskDurability implements DurableState {
  readonly #options: DurabilityOptions;
  readonly #records: OverlayRecords;
  readonly #log: BatchLog;
  readonly #writer: StateRecordWriter;
  #pending = new PendingChanges();
  #batches = 0;
  #executeMillis = 0;
  /** The state after the last published batch, with its hash; what `state` holds may be ahead of it while `#underWay`. */
  #latest: { readonly state: ReplicatedState; readonly stateHash: Uint8Array } | undefined;
  /** A batch was appended and is not published yet. */
  #underWay = false;
  #writing: Promise<void> | undefined;
  /** The last attempt failed, and what it should have written waits for the next. */
  #unwritten = false;
  #cancelQuiet: (() => void) | undefined;
  #lastCheckpointMillis = 0;
  #closed = false;
  checkpoints = 0;

  constructor(options: DurabilityOptions, records: OverlayRecords, log: BatchLog) {
    this.#options = options;
    this.#records = records;
    this.#log = log;
    this.#writer = new StateRecordWriter(records, options.loader);
  }

  get checkpointHeight(): number | undefined {
    return this.#options.store.latest()?.height;
  }

  get logBytes(): number {
    return this.#log.bytesSinceRotate;
  }

  append(batch: Batch, stateHash: Uint8Array): Promise<void> {
    const encoded = encodeBatch(batch);
    const payload = new Uint8Array(HASH_BYTES + encoded.length);
    payload.set(stateHash);
    payload.set(encoded, HASH_BYTES);
    this.#log.append(batch.height, payload);
    this.#underWay = true;
    this.#cancelQuiet?.();
    return this.#log.sync();
  }

  takeBack(): void {
    this.#log.takeBack();
  }

  /** A batch from the log was executed again: its changes are not in a checkpoint yet. */
  replayed(outcome: BatchOutcome, executeMillis: number): void {
    this.#pending.add(outcome);
    this.#batches++;
    this.#executeMillis += executeMillis;
  }

  /** All batches from the log were. */
  recovered(state: ReplicatedState, stateHash: Uint8Array): void {
    this.#latest = { state, stateHash };
    this.#checkpointWhenQuiet();
  }

  executed(state: ReplicatedState, outcome: BatchOutcome, stateHash: Uint8Array, executeMillis: number): void {
    this.replayed(outcome, executeMillis);
    this.#underWay = false;
    this.#latest = { state, stateHash };
    if (this.#closed || this.#writing) return;
    const due =
      this.#log.bytesSinceRotate >= CHECKPOINT_LOG_BYTES ||
      this.#executeMillis >= CHECKPOINT_EXECUTE_MILLIS ||
      this.#batches >= (this.#options.checkpointBatches ?? CHECKPOINT_BATCHES);
    if (due) this.#checkpointInBackground();
    else this.#checkpointWhenQuiet();
  }

  async close(state: ReplicatedState, stateHash: Uint8Array): Promise<void> {
    this.#cancelQuiet?.();
    this.#closed = true;
    await this.#writing;
    if (this.#batches > 0) await this.#checkpoint(state, stateHash);
    this.#log.close();
    await this.#options.store.close();
  }

  async abandon(): Promise<void> {
    this.#cancelQuiet?.();
    this.#closed = true;
    // LMDB's own thread cannot be stopped midway from here; a crash of the process is tested with real processes.
    await this.#writing;
    this.#log.close();
    await this.#options.store.close();
  }

  /** If anything is left to write. The next batch cancels it, and asks again. */
  #checkpointWhenQuiet(): void {
    const { later, monotonicMillis } = this.#options;
    if (!later || this.#closed || this.#underWay || (this.#batches === 0 && !this.#unwritten)) return;
    const sinceLast = monotonicMillis() - this.#lastCheckpointMillis;
    const wait = Math.max(QUIET_MILLIS, QUIET_MIN_INTERVAL_MILLIS - sinceLast);
    this.#cancelQuiet?.();
    const cancel = later(wait, () => {
      this.#cancelQuiet = undefined;
      if (!this.#closed && !this.#writing && !this.#underWay) this.#checkpointInBackground();
    });
    this.#cancelQuiet = () => {
      cancel();
      this.#cancelQuiet = undefined;
    };
  }

  #checkpointInBackground(): void {
    const { state, stateHash } = this.#latest!;
    this.#writing = this.#checkpoint(state, stateHash)
      .catch((error: unknown) => {
        this.#unwritten = true;
        this.#lastCheckpointMillis = this.#options.monotonicMillis();
        this.#options.log('error', 'checkpoint.failed', { reason: (error as Error).message });
      })
      .finally(() => {
        this.#writing = undefined;
        // For the batches that came meanwhile: perhaps none follows.
        this.#checkpointWhenQuiet();
      });
  }

  async #checkpoint(state: ReplicatedState, stateHash: Uint8Array): Promise<void> {
    const { height } = state;
    const began = this.#options.monotonicMillis();
    // First: if it fails, nothing has happened. And the new file must be there before the checkpoint is.
    this.#log.rotate();
    const changes = this.#writer.collect(state, this.#pending);
    this.#pending = new PendingChanges();
    this.#batches = 0;
    this.#executeMillis = 0;
    const collected = this.#options.monotonicMillis();
    await this.#records.commit({ height, stateHash }, changes);
    this.#unwritten = false;
    this.#log.dropThrough(height);
    this.#lastCheckpointMillis = this.#options.monotonicMillis();
    this.checkpoints++;
    this.#options.log('debug', 'checkpoint.written', {
      height,
      records: changes.length,
      collectMillis: Math.round(collected - began),
      millis: Math.round(this.#lastCheckpointMillis - began),
    });
  }
}
