import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createExecutionState } from './engine.ts'
import { compileOrThrow, execute, freshState, type RunOptions, wat } from './testing.ts'
import type { EntryPoint, ExecutionState, Trap, TrapFrame } from './types.ts'

const TRAP = '(import "ic0" "trap" (func $trap (param i32 i32)))'
const UPDATE: EntryPoint = { kind: 'update', method: 'u' }

function trapOf(state: ExecutionState, entry = UPDATE, options: RunOptions = {}): Trap {
  let seen: Trap | undefined
  const outcome = execute(state, entry, { ...options, system: { ...options.system, onTrap: (trap) => (seen = trap) } })
  expect(seen?.error).toEqual(outcome.error)
  expect(outcome.error).not.toBeNull()
  return seen!
}

/** Frames that V8 gives for an export of the module as it is, without instrumentation. */
function original(bytes: Uint8Array, name: string): { functionIndex: number; offset: number }[] {
  const ic0 = { trap: () => { throw new Error('trap') } } // prettier-ignore
  const instance = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(bytes)), { ic0 })
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 64
  try {
    ;(instance.exports[name] as () => void)()
  } catch (error) {
    return [...(error as Error).stack!.matchAll(/wasm-function\[(\d+)\]:0x([0-9a-f]+)/g)].map(([, index, offset]) => ({
      functionIndex: Number(index),
      offset: Number.parseInt(offset!, 16),
    }))
  } finally {
    Error.stackTraceLimit = limit
  }
  throw new Error('did not trap')
}

const places = (frames: readonly TrapFrame[]): { functionIndex: number; offset: number }[] =>
  frames.map(({ functionIndex, offset }) => ({ functionIndex, offset }))

/** What traps, three calls deep, with instructions around it that the instrumentation rewrites. */
const program = (instruction: string): string => `(module ${TRAP} (memory 1) (table 3 funcref) (elem (i32.const 0) $other)
  (global $g (mut i32) (i32.const 3))
  (func $other (param i32))
  (func $inner (param $n i32) (local $i i32) (local $f f64)
    (local.set $f (f64.sqrt (f64.load (i32.const 8))))
    (i32.store offset=16 (local.get $n) (i32.const 7))
    (loop $again
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 5))))
    (if (i32.eq (local.get $i) (i32.const 5)) (then ${instruction}))
    (i32.store (i32.const 0) (i32.const 1)))
  (func $middle (param $n i32) (result i32)
    (i32.store8 (i32.const 40) (local.get $n))
    (call $inner (i32.add (local.get $n) (i32.const 1)))
    (local.get $n))
  (func $outer (export "canister_update u")
    (global.set $g (i32.mul (global.get $g) (call $middle (i32.const 300))))))`

const TRAPS: readonly (readonly [kind: string, instruction: string, code: string, text: string])[] = [
  ['a division by zero', '(local.set $i (i32.div_u (local.get $i) (i32.const 0)))', 'IC0502', 'integer division by 0'],
  ['a remainder by zero', '(drop (i64.rem_s (i64.const 1) (i64.extend_i32_u (i32.load (i32.const 900)))))', 'IC0502', 'integer division by 0'],
  ['unreachable', '(unreachable)', 'IC0502', 'unreachable'],
  ['a load outside memory', '(local.set $i (i32.load (i32.const 65533)))', 'IC0502', 'heap out of bounds'],
  ['a store outside memory', '(i64.store (i32.const -8) (i64.const 1))', 'IC0502', 'heap out of bounds'],
  ['a store that begins inside memory', '(i64.store (i32.const 65532) (i64.const 1))', 'IC0502', 'heap out of bounds'],
  ['a store with an offset outside memory', '(i32.store16 offset=65536 (i32.const 0) (i32.const 1))', 'IC0502', 'heap out of bounds'],
  ['a copy outside memory', '(memory.copy (i32.const 65530) (i32.const 0) (i32.const 100))', 'IC0502', 'heap out of bounds'],
  ['a fill outside memory', '(memory.fill (i32.const 65530) (i32.const 0) (i32.const 100))', 'IC0502', 'heap out of bounds'],
  ['an indirect call of another type', '(call_indirect (i32.const 0))', 'IC0504', 'does not match its signature'],
  ['an indirect call of nothing', '(call_indirect (i32.const 2))', 'IC0504', 'does not match its signature'],
  ['an indirect call outside the table', '(call_indirect (i32.const 3))', 'IC0502', 'table out of bounds'],
  ['a float that is no integer', '(local.set $i (i32.trunc_f64_u (f64.const 1e20)))', 'IC0502', ''],
  ['ic0.trap', '(call $trap (i32.const 0) (i32.const 3))', 'IC0503', 'ic0.trap'],
] // prettier-ignore

