/**
 * Runs a canister module on the replica's engine without a network, to count instructions: exact,
 * deterministic, by the mainnet cost table.
 */
import { executeEntryPoint, compileModule, createExecutionState } from '../../../replica/execution/wasm/engine.ts';
import type { EntryPoint, ExecutionOutcome, ExecutionState, SystemView } from '../../../replica/execution/wasm/types.ts';

const ID = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1, 1, 1);
const BALANCE = 10n ** 18n;
/** Far above any entry point's cost, and what an upgrade may use on mainnet. */
const LIMIT = 300_000_000_000n;

function view(timeNanos: bigint, isController: (principal: Uint8Array) => boolean): SystemView {
  return {
    canisterId: ID, subnetId: Uint8Array.of(1), subnetNodeCount: 13, timeNanos, canisterVersion: 1n, status: 1,
    isController, environment: [], rootKey: new Uint8Array(133), cyclesBalance: BALANCE,
    freezingLimit: () => 0n, checkGrowth: () => null, subnetMemoryAvailableBytes: 2n ** 40n, wasmMemoryLimitBytes: 0n,
    globalTimerNanos: 0n, admitCall: () => true, logCapacityBytes: 4096, logRemainingBytes: 4096,
    fees: {
      callPrepayment: () => 0n, costCall: () => 0n, costCreateCanister: () => 0n, costHttpRequest: () => 0n,
      costSignWithEcdsa: () => 0n, costSignWithSchnorr: () => 0n, costVetKdDeriveKey: () => 0n,
    },
  };
}

export interface Run { reply: Uint8Array; instructions: bigint; outcome: ExecutionOutcome }

/** One canister on the meter. */
export class Metered {
  private state: ExecutionState;
  caller: Uint8Array = Uint8Array.of(4);
  timeNanos = 1_800_000_000_000_000_000n;
  /** Who controls the canister; everybody, unless said otherwise. */
  isController: (principal: Uint8Array) => boolean = () => true;

  private constructor(state: ExecutionState) { this.state = state; }

  /** Installs a module: start function and canister_init. */
  static install(module: Uint8Array, argument: Uint8Array = new Uint8Array()): Metered {
    const metered = new Metered(fresh(module));
    metered.run({ kind: 'start' });
    metered.run({ kind: 'init' }, argument);
    return metered;
  }

  /** Replaces the module as an upgrade does; returns all instructions of it. */
  upgrade(module: Uint8Array, argument: Uint8Array = new Uint8Array()): bigint {
    let sum = this.run({ kind: 'preUpgrade' }).instructions;
    const compiled = compileModule(module);
    if (!compiled.ok) throw new Error(compiled.error.message);
    const old = this.state;
    this.state = old.forUpgrade(compiled.module, { keepHeap: false });
    sum += this.run({ kind: 'start' }).instructions;
    sum += this.run({ kind: 'postUpgrade' }, argument).instructions;
    old.dispose();
    return sum;
  }

  update(method: string, argument: Uint8Array): Run { return this.run({ kind: 'update', method }, argument); }

  query(method: string, argument: Uint8Array): Run { return this.run({ kind: 'query', method }, argument, false); }

  /** Runs an entry point and keeps its effects unless it traps. `reject` is what a reject callback sees. */
  attempt(entry: EntryPoint, payload: Uint8Array = new Uint8Array(), keep = true, reject?: { code: number; message: string }): ExecutionOutcome {
    const outcome = executeEntryPoint(this.state, {
      entry, message: { caller: this.caller, payload, cyclesAvailable: 0n, cyclesRefunded: 0n, ...(reject && { rejectCode: reject.code, rejectMessage: reject.message }) }, system: view(this.timeNanos, this.isController), instructionLimit: LIMIT,
    });
    if (outcome.error === null) {
      if (keep) this.state.commit();
      else this.state.rollback();
    }
    return outcome;
  }

  /** The same; a trap or a reject throws. */
  run(entry: EntryPoint, payload: Uint8Array = new Uint8Array(), keep = true): Run {
    const outcome = this.attempt(entry, payload, keep);
    if (outcome.error !== null) throw new Error(`${entry.kind}: ${outcome.error.code} ${outcome.error.message}`);
    const response = outcome.delta?.response;
    if (response?.kind === 'reject') throw new Error(`rejected: ${response.message}`);
    return { reply: response?.data ?? new Uint8Array(), instructions: outcome.instructionsUsed, outcome };
  }

  get heapBytes(): number { return this.state.heapBytes; }

  dispose(): void { this.state.dispose(); }
}

function fresh(module: Uint8Array): ExecutionState {
  const compiled = compileModule(module);
  if (!compiled.ok) throw new Error(compiled.error.message);
  const created = createExecutionState(compiled.module);
  if (!created.ok) throw new Error(created.error.message);
  return created.state;
}
