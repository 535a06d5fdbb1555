import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadSnapshot, restoreExecutionState } from './engine.ts'
import { compileOrThrow, execute, freshState, query, stateOf, update, wat } from './testing.ts'
import { type CanisterModule, type ExecutionState, PAGE_BYTES, type PageSource, WASM_PAGE_BYTES } from './types.ts'

/**
 * Random programs against a model that copies everything. A program is a list of operations; it becomes one method of
 * a module, with the stores' widths and addresses as constants, and is also run on the model.
 */
type Operation =
  | { kind: 'store'; width: 1 | 2 | 4 | 8 | 16; address: number; offset: number; value: number }
  | { kind: 'fill'; address: number; size: number; value: number }
  | { kind: 'copy'; to: number; from: number; size: number }
  | { kind: 'init'; address: number; from: number; size: number }
  | { kind: 'drop' }
  | { kind: 'grow'; pages: number }
  | { kind: 'global'; value: number }
  | { kind: 'stableGrow'; pages: number }
  | { kind: 'stableWrite'; offset: number; from: number; size: number }
  | { kind: 'stableRead'; to: number; offset: number; size: number }
  | { kind: 'call'; body: Operation[] }
  | { kind: 'trap' }

interface Model {
  heap: Uint8Array
  stable: Uint8Array
  global: number
  dropped: boolean
}

const PASSIVE = Uint8Array.from({ length: 64 }, (_, i) => i + 1)
const MAX_PAGES = 6
const MAX_STABLE_PAGES = 4

class Trap extends Error {}

function need(condition: boolean): void {
  if (!condition) throw new Trap()
}

function runModel(model: Model, operations: readonly Operation[]): void {
  for (const op of operations) {
    switch (op.kind) {
      case 'store': {
        const at = op.address + op.offset
        need(at + op.width <= model.heap.length)
        for (let i = 0; i < op.width; i++) model.heap[at + i] = (op.value + i) & 0xff
        break
      }
      case 'fill':
        need(op.address + op.size <= model.heap.length)
        model.heap.fill(op.value & 0xff, op.address, op.address + op.size)
        break
      case 'copy':
        need(op.to + op.size <= model.heap.length && op.from + op.size <= model.heap.length)
        model.heap.copyWithin(op.to, op.from, op.from + op.size)
        break
      case 'init':
        need(op.address + op.size <= model.heap.length && op.from + op.size <= (model.dropped ? 0 : PASSIVE.length))
        model.heap.set(PASSIVE.subarray(op.from, op.from + op.size), op.address)
        break
      case 'drop':
        model.dropped = true
        break
      case 'grow': {
        const pages = model.heap.length / WASM_PAGE_BYTES + op.pages
        if (pages > MAX_PAGES) break
        const next = new Uint8Array(pages * WASM_PAGE_BYTES)
        next.set(model.heap)
        model.heap = next
        break
      }
      case 'global':
        model.global = op.value
        break
      case 'stableGrow': {
        if (model.stable.length / WASM_PAGE_BYTES + op.pages > MAX_STABLE_PAGES) throw new Trap()
        const next = new Uint8Array(model.stable.length + op.pages * WASM_PAGE_BYTES)
        next.set(model.stable)
        model.stable = next
        break
      }
      case 'stableWrite':
        if (op.size === 0) break
        need(op.offset + op.size <= model.stable.length && op.from + op.size <= model.heap.length)
        model.stable.set(model.heap.subarray(op.from, op.from + op.size), op.offset)
        break
      case 'stableRead':
        if (op.size === 0) break
        need(op.offset + op.size <= model.stable.length && op.to + op.size <= model.heap.length)
        model.heap.set(model.stable.subarray(op.offset, op.offset + op.size), op.to)
        break
      case 'call':
        runModel(model, op.body)
        break
      case 'trap':
        throw new Trap()
    }
  }
}

const STORES: Record<number, readonly string[]> = {
  1: ['i32.store8', 'i64.store8'],
  2: ['i32.store16', 'i64.store16'],
  4: ['i32.store', 'i64.store32', 'f32.store'],
  8: ['i64.store', 'f64.store'],
  16: ['v128.store'],
}

