/** What the engine's tests share: WAT to bytes, a system view with plain defaults, running entry points. */
import wabtInit from 'wabt'
import { compileModule, createExecutionState, executeEntryPoint } from './engine.ts'
import type {
  CanisterModule, EntryPoint, ExecutionOutcome, ExecutionState, FeeView, MessageView, SystemView,
} from './types.ts' // prettier-ignore

const wabt = await wabtInit()

const FEATURES = {
  mutable_globals: true,
  sat_float_to_int: true,
  sign_extension: true,
  simd: true,
  multi_value: true,
  tail_call: true,
  bulk_memory: true,
  reference_types: true,
  memory64: true,
}

/** Assembles a text module; `extra` turns more proposals on (to see them refused). */
export function wat(text: string, extra: Record<string, boolean> = {}): Uint8Array {
  const module = wabt.parseWat('test.wat', text, { ...FEATURES, ...extra })
  const bytes = Uint8Array.from(module.toBinary({}).buffer)
  module.destroy()
  return bytes
}

/** Disassembles a module. */
export function textOf(bytes: Uint8Array): string {
  const module = wabt.readWasm(bytes, { readDebugNames: false })
  const text = module.toText({ foldExprs: false, inlineExport: false })
  module.destroy()
  return text
}

export function compileOrThrow(bytes: Uint8Array): CanisterModule {
  const result = compileModule(bytes)
  if (!result.ok) throw new Error(result.error.message)
  return result.module
}

export function stateOf(text: string): ExecutionState {
  return freshState(compileOrThrow(wat(text)))
}

export function freshState(module: CanisterModule): ExecutionState {
  const result = createExecutionState(module)
  if (!result.ok) throw new Error(result.error.message)
  return result.state
}

export const FEES: FeeView = {
  callPrepayment: (name, payload) => BigInt(1_000_000 + name + payload),
  costCall: (name, payload) => 1_000n + name + payload,
  costCreateCanister: () => (7n << 64n) | 5n,
  costHttpRequest: (request, response) => request * 10n + response,
  costHttpRequestV2: (params) => (params.length === 0 ? null : BigInt(params.length)),
  costSignWithEcdsa: (key) => (key === 'key_1' ? 26n : null),
  costSignWithSchnorr: (key, algorithm) => (key === 'key_1' ? (algorithm === 'ed25519' ? 28n : 27n) : null),
  costVetKdDeriveKey: (key) => (key === 'key_1' ? 29n : null),
}

export const CANISTER_ID = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 7, 1, 1)

export const SYSTEM: SystemView = {
  canisterId: CANISTER_ID,
  subnetId: Uint8Array.from({ length: 29 }, (_, i) => i),
  subnetNodeCount: 13,
  timeNanos: 1_700_000_000_000_000_000n,
  canisterVersion: 42n,
  status: 1,
  isController: (principal) => principal.length === 1 && principal[0] === 9,
  environment: [
    ['ALPHA', 'one'],
    ['BETA', 'zwei'],
  ],
  rootKey: Uint8Array.from({ length: 133 }, (_, i) => 255 - i),
  cyclesBalance: 10n ** 13n,
  freezingLimit: () => 1_000n,
  checkGrowth: () => null,
  subnetMemoryAvailableBytes: 1n << 40n,
  wasmMemoryLimitBytes: 0n,
  globalTimerNanos: 5n,
  admitCall: () => true,
  fees: FEES,
  logCapacityBytes: 4096,
  logRemainingBytes: 4096,
}

export const LIMIT = 5_000_000_000n

export interface RunOptions {
  readonly message?: Partial<MessageView>
  readonly system?: Partial<SystemView>
  readonly instructionLimit?: bigint
}

/** Executes without ending the transaction. */
export function execute(state: ExecutionState, entry: EntryPoint, options: RunOptions = {}): ExecutionOutcome {
  return executeEntryPoint(state, {
    entry,
    message: { caller: Uint8Array.of(4), payload: new Uint8Array(0), ...options.message },
    system: { ...SYSTEM, ...options.system },
    instructionLimit: options.instructionLimit ?? LIMIT,
  })
}

/** Executes an update and commits it if it succeeds. */
export function update(state: ExecutionState, method: string, options: RunOptions = {}): ExecutionOutcome {
  const outcome = execute(state, { kind: 'update', method }, options)
  if (outcome.error === null) state.commit()
  return outcome
}

/** Executes a query and rolls it back. */
export function query(state: ExecutionState, method: string, options: RunOptions = {}): ExecutionOutcome {
  const outcome = execute(state, { kind: 'query', method }, options)
  state.rollback()
  return outcome
}

export function replyOf(outcome: ExecutionOutcome): Uint8Array {
  if (outcome.error) throw new Error(outcome.error.message)
  const response = outcome.delta?.response
  if (response?.kind !== 'reply') throw new Error('no reply')
  return response.data
}
