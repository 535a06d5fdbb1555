import { resourceLimits, Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { REQUIRED_STACK_MB } from './engine.ts'
import { execute, replyOf, stateOf, update } from './testing.ts'

const IMPORTS = '(import "ic0" "msg_reply" (func $reply)) (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))'

/** Bytes that a float or vector expression leaves in memory. Operands come from memory so that nothing is folded. */
function bits(expression: string, type: 'f32' | 'f64' | 'v128', input: Uint8Array): string {
  const bytes = { f32: 4, f64: 8, v128: 16 }[type]
  const state = stateOf(`(module ${IMPORTS} (import "ic0" "msg_arg_data_copy" (func $arg (param i32 i32 i32))) (memory 1)
    (func (export "canister_update u") (call $arg (i32.const 0) (i32.const 0) (i32.const ${input.length}))
      (${type}.store (i32.const 64) ${expression}) (call $append (i32.const 64) (i32.const ${bytes})) (call $reply)))`)
  return Buffer.from(replyOf(update(state, 'u', { message: { payload: input } }))).toString('hex')
}

// Signalling and payload-carrying NaNs, and ordinary numbers, little-endian.
const NAN64 = Buffer.from('010000000000f4ff', 'hex')
const NAN32 = Buffer.from('0100a0ff', 'hex')
const F64 = Buffer.concat([NAN64, Buffer.from('000000000000f03f', 'hex')])
const F32 = Buffer.concat([NAN32, Buffer.from('0000803f', 'hex')])
const CANONICAL64 = '000000000000f87f'
const CANONICAL32 = '0000c07f'

describe('floating point', () => {
  for (const [t, input, canonical, size] of [['f64', F64, CANONICAL64, 8], ['f32', F32, CANONICAL32, 4]] as const) {
    const a = `(${t}.load (i32.const 0))`
    const b = `(${t}.load (i32.const ${size}))`
    for (const op of ['add', 'sub', 'mul', 'div', 'min', 'max']) {
      it(`${t}.${op} gives the canonical NaN`, () => {
        expect(bits(`(${t}.${op} ${a} ${b})`, t, input)).toBe(canonical)
        expect(bits(`(${t}.${op} ${b} ${a})`, t, input)).toBe(canonical)
        // Through a chain whose inner results are not canonicalised on their own.
        expect(bits(`(${t}.mul (${t}.add (${t}.${op} ${a} ${b}) ${b}) ${b})`, t, input)).toBe(canonical)
      })
    }
    for (const op of ['sqrt', 'ceil', 'floor', 'trunc', 'nearest']) {
      it(`${t}.${op} gives the canonical NaN`, () => expect(bits(`(${t}.${op} ${a})`, t, input)).toBe(canonical))
    }
    it(`${t} copies, negation and sign operations keep a NaN's payload`, () => {
      const raw = Buffer.from(input.subarray(0, size))
      expect(bits(a, t, input)).toBe(raw.toString('hex'))
      const negated = Buffer.from(raw)
      negated[size - 1]! ^= 0x80
      expect(bits(`(${t}.neg ${a})`, t, input)).toBe(negated.toString('hex'))
      expect(bits(`(${t}.abs ${a})`, t, input)).toBe(negated.toString('hex'))
      expect(bits(`(${t}.copysign ${a} ${b})`, t, input)).toBe(negated.toString('hex'))
    })
    it(`${t} numbers stay what they are`, () => {
      expect(bits(`(${t}.add ${b} ${b})`, t, input)).toBe(size === 8 ? '0000000000000040' : '00000040')
    })
  } // prettier-ignore

  it('zero divided by zero is the canonical NaN, not the processor’s', () => {
    expect(bits('(f64.div (f64.const 0) (f64.load (i32.const 0)))', 'f64', new Uint8Array(8))).toBe(CANONICAL64)
    expect(bits('(f64.sqrt (f64.sub (f64.load (i32.const 0)) (f64.const 1)))', 'f64', new Uint8Array(8))).toBe(CANONICAL64)
  })

  it('the sign of an intermediate NaN does not show through reinterpretation', () => {
    const state = stateOf(`(module ${IMPORTS} (memory 1) (func (export "canister_update u") (local f64)
      (local.set 0 (f64.div (f64.load (i32.const 0)) (f64.load (i32.const 0))))
      (i64.store (i32.const 8) (i64.reinterpret_f64 (f64.neg (local.get 0))))
      (call $append (i32.const 8) (i32.const 8)) (call $reply)))`)
    expect(Buffer.from(replyOf(update(state, 'u'))).toString('hex')).toBe('000000000000f8ff')
  })

  it('conversions between widths give canonical NaNs', () => {
    expect(bits('(f32.demote_f64 (f64.load (i32.const 0)))', 'f32', F64)).toBe(CANONICAL32)
    expect(bits('(f64.promote_f32 (f32.load (i32.const 0)))', 'f64', F32)).toBe(CANONICAL64)
  })

  it('vector lanes are canonicalised one by one', () => {
    const mixed32 = Buffer.concat([NAN32, F32.subarray(4), NAN32, F32.subarray(4), Buffer.from('0000803f'.repeat(4), 'hex')])
    const x = '(v128.load (i32.const 0))'
    const y = '(v128.load (i32.const 16))'
    for (const op of ['add', 'sub', 'mul', 'div', 'min', 'max']) {
      expect(bits(`(f32x4.${op} ${x} ${y})`, 'v128', mixed32), op).toMatch(/^0000c07f.{8}0000c07f.{8}$/)
    }
    const mixed64 = Buffer.concat([NAN64, F64.subarray(8), Buffer.from('000000000000f03f'.repeat(2), 'hex')])
    for (const op of ['add', 'sub', 'mul', 'div', 'min', 'max']) {
      expect(bits(`(f64x2.${op} ${x} ${y})`, 'v128', mixed64), op).toMatch(/^000000000000f87f.{16}$/)
    }
    expect(bits(`(f64x2.sqrt ${x})`, 'v128', mixed64)).toBe(`${CANONICAL64}000000000000f03f`)
    expect(bits(`(f64x2.promote_low_f32x4 ${x})`, 'v128', mixed32)).toBe(`${CANONICAL64}000000000000f03f`)
    expect(bits(`(f32x4.demote_f64x2_zero ${x})`, 'v128', mixed64)).toBe(`${CANONICAL32}0000803f0000000000000000`)
  })
})

/** Runs source in a worker with the stack that the engine asks for. */
async function inWorker<T>(body: string, stackSizeMb = REQUIRED_STACK_MB): Promise<T> {
  const testing = new URL('./testing.ts', import.meta.url).href
  const source = `import { parentPort } from 'node:worker_threads'
    import { stateOf, update, execute } from ${JSON.stringify(testing)}
    parentPort.postMessage(await (async () => { ${body} })())`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
    resourceLimits: { stackSizeMb },
  })
  try {
    return await new Promise<T>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
  } finally {
    await worker.terminate()
  }
}