/** The methods of one module: p0, p1, … each running one program. */
function moduleText(programs: readonly (readonly Operation[])[], is64: boolean): string {
  const I = is64 ? 'i64' : 'i32'
  const address = (n: number): string => `(${I}.const ${n})`
  const functions: string[] = []
  let choice = 0
  const body = (operations: readonly Operation[]): string =>
    operations
      .map((op): string => {
        switch (op.kind) {
          case 'store': {
            const variants = STORES[op.width]!
            const store = variants[choice++ % variants.length]!
            let value = 0n
            for (let i = op.width - 1; i >= 0; i--) value = (value << 8n) | BigInt((op.value + i) & 0xff)
            const bits = `(i64.const ${BigInt.asIntN(64, value)})`
            const typed: Record<string, string> = {
              'i64.store': bits,
              'f64.store': `(f64.reinterpret_i64 ${bits})`,
              'f32.store': `(f32.reinterpret_i32 (i32.wrap_i64 ${bits}))`,
              'v128.store': `(v128.const i64x2 ${BigInt.asIntN(64, value)} ${BigInt.asIntN(64, value >> 64n)})`,
            }
            const operand = typed[store] ?? (store.startsWith('i64') ? bits : `(i32.wrap_i64 ${bits})`)
            return `(${store} offset=${op.offset} ${address(op.address)} ${operand})`
          }
          case 'fill':
            return `(memory.fill ${address(op.address)} (i32.const ${op.value}) ${address(op.size)})`
          case 'copy':
            return `(memory.copy ${address(op.to)} ${address(op.from)} ${address(op.size)})`
          case 'init':
            return `(memory.init $passive ${address(op.address)} (i32.const ${op.from}) (i32.const ${op.size}))`
          case 'drop':
            return '(data.drop $passive)'
          case 'grow':
            return `(drop (memory.grow ${address(op.pages)}))`
          case 'global':
            return `(global.set $g (i32.const ${op.value}))`
          case 'stableGrow':
            return `(if (i64.gt_u (i64.add (call $size) (i64.const ${op.pages})) (i64.const ${MAX_STABLE_PAGES})) (then unreachable)) (drop (call $grow (i64.const ${op.pages})))`
          case 'stableWrite':
            return `(call $write (i64.const ${op.offset}) (i64.const ${op.from}) (i64.const ${op.size}))`
          case 'stableRead':
            return `(call $read (i64.const ${op.to}) (i64.const ${op.offset}) (i64.const ${op.size}))`
          case 'call': {
            const inner = body(op.body)
            const index = functions.push('') - 1
            functions[index] = `(func $f${index} ${inner})`
            return `(call $f${index})`
          }
          case 'trap':
            return 'unreachable'
        }
      })
      .join('\n')
  const methods = programs.map((p, i) => `(func $p${i} ${body(p)})
    (export "canister_update p${i}" (func $p${i}))`)
  const queries = programs.map((_, i) => `(func (export "canister_query q${i}") (call $p${i}))`)
  return `(module
    (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
    (import "ic0" "stable64_size" (func $size (result i64)))
    (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
    (import "ic0" "stable64_read" (func $read (param i64 i64 i64)))
    (memory ${is64 ? 'i64' : ''} 2 ${MAX_PAGES}) (global $g (mut i32) (i32.const 7)) (global $v (mut v128) (v128.const i32x4 1 2 3 4))
    (data $active (${I}.const 5000) "\\aa\\bb\\cc")
    (data $passive "${[...PASSIVE].map((b) => `\\${b.toString(16).padStart(2, '0')}`).join('')}")
    ${functions.join('\n')} ${methods.join('\n')} ${queries.join('\n')})`
}

const LAST = MAX_PAGES * WASM_PAGE_BYTES
/** Addresses around page borders are the interesting ones. */
const address = fc.oneof(
  fc.integer({ min: 0, max: LAST - 1 }),
  fc.tuple(fc.integer({ min: 0, max: LAST / PAGE_BYTES }), fc.integer({ min: -9, max: 9 })).map(([page, delta]) => Math.max(0, page * PAGE_BYTES + delta)),
)
const size = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 20_000 }))
const width = fc.constantFrom(1 as const, 2 as const, 4 as const, 8 as const, 16 as const)
const byte = fc.integer({ min: 0, max: 255 })

