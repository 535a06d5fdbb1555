/**
 * Installing, reinstalling, upgrading and uninstalling code.
 *
 * Always: an installation happens whole or not at all; a trap or a limit leaves memory, certified
 * data, timer and version as they were. The instructions used are paid
 * either way, and what the code printed or trapped with stays in the log.
 *
 * Source: Interface Spec 0.66, `install_code`, `install_chunked_code`, `uninstall_code`.
 */
import type { CanisterState, InstalledCode } from '../../state/canister-state.ts';
import { minCycles } from '../../types/cycles.ts';
import { ErrorCode, userError } from '../../types/errors.ts';
import type { UserError } from '../../types/errors.ts';
import { canisterError, canisterNotFound, noModule, outOfCycles } from '../canister-error.ts';
import { appendLogs } from '../canister-log.ts';
import { bookConsumed, executionFee } from '../cycles-account.ts';
import type { SystemViewOptions } from '../management-port.ts';
import { executionOf } from '../management-port.ts';
import { wasmMemoryLimitFault } from '../wasm/engine-errors.ts';
import {
  compileModule,
  createExecutionState,
  executeEntryPoint,
  UpgradeError,
} from '../wasm/engine.ts';
import type { CanisterModule, EntryPoint, ExecutionState } from '../wasm/types.ts';
import * as candid from './candid-types.ts';
import type { Opt } from './candid-types.ts';
import { assembleModule } from './chunk-store.ts';
import type { Checked } from './faults.ts';
import { contractViolation, failure, notController, success } from './faults.ts';
import type { CanisterMethod, Operation } from './operation.ts';
import { bumpVersion, growthFault, reject, replyNothing } from './operation.ts';
import { fromWire } from './wire.ts';

/** Charged for each instruction of the module, for validating and compiling it. */
const INSTRUCTIONS_PER_COMPILED_INSTRUCTION = 6_000;

type Mode = 'install' | 'reinstall' | 'upgrade';

interface Plan {
  readonly mode: Mode;
  readonly skipPreUpgrade: boolean;
  readonly keepHeap: boolean;
}

export const installCode: CanisterMethod<candid.InstallCodeArgsCandid> = {
  argument: candid.InstallCodeArgs,
  run(operation, args, canister) {
    const fault = install(operation, canister, args.mode, args.wasm_module, args.arg, args.sender_canister_version);
    return fault === undefined ? replyNothing() : reject(fault);
  },
};

export const installChunkedCode: CanisterMethod<candid.InstallChunkedCodeArgsCandid> = {
  argument: candid.InstallChunkedCodeArgs,
  run(operation, args, target) {
    const { state, call } = operation;
    const [storeId] = args.store_canister;
    const store = storeId === undefined ? target : state.canister(fromWire(storeId));
    if (store === undefined) return reject(canisterNotFound(fromWire(storeId!)));
    if (!store.isController(call.sender) && !store.id.equals(call.sender)) {
      return reject(notController(store.id, store.settings.controllers, call.sender));
    }
    const wasm = assembleModule(store.chunks, args.chunk_hashes_list, args.wasm_module_hash);
    if (!wasm.ok) return reject(wasm.error);
    const fault = install(operation, target, args.mode, wasm.value, args.arg, args.sender_canister_version);
    return fault === undefined ? replyNothing() : reject(fault);
  },
};

export const uninstallCode: CanisterMethod<candid.VersionedCanisterIdArgsCandid> = {
  argument: candid.VersionedCanisterIdArgs,
  run(operation, args, canister) {
    uninstall(operation, canister, args.sender_canister_version);
    return replyNothing();
  },
};

/** Empties the canister: code, state, chunks. Balance, settings and snapshots stay. */
export function uninstall(operation: Operation, canister: CanisterState, senderVersion: Opt<bigint>): void {
  const versionBefore = canister.version;
  operation.context.removeCode(canister);
  canister.clearChunks();
  // removeCode counts the version itself; the history entry is under the new one.
  canister.version = versionBefore;
  bumpVersion(operation, canister, { details: { kind: 'code-uninstall' }, senderVersion });
}

// ---------------------------------------------------------------- the sequence

