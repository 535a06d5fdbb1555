/**
 * The Wasm instructions the replica accepts: immediates, stack effect, metering cost, and what the
 * instrumentation must do for them.
 *
 * Source: WebAssembly core specification (binary format); metering costs of the Internet Computer's replica.
 * Opcodes that are not in these tables (threads, relaxed SIMD, garbage collection, exceptions) are refused.
 */

/** Kinds of immediates. */
export const IMM_INVALID = 0
export const IMM_NONE = 1
export const IMM_BLOCK = 2
export const IMM_INDEX = 3
export const IMM_MEMARG = 4
export const IMM_I32 = 5
export const IMM_I64 = 6
export const IMM_F32 = 7
export const IMM_F64 = 8
export const IMM_BR_TABLE = 9
export const IMM_INDEX2 = 10
export const IMM_SELECT = 11
export const IMM_MEMORY = 12
export const IMM_REFTYPE = 13
export const IMM_BYTES16 = 14
export const IMM_LANE = 15
export const IMM_MEMARG_LANE = 16
export const IMM_MEMORY2 = 17
export const IMM_DATA_MEMORY = 18

export const OP = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  drop: 0x1a,
  select: 0x1b,
  selectT: 0x1c,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  tableGet: 0x25,
  tableSet: 0x26,
  i32Load: 0x28,
  i64Load: 0x29,
  i32Load8U: 0x2d,
  i32Store: 0x36,
  i64Store: 0x37,
  f32Store: 0x38,
  f64Store: 0x39,
  i32Store8: 0x3a,
  memorySize: 0x3f,
  memoryGrow: 0x40,
  i32Const: 0x41,
  i64Const: 0x42,
  f32Const: 0x43,
  f64Const: 0x44,
  i32Eqz: 0x45,
  i32LtS: 0x48,
  i32LtU: 0x49,
  i32GtU: 0x4b,
  i32GeU: 0x4f,
  i64LtS: 0x53,
  i64GtU: 0x56,
  i64GtS: 0x55,
  i64Eqz: 0x50,
  f32Eq: 0x5b,
  f64Eq: 0x61,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32Mul: 0x6c,
  i32And: 0x71,
  i32Or: 0x72,
  i32Shl: 0x74,
  i32ShrU: 0x76,
  i64Add: 0x7c,
  i64Sub: 0x7d,
  i64Shl: 0x86,
  i64ShrU: 0x88,
  i32WrapI64: 0xa7,
  i64ExtendI32U: 0xad,
  refNull: 0xd0,
  refFunc: 0xd2,
  prefixFc: 0xfc,
  prefixFd: 0xfd,
} as const

export interface OpcodeTable {
  readonly immediate: Uint8Array
  /** Cost on a 32-bit memory; loads and stores cost twice on a 64-bit one. */
  readonly cost: Uint16Array
  readonly pops: Uint8Array
  readonly pushes: Uint8Array
  /** 0 or the bytes stored. */
  readonly storeWidth: Uint8Array
  /** Reads or writes memory: doubled on a 64-bit memory. */
  readonly isAccess: Uint8Array
  /** 0, or the type (see NAN_*) of a result whose NaN bits the hardware may choose. */
  readonly nan: Uint8Array
  /** 1: consumes floats only as numbers, so the bits of a NaN operand do not show. */
  readonly absorbsNan: Uint8Array
}

export const NAN_F32 = 1
export const NAN_F64 = 2
export const NAN_F32X4 = 3
export const NAN_F64X2 = 4

function table(size: number): {
  -readonly [K in keyof OpcodeTable]: OpcodeTable[K]
} {
  return {
    immediate: new Uint8Array(size),
    cost: new Uint16Array(size).fill(1),
    pops: new Uint8Array(size),
    pushes: new Uint8Array(size),
    storeWidth: new Uint8Array(size),
    isAccess: new Uint8Array(size),
    nan: new Uint8Array(size),
    absorbsNan: new Uint8Array(size),
  }
}

type Effect = readonly [pops: number, pushes: number]
const UNARY: Effect = [1, 1]
const BINARY: Effect = [2, 1]

function define(t: OpcodeTable, from: number, to: number, immediate: number, [pops, pushes]: Effect, cost: number): void {
  for (let op = from; op <= to; op++) {
    t.immediate[op] = immediate
    t.pops[op] = pops
    t.pushes[op] = pushes
    t.cost[op] = cost
  }
}

