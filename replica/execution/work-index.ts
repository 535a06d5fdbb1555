/**
 * Which canisters have something to do, so that a round looks only at those and not at every canister of the subnet.
 *
 * Always: derived from the state alone; rebuilt on start; brought up to date by `sync`, which looks at the canisters
 * marked since. Lists are given out in ascending order of ids, never in order of insertion.
 */
import type { TimeNanos } from '../types/messages.ts';
import { isBestEffort, NO_DEADLINE } from '../types/messages.ts';
import type { PrincipalKey } from '../types/principal.ts';
import type { SubnetConfig } from '../types/subnet-config.ts';
import type { CanisterState } from '../state/canister-state.ts';
import type { ReplicatedState } from '../state/replicated-state.ts';
import { executionFee, liquidBalance } from './cycles-account.ts';

/** A guaranteed-response request that could not be sent for so long is given back (consensus sheet §6). */
export const REQUEST_LIFETIME_NANOS = 300_000_000_000n;

interface Totals {
  readonly guaranteedBytes: number;
  readonly bestEffortBytes: number;
  readonly callbacks: number;
  readonly memoryBytes: number;
  readonly computeAllocation: number;
}

const NO_TOTALS: Totals = {
  guaranteedBytes: 0,
  bestEffortBytes: 0,
  callbacks: 0,
  memoryBytes: 0,
  computeAllocation: 0,
};

export class WorkIndex {
  readonly #state: ReplicatedState;
  readonly #config: SubnetConfig;
  readonly #inputs = new Set<PrincipalKey>();
  readonly #outputs = new Set<PrincipalKey>();
  readonly #hooks = new Set<PrincipalKey>();
  readonly #heartbeats = new Set<PrincipalKey>();
  readonly #stopping = new Set<PrincipalKey>();
  readonly #timers = new Map<PrincipalKey, TimeNanos>();
  /** Earliest deadline of an open best-effort call. */
  readonly #deadlines = new Map<PrincipalKey, TimeNanos>();
  /** When the oldest guaranteed-response request still in an output queue is given back. */
  readonly #unsent = new Map<PrincipalKey, TimeNanos>();
  readonly #totals = new Map<PrincipalKey, Totals>();
  #guaranteedBytes = 0;
  /** Reserved by `reserveGuaranteed` since the last `sync`, which counts it for good. */
  #reservedSince = 0;
  #bestEffortBytes = 0;
  callbacks = 0;
  memoryBytes = 0;
  computeAllocation = 0;

  constructor(state: ReplicatedState, config: SubnetConfig) {
    this.#state = state;
    this.#config = config;
    for (const key of state.canisters.keys()) state.touched.add(key);
    this.sync();
  }

  /** Looks at the canisters marked since the last call. */
  sync(): void {
    const { touched } = this.#state;
    // Also when nothing was touched: a request to the management canister touches none, and is counted by its queue.
    this.#reservedSince = 0;
    if (touched.size === 0) return;
    for (const key of touched) {
      const canister = this.#state.canisters.get(key);
      if (canister === undefined) this.#forget(key);
      else this.#refresh(key, canister);
    }
    touched.clear();
  }

  /** Message memory of guaranteed-response calls on the subnet, at most this much since the last `sync`. */
  get guaranteedBytes(): number {
    return this.#guaranteedBytes + this.#reservedSince + this.#state.subnetQueues.guaranteedBytes();
  }