function install(
  operation: Operation,
  canister: CanisterState,
  wireMode: candid.InstallModeCandid,
  wasm: Uint8Array,
  arg: Uint8Array,
  senderVersion: Opt<bigint>,
): UserError | undefined {
  const fault = rateFault(operation, canister) ?? modeFault(canister, wireMode);
  if (fault !== undefined) return fault;

  const compiled = compileModule(wasm);
  if (!compiled.ok) return canisterError(canister.id, compiled.error);
  const { module } = compiled;
  const plan = planOf(canister, wireMode, module);
  if (!plan.ok) return plan.error;

  const { context } = operation;
  const limit = context.config.instructions.install;
  const prepaid = context.prepayExecution(canister, limit, module.memory64);
  if (prepaid === undefined) {
    const missing = outOfCycles(
      context.config,
      canister,
      executionFee(context.config, limit, module.memory64),
      operation.call.sender,
    );
    return userError(missing.code, `Canister installation failed with \`${missing.message}\`.`);
  }
  const run = new InstallRun(operation, canister, module, arg, limit);
  const error = run.compileCharge() ?? run.execute(plan.value);
  prepaid.settle(run.instructionsUsed);
  operation.instructionsUsed += run.instructionsUsed;
  countForRate(operation, canister, run.instructionsUsed);
  appendLogs(canister, context.timeNanos, run.logs);
  if (error !== undefined) {
    run.abandon();
    return error;
  }
  const tooBig = run.tooLarge() ?? run.tooExpensive();
  if (tooBig !== undefined) {
    run.abandon();
    return tooBig;
  }
  run.commit(plan.value, senderVersion);
  return undefined;
}

function rateFault({ context }: Operation, canister: CanisterState): UserError | undefined {
  if (context.config.instructions.installPerSecond === undefined) return undefined;
  if (canister.installAllowedAtNanos <= context.timeNanos) return undefined;
  return userError(
    ErrorCode.CanisterInstallCodeRateLimited,
    `Canister ${canister.id.toText()} is rate limited because it executed too many instructions in the previous install_code messages. Please retry installation after several minutes.`,
  );
}

/** Failed installations count too. */
function countForRate({ context }: Operation, canister: CanisterState, instructions: number): void {
  const { installPerSecond } = context.config.instructions;
  if (installPerSecond === undefined) return;
  const waitNanos = BigInt(Math.ceil((instructions / installPerSecond) * 1e9));
  canister.installAllowedAtNanos = context.timeNanos + waitNanos;
}

function modeFault(canister: CanisterState, mode: candid.InstallModeCandid): UserError | undefined {
  const id = canister.id.toText();
  if ('install' in mode && canister.code !== undefined) {
    return userError(
      ErrorCode.CanisterNonEmpty,
      `Canister ${id} cannot be installed because the canister is not empty. Try installing with mode='reinstall' instead.`,
    );
  }
  if ('upgrade' in mode && canister.code === undefined) {
    return noModule(canister.id);
  }
  return undefined;
}

/** Which steps to take, with the rules of enhanced orthogonal persistence applied. */
function planOf(
  canister: CanisterState,
  mode: candid.InstallModeCandid,
  module: CanisterModule,
): Checked<Plan> {
  if ('install' in mode) return success({ mode: 'install', skipPreUpgrade: true, keepHeap: false });
  if ('reinstall' in mode) {
    return success({ mode: 'reinstall', skipPreUpgrade: true, keepHeap: false });
  }
  const [options] = mode.upgrade;
  const skipPreUpgrade = options?.skip_pre_upgrade[0] ?? false;
  const [persistence] = options?.wasm_memory_persistence ?? [];
  const old = executionOf(canister).module;
  if (persistence === undefined) {
    if (old.enhancedOrthogonalPersistence) {
      return failure(
        contractViolation(
          'Missing upgrade option: Enhanced orthogonal persistence requires the `wasm_memory_persistence` upgrade option.',
        ),
      );
    }
    return success({ mode: 'upgrade', skipPreUpgrade, keepHeap: false });
  }
  const keepHeap = 'keep' in persistence;
  if (keepHeap && !module.enhancedOrthogonalPersistence) {
    return failure(
      contractViolation(
        'Invalid upgrade option: The `wasm_memory_persistence: opt Keep` upgrade option requires that the new canister module supports enhanced orthogonal persistence.',
      ),
    );
  }
  return success({ mode: 'upgrade', skipPreUpgrade, keepHeap });
}

/** One installation being executed: what its phases did so far, to be committed or abandoned whole. */
class InstallRun {
  readonly #operation: Operation;
  readonly #canister: CanisterState;
  readonly #module: CanisterModule;
  readonly #arg: Uint8Array;
  readonly #limit: number;
  #burned = 0n;
  #next: ExecutionState | undefined;
  #certifiedData: Uint8Array;
  #globalTimer: bigint;
  instructionsUsed = 0;
  readonly logs: Uint8Array[] = [];

  constructor(
    operation: Operation,
    canister: CanisterState,
    module: CanisterModule,
    arg: Uint8Array,
    limit: number,
  ) {
    this.#operation = operation;
    this.#canister = canister;
    this.#module = module;
    this.#arg = arg;
    this.#limit = limit;
    this.#certifiedData = canister.certifiedData;
    this.#globalTimer = canister.globalTimer;
  }

