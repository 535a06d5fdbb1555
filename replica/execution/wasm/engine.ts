/**
 * The Wasm engine's functions: compiling modules, making execution states, executing entry points.
 *
 * Contract: types.ts.
 */
import { type Stack, THREAD_HAS_BIG_STACK } from './big-stack.ts'
import { type CompiledModule, compileModule } from './compile.ts'
import {
  callbackNotFound, CanisterTrap, contractViolation, methodNotFound, trapped,
} from './engine-errors.ts' // prettier-ignore
import { CanisterExecutionState, UpgradeError } from './execution-state.ts'
import type { HeapInstance } from './heap-instance.ts'
import { EXPORT, REQUIRED_STACK_MB, WASM_STACK_BYTES } from './instrument.ts'
import { SystemApi } from './system-api.ts'
import { trapFrames } from './trap-frames.ts'
import { traced } from './trap-stack.ts'
import type {
  CanisterModule, EngineError, EntryPoint, ExecutionInput, ExecutionOutcome, ExecutionState, MemoryImage,
} from './types.ts' // prettier-ignore

export { compileModule, REQUIRED_STACK_MB, UpgradeError, WASM_STACK_BYTES }

/** Charged for each 4 KiB heap page a message dirtied. */
const DIRTY_PAGE_COST_32 = 1000n
const DIRTY_PAGE_COST_64 = 4000n

export type StateResult =
  | { readonly ok: true; readonly state: ExecutionState }
  | { readonly ok: false; readonly error: EngineError }

function result(state: CanisterExecutionState | EngineError): StateResult {
  return 'code' in state ? { ok: false, error: state } : { ok: true, state }
}

/** A canister's first state under this module: data segments applied, nothing run, stable memory empty. */
export function createExecutionState(module: CanisterModule): StateResult {
  return result(CanisterExecutionState.fresh(module as CompiledModule))
}

/** A canister as a checkpoint holds it. The sources are kept and read on demand. */
export function restoreExecutionState(module: CanisterModule, image: MemoryImage): StateResult {
  return result(CanisterExecutionState.restored(module as CompiledModule, image, false))
}

/** A canister as a snapshot holds it; to be persisted as a whole at the next checkpoint. */
export function loadSnapshot(module: CanisterModule, image: MemoryImage): StateResult {
  return result(CanisterExecutionState.restored(module as CompiledModule, image, true))
}

/** The Wasm export that an entry point runs; null for callbacks. */
function exportOf(entry: EntryPoint): string | null {
  switch (entry.kind) {
    case 'start':
      return EXPORT.start
    case 'init':
      return 'canister_init'
    case 'preUpgrade':
      return 'canister_pre_upgrade'
    case 'postUpgrade':
      return 'canister_post_upgrade'
    case 'update':
      return `canister_update ${entry.method}`
    case 'replicatedQuery':
    case 'query':
    case 'transform':
      return `canister_query ${entry.method}`
    case 'compositeQuery':
      return `canister_composite_query ${entry.method}`
    case 'inspectMessage':
      return 'canister_inspect_message'
    case 'heartbeat':
      return 'canister_heartbeat'
    case 'globalTimer':
      return 'canister_global_timer'
    case 'lowWasmMemory':
      return 'canister_on_low_wasm_memory'
    default:
      return null
  }
}

/** Whether the module exports what the entry point runs. Callbacks are looked up when they run. */
export function hasEntryPoint(module: CanisterModule, entry: EntryPoint): boolean {
  switch (entry.kind) {
    case 'start':
      return module.hasStart
    case 'update':
      return module.updates.has(entry.method)
    case 'replicatedQuery':
    case 'query':
    case 'transform':
      return module.queries.has(entry.method)
    case 'compositeQuery':
      return module.compositeQueries.has(entry.method)
    default: {
      const name = exportOf(entry)
      return name === null || (module.entryPoints as ReadonlySet<string>).has(name)
    }
  }
}

function missingMethod(entry: EntryPoint): EngineError | null {
  switch (entry.kind) {
    case 'update':
      return methodNotFound('update', entry.method)
    case 'replicatedQuery':
    case 'query':
    case 'transform':
      return methodNotFound('query', entry.method)
    case 'compositeQuery':
      return methodNotFound('composite_query', entry.method)
    default:
      return null
  }
}

/** V8's texts of Wasm traps. */
function trapOf(error: WebAssembly.RuntimeError): CanisterTrap {
  const text = error.message
  if (text.includes('unreachable')) return trapped('unreachable')
  if (text.includes('memory access out of bounds') || text.includes('data segment')) return trapped('heap out of bounds')
  if (text.includes('divide by zero') || text.includes('remainder by zero')) return trapped('integer division by 0')
  if (text.includes('table index is out of bounds') || text.includes('table access') || text.includes('table out')) {
    return trapped('table out of bounds')
  }
  if (text.includes('signature mismatch') || text.includes('null function')) {
    return contractViolation('function invocation does not match its signature')
  }
  return trapped('unknown')
}