describe('where a canister trapped', () => {
  for (const [kind, instruction, code, text] of TRAPS) {
    it(`${kind} is found with its callers, as in the module as uploaded`, () => {
      const bytes = wat(program(instruction))
      const trap = trapOf(freshState(compileOrThrow(bytes)))
      expect(trap.error).toMatchObject({ code, message: expect.stringContaining(text) as string })
      const expected = original(bytes, 'canister_update u')
      expect(places(trap.frames())).toEqual(expected)
      expect(expected).toHaveLength(3)
    })
  }

  for (const [kind, name, type, call] of [
    ['that is not allowed here', 'accept_message', '', '(call $f)'],
    ['outside memory', 'msg_reply_data_append', '(param i32 i32)', '(call $f (i32.const 65536) (i32.const 1))'],
    ['outside stable memory', 'stable64_write', '(param i64 i64 i64)', '(call $f (i64.const 9) (i64.const 0) (i64.const 1))'],
  ] as const) {
    it(`a System API call ${kind} is found`, () => {
      const bytes = wat(`(module (import "ic0" "${name}" (func $f ${type})) (memory 1)
        (func $inner (nop) ${call}) (func (export "canister_update u") (call $inner)))`)
      const [inner, outer, ...rest] = trapOf(freshState(compileOrThrow(bytes))).frames()
      expect(rest).toEqual([])
      expect(inner).toMatchObject({ functionIndex: 1, name: undefined, offset: bytes.lastIndexOf(0x10, bytes.lastIndexOf(0x10) - 1) })
      expect(outer).toMatchObject({ functionIndex: 2, name: undefined, offset: bytes.lastIndexOf(0x10) })
    })
  }

  it('the end of the instructions is found in the loop that used them up', () => {
    const bytes = wat(`(module (func (export "canister_update u") (nop) (nop) (loop $l (nop) (br $l))))`)
    const [frame, ...rest] = trapOf(freshState(compileOrThrow(bytes)), UPDATE, { instructionLimit: 100_000n }).frames()
    expect(rest).toEqual([])
    expect(frame).toMatchObject({ functionIndex: 0, offset: bytes.indexOf(0x03, bytes.indexOf(0x0a, 8)) + 2 })
  })

  it('the end of the instructions is found in a bulk operation', () => {
    const bytes = wat(`(module (memory 1) (func (export "canister_update u")
      (memory.fill (i32.const 0) (i32.const 0) (i32.const 65536))))`)
    const [frame] = trapOf(freshState(compileOrThrow(bytes)), UPDATE, { instructionLimit: 1_000n }).frames()
    expect(frame?.offset).toBe(bytes.lastIndexOf(0xfc))
  })

  it('a recursion without end is found, and only its innermost frames are given', () => {
    const bytes = wat(`(module (func $r (param i32) (result i32) (i32.add (i32.const 1) (call $r (local.get 0))))
      (func (export "canister_update u") (drop (call $r (i32.const 1)))))`)
    const trap = trapOf(freshState(compileOrThrow(bytes)))
    expect(trap.error.message).toContain('stack overflow')
    const frames = trap.frames()
    expect(frames).toHaveLength(50)
    const first = bytes.indexOf(0x41, bytes.indexOf(0x0a, 8)) // the function's first instruction
    expect(frames[0]).toMatchObject({ functionIndex: 0, offset: first })
    expect(new Set(frames.slice(1).map((f) => f.offset))).toEqual(new Set([bytes.indexOf(0x10, first)]))
  })

  it('a callback is found', () => {
    const bytes = wat(`(module (table 1 funcref) (elem (i32.const 0) $f) (func $f (param i32) (unreachable)))`)
    const frames = trapOf(freshState(compileOrThrow(bytes)), { kind: 'replyCallback', closure: { fun: 0, env: 0n } }).frames()
    expect(frames).toEqual([{ functionIndex: 0, name: undefined, offset: bytes.lastIndexOf(0x00), functionEnd: bytes.lastIndexOf(0x0b) + 1 }])
  })

  it('functions are called by their names, if the module has any', () => {
    const named = Buffer.concat([wat('(module (func $f (unreachable)) (func (export "canister_update u") (call $f)))'), nameSection(['inner', 'the outer one'])])
    expect(trapOf(freshState(compileOrThrow(named))).frames().map((f) => f.name)).toEqual(['inner', 'the outer one'])
  })

  it('a malformed name section gives no names and no failure', () => {
    const section = nameSection(['inner', 'outer'])
    section[12] = 0xff
    const broken = Buffer.concat([wat('(module (func $f (unreachable)) (func (export "canister_update u") (call $f)))'), section])
    expect(trapOf(freshState(compileOrThrow(broken))).frames().map((f) => f.name)).toEqual([undefined, undefined])
  })

  it('nobody listening, the outcome is the same', () => {
    for (const [, instruction] of TRAPS) {
      const module = compileOrThrow(wat(program(instruction)))
      const heard = execute(freshState(module), UPDATE, { system: { onTrap: () => undefined } })
      expect(heard).toEqual(execute(freshState(module), UPDATE))
    }
  })

  it('memories of 64 bits too', () => {
    const bytes = wat(`(module (memory i64 1) (func $f (i64.store (i64.const 65530) (i64.const 1)))
      (func (export "canister_update u") (call $f)))`)
    expect(places(trapOf(freshState(compileOrThrow(bytes))).frames())).toEqual(original(bytes, 'canister_update u'))
  })

  it('random programs trap where the module as uploaded does', () => {
    fc.assert(
      fc.property(fc.array(statement(3), { minLength: 1, maxLength: 6 }), fc.array(statement(3), { maxLength: 6 }), fc.array(statement(3), { maxLength: 6 }), (a, b, c) => {
        const bytes = wat(`(module (memory 1) (table 2 funcref) (elem (i32.const 0) $t) (global $g (mut i64) (i64.const 0))
          (func $t (param i32))
          (func $a (param i32) (local i32 f64) ${a.join(' ')})
          (func $b (param i32) (local i32 f64) (call $a (local.get 0)) ${b.join(' ')})
          (func $c (param i32) (local i32 f64) ${c.join(' ')} (call $b (local.get 0)))
          (func (export "canister_update u") (call $c (i32.const 70000)) (unreachable)))`)
        const created = createExecutionState(compileOrThrow(bytes))
        if (!created.ok) throw new Error(created.error.message)
        expect(places(trapOf(created.state).frames())).toEqual(original(bytes, 'canister_update u'))
      }),
      { numRuns: 200 },
    )
  })
})