const simple = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('store' as const), width, address, offset: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 9000 })), value: byte }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('fill' as const), address, size, value: byte }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('copy' as const), to: address, from: address, size }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('init' as const), address, from: fc.integer({ min: 0, max: 40 }), size: fc.integer({ min: 0, max: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('grow' as const), pages: fc.integer({ min: 0, max: 2 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('global' as const), value: fc.integer({ min: 0, max: 1000 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('stableGrow' as const), pages: fc.integer({ min: 0, max: 2 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('stableWrite' as const), offset: fc.integer({ min: 0, max: 140_000 }), from: address, size }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('stableRead' as const), to: address, offset: fc.integer({ min: 0, max: 140_000 }), size }) },
)
const program: fc.Arbitrary<Operation[]> = fc
  .tuple(
    fc.array(fc.oneof({ weight: 6, arbitrary: simple }, { weight: 1, arbitrary: fc.array(simple, { maxLength: 4 }).map((body) => ({ kind: 'call' as const, body })) }), { minLength: 1, maxLength: 12 }),
    fc.boolean(),
  )
  .map(([operations, traps]) => (traps ? [...operations, { kind: 'trap' as const }] : operations))

type Step =
  | { do: 'update' | 'query' | 'evict' | 'checkpoint' | 'park' | 'limit'; program: number }
const step: fc.Arbitrary<Step> = fc.record({
  do: fc.oneof(
    { weight: 8, arbitrary: fc.constant('update' as const) },
    { weight: 4, arbitrary: fc.constant('query' as const) },
    { weight: 1, arbitrary: fc.constant('evict' as const) },
    { weight: 1, arbitrary: fc.constant('checkpoint' as const) },
    { weight: 1, arbitrary: fc.constant('park' as const) },
    { weight: 1, arbitrary: fc.constant('limit' as const) },
  ),
  program: fc.nat(100),
})

const clone = (m: Model): Model => ({ heap: m.heap.slice(), stable: m.stable.slice(), global: m.global, dropped: false })

function expectSame(state: ExecutionState, model: Model): void {
  expect(state.heapBytes).toBe(model.heap.length)
  expect(state.stableBytes).toBe(model.stable.length)
  expect(state.globals[0]).toEqual({ type: 'i32', value: model.global })
  expect(Buffer.compare(state.readHeap(0, state.heapBytes), model.heap)).toBe(0)
  expect(Buffer.compare(state.readStable(0, state.stableBytes), model.stable)).toBe(0)
}

/** A store of checkpoints: pages by index. */
class Store {
  heap = new Map<number, Uint8Array>()
  stable = new Map<number, Uint8Array>()
  source(pages: Map<number, Uint8Array>): PageSource {
    return { page: (i) => pages.get(i), indices: () => pages.keys() }
  }
  checkpoint(state: ExecutionState): void {
    const changes = state.changesSinceCheckpoint()
    for (const [pages, change] of [[this.heap, changes.heap], [this.stable, changes.stable]] as const) {
      if (change.replaced) pages.clear()
      for (const [index, page] of change.pages()) pages.set(index, page.slice())
    } // prettier-ignore
    state.markCheckpointed(this.source(this.heap), this.source(this.stable))
    expect(state.hasChangesSinceCheckpoint).toBe(false)
  }
  restore(module: CanisterModule, of: ExecutionState): ExecutionState {
    const result = restoreExecutionState(module, {
      heapBytes: of.heapBytes, heap: this.source(this.heap), stableBytes: of.stableBytes, stable: this.source(this.stable), globals: of.globals,
    }) // prettier-ignore
    if (!result.ok) throw new Error(result.error.message)
    return result.state
  }
}

function play(programs: Operation[][], steps: Step[], is64: boolean): void {
  const module = compileOrThrow(wat(moduleText(programs, is64)))
  const state = freshState(module)
  const store = new Store()
  let model: Model = { heap: new Uint8Array(2 * WASM_PAGE_BYTES), stable: new Uint8Array(0), global: 7, dropped: false }
  model.heap.set([0xaa, 0xbb, 0xcc], 5000)
  for (const { do: what, program: n } of steps) {
    const index = n % programs.length
    const next = clone(model)
    let trapped = false
    try {
      runModel(next, programs[index]!)
    } catch (error) {
      if (!(error instanceof Trap)) throw error
      trapped = true
    }
    switch (what) {
      case 'update': {
        const outcome = update(state, `p${index}`)
        expect(outcome.error !== null, outcome.error?.message).toBe(trapped)
        if (!trapped) model = next
        break
      }
      case 'query':
        expect(query(state, `q${index}`).error !== null).toBe(trapped)
        break
      case 'limit':
        expect(update(state, `p${index}`, { instructionLimit: 1n }).error).not.toBeNull()
        break
      case 'park': {
        if (execute(state, { kind: 'query', method: `q${index}` }).error !== null) break
        const delta = state.park()
        expectSame(state, model)
        state.resume(delta)
        expectSame(state, next)
        state.rollback()
        break
      }
      case 'evict':
        state.evict()
        expect(state.isLive).toBe(false)
        break
      case 'checkpoint':
        store.checkpoint(state)
        expectSame(store.restore(module, state), model)
    }
    expectSame(state, { ...model, dropped: false })
  }
  const image = state.snapshot()
  const loaded = loadSnapshot(module, image)
  if (!loaded.ok) throw new Error(loaded.error.message)
  expectSame(loaded.state, model)
  store.checkpoint(loaded.state)
  expectSame(store.restore(module, loaded.state), model)
}

describe('commit and rollback', () => {
  for (const is64 of [false, true]) {
    it(`random programs agree with a model that copies all memory (${is64 ? 64 : 32} bit)`, () => {
      fc.assert(
        fc.property(fc.array(program, { minLength: 1, maxLength: 5 }), fc.array(step, { minLength: 1, maxLength: 14 }), (programs, steps) =>
          play(programs, steps, is64),
        ),
        { numRuns: 150 },
      )
    }, 120_000)
  }

  it('the host accesses what a store needs only once per page', () => {
    const state = stateOf(`(module (memory 4) (func (export "canister_update u") (local $i i32)
      (loop (i32.store (local.get $i) (i32.const 1)) (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 40000))))))`)
    expect(update(state, 'u').heapDirtyPages).toBe(10)
    expect(state.changesSinceCheckpoint().heap.pageCount).toBe(10)
  })

  it('several executions before a commit are one transaction', () => {
    const state = stateOf(`(module (memory 1) (global $g (mut i32) (i32.const 0))
      (func (export "canister_update a") (i32.store8 (i32.const 0) (i32.const 1)) (global.set $g (i32.const 5)))
      (func (export "canister_update b") (i32.store8 (i32.const 5000) (i32.const 2)) (drop (memory.grow (i32.const 1))))
      (func (export "canister_update c") unreachable))`)
    const run = (method: string): unknown => execute(state, { kind: 'update', method }).error
    expect(run('a')).toBeNull()
    expect(run('b')).toBeNull()
    expect(run('c')).not.toBeNull()
    expect([state.readHeap(0, 1)[0], state.readHeap(5000, 1)[0], state.heapBytes, state.globals[0]]).toEqual([
      0, 0, 65_536, { type: 'i32', value: 0 },
    ])
    run('a')
    run('b')
    state.commit()
    expect([state.readHeap(0, 1)[0], state.readHeap(5000, 1)[0], state.heapBytes]).toEqual([1, 2, 131_072])
  })

  it('an upgrade keeps stable memory and, if asked, the heap; a failed one changes nothing', () => {
    const text = (mark: number): string => `(module
      (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
      (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
      (memory 1) (data (i32.const 0) "new") (global (mut i32) (i32.const ${mark}))
      (func (export "canister_update u") (i32.store8 (i32.const 100) (i32.const 9)) (drop (call $grow (i64.const 1))))
      (func (export "canister_pre_upgrade") (i32.store8 (i32.const 200) (i32.const ${mark})) (call $write (i64.const 0) (i64.const 200) (i64.const 1)))
      (func (export "canister_post_upgrade") (if (i32.eq (i32.const ${mark}) (i32.const 3)) (then unreachable))))`
    const old = stateOf(text(1))
    update(old, 'u')
    for (const keepHeap of [false, true]) {
      expect(execute(old, { kind: 'preUpgrade' }).error).toBeNull()
      const failed = old.forUpgrade(compileOrThrow(wat(text(3))), { keepHeap })
      expect(execute(failed, { kind: 'postUpgrade' }).error?.code).toBe('IC0502')
      failed.dispose()
      old.rollback()
      expect([old.readStable(0, 1)[0], old.readHeap(200, 1)[0], old.readHeap(100, 1)[0]]).toEqual([0, 0, 9])
    }
    expect(execute(old, { kind: 'preUpgrade' }).error).toBeNull()
    const kept = old.forUpgrade(compileOrThrow(wat(text(2))), { keepHeap: true })
    expect(execute(kept, { kind: 'postUpgrade' }).error).toBeNull()
    kept.commit()
    old.dispose()
    expect([kept.readStable(0, 1)[0], kept.readHeap(100, 1)[0], kept.readHeap(200, 1)[0], kept.globals[0]]).toEqual([
      1, 9, 1, { type: 'i32', value: 2 },
    ])
    expect(execute(kept, { kind: 'preUpgrade' }).error).toBeNull()
    const wiped = kept.forUpgrade(compileOrThrow(wat(text(4))), { keepHeap: false })
    wiped.commit()
    expect([wiped.readStable(0, 1)[0], wiped.readHeap(100, 1)[0], new TextDecoder().decode(wiped.readHeap(0, 3))]).toEqual([2, 0, 'new'])
  })
})