function costs(t: OpcodeTable, cost: number, ...ops: number[]): void {
  for (const op of ops) t.cost[op] = cost
}

function buildMain(): OpcodeTable {
  const t = table(256)
  // Control. Stack effects of blocks, branches and calls depend on types: the walker knows them.
  define(t, 0x00, 0x00, IMM_NONE, [0, 0], 1) // unreachable
  define(t, 0x01, 0x01, IMM_NONE, [0, 0], 1) // nop
  define(t, 0x02, 0x03, IMM_BLOCK, [0, 0], 0) // block loop
  define(t, 0x04, 0x04, IMM_BLOCK, [1, 0], 2) // if
  define(t, 0x05, 0x05, IMM_NONE, [0, 0], 0) // else
  define(t, 0x0b, 0x0b, IMM_NONE, [0, 0], 0) // end
  define(t, 0x0c, 0x0c, IMM_INDEX, [0, 0], 2) // br
  define(t, 0x0d, 0x0d, IMM_INDEX, [1, 0], 2) // br_if
  define(t, 0x0e, 0x0e, IMM_BR_TABLE, [1, 0], 2)
  define(t, 0x0f, 0x0f, IMM_NONE, [0, 0], 1) // return
  define(t, 0x10, 0x10, IMM_INDEX, [0, 0], 5) // call
  define(t, 0x11, 0x11, IMM_INDEX2, [1, 0], 10) // call_indirect
  define(t, 0x12, 0x12, IMM_INDEX, [0, 0], 3) // return_call
  define(t, 0x13, 0x13, IMM_INDEX2, [1, 0], 60) // return_call_indirect
  define(t, 0x1a, 0x1a, IMM_NONE, [1, 0], 1) // drop
  define(t, 0x1b, 0x1b, IMM_NONE, [3, 1], 1) // select
  define(t, 0x1c, 0x1c, IMM_SELECT, [3, 1], 1)
  define(t, 0x20, 0x20, IMM_INDEX, [0, 1], 1) // local.get
  define(t, 0x21, 0x21, IMM_INDEX, [1, 0], 1)
  define(t, 0x22, 0x22, IMM_INDEX, [1, 1], 1)
  define(t, 0x23, 0x23, IMM_INDEX, [0, 1], 2) // global.get
  define(t, 0x24, 0x24, IMM_INDEX, [1, 0], 2)
  define(t, 0x25, 0x25, IMM_INDEX, [1, 1], 5) // table.get
  define(t, 0x26, 0x26, IMM_INDEX, [2, 0], 5) // table.set
  define(t, 0x28, 0x35, IMM_MEMARG, UNARY, 1) // loads
  define(t, 0x36, 0x3e, IMM_MEMARG, [2, 0], 1) // stores
  for (let op = 0x28; op <= 0x3e; op++) t.isAccess[op] = 1
  t.storeWidth.set([4, 8, 4, 8, 1, 2, 1, 2, 4], 0x36)
  define(t, 0x3f, 0x3f, IMM_MEMORY, [0, 1], 20) // memory.size
  define(t, 0x40, 0x40, IMM_MEMORY, UNARY, 300) // memory.grow
  define(t, 0x41, 0x41, IMM_I32, [0, 1], 1)
  define(t, 0x42, 0x42, IMM_I64, [0, 1], 1)
  define(t, 0x43, 0x43, IMM_F32, [0, 1], 1)
  define(t, 0x44, 0x44, IMM_F64, [0, 1], 1)
  // Numeric.
  define(t, 0x45, 0x45, IMM_NONE, UNARY, 1) // i32.eqz
  define(t, 0x46, 0x4f, IMM_NONE, BINARY, 1)
  define(t, 0x50, 0x50, IMM_NONE, UNARY, 1) // i64.eqz
  define(t, 0x51, 0x5a, IMM_NONE, BINARY, 1)
  define(t, 0x5b, 0x66, IMM_NONE, BINARY, 3) // float comparisons
  define(t, 0x67, 0x69, IMM_NONE, UNARY, 1) // i32 clz ctz popcnt
  define(t, 0x6a, 0x78, IMM_NONE, BINARY, 1)
  define(t, 0x6d, 0x70, IMM_NONE, BINARY, 10) // i32 div rem
  define(t, 0x79, 0x7b, IMM_NONE, UNARY, 1)
  define(t, 0x7c, 0x8a, IMM_NONE, BINARY, 1)
  define(t, 0x7f, 0x82, IMM_NONE, BINARY, 10) // i64 div rem
  for (const base of [0x8b, 0x99]) {
    define(t, base, base + 1, IMM_NONE, UNARY, 1) // abs neg
    define(t, base + 2, base + 5, IMM_NONE, UNARY, 2) // ceil floor trunc nearest
    define(t, base + 7, base + 9, IMM_NONE, BINARY, 2) // add sub mul
    define(t, base + 11, base + 12, IMM_NONE, BINARY, 18) // min max
    for (let op = base + 2; op <= base + 12; op++) t.nan[op] = base === 0x8b ? NAN_F32 : NAN_F64
  }
  define(t, 0x91, 0x91, IMM_NONE, UNARY, 5) // f32.sqrt
  define(t, 0x95, 0x95, IMM_NONE, BINARY, 3) // f32.div
  define(t, 0x98, 0x98, IMM_NONE, BINARY, 2) // f32.copysign
  define(t, 0x9f, 0x9f, IMM_NONE, UNARY, 8) // f64.sqrt
  define(t, 0xa3, 0xa3, IMM_NONE, BINARY, 5) // f64.div
  define(t, 0xa6, 0xa6, IMM_NONE, BINARY, 3) // f64.copysign
  define(t, 0xa7, 0xbf, IMM_NONE, UNARY, 1) // conversions
  costs(t, 20, 0xa8, 0xa9, 0xaa, 0xab, 0xae, 0xaf, 0xb0, 0xb1) // trunc
  costs(t, 3, 0xb2, 0xb4, 0xb7, 0xb9) // convert signed
  costs(t, 16, 0xb3, 0xb5, 0xb8, 0xba) // convert unsigned
  t.nan[0xb6] = NAN_F32
  t.nan[0xbb] = NAN_F64
  define(t, 0xc0, 0xc4, IMM_NONE, UNARY, 1) // sign extension
  define(t, 0xd0, 0xd0, IMM_REFTYPE, [0, 1], 1) // ref.null
  define(t, 0xd1, 0xd1, IMM_NONE, UNARY, 5) // ref.is_null
  define(t, 0xd2, 0xd2, IMM_INDEX, [0, 1], 130) // ref.func
  // Operators on numbers: arithmetic re-canonicalises its own result, comparisons and truncations give integers.
  const absorbing = [
    [0x5b, 0x66], [0x8d, 0x97], [0x9b, 0xa5], [0xa8, 0xab], [0xae, 0xb1], [0xb6, 0xb6], [0xbb, 0xbb],
  ] as const // prettier-ignore
  for (const [from, to] of absorbing) for (let op = from; op <= to; op++) t.absorbsNan[op] = 1
  return t
}