/** Statements of all the kinds that are rewritten; some of them trap. */
function statement(depth: number): fc.Arbitrary<string> {
  const leaf = fc.constantFrom(
    '(nop)',
    '(local.set 1 (i32.add (local.get 1) (i32.const 12345)))',
    '(i32.store (i32.const 4092) (local.get 1))',
    '(i32.store8 offset=9 (local.get 1) (local.get 0))',
    '(local.set 2 (f64.div (local.get 2) (f64.load (local.get 1))))',
    '(f64.store (i32.const 128) (f64.mul (local.get 2) (f64.const 0.5)))',
    '(local.set 1 (i32.div_s (local.get 0) (local.get 1)))',
    '(global.set $g (i64.extend_i32_s (local.get 1)))',
    '(memory.copy (i32.const 0) (local.get 1) (i32.const 8))',
    '(local.set 1 (i32.load16_u (local.get 0)))',
    '(call $t (i32.const 1))',
    '(call_indirect (param i32) (local.get 1) (i32.const 0))',
    '(call_indirect (i32.const 0))',
    '(local.set 1 (memory.grow (i32.const 0)))',
    '(return)',
  )
  if (depth === 0) return leaf
  const inner = fc.array(statement(depth - 1), { maxLength: 3 }).map((list) => list.join(' '))
  return fc.oneof(
    leaf,
    inner.map((body) => `(block ${body})`),
    inner.map((body) => `(loop ${body})`),
    fc.tuple(inner, inner).map(([then, otherwise]) => `(if (local.get 1) (then ${then}) (else ${otherwise}))`),
    inner.map((body) => `(block (br_if 0 (local.get 1)) ${body})`),
  )
}

function nameSection(names: string[]): Buffer {
  const map = Buffer.concat(names.map((name, i) => Buffer.from([i, name.length, ...Buffer.from(name)])))
  const part = Buffer.from([1, map.length + 1, names.length, ...map])
  return Buffer.from([0, part.length + 5, 4, ...Buffer.from('name'), ...part])
}
