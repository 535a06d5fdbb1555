import asc from 'assemblyscript/asc'
import motoko from 'motoko'
import { beforeAll, describe, expect, it } from 'vitest'
import { restoreExecutionState } from './engine.ts'
import { compileOrThrow, execute, freshState, query, replyOf, textOf, update, wat } from './testing.ts'
import type { CanisterModule, ExecutionState, PageSource } from './types.ts'

interface Motoko {
  readonly compiler: { gcFlags(flag: string): void }
  write(path: string, content: string): void
  wasm(path: string, mode: 'ic'): { readonly wasm: Uint8Array }
}
const mo = motoko as unknown as Motoko

const SOURCE = `persistent actor {
  var total : Nat = 0; var log : [Nat] = [];
  public func add(k : Nat) : async Nat { total += k; log := [total, k]; total };
  public query func get() : async Nat { total };
  public func fail(k : Nat) : async Nat { total += k; assert false; total };
  public func divide(x : Float) : async Float { x / 0.0 * 0.0 };
  public func deep(k : Nat) : async Nat { func f(i : Nat) : Nat { if (i == 0) 0 else 1 + f(i - 1) }; f(k) };
}`

const candid = (type: string, ...value: number[]): Uint8Array => Uint8Array.from([...Buffer.from('4449444c0001', 'hex'), ...Buffer.from(type, 'hex'), ...value])
const nat = (...leb: number[]): Uint8Array => candid('7d', ...leb)
const NOTHING = Uint8Array.from(Buffer.from('4449444c0000', 'hex'))

function compileMotoko(persistence: 'enhancedOP' | 'classicOP'): Uint8Array {
  mo.write('Main.mo', SOURCE)
  mo.compiler.gcFlags(persistence)
  return Uint8Array.from(mo.wasm('Main.mo', 'ic').wasm)
}

/** A fresh start as an installation does it. */
function install(module: CanisterModule): ExecutionState {
  const state = freshState(module)
  for (const kind of ['start', 'init'] as const) {
    const outcome = execute(state, { kind }, { message: { payload: NOTHING } })
    expect(outcome.error).toBeNull()
  }
  state.commit()
  return state
}

describe('published instruction counts', () => {
  // The Motoko repository's benchmark of small scalars prints 52_429_601 instructions on the Internet Computer's own
  // metering for 16 × 65 535 turns of such a loop: 50 a turn. Outside the turns compiler versions differ a little.
  const TURNS = 16n * 65_535n
  const PUBLISHED = 52_429_601n

  it('a Motoko loop costs per turn what the Internet Computer charges', () => {
    mo.write(
      'Loop.mo',
      `import Prim "mo:⛔";
      persistent actor {
        public func measure() : async () {
          let before = Prim.performanceCounter(0);
          var round = 0;
          while (round < 16) {
            var x : Nat16 = 0;
            var y : Nat16 = 0;
            while (x < 65535) { y := x +% x; y := x -% x; y := ^x; y := x *% x; x += 1 };
            round += 1;
          };
          Prim.debugPrint(debug_show (Prim.performanceCounter(0) - before));
        };
      }`,
    )
    const state = install(compileOrThrow(Uint8Array.from(mo.wasm('Loop.mo', 'ic').wasm)))
    const [line] = update(state, 'measure', { message: { payload: NOTHING } }).logs
    const used = BigInt(line!.text.replaceAll('_', ''))
    expect(used / TURNS).toBe(PUBLISHED / TURNS)
    const difference = used - PUBLISHED
    expect(difference > -300n && difference < 300n, `${used}`).toBe(true)
  }, 60_000)
})

// Classical persistence last: the compiler cannot go back from it.
for (const persistence of ['enhancedOP', 'classicOP'] as const) {
  describe(`Motoko, ${persistence}`, () => {
    let module: CanisterModule
    beforeAll(() => {
      module = compileOrThrow(compileMotoko(persistence))
    }, 60_000)

    it('is what the flags say', () => {
      expect(module.memory64).toBe(persistence === 'enhancedOP')
      expect(module.enhancedOrthogonalPersistence).toBe(persistence === 'enhancedOP')
      expect(module.customSections.map((s) => s.name)).toContain('candid:service')
      expect(module.instructionCount).toBeGreaterThan(50_000)
    })

    it('runs updates and queries, rolls back traps, gives canonical NaNs', () => {
      const state = install(module)
      expect(replyOf(update(state, 'add', { message: { payload: nat(5) } }))).toEqual(nat(5))
      expect(replyOf(update(state, 'add', { message: { payload: nat(7) } }))).toEqual(nat(12))
      const failed = update(state, 'fail', { message: { payload: nat(9) } })
      expect(failed.error?.code).toBe('IC0503')
      expect(failed.error?.message).toContain('assertion failed')
      expect(replyOf(query(state, 'get', { message: { payload: NOTHING } }))).toEqual(nat(12))
      const divided = replyOf(update(state, 'divide', { message: { payload: candid('72', 0, 0, 0, 0, 0, 0, 0xf0, 0x3f) } }))
      expect(Buffer.from(divided).toString('hex').endsWith('000000000000f87f')).toBe(true)
      expect(replyOf(update(state, 'deep', { message: { payload: nat(0xe8, 7) } }))).toEqual(nat(0xe8, 7))
    })

    it('uses the same instructions each time, also after eviction and restart', () => {
      const state = install(module)
      update(state, 'add', { message: { payload: nat(1) } })
      const copy = state.snapshot()
      const used = query(state, 'get', { message: { payload: NOTHING } }).instructionsUsed
      state.evict()
      expect(query(state, 'get', { message: { payload: NOTHING } }).instructionsUsed).toBe(used)
      const restored = restoreExecutionState(module, copy)
      expect(restored.ok && query(restored.state, 'get', { message: { payload: NOTHING } }).instructionsUsed).toBe(used)
    })

    it('survives an upgrade', () => {
      const state = install(module)
      update(state, 'add', { message: { payload: nat(33) } })
      expect(execute(state, { kind: 'preUpgrade' }).error).toBeNull()
      const next = state.forUpgrade(module, { keepHeap: persistence === 'enhancedOP' })
      for (const kind of ['start', 'postUpgrade'] as const) {
        expect(execute(next, { kind }, { message: { payload: NOTHING } }).error).toBeNull()
      }
      next.commit()
      state.dispose()
      expect(replyOf(query(next, 'get', { message: { payload: NOTHING } }))).toEqual(nat(33))
    })
  })
}

