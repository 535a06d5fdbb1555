import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileModule, createExecutionState } from './engine.ts'
import { compileOrThrow, execute, update, wat } from './testing.ts'

function refusal(bytes: Uint8Array): string {
  const result = compileModule(bytes)
  if (result.ok) return 'accepted'
  expect(result.error.code).toBe('IC0505')
  expect(result.error.message.startsWith("Canister's Wasm module is not valid: ")).toBe(true)
  return result.error.message.slice("Canister's Wasm module is not valid: ".length)
}

const refused = (text: string, extra: Record<string, boolean> = {}): string => refusal(wat(text, extra))

/** A custom section after a minimal module. */
function withSections(...sections: readonly (readonly [name: string, content: Uint8Array])[]): Uint8Array {
  const parts: number[] = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
  const leb = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...leb(n >>> 7)])
  for (const [name, content] of sections) {
    const nameBytes = new TextEncoder().encode(name)
    const body = [...leb(nameBytes.length), ...nameBytes, ...content]
    parts.push(0, ...leb(body.length))
    for (const b of body) parts.push(b)
  }
  return Uint8Array.from(parts)
}

describe('module format', () => {
  it('accepts raw and gzip modules and hashes what was uploaded', () => {
    const raw = wat('(module (func (export "canister_update u")))')
    const zipped = new Uint8Array(gzipSync(raw))
    const a = compileOrThrow(raw)
    const b = compileOrThrow(zipped)
    expect(a.hash).not.toEqual(b.hash)
    expect([...b.updates]).toEqual(['u'])
    expect(b.bytes).toEqual(zipped)
    expect(compileOrThrow(raw)).toBe(a)
  })

  it('refuses what is neither, and gzip with a false length', () => {
    expect(refusal(new Uint8Array(0))).toContain('unsupported canister module format')
    expect(refusal(Uint8Array.of(1, 2, 3))).toContain('unsupported canister module format')
    expect(refusal(Uint8Array.of(0x1f, 0x8b, 8))).toContain('unsupported canister module format')
    const zipped = new Uint8Array(gzipSync(wat('(module)')))
    zipped[zipped.length - 4]! ^= 1
    expect(refusal(zipped)).toContain('gzip')
  })

  it('refuses a gzip bomb without inflating it', () => {
    const bomb = new Uint8Array(gzipSync(new Uint8Array(200 * 1024 * 1024)))
    expect(refusal(bomb)).toContain('too large')
    bomb.set([16, 0, 0, 0], bomb.length - 4)
    expect(refusal(bomb)).toContain('not a valid gzip stream')
  }, 30_000)
})

describe('imports', () => {
  it('only ic0 functions, with their types', () => {
    expect(refused('(module (import "env" "foo" (func)))')).toContain("imports function 'foo' from 'env' that is not exported by the runtime")
    expect(refused('(module (import "ic0" "foo" (func)))')).toContain("'foo' from 'ic0'")
    expect(refused('(module (import "ic0" "msg_reply" (func (param i32))))')).toContain('expected () -> ()')
    expect(refused('(module (import "ic0" "global" (global i32)))')).toContain('Importing globals is not allowed')
    expect(refused('(module (import "foo" "memory" (memory 1)))')).toContain("Only 'memory' of 'env'")
    expect(refused('(module (import "env" "memory" (memory 1)))')).toBe('accepted')
    expect(refused('(module (import "env" "table" (table 1 funcref)))')).toBe('accepted')
    expect(refused('(module (import "env" "other" (table 1 funcref)))')).toContain("Only 'table' of 'env'")
  })

  it('addresses follow the memory, 32-bit functions are for 32-bit memories', () => {
    const copy = (t: string, memory: string): string => refused(`(module (import "ic0" "canister_self_copy" (func (param ${t} ${t} ${t}))) ${memory})`)
    expect(copy('i32', '(memory 1)')).toBe('accepted')
    expect(copy('i32', '')).toBe('accepted')
    expect(copy('i64', '(memory i64 1)')).toBe('accepted')
    expect(copy('i64', '(memory 1)')).toContain('expected (i32, i32, i32)')
    expect(copy('i32', '(memory i64 1)')).toContain('expected (i64, i64, i64)')
    expect(refused('(module (import "ic0" "stable_size" (func (result i32))) (memory i64 1))')).toContain('not available to 64-bit modules')
  })
})