  compileCharge(): UserError | undefined {
    const cost = this.#module.instructionCount * INSTRUCTIONS_PER_COMPILED_INSTRUCTION;
    this.instructionsUsed = Math.min(cost, this.#limit);
    if (cost <= this.#limit) return undefined;
    return userError(
      ErrorCode.CanisterInstructionLimitExceeded,
      `Error from Canister ${this.#canister.id.toText()}: Canister exceeded the limit of ${this.#limit} instructions for single message execution.`,
    );
  }

  execute(plan: Plan): UserError | undefined {
    const canister = this.#canister;
    if (plan.mode === 'upgrade') {
      const old = executionOf(canister);
      if (!plan.skipPreUpgrade && old.module.entryPoints.has('canister_pre_upgrade')) {
        const error = this.#phase(old, { kind: 'preUpgrade' }, {});
        if (error !== undefined) return error;
      }
      try {
        this.#next = old.forUpgrade(this.#module, { keepHeap: plan.keepHeap });
      } catch (error) {
        if (!(error instanceof UpgradeError)) throw error;
        return canisterError(canister.id, error.error);
      }
    } else {
      const created = createExecutionState(this.#module);
      if (!created.ok) return canisterError(canister.id, created.error);
      this.#next = created.state;
      this.#certifiedData = new Uint8Array(0);
    }
    this.#globalTimer = 0n;
    // The version that this installation will give the canister, if it succeeds.
    const options = { version: canister.version + 1n, globalTimerNanos: 0n };
    if (this.#module.hasStart) {
      const error = this.#phase(this.#next, { kind: 'start' }, options);
      if (error !== undefined) return error;
    }
    const last = plan.mode === 'upgrade' ? 'canister_post_upgrade' : 'canister_init';
    if (!this.#module.entryPoints.has(last)) return undefined;
    return this.#phase(
      this.#next,
      { kind: plan.mode === 'upgrade' ? 'postUpgrade' : 'init' },
      options,
    );
  }

  #phase(state: ExecutionState, entry: EntryPoint, options: SystemViewOptions): UserError | undefined {
    const canister = this.#canister;
    const { call, context } = this.#operation;
    const outcome = executeEntryPoint(state, {
      entry,
      message: { caller: call.sender.bytes, payload: this.#arg },
      system: context.systemView(canister, { ...options, caller: call.sender }),
      instructionLimit: BigInt(this.#limit - this.instructionsUsed),
      statedInstructionLimit: BigInt(this.#limit),
    });
    this.instructionsUsed += Number(outcome.instructionsUsed);
    for (const line of outcome.logs) this.logs.push(line.bytes);
    if (outcome.error !== null) return canisterError(canister.id, outcome.error);
    const { delta } = outcome;
    if (delta === null) throw new Error('the engine reported neither an error nor a delta');
    // The next phase sees the balance without what this one burned.
    const burned = minCycles(delta.cyclesBurned, canister.balance);
    canister.balance -= burned;
    this.#burned += burned;
    if (delta.certifiedData !== undefined) this.#certifiedData = delta.certifiedData;
    if (delta.globalTimerNanos !== undefined) this.#globalTimer = delta.globalTimerNanos;
    return undefined;
  }

  /** The heap of the new code against the canister's limit, also if it never grew. */
  tooLarge(): UserError | undefined {
    const canister = this.#canister;
    const fault = wasmMemoryLimitFault(canister.settings.wasmMemoryLimit, this.#installed().execution.heapBytes);
    return fault === undefined ? undefined : canisterError(canister.id, fault);
  }

  /** After settling the fee: whether the balance carries the memory of the new code. Undefined: it does. */
  tooExpensive(): UserError | undefined {
    const canister = this.#canister;
    const next = this.#installed();
    const before = canister.code;
    const bytesBefore = canister.memoryUsage();
    canister.code = next;
    const extra = canister.memoryUsage() - bytesBefore;
    canister.code = before;
    return growthFault(this.#operation, canister, extra);
  }

  #installed(): InstalledCode {
    if (this.#next === undefined) throw new Error('nothing was instantiated');
    return {
      module: this.#module,
      installedAtNanos: this.#operation.context.timeNanos,
      execution: this.#next,
    };
  }

  abandon(): void {
    const canister = this.#canister;
    canister.balance += this.#burned;
    this.#next?.dispose();
    if (canister.code !== undefined) executionOf(canister).rollback();
  }

  commit(plan: Plan, senderVersion: Opt<bigint>): void {
    const canister = this.#canister;
    const installed = this.#installed();
    this.#next!.commit();
    if (canister.code !== undefined) executionOf(canister).dispose();
    canister.code = installed;
    canister.certifiedData = this.#certifiedData;
    canister.globalTimer = this.#globalTimer;
    canister.hookStatus = 'condition-not-satisfied';
    if (plan.mode !== 'upgrade') {
      // Only what this installation printed is kept.
      const own = this.logs.length;
      canister.log.records = own === 0 ? [] : canister.log.records.slice(-own);
    }
    if (this.#burned > 0n) bookConsumed(this.#operation.state, canister, this.#burned, 'burned');
    bumpVersion(this.#operation, canister, {
      details: { kind: 'code-deployment', mode: plan.mode, moduleHash: this.#module.hash },
      senderVersion,
    });
  }
}