const ASSEMBLY_SCRIPT = `
@external("ic0", "msg_reply") declare function msg_reply(): void
@external("ic0", "msg_reply_data_append") declare function append(src: usize, size: usize): void
@external("ic0", "msg_arg_data_size") declare function size(): usize
@external("ic0", "msg_arg_data_copy") declare function copy(dst: usize, offset: usize, size: usize): void

const names = new Map<string, i32>()

function count(): void {
  const bytes = new Uint8Array(<i32>size())
  copy(bytes.dataStart, 0, bytes.length)
  const name = String.UTF8.decode(bytes.buffer)
  names.set(name, (names.has(name) ? names.get(name) : 0) + 1)
  const reply = String.UTF8.encode(name + ":" + names.get(name).toString())
  append(changetype<usize>(reply), reply.byteLength)
  msg_reply()
}

export { count, count as peek }
`

describe('AssemblyScript', () => {
  it('a canister with maps and strings runs, keeps its heap and undoes queries', async () => {
    let binary: Uint8Array | undefined
    const { error, stderr } = await asc.main(['main.ts', '-O', '--runtime', 'minimal', '--use', 'abort=', '-o', 'main.wasm'], {
      readFile: (name) => (name === 'main.ts' ? ASSEMBLY_SCRIPT : null),
      writeFile: (name, contents) => {
        if (name === 'main.wasm') binary = contents as Uint8Array
      },
      listFiles: () => [],
    })
    expect(error, stderr.toString()).toBeNull()
    const named = textOf(Uint8Array.from(binary!))
      .replace('(export "count"', '(export "canister_update count"')
      .replace('(export "peek"', '(export "canister_query peek"')
    const state = install(compileOrThrow(wat(named)))
    const text = (outcome: Parameters<typeof replyOf>[0]): string => new TextDecoder().decode(replyOf(outcome))
    const payload = new TextEncoder().encode('zoë')
    expect(text(update(state, 'count', { message: { payload } }))).toBe('zoë:1')
    expect(text(query(state, 'peek', { message: { payload } }))).toBe('zoë:2')
    expect(text(update(state, 'count', { message: { payload } }))).toBe('zoë:2')
    for (let i = 0; i < 2000; i++) update(state, 'count', { message: { payload: new TextEncoder().encode(`n${i}`) } })
    state.evict()
    expect(text(update(state, 'count', { message: { payload } }))).toBe('zoë:3')
  }, 60_000)
})

describe('many canisters of one module', () => {
  it('share the compiled module; evicted ones hold only their changed pages', () => {
    const module = compileOrThrow(wat(`(module (memory 4) (global $n (mut i32) (i32.const 0))
      (import "ic0" "msg_reply" (func $reply)) (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
      (func (export "canister_update inc") (global.set $n (i32.add (global.get $n) (i32.const 1)))
        (i32.store (i32.const 4096) (global.get $n)) (call $append (i32.const 4096) (i32.const 4)) (call $reply)))`.replace(/\(memory 4\) (\(global[^\n]*\n)(\s*\(import[^\n]*\n)/, '$2 (memory 4) $1')))
    const states = Array.from({ length: 500 }, () => freshState(module))
    for (let round = 1; round <= 2; round++) {
      for (const state of states) {
        expect(replyOf(update(state, 'inc'))[0]).toBe(round)
        state.evict()
        expect(state.residentBytes).toBeLessThanOrEqual(8192)
      }
    }
    const empty: PageSource = { page: () => undefined, indices: () => [] }
    const state = states[0]!
    const page = state.readHeap(4096, 4096)
    state.markCheckpointed({ page: (i) => (i === 1 ? page : undefined), indices: () => [1] }, empty)
    expect(state.residentBytes).toBe(0)
    expect(replyOf(update(state, 'inc'))[0]).toBe(3)
  }, 30_000)
})