describe('call depth', () => {
  it('is bounded by the instrumentation: the same on both tiers of V8, for small and large frames', async () => {
    const body = `
      const out = {}
      const many = (n, f) => Array.from({ length: n }, (_, i) => f(i)).join(' ')
      const modules = {
        small: '(func $f (call $f))',
        mutual: '(func $f (call $g)) (func $g (call $f))',
        indirect: '(type $t (func)) (table 1 funcref) (elem (i32.const 0) $f) (func $f (call_indirect (type $t) (i32.const 0)))',
        locals: '(func $f (local ' + 'i64 '.repeat(300) + ') ' + many(300, (i) => '(local.set ' + i + ' (i64.load (i32.const ' + 8 * i + ')))') + ' (call $f) ' + many(300, (i) => '(i64.store (i32.const ' + 8 * i + ') (local.get ' + i + '))') + ')',
        operands: '(func $f ' + many(200, (i) => '(i64.load (i32.const ' + 8 * i + '))') + ' (call $f) ' + 'i64.add '.repeat(199) + ' drop)',
        vectors: '(func $f (local ' + 'v128 '.repeat(100) + ') ' + many(100, (i) => '(local.set ' + i + ' (v128.load (i32.const ' + 16 * i + ')))') + ' (call $f) ' + many(100, (i) => '(v128.store (i32.const ' + 16 * i + ') (local.get ' + i + '))') + ')',
        arguments: '(func $f (param ' + 'i64 '.repeat(100) + ') ' + many(100, (i) => '(local.get ' + i + ')') + ' (call $f))',
        blocks: '(func $f (block (loop (if (i32.const 1) (then (call $f))))))',
        results: '(func $f (result ' + 'v128 '.repeat(1000) + ') (call $f))',
        parameters: '(func $f (param ' + 'v128 '.repeat(1000) + ') ' + many(1000, (i) => '(local.get ' + i + ')') + ' (call $f))',
        mostLocals: '(func $f (local ' + 'v128 '.repeat(49_990) + ') (call $f))',
      }
      for (const [name, text] of Object.entries(modules)) {
        const before = { arguments: many(100, () => '(i64.const 1)'), parameters: many(1000, () => '(v128.const i64x2 1 2)') }[name] ?? ''
        const after = name === 'results' ? 'drop '.repeat(1000) : ''
        const state = stateOf('(module (memory 1) ' + text + ' (func (export "canister_update u") ' + before + ' (call $f) ' + after + '))')
        out[name] = []
        // Often enough for V8 to optimise the function in between.
        for (let i = 0; i < 8; i++) {
          const o = update(state, 'u')
          out[name].push(o.error.code + ' ' + o.error.message.split('.')[0] + ' ' + o.instructionsUsed)
        }
      }
      return out`
    const counts = await inWorker<Record<string, string[]>>(body)
    // With twice the native stack nothing changes: it is not V8's limit that ends them.
    expect(await inWorker(body, 2 * REQUIRED_STACK_MB)).toEqual(counts)
    for (const [name, outcomes] of Object.entries(counts)) {
      expect(new Set(outcomes).size, name).toBe(1)
      expect(outcomes[0], name).toContain('IC0502 Canister trapped: stack overflow')
    }
    // Small frames go deep: at least as deep as 5 MiB of an optimising compiler's frames.
    const depth = Number(counts['small']![0]!.split(' ').at(-1)) / 6
    expect(depth).toBeGreaterThan(80_000)
  }, 60_000)

  it('is the same on a thread with little stack, whose messages run once more when V8 ends them', async () => {
    const module = `(module ${IMPORTS} (memory 1) (global $calls (mut i32) (i32.const 0)) (table 1 funcref) (elem (i32.const 0) $callback)
      (func $down (param i32) (result i32)
        (i32.store (i32.const 100) (i32.add (i32.load (i32.const 100)) (i32.const 1)))
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (if (result i32) (local.get 0) (then (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0))))
      (func $deep (param i32)
        (i32.store (i32.const 0) (call $down (local.get 0)))
        (i32.store (i32.const 4) (i32.load (i32.const 100)))
        (i32.store (i32.const 8) (global.get $calls))
        (call $append (i32.const 0) (i32.const 12)) (call $reply))
      (func $callback (param i32) (call $deep (local.get 0)))
      (func (export "canister_update shallow") (call $deep (i32.const 10)))
      (func (export "canister_update deep") (call $deep (i32.const 60000)))
      (func (export "canister_update endless") (call $deep (i32.const -1)))
      (func (export "canister_update fails") (call $deep (i32.const 60000)) unreachable))`
    const body = `
      const state = stateOf(${JSON.stringify(module)})
      const show = ({ error, instructionsUsed, heapDirtyPages, delta }) =>
        [error?.code, error?.message.split('.')[0], instructionsUsed, heapDirtyPages, Buffer.from(delta?.response?.data ?? []).toString('hex')].join(' ')
      const out = []
      for (const method of ['shallow', 'deep', 'endless', 'fails', 'deep', 'shallow']) out.push(show(update(state, method)))
      out.push(show(execute(state, { kind: 'replyCallback', closure: { fun: 0, env: 70000n } })))
      // Within an open transaction, as after the start function or in a composite query.
      out.push(show(execute(state, { kind: 'update', method: 'deep' })))
      state.rollback()
      out.push(show(update(state, 'shallow')))
      return out`
    const here = new Function('stateOf', 'update', 'execute', body) as (...tools: unknown[]) => string[]
    expect(resourceLimits.stackSizeMb ?? 0).toBeLessThan(REQUIRED_STACK_MB)
    const [small, big] = [here(stateOf, update, execute), await inWorker<string[]>(body)]
    expect(small).toEqual(big)
    expect(small.map((line) => line.split(' ')[0])).toEqual(['', '', 'IC0502', 'IC0502', '', '', '', '', ''])
    expect(small[1]).toMatch(/60ea0000/)
  }, 60_000)

  it('tail calls need no depth', () => {
    const state = stateOf(`(module (func $f (param i32) (result i32)
      (if (i32.eqz (local.get 0)) (then (return (i32.const 7)))) (return_call $f (i32.sub (local.get 0) (i32.const 1))))
      (func (export "canister_update u") (drop (call $f (i32.const 1000000)))))`)
    expect(update(state, 'u').error).toBeNull()
  })

  it('depth is given back by returns, branches and traps', () => {
    const state = stateOf(`(module (func $leaf (call $nothing)) (func $nothing)
      (func $f (param i32) (block (br_if 0 (i32.eqz (local.get 0))) (call $leaf) (return)))
      (func (export "canister_update u") (local i32) (local.set 0 (i32.const 300000))
        (loop (call $f (local.get 0)) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))`)
    expect(update(state, 'u').error).toBeNull()
  })
})