function run(instance: HeapInstance, entry: EntryPoint, stack: Stack): void {
  const name = exportOf(entry)
  if (name !== null) return instance.run(name, stack)
  const { fun, env } = (entry as { closure: { fun: number; env: bigint } }).closure
  if (!instance.hasFunction(fun)) throw callbackNotFound(fun)
  const before = instance.getCounter()
  try {
    instance.runCallback(fun, env, stack)
  } catch (error) {
    // Every function is charged at its entry: an unpaid mismatch is that of the callback itself.
    if (error instanceof WebAssembly.RuntimeError && instance.getCounter() === before) throw callbackNotFound(fun)
    throw error
  }
}

/** What stopped the execution, in the canister's terms. Anything else is a broken invariant and goes on up. */
function interpret(error: unknown): CanisterTrap {
  if (error instanceof CanisterTrap) return error
  if (error instanceof WebAssembly.RuntimeError) return trapOf(error)
  if (isNativeOverflow(error)) return trapped('stack overflow')
  throw error
}

/** V8's own limit, which is not reached with REQUIRED_STACK_MB of stack. */
function isNativeOverflow(error: unknown): boolean {
  return error instanceof RangeError && error.message.includes('call stack')
}

const NOTHING: ExecutionOutcome = {
  error: null,
  instructionsUsed: 0n,
  logs: [],
  heapDirtyPages: 0,
  stableDirtyPages: 0,
  delta: null,
}

/**
 * Runs one entry point. Never commits: on success the transaction stays open for the caller to commit or roll back;
 * on an error everything since the last commit has been rolled back.
 */
export function executeEntryPoint(target: ExecutionState, input: ExecutionInput): ExecutionOutcome {
  const state = target as CanisterExecutionState
  const { entry } = input
  if (!hasEntryPoint(state.module, entry)) {
    const error = missingMethod(entry)
    if (error) {
      state.rollback()
      return { ...NOTHING, error }
    }
    const unchanged = {
      calls: [], cyclesAccepted: 0n, cyclesBurned: 0n, cyclesMinted: 0n, accepted: false,
      heapBytes: state.heapBytes, stableBytes: state.stableBytes,
    } // prettier-ignore
    return { ...NOTHING, delta: unchanged }
  }
  // A thread with less stack than the instrumentation may use: V8 might end a recursion first.
  const kept = THREAD_HAS_BIG_STACK ? undefined : state.keepOpen()
  const repeatable = !THREAD_HAS_BIG_STACK && (!state.isOpen || kept !== undefined)
  const outcome = execute(state, input, { stack: 'thread', repeatable })
  if (outcome !== 'ended by V8') return outcome
  state.rollback()
  if (kept !== undefined) state.resume(kept)
  return execute(state, input, { stack: 'big' })
}

function execute(
  state: CanisterExecutionState, input: ExecutionInput, how: { readonly stack: 'big' },
): ExecutionOutcome
function execute(
  state: CanisterExecutionState, input: ExecutionInput, how: { readonly stack: Stack; readonly repeatable?: boolean },
): ExecutionOutcome | 'ended by V8'
function execute(
  state: CanisterExecutionState, input: ExecutionInput, how: { readonly stack: Stack; readonly repeatable?: boolean },
): ExecutionOutcome | 'ended by V8' {
  const { entry } = input
  const instance = state.begin()
  const touchedBefore = instance.touchedCount
  const api = new SystemApi(input, instance, state.stable, state.committedBytes)
  const limit = input.instructionLimit
  instance.prepare(api, limit)
  let trap: CanisterTrap | null = null
  let thrown: unknown
  const { onTrap } = input.system
  try {
    if (onTrap) traced(() => run(instance, entry, how.stack))
    else run(instance, entry, how.stack)
    api.finish()
  } catch (error) {
    if (how.repeatable === true && isNativeOverflow(error)) return 'ended by V8'
    trap = interpret(error)
    thrown = error
  } finally {
    instance.api = null
  }
  const heapDirtyPages = instance.touchedCount - touchedBefore
  const pageCost = state.module.memory64 ? DIRTY_PAGE_COST_64 : DIRTY_PAGE_COST_32
  const left = instance.getCounter() - pageCost * BigInt(heapDirtyPages)
  if (left < 0n && trap === null) trap = api.outOfInstructions()
  const instructionsUsed = left < 0n ? limit : limit - left
  const stableDirtyPages = api.stableDirtyPages
  if (trap !== null) {
    onTrap?.({ error: trap.error, entryPoint: exportOf(entry) ?? entry.kind, module: state.module, frames: trapFrames(state.module, thrown) })
    if (trap.logText !== undefined) api.addLog(new TextEncoder().encode(`[TRAP]: ${trap.logText}`))
    state.rollback()
    return { error: trap.error, instructionsUsed, logs: api.logs, heapDirtyPages, stableDirtyPages, delta: null }
  }
  return { error: null, instructionsUsed, logs: api.logs, heapDirtyPages, stableDirtyPages, delta: api.delta() }
}
