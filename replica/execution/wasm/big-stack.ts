/**
 * Running a function of a canister on a stack of its own, for threads whose native stack is smaller than
 * {@link REQUIRED_STACK_MB}: the thread of a test with an embedded network. There V8 would end a deep recursion before the
 * instrumentation does; the engine then undoes the message and runs it once more here, with the same result as on any
 * other thread.
 *
 * How: V8 can run Wasm on secondary stacks (made for promise integration), also for plain synchronous calls, under flags
 * meant for its own tests. They are set at the first need and only concern Wasm instances made afterwards; here that is a
 * trampoline, which tail-calls the canister's function. They stay set: an instance made under them, perhaps by another
 * thread, may not be called without them. The price: from then on, entering and leaving Wasm that the process instantiates
 * is slower, for a compiler with millions of small calls many times. Should a V8 not know the flags, a recursion too deep
 * for the thread traps earlier than elsewhere, as it would without all this.
 */
import { setFlagsFromString } from 'node:v8'
import { resourceLimits } from 'node:worker_threads'
import { REQUIRED_STACK_MB } from './instrument.ts'

/** False on threads that V8 limits to less than the instrumentation may use. */
export const THREAD_HAS_BIG_STACK = (resourceLimits.stackSizeMb ?? 0) >= REQUIRED_STACK_MB

/** Where an execution runs: on the thread's own stack, or on one of REQUIRED_STACK_MB. */
export type Stack = 'thread' | 'big'

/** `(module (import "h" "f" (func $f (param …))) (func (export "f") (param …) (return_call $f …)))` for each signature. */
const TRAMPOLINES = {
  '': '0061736d0100000001040160000002070101680166000003020100070501016600010a0601040012000b',
  'i32 i32': '0061736d0100000001060160027f7f0002070101680166000003020100070501016600010a0a0108002000200112000b',
  'i32 i64': '0061736d0100000001060160027f7e0002070101680166000003020100070501016600010a0a0108002000200112000b',
} as const

export type TrampolineSignature = keyof typeof TRAMPOLINES

const compiled = new Map<TrampolineSignature, WebAssembly.Module>()

function trampoline(signature: TrampolineSignature): WebAssembly.Module {
  let module = compiled.get(signature)
  if (module === undefined) {
    setFlagsFromString('--stress-wasm-stack-switching')
    // The size is the smaller of the two; the second alone leaves the thread's own stack as it is.
    setFlagsFromString(`--wasm-stack-switching-stack-size=${REQUIRED_STACK_MB * 1024}`)
    setFlagsFromString(`--stack-size=${REQUIRED_STACK_MB * 1024}`)
    module = new WebAssembly.Module(Uint8Array.from(Buffer.from(TRAMPOLINES[signature], 'hex')))
    compiled.set(signature, module)
  }
  return module
}

/** `exported` is an exported Wasm function of that signature; what it throws comes through. */
export function callOnBigStack(
  signature: TrampolineSignature, exported: WebAssembly.Exports[string], ...args: readonly (number | bigint)[]
): void {
  const instance = new WebAssembly.Instance(trampoline(signature), { h: { f: exported } })
  ;(instance.exports['f'] as (...args: readonly (number | bigint)[]) => void)(...args)
}
