/**
 * Which canisters keep a live Wasm instance: those used last, within a budget. The others live in the page store (and,
 * what they changed since the last checkpoint, in plain memory) and come back by themselves when they are called.
 *
 * Never changes a result: an evicted canister and a live one are the same state.
 */
import type { CanisterState } from '../state/canister-state.ts';
import type { ReplicatedState } from '../state/replicated-state.ts';
import type { BatchOutcome } from '../types/batch.ts';
import type { PrincipalKey } from '../types/principal.ts';

/**
 * V8 reserves about 10 GiB of address space for each Wasm memory, and an instance has two; of 128 TiB that a process
 * has, three subnets with this many use a third.
 */
const MAX_LIVE = 700;
/** Beyond the limit, evict down to this, so that the work is done for many at once. */
const AFTER_EVICTION = 600;
/** Resident bytes of all live instances together; the newest stays however large it is. */
const MAX_LIVE_BYTES = 1024 ** 3;

/** Adding up the bytes of all live instances takes some hundred microseconds. */
const MEASURE_EVERY = 64;

export interface Evictable {
  readonly isLive: boolean;
  readonly residentBytes: number;
  evict(): void;
}

/** The engine's state of an installed canister. */
export type ExecutionOf = (canister: CanisterState) => Evictable | undefined;

export class Eviction {
  readonly #executionOf: ExecutionOf;
  /** Least recently used first. */
  readonly #used = new Map<PrincipalKey, Evictable>();
  evicted = 0;
  #sinceMeasured = 0;

  constructor(executionOf: ExecutionOf) {
    this.#executionOf = executionOf;
  }

  /** Between a batch and what comes next. */
  afterBatch(state: ReplicatedState, outcome: BatchOutcome): void {
    for (const key of outcome.removedCanisters) this.#used.delete(key);
    for (const key of outcome.changedCanisters) this.touch(state, key);
    this.evictExcess();
  }

  /** The canister ran (or may have). A reinstalled one has a new execution. */
  touch(state: ReplicatedState, key: PrincipalKey): void {
    const canister = state.canisters.get(key);
    const execution = canister && this.#executionOf(canister);
    this.#used.delete(key);
    if (execution?.isLive) this.#used.set(key, execution);
  }

  isLive(canister: CanisterState): boolean {
    return this.#executionOf(canister)?.isLive ?? false;
  }

  /** Call it between executions. */
  evictExcess(): void {
    if (this.#used.size <= MAX_LIVE && ++this.#sinceMeasured < MEASURE_EVERY) return;
    this.#sinceMeasured = 0;
    let bytes = 0;
    for (const execution of this.#used.values()) bytes += execution.residentBytes;
    const keep = this.#used.size > MAX_LIVE ? AFTER_EVICTION : MAX_LIVE;
    for (const [key, execution] of this.#used) {
      if (this.#used.size <= 1 || (this.#used.size <= keep && bytes <= MAX_LIVE_BYTES)) return;
      bytes -= execution.residentBytes;
      execution.evict();
      this.#used.delete(key);
      this.evicted++;
    }
  }
}
