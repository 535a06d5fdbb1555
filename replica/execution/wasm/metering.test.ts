import { describe, expect, it } from 'vitest'
import { execute, freshState, compileOrThrow, stateOf, update, wat } from './testing.ts'

/**
 * Costs by instruction, as published for the Internet Computer (32-bit memory). Each row: cost, then text forms.
 * Operand types are derived from the name; rows with operands spell them in front with `|`.
 */
const INT_BINARY = 'add sub mul and or xor shl shr_s shr_u rotl rotr eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'.split(' ')
const INT_UNARY = 'eqz clz ctz popcnt extend8_s extend16_s'.split(' ')
const DIVISIONS = 'div_s div_u rem_s rem_u'.split(' ')
const FLOAT_COMPARISONS = 'eq ne lt gt le ge'.split(' ')

const C = { i32: '(i32.const 3)', i64: '(i64.const 3)', f32: '(f32.const 1.5)', f64: '(f64.const 1.5)', v128: '(v128.const i32x4 1 2 3 4)' }
type T = keyof typeof C

interface Row {
  readonly text: string
  readonly cost: number
  readonly operands: readonly string[]
  /** Whether a result is left to be dropped. */
  readonly result: boolean
}
const rows: Row[] = []
const row = (cost: number, text: string, operands: readonly T[], result = true): void => {
  rows.push({ text, cost, operands: operands.map((t) => C[t]), result })
}

for (const t of ['i32', 'i64'] as const) {
  for (const op of INT_BINARY) row(1, `${t}.${op}`, [t, t])
  for (const op of INT_UNARY) row(1, `${t}.${op}`, [t])
  for (const op of DIVISIONS) row(10, `${t}.${op}`, [t, t])
}
row(1, 'i64.extend32_s', ['i64'])
for (const f of ['f32', 'f64'] as const) {
  for (const op of ['abs', 'neg']) row(1, `${f}.${op}`, [f])
  for (const op of ['ceil', 'floor', 'trunc', 'nearest']) row(2, `${f}.${op}`, [f])
  for (const op of ['add', 'sub', 'mul']) row(2, `${f}.${op}`, [f, f])
  for (const op of ['min', 'max']) row(18, `${f}.${op}`, [f, f])
  for (const op of FLOAT_COMPARISONS) row(3, `${f}.${op}`, [f, f])
  for (const i of ['i32', 'i64'] as const) {
    row(20, `${i}.trunc_${f}_s`, [f])
    row(20, `${i}.trunc_${f}_u`, [f])
    row(20, `${i}.trunc_sat_${f}_s`, [f])
    row(20, `${i}.trunc_sat_${f}_u`, [f])
    row(3, `${f}.convert_${i}_s`, [i])
    row(16, `${f}.convert_${i}_u`, [i])
  }
}
row(3, 'f32.div', ['f32', 'f32'])
row(5, 'f64.div', ['f64', 'f64'])
row(5, 'f32.sqrt', ['f32'])
row(8, 'f64.sqrt', ['f64'])
row(2, 'f32.copysign', ['f32', 'f32'])
row(3, 'f64.copysign', ['f64', 'f64'])
row(1, 'i32.wrap_i64', ['i64'])
row(1, 'i64.extend_i32_s', ['i32'])
row(1, 'i64.extend_i32_u', ['i32'])
row(1, 'f32.demote_f64', ['f64'])
row(1, 'f64.promote_f32', ['f32'])
row(1, 'i32.reinterpret_f32', ['f32'])
row(1, 'i64.reinterpret_f64', ['f64'])
row(1, 'f32.reinterpret_i32', ['i32'])
row(1, 'f64.reinterpret_i64', ['i64'])
row(1, 'select', ['i64', 'i64', 'i32'])
row(1, 'nop', [], false)
row(1, 'local.get 0', [])
row(1, 'local.set 0', ['i32'], false)
row(1, 'local.tee 0', ['i32'])
row(2, 'global.get 0', [])
row(2, 'global.set 0', ['i32'], false)
row(5, 'table.get 0', ['i32'])
row(100, 'table.size 0', [])
row(1, 'ref.null func', [])
row(130, 'ref.func $nothing', [])
row(20, 'memory.size', [])
row(300, 'memory.grow', ['i32'])
row(300, 'data.drop 0', [], false)
row(300, 'elem.drop 1', [], false)
rows.push({ text: 'ref.is_null', cost: 5, operands: ['(ref.null func)'], result: true })