describe('callbacks', () => {
  const state = (): ReturnType<typeof stateOf> =>
    stateOf(`(module ${IMPORTS} (memory 1) (table 4 funcref) (elem (i32.const 0) $good $bad $inner)
      (func $good (param i32) (i32.store (i32.const 0) (local.get 0)) (call $append (i32.const 0) (i32.const 4)) (call $reply))
      (func $bad) (type $t (func (param i64))) (func $inner (param i32) (call_indirect (type $t) (i64.const 0) (i32.const 0))))`)

  it('receive their environment', () => {
    const outcome = execute(state(), { kind: 'replyCallback', closure: { fun: 0, env: 0xdeadbeefn } })
    expect(Buffer.from(replyOf(outcome)).toString('hex')).toBe('efbeadde')
  })

  it('that do not exist or have another type are told apart from faults inside them', () => {
    const code = (fun: number): string | undefined => execute(state(), { kind: 'rejectCallback', closure: { fun, env: 0n } }).error?.code
    expect(code(1)).toBe('IC0513')
    expect(code(3)).toBe('IC0513')
    expect(code(4)).toBe('IC0513')
    expect(code(0xffff_ffff)).toBe('IC0513')
    expect(code(2)).toBe('IC0504')
  })
})

describe('traps', () => {
  it('are named as the replica names them', () => {
    const text = (body: string): string => update(stateOf(`(module (memory 1) (table 1 funcref) (type $t (func)) (func (export "canister_update u") ${body}))`), 'u').error!.message.split('\n')[0]!
    expect(text('unreachable')).toBe('Canister trapped: unreachable.')
    expect(text('(drop (i32.load (i32.const -4)))')).toBe('Canister trapped: heap out of bounds.')
    expect(text('(i32.store (i32.const 65533) (i32.const 1))')).toBe('Canister trapped: heap out of bounds.')
    expect(text('(i64.store offset=4294967290 (i32.const 65533) (i64.const 1))')).toBe('Canister trapped: heap out of bounds.')
    expect(text('(memory.fill (i32.const 65536) (i32.const 1) (i32.const 1))')).toBe('Canister trapped: heap out of bounds.')
    expect(text('(drop (i32.div_s (i32.const 1) (i32.const 0)))')).toBe('Canister trapped: integer division by 0.')
    expect(text('(drop (i64.rem_u (i64.const 1) (i64.const 0)))')).toBe('Canister trapped: integer division by 0.')
    expect(text('(call_indirect (type $t) (i32.const 1))')).toBe('Canister trapped: table out of bounds.')
    expect(text('(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))')).toBe('Canister trapped: unknown.')
    expect(text('(drop (i32.trunc_f64_s (f64.const 1e300)))')).toBe('Canister trapped: unknown.')
    expect(text('(call_indirect (type $t) (i32.const 0))')).toBe('Canister violated contract: function invocation does not match its signature')
  })

  it('charge what was executed up to the block of the trap', () => {
    const state = stateOf('(module (memory 1) (func (export "canister_update u") (loop (drop (i32.load (i32.const -1))) (br 0))))')
    expect(update(state, 'u').instructionsUsed).toBe(1n + 1n + 1n + 1n + 2n)
  })
})