/** 0xFC prefix: saturating truncation, bulk memory, tables. */
function buildFc(): OpcodeTable {
  const t = table(18)
  define(t, 0, 7, IMM_NONE, UNARY, 20)
  for (let op = 0; op <= 7; op++) t.absorbsNan[op] = 1
  define(t, 8, 8, IMM_DATA_MEMORY, [3, 0], 100) // memory.init
  define(t, 9, 9, IMM_INDEX, [0, 0], 300) // data.drop
  define(t, 10, 10, IMM_MEMORY2, [3, 0], 100) // memory.copy
  define(t, 11, 11, IMM_MEMORY, [3, 0], 100) // memory.fill
  define(t, 12, 12, IMM_INDEX2, [3, 0], 100) // table.init
  define(t, 13, 13, IMM_INDEX, [0, 0], 300) // elem.drop
  define(t, 14, 14, IMM_INDEX2, [3, 0], 100) // table.copy
  define(t, 15, 15, IMM_INDEX, [2, 1], 300) // table.grow
  define(t, 16, 16, IMM_INDEX, [0, 1], 100) // table.size
  define(t, 17, 17, IMM_INDEX, [3, 0], 100) // table.fill
  return t
}

/** 0xFD prefix: 128-bit SIMD without the relaxed part. */
function buildFd(): OpcodeTable {
  const t = table(256)
  define(t, 0x00, 0xff, IMM_NONE, BINARY, 1)
  define(t, 0x00, 0x0a, IMM_MEMARG, UNARY, 1)
  define(t, 0x0b, 0x0b, IMM_MEMARG, [2, 0], 1) // v128.store
  define(t, 0x0c, 0x0c, IMM_BYTES16, [0, 1], 1) // v128.const
  define(t, 0x0d, 0x0d, IMM_BYTES16, BINARY, 3) // shuffle
  define(t, 0x0f, 0x14, IMM_NONE, UNARY, 1) // splat
  const extracts = [0x15, 0x16, 0x18, 0x19, 0x1b, 0x1d, 0x1f, 0x21]
  for (let op = 0x15; op <= 0x22; op++) define(t, op, op, IMM_LANE, extracts.includes(op) ? UNARY : BINARY, 1)
  define(t, 0x52, 0x52, IMM_NONE, [3, 1], 1) // bitselect
  define(t, 0x54, 0x57, IMM_MEMARG_LANE, BINARY, 1) // load lane
  define(t, 0x58, 0x5b, IMM_MEMARG_LANE, [2, 0], 1) // store lane
  define(t, 0x5c, 0x5d, IMM_MEMARG, UNARY, 1) // load zero
  for (let op = 0; op <= 0x0b; op++) t.isAccess[op] = 1
  for (let op = 0x54; op <= 0x5d; op++) t.isAccess[op] = 1
  t.storeWidth[0x0b] = 16
  t.storeWidth.set([1, 2, 4, 8], 0x58)
  const unary = [
    0x4d, 0x53, 0x5e, 0x5f, 0x60, 0x61, 0x62, 0x63, 0x64, 0x67, 0x68, 0x69, 0x6a, 0x74, 0x75, 0x7a, 0x7c, 0x7d, 0x7e,
    0x7f, 0x80, 0x81, 0x83, 0x84, 0x87, 0x88, 0x89, 0x8a, 0x94, 0xa0, 0xa1, 0xa3, 0xa4, 0xa7, 0xa8, 0xa9, 0xaa, 0xc0,
    0xc1, 0xc3, 0xc4, 0xc7, 0xc8, 0xc9, 0xca, 0xe0, 0xe1, 0xe3, 0xec, 0xed, 0xef, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd,
    0xfe, 0xff,
  ] // prettier-ignore
  for (const op of unary) define(t, op, op, IMM_NONE, UNARY, 1)
  // lt_u gt_u; shr_u; shl/shr; i32x4.mul; extadd_u; extmul; float rounding, abs, neg, add, sub, mul; trunc_sat
  costs(t, 2, 0x26, 0x28, 0x30, 0x32, 0x3a, 0x3c, 0x6d, 0x8b, 0x8c, 0x8d, 0xab, 0xac, 0xad, 0xcb, 0xcd, 0xb5, 0x7d)
  costs(t, 2, 0x9d, 0x9f, 0xbc, 0xbd, 0xbe, 0xbf)
  costs(t, 2, 0x67, 0x68, 0x69, 0x6a, 0xe0, 0xe1, 0xe4, 0xe5, 0xe6, 0x74, 0x75, 0x7a, 0x94, 0xec, 0xed, 0xf0, 0xf1, 0xf2)
  costs(t, 2, 0xf8, 0xfc)
  costs(t, 3, 0x0d, 0x62, 0x6b, 0x6c, 0xcc, 0x7f, 0xfd)
  costs(t, 4, 0xd5, 0xe8, 0xe9, 0xf4, 0xf9, 0xfb)
  costs(t, 5, 0xe3, 0xf5)
  costs(t, 10, 0xe7)
  costs(t, 12, 0xf3)
  costs(t, 14, 0xef)
  for (const op of [0x67, 0x68, 0x69, 0x6a, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0x5e]) t.nan[op] = NAN_F32X4
  for (const op of [0x74, 0x75, 0x7a, 0x94, 0xef, 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0x5f]) t.nan[op] = NAN_F64X2
  return t
}

export const MAIN: OpcodeTable = buildMain()
export const FC: OpcodeTable = buildFc()
export const FD: OpcodeTable = buildFd()