for (const op of ['i32.load', 'i64.load', 'f32.load', 'f64.load', 'i32.load8_s', 'i32.load8_u', 'i32.load16_s', 'i32.load16_u',
  'i64.load8_s', 'i64.load8_u', 'i64.load16_s', 'i64.load16_u', 'i64.load32_s', 'i64.load32_u', 'v128.load', 'v128.load8x8_s',
  'v128.load8x8_u', 'v128.load16x4_s', 'v128.load16x4_u', 'v128.load32x2_s', 'v128.load32x2_u', 'v128.load8_splat',
  'v128.load16_splat', 'v128.load32_splat', 'v128.load64_splat', 'v128.load32_zero', 'v128.load64_zero']) row(1, op, ['i32']) // prettier-ignore
for (const [op, t] of [['i32.store', 'i32'], ['i64.store', 'i64'], ['f32.store', 'f32'], ['f64.store', 'f64'], ['i32.store8', 'i32'],
  ['i32.store16', 'i32'], ['i64.store8', 'i64'], ['i64.store16', 'i64'], ['i64.store32', 'i64'], ['v128.store', 'v128'],
  ['v128.store8_lane 0', 'v128'], ['v128.store16_lane 0', 'v128'], ['v128.store32_lane 0', 'v128'], ['v128.store64_lane 0', 'v128']] as const) row(1, op, ['i32', t], false) // prettier-ignore
for (const n of [8, 16, 32, 64]) row(1, `v128.load${n}_lane 0`, ['i32', 'v128'])