describe('exports', () => {
  it('canister_ names are a closed set with type () -> ()', () => {
    const named = (name: string, type = ''): string => refused(`(module (func (export "${name}") ${type} ${type === '' ? '' : '(drop (local.get 0))'}))`)
    for (const name of ['canister_init', 'canister_heartbeat', 'canister_global_timer', 'canister_inspect_message', 'canister_pre_upgrade',
      'canister_post_upgrade', 'canister_on_low_wasm_memory', 'canister_update ', 'canister_query a b', 'canister_composite_query x', 'helper']) {
      expect(named(name), name).toBe('accepted')
    } // prettier-ignore
    for (const name of ['canister_foo', 'canister_update', 'canister_updatex', 'canister_']) {
      expect(named(name), name).toContain(`Exporting a function with name '${name}' starting with 'canister_' is not allowed`)
    }
    expect(named('canister_init', '(param i32)')).toContain('expected () -> ()')
    expect(named('helper', '(param i32)')).toBe('accepted')
    for (const name of ['canister counter_instructions', 'canister_start', 'stable_memory']) {
      expect(named(name), name).toContain(`reserved symbol '${name}'`)
    }
  })

  it('a name is of one kind only', () => {
    expect(refused('(module (func (export "canister_update x")) (func (export "canister_query x")))')).toContain("Duplicate function 'x'")
    expect(refused('(module (func (export "canister_query x")) (func (export "canister_composite_query x")))')).toContain("Duplicate function 'x'")
  })

  it('at most 1000 methods and 20000 bytes of names', () => {
    const many = (n: number, name = ''): string => `(module (func $f) ${Array.from({ length: n }, (_, i) => `(export "canister_update ${name}${i}" (func $f))`).join('')})`
    expect(refused(many(1000))).toBe('accepted')
    expect(refused(many(1001))).toContain('exceeds 1000')
    expect(refused(many(100, 'x'.repeat(199)))).toContain('exceeds 20000')
  })
})

describe('limits', () => {
  it('functions, globals, tables, memories', () => {
    expect(refused(`(module ${'(func)'.repeat(50_001)})`)).toContain('50001 functions which exceeds the maximum number allowed 50000')
    expect(refused(`(module ${'(global i32 (i32.const 0))'.repeat(1_001)})`)).toContain('1001 globals which exceeds')
    expect(refused(`(module ${'(global i32 (i32.const 0))'.repeat(1_000)})`)).toBe('accepted')
    expect(refused('(module (table 1 funcref) (table 1 funcref))')).toContain('more than one table')
    expect(refused('(module (table 1000001 funcref))')).toContain('1000001 elements')
    expect(refused('(module (memory i64 98305))')).toContain('98305 pages')
    expect(refused('(module (memory i64 98304))')).toBe('accepted')
    expect(refused('(module (memory 1) (memory 1))', { multi_memory: true })).toContain('more than one memory')
  })

  it('a function has at most a million instructions', () => {
    expect(refused(`(module (func ${'(nop)'.repeat(1_000_001)}))`)).toContain('exceeds the maximum allowed 1000000')
  }, 30_000)

  it('custom sections: known visibilities, no duplicates, 16 of them, 1 MiB', () => {
    const empty = new Uint8Array(0)
    expect(refusal(withSections(['icp:public a', empty], ['icp:private b', empty], ['other', empty]))).toBe('accepted')
    const module = compileOrThrow(withSections(['icp:public a', Uint8Array.of(1)], ['icp:private ', Uint8Array.of(2)]))
    expect(module.customSections).toEqual([
      { name: 'a', visibility: 'public', content: Uint8Array.of(1) },
      { name: '', visibility: 'private', content: Uint8Array.of(2) },
    ])
    expect(refusal(withSections(['icp:foo a', empty]))).toContain("'icp:foo a'")
    expect(refusal(withSections(['icp:public a', empty], ['icp:private a', empty]))).toContain('defined twice')
    expect(refusal(withSections(...Array.from({ length: 17 }, (_, i) => [`icp:public ${i}`, empty] as const)))).toContain('17 custom sections')
    expect(refusal(withSections(['icp:public a', new Uint8Array(1024 * 1024)]))).toContain('exceed 1048576 bytes')
  })
})

describe('features', () => {
  it('refuses threads, exceptions, relaxed vectors, table changes and extended constants', () => {
    expect(refused('(module (memory 1 1 shared))', { threads: true })).not.toBe('accepted')
    expect(refused('(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))', { threads: true })).not.toBe('accepted')
    expect(refused('(module (tag) (func (throw 0)))', { exceptions: true })).not.toBe('accepted')
    expect(refused('(module (func (result v128) (i32x4.relaxed_trunc_f32x4_s (v128.const i32x4 0 0 0 0))))', { relaxed_simd: true })).not.toBe('accepted')
    expect(refused('(module (table 1 funcref) (func (table.set 0 (i32.const 0) (ref.null func))))')).toContain('changes tables')
    expect(refused('(module (table 1 funcref) (func (drop (table.grow 0 (ref.null func) (i32.const 1)))))')).toContain('changes tables')
    expect(refused('(module (global $a i32 (i32.const 1)) (global i32 (global.get $a)))')).not.toBe('accepted')
  })

  it('refuses ill-typed bodies', () => {
    const bytes = wat('(module (func (result i32) (i32.const 1)))')
    bytes[bytes.lastIndexOf(0x41)] = 0x42 // i64.const
    expect(refusal(bytes)).toContain('type error')
  })

  it('accepts tail calls, multi-value, vectors, bulk memory, reference types', () => {
    expect(refused(`(module (memory 1) (table 2 funcref) (type $p (func (param i32) (result i32 i64)))
      (func $f (type $p) (local.get 0) (i64.const 1)) (func $g (type $p) (return_call $f (local.get 0)))
      (func (drop (drop (block (result i32 i64) (call $g (i32.const 1))))) (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))
        (drop (ref.is_null (table.get 0 (i32.const 0))))))`)).toBe('accepted')
  })
})