describe('memory.grow', () => {
  const grower = '(module (memory 1 10) (func (export "canister_update u") (if (i32.ne (memory.grow (i32.const 2)) (i32.const 1)) (then unreachable))) (func (export "canister_query q") (drop (memory.grow (i32.const 2)))) (func (export "canister_update big") (if (i32.ne (memory.grow (i32.const 10)) (i32.const -1)) (then unreachable))))'

  it('beyond the declared maximum gives −1', () => {
    expect(update(stateOf(grower), 'big').error).toBeNull()
  })

  it('respects the Wasm memory limit in updates, not in queries', () => {
    const state = stateOf(grower)
    const system = { wasmMemoryLimitBytes: 131_072n }
    const outcome = update(state, 'u', { system })
    expect(outcome.error?.code).toBe('IC0539')
    expect(outcome.error?.message).toContain('current Wasm memory limit of 131072 bytes. The peak Wasm memory usage was 196608 bytes')
    expect(execute(state, { kind: 'query', method: 'q' }, { system }).error).toBeNull()
    state.rollback()
    expect(state.heapBytes).toBe(65_536)
  })

  it('traps when the subnet or the cycles do not allow it', () => {
    expect(update(stateOf(grower), 'u', { system: { subnetMemoryAvailableBytes: 131_071n } }).error?.code).toBe('IC0507')
    const seen: bigint[] = []
    const outcome = update(stateOf(grower), 'u', {
      system: { checkGrowth: (extra) => (seen.push(extra), { code: 'IC0532', message: 'no cycles' }) },
    })
    expect(outcome.error).toEqual({ code: 'IC0532', message: 'no cycles' })
    expect(seen).toEqual([131_072n])
  })
})