const V1 = (cost: number, text: string): void => text.split(' ').forEach((op) => row(cost, op, ['v128']))
const V2 = (cost: number, text: string): void => text.split(' ').forEach((op) => row(cost, op, ['v128', 'v128']))
const SHIFT = (cost: number, text: string): void => text.split(' ').forEach((op) => row(cost, op, ['v128', 'i32']))
for (const s of ['i8x16', 'i16x8', 'i32x4']) {
  V2(1, ['eq', 'ne', 'lt_s', 'gt_s', 'le_s', 'le_u', 'ge_s', 'ge_u'].map((o) => `${s}.${o}`).join(' '))
  V2(2, `${s}.lt_u ${s}.gt_u`)
}
V2(1, 'i64x2.eq i64x2.ne i64x2.lt_s i64x2.gt_s i64x2.le_s i64x2.ge_s')
V2(1, ['f32x4', 'f64x2'].flatMap((s) => FLOAT_COMPARISONS.map((o) => `${s}.${o}`)).join(' '))
V1(1, 'v128.not v128.any_true i8x16.abs i8x16.neg i8x16.all_true i8x16.bitmask i16x8.abs i16x8.neg i16x8.all_true i16x8.bitmask')
V1(1, 'i32x4.abs i32x4.neg i32x4.all_true i32x4.bitmask i64x2.abs i64x2.neg i64x2.all_true i64x2.bitmask')
V2(1, 'v128.and v128.andnot v128.or v128.xor i8x16.swizzle')
V1(3, 'i8x16.popcnt')
SHIFT(3, 'i8x16.shl i8x16.shr_s i64x2.shr_s')
SHIFT(2, 'i8x16.shr_u i16x8.shl i16x8.shr_s i16x8.shr_u i32x4.shl i32x4.shr_s i32x4.shr_u i64x2.shl i64x2.shr_u')
for (const s of ['i8x16', 'i16x8']) {
  V2(1, ['add', 'add_sat_s', 'add_sat_u', 'sub', 'sub_sat_s', 'sub_sat_u', 'min_s', 'min_u', 'max_s', 'max_u', 'avgr_u'].map((o) => `${s}.${o}`).join(' '))
}
V2(1, 'i16x8.mul i16x8.q15mulr_sat_s i32x4.add i32x4.sub i32x4.min_s i32x4.min_u i32x4.max_s i32x4.max_u i32x4.dot_i16x8_s i64x2.add i64x2.sub')
V2(2, 'i32x4.mul')
V2(4, 'i64x2.mul')
V1(1, 'i16x8.extadd_pairwise_i8x16_s i32x4.extadd_pairwise_i16x8_s')
V1(2, 'i16x8.extadd_pairwise_i8x16_u')
V1(3, 'i32x4.extadd_pairwise_i16x8_u')
V2(1, 'i8x16.narrow_i16x8_s i8x16.narrow_i16x8_u i16x8.narrow_i32x4_s i16x8.narrow_i32x4_u')
for (const [a, b] of [['i16x8', 'i8x16'], ['i32x4', 'i16x8'], ['i64x2', 'i32x4']]) {
  V1(1, ['low', 'high'].flatMap((h) => ['s', 'u'].map((x) => `${a}.extend_${h}_${b}_${x}`)).join(' '))
} // prettier-ignore
V2(1, 'i16x8.extmul_low_i8x16_s i16x8.extmul_low_i8x16_u i64x2.extmul_low_i32x4_s i64x2.extmul_low_i32x4_u i64x2.extmul_high_i32x4_s i64x2.extmul_high_i32x4_u')
V2(2, 'i16x8.extmul_high_i8x16_s i16x8.extmul_high_i8x16_u i32x4.extmul_low_i16x8_s i32x4.extmul_low_i16x8_u i32x4.extmul_high_i16x8_s i32x4.extmul_high_i16x8_u')
for (const s of ['f32x4', 'f64x2']) {
  V1(2, `${s}.ceil ${s}.floor ${s}.trunc ${s}.nearest ${s}.abs ${s}.neg`)
  V2(2, `${s}.add ${s}.sub ${s}.mul`)
  V2(1, `${s}.pmin ${s}.pmax`)
}
V1(5, 'f32x4.sqrt')
V1(14, 'f64x2.sqrt')
V2(10, 'f32x4.div')
V2(12, 'f64x2.div')
V2(4, 'f32x4.min f32x4.max f64x2.min')
V2(5, 'f64x2.max')
V1(2, 'i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f64x2_s_zero')
V1(4, 'i32x4.trunc_sat_f32x4_u f32x4.convert_i32x4_u')
V1(3, 'i32x4.trunc_sat_f64x2_u_zero')
V1(1, 'f32x4.convert_i32x4_s f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u f32x4.demote_f64x2_zero f64x2.promote_low_f32x4')
row(3, 'i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15', ['v128', 'v128'])
row(1, 'v128.bitselect', ['v128', 'v128', 'v128'])
for (const [s, t] of [['i8x16', 'i32'], ['i16x8', 'i32'], ['i32x4', 'i32'], ['i64x2', 'i64'], ['f32x4', 'f32'], ['f64x2', 'f64']] as const) {
  row(1, `${s}.splat`, [t])
  row(1, `${s}.replace_lane 0`, ['v128', t])
  for (const sign of s === 'i8x16' || s === 'i16x8' ? ['_s', '_u'] : ['']) row(1, `${s}.extract_lane${sign} 0`, ['v128'])
} // prettier-ignore

function cost(body: string, rest = '', memory = '(memory 1 4)'): bigint {
  const state = stateOf(`(module ${memory} (table 4 funcref) (global (mut i32) (i32.const 0)) (type $v (func))
    (func $nothing) (elem (i32.const 0) $nothing) (elem func $nothing) (data "abc")
    (func (export "canister_update u") (local i32) (local i32) ${body}) ${rest})`)
  const outcome = execute(state, { kind: 'update', method: 'u' })
  if (outcome.error) throw new Error(outcome.error.message)
  const dirty = BigInt(outcome.heapDirtyPages) * 1000n
  state.rollback()
  return outcome.instructionsUsed - dirty
}