describe('data segments', () => {
  it('must fit the initial memory, by their unsigned offset', () => {
    const fits = (text: string): boolean => createExecutionState(compileOrThrow(wat(text))).ok
    expect(fits('(module (memory 1) (data (i32.const 65535) "a"))')).toBe(true)
    expect(fits('(module (memory 1) (data (i32.const 65535) "ab"))')).toBe(false)
    expect(fits('(module (memory 1) (data (i32.const -1) "a"))')).toBe(false)
    expect(fits('(module (memory 1) (data (i32.const 65536) ""))')).toBe(true)
  })
})

describe('hostile modules', () => {
  const seed = wat(`(module
    (import "ic0" "msg_reply" (func $reply)) (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
    (memory 1 3) (table 4 funcref) (elem (i32.const 0) $a $b) (elem declare func $a) (global $g (mut i64) (i64.const 5))
    (data (i32.const 8) "hello") (data $p "passive") (type $t (func (param i32) (result i32)))
    (func $a (param i32) (result i32) (local f64 i64 v128) (i32.store offset=7 (local.get 0) (i32.const 1))
      (local.set 1 (f64.div (f64.const 1) (f64.const 0))) (f64.store (i32.const 16) (local.get 1))
      (block (br_if 0 (i32.eqz (local.get 0))) (drop (call $b (i32.sub (local.get 0) (i32.const 1)))))
      (loop (br_if 0 (i32.const 0))) (memory.init $p (i32.const 0) (i32.const 0) (i32.const 3)) (data.drop $p)
      (v128.store (i32.const 32) (f32x4.add (v128.const i32x4 1 2 3 4) (local.get 3))) (i32.const 1))
    (func $b (param i32) (result i32) (if (result i32) (local.get 0) (then (call_indirect (type $t) (local.get 0) (i32.const 0))) (else (memory.grow (i32.const 1)))))
    (func (export "canister_update u") (drop (call $a (i32.const 3))) (memory.copy (i32.const 0) (i32.const 9) (i32.const 100))
      (call $append (i32.const 8) (i32.const 5)) (call $reply))
    (func (export "canister_query q") (br_table 0 0 (i32.const 1))) (func (export "canister_init")))`)

  /** Whatever the bytes: an answer, and if accepted every method ends with an outcome within its limit. */
  function survive(bytes: Uint8Array): boolean {
    const result = compileModule(bytes)
    if (!result.ok) {
      expect(result.error.code).toBe('IC0505')
      return false
    }
    const state = createExecutionState(result.module)
    if (!state.ok) return false
    if (state.state.heapBytes > 1024 * 1024) return false
    for (const method of result.module.updates) {
      const outcome = update(state.state, method, { instructionLimit: 200_000n })
      expect(outcome.instructionsUsed <= 200_000n).toBe(true)
    }
    execute(state.state, { kind: 'init' }, { instructionLimit: 200_000n })
    state.state.rollback()
    state.state.dispose()
    return true
  }

  it('thousands of mutated modules neither crash nor hang', () => {
    let accepted = 0
    const mutation = fc.array(fc.tuple(fc.nat(seed.length - 1), fc.integer({ min: 0, max: 255 }), fc.constantFrom('set', 'insert', 'delete', 'bit')), { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(mutation, (edits) => {
        let bytes = [...seed]
        for (const [at, value, how] of edits) {
          if (how === 'set') bytes[at] = value
          else if (how === 'bit') bytes[at] = (bytes[at] ?? 0) ^ (1 << (value & 7))
          else bytes = how === 'insert' ? [...bytes.slice(0, at), value, ...bytes.slice(at)] : [...bytes.slice(0, at), ...bytes.slice(at + 1)]
        }
        if (survive(Uint8Array.from(bytes))) accepted++
      }),
      { numRuns: 4000 },
    )
    // Some mutations must reach execution, or this test shows nothing.
    expect(accepted).toBeGreaterThan(80)
  }, 120_000)

  it('an element segment outside the table fails the installation, not the engine', () => {
    const module = compileOrThrow(wat('(module (table 1 funcref) (func $f) (elem (i32.const 1) $f))'))
    const state = createExecutionState(module)
    expect(state.ok || state.error.message).toContain('table out of bounds')
  })

  it('truncated modules are refused', () => {
    for (let n = 0; n < seed.length - 1; n++) compileModule(seed.subarray(0, n))
    expect(survive(seed)).toBe(true)
  })
})