  /** Takes message memory for a request that is about to enter a queue. False: there is not so much. */
  reserveGuaranteed(bytes: number): boolean {
    if (this.guaranteedBytes + bytes > this.#config.guaranteedResponseMemoryBytes) return false;
    this.#reservedSince += bytes;
    return true;
  }

  /** Memory of best-effort messages waiting in the subnet's queues; streams are not counted. As of the last `sync`. */
  get bestEffortBytes(): number {
    return this.#bestEffortBytes + this.#state.subnetQueues.bestEffortBytes;
  }

  /** Canisters with best-effort messages waiting, with their memory, in no order. */
  *bestEffortUse(): Iterable<readonly [canister: PrincipalKey, bytes: number]> {
    for (const [key, { bestEffortBytes }] of this.#totals) if (bestEffortBytes > 0) yield [key, bestEffortBytes];
  }

  #refresh(key: PrincipalKey, canister: CanisterState): void {
    const { code, queues } = canister;
    const running = canister.status.kind === 'running' && code !== undefined && this.#canPayTask(canister);
    put(this.#inputs, key, queues.hasInput() || canister.ingressQueue.length > 0);
    put(this.#outputs, key, queues.hasOutput());
    put(
      this.#hooks,
      key,
      running && canister.hookStatus === 'ready' && code.module.entryPoints.has('canister_on_low_wasm_memory'),
    );
    put(this.#heartbeats, key, running && code.module.entryPoints.has('canister_heartbeat'));
    put(this.#stopping, key, canister.status.kind === 'stopping');
    const timer = running && canister.globalTimer !== 0n && code.module.entryPoints.has('canister_global_timer');
    if (timer) this.#timers.set(key, canister.globalTimer);
    else this.#timers.delete(key);
    let deadline: TimeNanos | undefined;
    for (const callback of canister.callbacks.values()) {
      if (callback.deadlineNanos === NO_DEADLINE || callback.expired) continue;
      if (deadline === undefined || callback.deadlineNanos < deadline) deadline = callback.deadlineNanos;
    }
    if (deadline === undefined) this.#deadlines.delete(key);
    else this.#deadlines.set(key, deadline);
    const unsent = queues.hasOutput() ? oldestUnsent(canister) : undefined;
    if (unsent === undefined) this.#unsent.delete(key);
    else this.#unsent.set(key, unsent + REQUEST_LIFETIME_NANOS);
    this.#setTotals(key, {
      guaranteedBytes: queues.guaranteedBytes(),
      bestEffortBytes: queues.bestEffortBytes,
      callbacks: canister.callbacks.size,
      memoryBytes: Math.max(canister.memoryUsage(), canister.settings.memoryAllocation),
      computeAllocation: canister.settings.computeAllocation,
    });
  }

  /** A frozen canister's tasks do not run: they are no work until it has cycles again. */
  #canPayTask(canister: CanisterState): boolean {
    const fee = executionFee(this.#config, this.#config.instructions.message, canister.code!.module.memory64);
    return fee === 0n || liquidBalance(this.#config, canister) >= fee;
  }

  #forget(key: PrincipalKey): void {
    for (const set of [this.#inputs, this.#outputs, this.#hooks, this.#heartbeats, this.#stopping]) set.delete(key);
    this.#timers.delete(key);
    this.#deadlines.delete(key);
    this.#unsent.delete(key);
    this.#setTotals(key, NO_TOTALS);
    this.#totals.delete(key);
  }

  #setTotals(key: PrincipalKey, now: Totals): void {
    const before = this.#totals.get(key) ?? NO_TOTALS;
    this.#guaranteedBytes += now.guaranteedBytes - before.guaranteedBytes;
    this.#bestEffortBytes += now.bestEffortBytes - before.bestEffortBytes;
    this.callbacks += now.callbacks - before.callbacks;
    this.memoryBytes += now.memoryBytes - before.memoryBytes;
    this.computeAllocation += now.computeAllocation - before.computeAllocation;
    this.#totals.set(key, now);
  }

  /** Storage the canister has grown by since the last `sync`, beyond its allocation. */
  grownSince(canister: CanisterState): number {
    const before = this.#totals.get(canister.key)?.memoryBytes ?? 0;
    return Math.max(canister.memoryUsage(), canister.settings.memoryAllocation) - before;
  }

  /** Canisters with messages or a hook to run. */
  ready(): PrincipalKey[] {
    return [...new Set([...this.#inputs, ...this.#hooks])].sort();
  }

  /** Canisters with a heartbeat, or a timer due. */
  withTasks(now: TimeNanos): PrincipalKey[] {
    const due = new Set(this.#heartbeats);
    for (const [key, time] of this.#timers) if (time <= now) due.add(key);
    return [...due].sort();
  }

  withOutput(): PrincipalKey[] {
    return [...this.#outputs].sort();
  }

  stopping(): PrincipalKey[] {
    return [...this.#stopping].sort();
  }

  /** Canisters with a best-effort call whose deadline has come. */
  withExpiredCalls(now: TimeNanos): PrincipalKey[] {
    const expired: PrincipalKey[] = [];
    for (const [key, deadline] of this.#deadlines) if (deadline <= now) expired.push(key);
    return expired.sort();
  }

  /** Canisters with a request that has waited too long to be sent. */
  withUnsentTimeout(now: TimeNanos): PrincipalKey[] {
    const late: PrincipalKey[] = [];
    for (const [key, time] of this.#unsent) if (time <= now) late.push(key);
    return late.sort();
  }

  hasReady(): boolean {
    return this.#inputs.size > 0 || this.#hooks.size > 0;
  }

  /** Earliest timer or deadline; 0 when some canister has a heartbeat; undefined when there is none. */
  nextWake(): TimeNanos | undefined {
    if (this.#heartbeats.size > 0) return 0n;
    let next: TimeNanos | undefined;
    for (const times of [this.#timers, this.#deadlines, this.#unsent]) {
      for (const time of times.values()) if (next === undefined || time < next) next = time;
    }
    return next;
  }
}

/** When the oldest guaranteed-response request in the output queues was made. Requests of one queue are in that order. */
function oldestUnsent({ queues, callbacks }: CanisterState): TimeNanos | undefined {
  let oldest: TimeNanos | undefined;
  for (const { messages } of queues.outputs.values()) {
    const first = messages.find((message) => message.kind === 'request' && !isBestEffort(message));
    const madeAt = first === undefined ? undefined : callbacks.get(first.callbackId)?.madeAtNanos;
    if (madeAt !== undefined && (oldest === undefined || madeAt < oldest)) oldest = madeAt;
  }
  return oldest;
}

function put(set: Set<PrincipalKey>, key: PrincipalKey, present: boolean): void {
  if (present) set.add(key);
  else set.delete(key);
}