describe('metering', () => {
  it('covers every numeric, vector and memory instruction', () => {
    expect(new Set(rows.map((r) => r.text)).size).toBe(rows.length)
    const vector = rows.filter((r) => /^(v128|[if]\d+x\d+)\./.test(r.text)).length
    const numeric = rows.filter((r) => r.operands.length > 0 && /^[if](32|64)\.(?!load|store|trunc_sat)/.test(r.text)).length
    expect({ vector, numeric }).toEqual({ vector: 236 - 1, numeric: 0xc4 - 0x45 + 1 }) // v128.const is an operand of the others
  })

  for (const { text, cost: expected, operands, result } of rows) {
    it(`${text} costs ${expected}`, () => {
      const total = cost(`${operands.join(' ')} ${text} ${result ? 'drop' : ''}`)
      expect(total).toBe(BigInt(1 + operands.length + expected + (result ? 1 : 0)))
    })
  }

  it('control flow: blocks free, branches and conditions 2, calls 5, indirect 10, return 1', () => {
    expect(cost('')).toBe(1n)
    expect(cost('(block) (block (block))')).toBe(1n)
    expect(cost('(loop)')).toBe(1n)
    expect(cost('(if (i32.const 1) (then (nop)) (else (nop) (nop)))')).toBe(1n + 1n + 2n + 1n)
    expect(cost('(if (i32.const 0) (then (nop)) (else (nop) (nop)))')).toBe(1n + 1n + 2n + 2n)
    expect(cost('(block (br 0) (nop))')).toBe(1n + 2n)
    expect(cost('(block (br_if 0 (i32.const 1)) (nop))')).toBe(1n + 1n + 2n)
    expect(cost('(block (br_if 0 (i32.const 0)) (nop))')).toBe(1n + 1n + 2n + 1n)
    expect(cost('(block (block (br_table 0 1 (i32.const 1))) (nop))')).toBe(1n + 1n + 2n)
    expect(cost('(return)')).toBe(2n)
    expect(cost('(call $nothing)')).toBe(1n + 5n + 1n)
    expect(cost('(call_indirect (type $v) (i32.const 0))')).toBe(1n + 1n + 10n + 1n)
    expect(cost('(return_call $nothing)')).toBe(1n + 3n + 1n)
    expect(cost('(return_call_indirect (type $v) (i32.const 0))')).toBe(1n + 1n + 60n + 1n)
  })

  it('a loop pays for each turn', () => {
    // Before: const, set. Turn: get, const, sub, tee, br_if.
    const loop = '(local.set 0 (i32.const 10)) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))'
    expect(cost(loop)).toBe(1n + 2n + 10n * (1n + 1n + 1n + 1n + 2n))
  })

  it('bulk memory: 100 and one per byte', () => {
    expect(cost('(memory.fill (i32.const 0) (i32.const 1) (i32.const 5000))')).toBe(1n + 3n + 100n + 5000n)
    expect(cost('(memory.copy (i32.const 0) (i32.const 1) (i32.const 77))')).toBe(1n + 3n + 100n + 77n)
    expect(cost('(memory.init 0 (i32.const 0) (i32.const 0) (i32.const 3))')).toBe(1n + 3n + 100n + 3n)
  })

  it('a 64-bit memory pays double for loads and stores, and 4000 per dirty page', () => {
    const state = freshState(compileOrThrow(wat(`(module (memory i64 1) (func (export "canister_update u")
      (drop (i32.load (i64.const 0))) (i64.store (i64.const 8) (i64.const 1)) (v128.store (i64.const 16) (v128.const i32x4 0 0 0 0))))`)))
    expect(update(state, 'u').instructionsUsed).toBe(1n + 1n + 2n + 1n + 2n + 2n + 2n + 2n + 4000n)
  })

  it('1000 for each 4 KiB page dirtied, however often', () => {
    const state = stateOf(`(module (memory 1) (func (export "canister_update u")
      (i32.store (i32.const 0) (i32.const 1)) (i32.store (i32.const 4) (i32.const 1)) (i32.store (i32.const 4094) (i32.const 1))
      (i32.store8 (i32.const 12288) (i32.const 1))))`)
    const outcome = update(state, 'u')
    expect(outcome.heapDirtyPages).toBe(3)
    expect(outcome.instructionsUsed).toBe(1n + 12n + 3000n)
    expect(update(state, 'u').heapDirtyPages).toBe(3)
  })

  it('System API overheads come on top of the call, with a part per byte', () => {
    const charged = (imports: string, body: string): bigint => {
      const state = stateOf(`(module ${imports} (memory 1) (table 4 funcref) (func (export "canister_update u") ${body}))`)
      const outcome = update(state, 'u', { message: { payload: new Uint8Array(100) } })
      if (outcome.error) throw new Error(outcome.error.message)
      return outcome.instructionsUsed - BigInt(outcome.heapDirtyPages) * 1000n
    }
    const sized = (name: string, params: string, args: string, perByte: number, fixed: number): void => {
      const body = `(call $f ${args})`
      const constants = args.split('const').length - 1
      expect(charged(`(import "ic0" "${name}" (func $f (param ${params})))`, body), name).toBe(
        BigInt(1 + constants + 5 + fixed + perByte),
      )
    }
    const three = '(i32.const 0) (i32.const 0) (i32.const 10)'
    sized('msg_arg_data_copy', 'i32 i32 i32', three, 10, 500)
    sized('canister_self_copy', 'i32 i32 i32', three, 10, 500)
    sized('msg_reply_data_append', 'i32 i32', '(i32.const 0) (i32.const 10)', 500, 500)
    sized('msg_reject', 'i32 i32', '(i32.const 0) (i32.const 10)', 500, 500)
    sized('certified_data_set', 'i32 i32', '(i32.const 0) (i32.const 10)', 10, 500)
    sized('debug_print', 'i32 i32', '(i32.const 0) (i32.const 10)', 2 * 10 + 50 * 10, 100)
    sized('call_new', 'i32 i32 i32 i32 i32 i32 i32 i32', '(i32.const 0) (i32.const 10) (i32.const 0) (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)', 15, 1500)
    const value = (name: string, args: string, params: string, result: string, fixed: number): void => {
      const constants = args === '' ? 0 : args.split('const').length - 1
      expect(
        charged(`(import "ic0" "${name}" (func $f (param ${params}) (result ${result})))`, `(drop (call $f ${args}))`), name,
      ).toBe(BigInt(1 + constants + 5 + 1 + fixed)) // prettier-ignore
    }
    value('time', '', '', 'i64', 500)
    value('canister_version', '', '', 'i64', 500)
    value('is_controller', '(i32.const 0) (i32.const 1)', 'i32 i32', 'i32', 1000)
    value('performance_counter', '(i32.const 0)', 'i32', 'i64', 200)
    value('stable64_size', '', '', 'i64', 0)
    value('stable64_grow', '(i64.const 1)', 'i64', 'i64', 100)
  })

  it('stops a runaway loop at its limit', () => {
    const state = stateOf('(module (func (export "canister_update u") (loop (br 0))))')
    const outcome = update(state, 'u', { instructionLimit: 10_000_000n })
    expect(outcome.error?.code).toBe('IC0522')
    expect(outcome.error?.message).toContain('Canister exceeded the limit of 10000000 instructions for single message execution.')
    expect(outcome.instructionsUsed).toBe(10_000_000n)
  })

  it('stops a runaway recursion, bulk operation and System API call at their limits', () => {
    const imports = '(import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))'
    for (const body of [
      '(call $two) (call $two)',
      '(memory.fill (i32.const 0) (i32.const 0) (i32.const 65536))',
      '(memory.fill (i32.const 0) (i32.const 0) (i32.const -1))',
      '(call $append (i32.const 0) (i32.const 60000))',
    ]) {
      const state = stateOf(`(module ${imports} (memory 1) (func $one (local i32) (local.set 0 (i32.const 1000)) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
        (func $two (call $one) (call $one)) (func (export "canister_update u") ${body}))`)
      expect(update(state, 'u', { instructionLimit: 20_000n }).error?.code, body).toBe('IC0522')
    }
  })

  it('straight-line code may pass the limit but is stopped by the next check or the end', () => {
    const state = stateOf('(module (func (export "canister_update u") (nop) (nop) (nop)))')
    expect(update(state, 'u', { instructionLimit: 3n }).error?.code).toBe('IC0522')
    expect(update(state, 'u', { instructionLimit: 4n }).error).toBeNull()
  })
})
