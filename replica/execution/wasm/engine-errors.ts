/** The texts of execution errors, as the replica gives them (without the "Error from Canister" prefix). */
import { isTracing } from './trap-stack.ts'
import type { EngineError, EngineErrorCode } from './types.ts'

const DOCUMENTATION = 'https://internetcomputer.org/docs/current/references/execution-errors'

function help(core: string, suggestion: string, anchor: string): string {
  return `${core}.\n${suggestion} See documentation: ${DOCUMENTATION}#${anchor}`
}

const HANDLE_FAILURES =
  'Consider gracefully handling failures from this canister or altering the canister to handle exceptions.'

/** Thrown to unwind the Wasm stack; never leaves the engine. */
export class CanisterTrap {
  readonly error: EngineError
  /** Text of the [TRAP] log line, if one is due. */
  readonly logText: string | undefined
  /** The host's, when traps are traced (trap-stack.ts). */
  readonly stack?: string

  constructor(code: EngineErrorCode, message: string, logText?: string) {
    this.error = { code, message }
    this.logText = logText
    if (isTracing()) Error.captureStackTrace(this)
  }
}

export type TrapKind =
  | 'stack overflow'
  | 'heap out of bounds'
  | 'stable memory out of bounds'
  | '32 bit stable memory api used on a memory larger than 4GB'
  | 'integer division by 0'
  | 'unreachable'
  | 'table out of bounds'
  | 'cycles amount exceeds 64-bit representation'
  | 'unknown'

export function trapped(kind: TrapKind): CanisterTrap {
  return new CanisterTrap('IC0502', help(`Canister trapped: ${kind}`, HANDLE_FAILURES, 'trapped'), kind)
}

export function trappedExplicitly(text: string): CanisterTrap {
  return new CanisterTrap(
    'IC0503',
    help(`Canister called \`ic0.trap\` with message: '${text}'`, HANDLE_FAILURES, 'trapped-explicitly'),
    text === '' ? '(no message)' : text,
  )
}

export function contractViolation(detail: string): CanisterTrap {
  return new CanisterTrap('IC0504', `Canister violated contract: ${detail}`)
}

export function outOfInstructions(limit: bigint): CanisterTrap {
  return new CanisterTrap(
    'IC0522',
    help(
      `Canister exceeded the limit of ${limit} instructions for single message execution`,
      'Try optimizing this canister to reduce the number of instructions executed in a single message.',
      'instruction-limit-exceeded',
    ),
  )
}

export function outOfMemory(): CanisterTrap {
  return new CanisterTrap(
    'IC0507',
    help(
      'Canister cannot grow its memory usage',
      'Try checking the canister for a possible memory leak or modifying it to use more efficient data structures.',
      'out-of-memory',
    ),
  )
}

export function memoryAccessLimit(what: string): CanisterTrap {
  return new CanisterTrap(
    'IC0524',
    help(
      `Canister exceeded memory access limits: ${what}`,
      'Try optimizing this canister to reduce the amount of memory accessed in a single message.',
      'memory-access-limit-exceeded',
    ),
  )
}

export function wasmMemoryLimitExceeded(limit: bigint, usage: bigint): CanisterTrap {
  return new CanisterTrap(
    'IC0539',
    help(
      `Canister exceeded its current Wasm memory limit of ${limit} bytes. The peak Wasm memory usage was ${usage} bytes`,
      'Try reducing the memory usage of the canister or raising its Wasm memory limit in the settings.',
      'wasm-memory-limit-exceeded',
    ),
  )
}

/** Whether a heap of so many bytes is more than the limit; 0 = no limit. */
export function wasmMemoryLimitFault(limit: number, heapBytes: number): EngineError | undefined {
  if (limit === 0 || heapBytes <= limit) return undefined
  return wasmMemoryLimitExceeded(BigInt(limit), BigInt(heapBytes)).error
}

export function callbackNotFound(fun: number): CanisterTrap {
  return new CanisterTrap('IC0513', `Canister requested to invoke a non-existent Wasm function ${fun} from table 0`)
}

export function methodNotFound(kind: 'update' | 'query' | 'composite_query' | 'system', name: string): EngineError {
  return {
    code: 'IC0536',
    message: help(
      `Canister has no ${kind} method '${name}'`,
      'Check that the method being called is exported by the target canister.',
      'method-not-found',
    ),
  }
}

export function invalidModule(detail: string): EngineError {
  return { code: 'IC0505', message: `Canister's Wasm module is not valid: ${detail}` }
}
