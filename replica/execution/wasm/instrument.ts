/**
 * Rewrites a parsed module so that it can be run under control:
 *
 * - metering: an instruction counter (i64 global) pays for each basic block at its start; it is checked at function
 *   entries, loop heads and bulk operations. Exact with respect to the Internet Computer's cost table.
 * - dirty pages: a second memory holds a byte per 4 KiB page of the heap; the first store to a page saves its old
 *   content in a third memory (the undo log).
 * - NaNs: results of float arithmetic are replaced by the canonical NaN before their bits can be seen.
 * - call depth: bounded by an estimate of frame sizes, so that the native stack never decides anything.
 * - memory.grow asks the host. Active data segments and the start function are left to the host.
 *
 * Must always: keep the module's meaning apart from these. Must never: let code run unbounded between two checks.
 *
 * Layout of the undo memory: 16 bytes per persisted global (saved values), then records of
 * {page index: u32, 4 bytes unused, old content: 4096 bytes}, up to the undo top.
 */
import { ByteReader, ByteWriter, MalformedModule, putU32 } from './binary.ts'
import {
  FC, FD, IMM_BLOCK, IMM_BR_TABLE, IMM_BYTES16, IMM_DATA_MEMORY, IMM_F32, IMM_F64, IMM_I32, IMM_I64, IMM_INDEX,
  IMM_INDEX2, IMM_INVALID, IMM_LANE, IMM_MEMARG, IMM_MEMARG_LANE, IMM_MEMORY, IMM_MEMORY2, IMM_NONE, IMM_REFTYPE,
  IMM_SELECT, MAIN, NAN_F32, NAN_F32X4, NAN_F64, NAN_F64X2, OP, type OpcodeTable,
} from './opcodes.ts' // prettier-ignore
import type { OffsetMap } from './offset-map.ts'
import {
  type ConstExpr, F32, F64, FUNCREF, I32, I64, InvalidModule, type ParsedModule, type TableDef, V128,
} from './parse-module.ts' // prettier-ignore

/** Budget of estimated frame bytes per execution. The host must offer {@link REQUIRED_STACK_MB} of native stack. */
export const WASM_STACK_BYTES = 16 * 1024 * 1024
/** Native stack that a thread running canisters needs: frames of the baseline compiler stay below 3 × the estimate. */
export const REQUIRED_STACK_MB = 64

const FRAME_BASE_BYTES = 128
/** Leaf functions with frames up to this are not counted: only one can be on the stack. */
const FREE_LEAF_FRAME_BYTES = 4096

const MAX_FUNCTION_INSTRUCTIONS = 1_000_000
const MAX_FUNCTION_COMPLEXITY = 1_000_000
const MAX_LOCALS = 50_000

export const UNDO_RECORD_BYTES = 8 + 4096
const UNDO_MAX_PAGES = 65_535

/** Names of what the instrumented module exports beside the canister's entry points. */
export const EXPORT = {
  heap: 'm',
  marks: 'd',
  undo: 'u',
  table: 't',
  counter: 'c',
  depth: 'p',
  undoTop: 'q',
  segmentsDropped: 'x',
  start: 's',
  touchRange: 'w',
  rollback: 'r',
  saveGlobals: 'g',
  restoreGlobals: 'G',
  callback: 'k',
} as const

export const HOST_MODULE = 'host'
const HOST_IMPORTS = ['outOfInstructions', 'growMemory', 'stackOverflow', 'undoLogFull'] as const
const SHIFT = HOST_IMPORTS.length
const HOST = { outOfInstructions: 0, growMemory: 1, stackOverflow: 2, undoLogFull: 3 } as const

const HEAP = 0
const MARKS = 1
const UNDO = 2

export interface Instrumented {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Instructions that the installation is charged for. */
  readonly instructionCount: number
  /** Indices of the persisted globals, ascending: mutable or exported. */
  readonly persistedGlobals: readonly number[]
  /** Where undo records begin. */
  readonly undoBase: number
}

/** The original index of a function of the output; undefined for what the instrumentation added. */
export function originalFunction(module: ParsedModule, index: number): number | undefined {
  const original = index - SHIFT
  return original >= 0 && original < module.imports.length + module.functions.length ? original : undefined
}

export interface InstrumentOptions {
  /** False leaves out metering, dirty pages, NaN and depth: only for measuring what they cost. */
  readonly enabled?: boolean
  /** Filled with where each piece of the output's code comes from: for explaining traps. */
  readonly origins?: OffsetMap
}

const alignUp = (n: number, to: number): number => Math.ceil(n / to) * to

class Instrumenter {
  private readonly m: ParsedModule
  private readonly is64: boolean
  /** Address type of the heap. */
  private readonly A: number
  private readonly accessFactor: number
  private readonly enabled: boolean
  private readonly origins: OffsetMap | undefined

  // Index spaces of the output.
  private readonly gCounter: number
  private readonly gDepth: number
  private readonly gUndoTop: number
  private readonly gDropped: number
  private readonly fTouchPage: number
  private readonly fTouchStore: number
  private readonly fTouchRange: number
  private readonly fBulk: number
  private readonly fRollback: number
  private readonly fSaveGlobals: number
  private readonly fRestoreGlobals: number
  private readonly fCallback: number
  private readonly types: { params: readonly number[]; results: readonly number[] }[]
  private readonly persisted: number[] = []
  private readonly undoBase: number

  private instructionCount = 0

  // State of the function being rewritten.
  private readonly code = new ByteWriter(64 * 1024)
  private readonly head = new ByteWriter(1024)
  private r!: ByteReader
  private scratch: { type: number; index: number }[] = []
  private nextLocal = 0
  private counterLocal = 0
  private depthLocal = -1
  private readonly frameBase: number[] = []
  private readonly frameParams: number[] = []
  private readonly frameResults: number[] = []
  private readonly frameDead: boolean[] = []

  constructor(module: ParsedModule, options: InstrumentOptions) {
    this.m = module
    this.enabled = options.enabled ?? true
    this.origins = options.origins
    this.is64 = module.memory?.is64 ?? false
    this.A = this.is64 ? I64 : I32
    this.accessFactor = this.is64 ? 2 : 1
    const globals = module.globals.length
    this.gCounter = globals
    this.gDepth = globals + 1
    this.gUndoTop = globals + 2
    this.gDropped = globals + 3
    const helpers = SHIFT + module.imports.length + module.functions.length
    this.fTouchPage = helpers
    this.fTouchStore = helpers + 1
    this.fTouchRange = helpers + 2
    this.fBulk = helpers + 3
    this.fRollback = helpers + 4
    this.fSaveGlobals = helpers + 5
    this.fRestoreGlobals = helpers + 6
    this.fCallback = helpers + 7
    this.types = [...module.types]
    module.globals.forEach((g, i) => {
      if (g.mutable || module.exportedGlobals.has(i)) this.persisted.push(i)
    })
    this.undoBase = alignUp(16 * this.persisted.length, 16)
  }

  run(): Instrumented {
    const codeSection = this.codeSection() // first: it adds types
    const out = new ByteWriter(codeSection.pos + 64 * 1024)
    out.raw(Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00))
    const imports = this.importSection()
    const functions = this.functionSection()
    const exports = this.exportSection()
    out.section(1, this.typeSection())
    out.section(2, imports)
    out.section(3, functions)
    if (this.m.table) out.section(4, this.tableSection(this.m.table))
    out.section(5, this.memorySection())
    out.section(6, this.globalSection())
    out.section(7, exports)
    if (this.m.elements.length > 0) out.section(9, this.elementSection())
    if (this.m.hasDataCount) {
      const w = new ByteWriter(8)
      w.u32(this.m.data.length)
      out.section(12, w)
    }
    out.section(10, codeSection)
    this.origins?.endSection(out.pos - codeSection.pos)
    if (this.m.data.length > 0) out.section(11, this.dataSection())
    return {
      bytes: out.finish(),
      instructionCount: this.instructionCount,
      persistedGlobals: this.persisted,
      undoBase: this.undoBase,
    }
  }

  // --- sections -----------------------------------------------------------------------------

  private typeOf(params: readonly number[], results: readonly number[]): number {
    const same = (a: readonly number[], b: readonly number[]): boolean =>
      a.length === b.length && a.every((t, i) => t === b[i])
    const found = this.types.findIndex((t) => same(t.params, params) && same(t.results, results))
    if (found >= 0) return found
    this.types.push({ params, results })
    return this.types.length - 1
  }

  private typeSection(): ByteWriter {
    const w = new ByteWriter()
    w.u32(this.types.length)
    for (const { params, results } of this.types) {
      w.byte(0x60)
      w.u32(params.length)
      for (const t of params) w.byte(t)
      w.u32(results.length)
      for (const t of results) w.byte(t)
    }
    return w
  }

  private importSection(): ByteWriter {
    const w = new ByteWriter()
    w.u32(SHIFT + this.m.imports.length)
    for (const name of HOST_IMPORTS) {
      w.name(HOST_MODULE)
      w.name(name)
      w.byte(0)
      w.u32(name === 'growMemory' ? this.typeOf([this.A], [this.A]) : this.typeOf([], []))
    }
    for (const { name, type } of this.m.imports) {
      w.name('ic0')
      w.name(name)
      w.byte(0)
      w.u32(type)
    }
    return w
  }

  private functionSection(): ByteWriter {
    const w = new ByteWriter()
    w.u32(this.m.functions.length + 8)
    for (const type of this.m.functions) w.u32(type)
    const none = this.typeOf([], [])
    w.u32(this.typeOf([I32], [])) // touchPage
    w.u32(this.typeOf([this.A, I32], [])) // touchStore
    w.u32(this.typeOf([I64, I64], [])) // touchRange
    w.u32(this.typeOf([I64, I64], [])) // bulk
    w.u32(none) // rollback
    w.u32(none) // saveGlobals
    w.u32(none) // restoreGlobals
    w.u32(this.typeOf([I32, this.A], [])) // callback
    return w
  }

  private tableSection(table: TableDef): ByteWriter {
    const w = new ByteWriter(16)
    w.u32(1)
    w.byte(table.type)
    w.byte((table.is64 ? 4 : 0) | (table.max === null ? 0 : 1))
    w.u32(table.min)
    if (table.max !== null) w.u64(table.max)
    return w
  }

  private memorySection(): ByteWriter {
    const w = new ByteWriter(32)
    const memory = this.m.memory ?? { is64: false, minPages: 0, maxPages: 0 }
    w.u32(3)
    w.byte(memory.is64 ? 5 : 1)
    w.u32(memory.minPages)
    w.u32(memory.maxPages)
    // One mark byte per 4 KiB page: a 64 KiB page of marks covers 256 MiB.
    const marks = (pages: number): number => Math.max(1, Math.ceil((pages * 16) / 65_536))
    w.byte(1)
    w.u32(marks(memory.minPages))
    w.u32(marks(memory.maxPages))
    w.byte(1)
    w.u32(1)
    w.u32(UNDO_MAX_PAGES)
    return w
  }

  private globalSection(): ByteWriter {
    const w = new ByteWriter()
    w.u32(this.m.globals.length + 4)
    for (const g of this.m.globals) {
      w.byte(g.type)
      w.byte(g.mutable ? 1 : 0)
      this.constExpr(w, g.init)
    }
    w.raw(Uint8Array.of(I64, 1, OP.i64Const, 0, OP.end))
    w.raw(Uint8Array.of(I32, 1, OP.i32Const, 0, OP.end))
    w.raw(Uint8Array.of(I32, 1, OP.i32Const))
    w.s32(this.undoBase)
    w.byte(OP.end)
    w.raw(Uint8Array.of(I32, 1, OP.i32Const, 0, OP.end))
    return w
  }

  private constExpr(w: ByteWriter, expr: ConstExpr): void {
    if (expr.op === OP.refFunc) {
      w.byte(OP.refFunc)
      w.u32(Number(expr.value) + SHIFT)
    } else w.raw(expr.raw)
    w.byte(OP.end)
  }

  private exportSection(): ByteWriter {
    const w = new ByteWriter()
    const list: [name: string, kind: number, index: number][] = [
      [EXPORT.heap, 2, HEAP],
      [EXPORT.marks, 2, MARKS],
      [EXPORT.undo, 2, UNDO],
      [EXPORT.counter, 3, this.gCounter],
      [EXPORT.depth, 3, this.gDepth],
      [EXPORT.undoTop, 3, this.gUndoTop],
      [EXPORT.segmentsDropped, 3, this.gDropped],
      [EXPORT.touchRange, 0, this.fTouchRange],
      [EXPORT.rollback, 0, this.fRollback],
      [EXPORT.saveGlobals, 0, this.fSaveGlobals],
      [EXPORT.restoreGlobals, 0, this.fRestoreGlobals],
      [EXPORT.callback, 0, this.fCallback],
    ]
    if (this.m.table?.type === FUNCREF) list.push([EXPORT.table, 1, 0])
    if (this.m.start !== null) list.push([EXPORT.start, 0, this.m.start + SHIFT])
    for (const [name, index] of this.m.entries) list.push([name, 0, index + SHIFT])
    w.u32(list.length)
    for (const [name, kind, index] of list) {
      w.name(name)
      w.byte(kind)
      w.u32(index)
    }
    return w
  }

  private elementSection(): ByteWriter {
    const w = new ByteWriter()
    w.u32(this.m.elements.length)
    for (const e of this.m.elements) {
      const asExpressions = e.expressionType !== null
      const mode = e.mode === 'active' ? 2 : e.mode === 'passive' ? 1 : 3
      w.u32(mode | (asExpressions ? 4 : 0))
      if (e.mode === 'active') {
        w.u32(0)
        this.constExpr(w, e.offset!)
      }
      w.byte(asExpressions ? e.expressionType! : 0)
      w.u32(asExpressions ? e.expressions.length : e.functions.length)
      if (asExpressions) for (const x of e.expressions) this.constExpr(w, x)
      else for (const f of e.functions) w.u32(f + SHIFT)
    }
    return w
  }

  /** Active segments become empty passive ones: after instantiation they count as dropped anyway. */
  private dataSection(): ByteWriter {
    const w = new ByteWriter()
    w.u32(this.m.data.length)
    for (const { offset, bytes } of this.m.data) {
      w.byte(1)
      w.u32(offset === null ? bytes.length : 0)
      if (offset === null) w.raw(bytes)
    }
    return w
  }

  private codeSection(): ByteWriter {
    const out = new ByteWriter(this.m.bytes.length * 2 + 4096)
    out.u32(this.m.functions.length + 8)
    for (let i = 0; i < this.m.functions.length; i++) this.body(i, out)
    for (const helper of [
      this.touchPage, this.touchStore, this.touchRange, this.bulk, this.rollback, this.saveGlobals,
      this.restoreGlobals, this.callback,
    ]) helper.call(this, out) // prettier-ignore
    // Initialisers count two instructions each, three counters included; so do the replica's own helpers.
    this.instructionCount += 2 * (this.m.globals.length + 3) + 20
    return out
  }

  // --- function bodies ----------------------------------------------------------------------

  private scratchLocal(type: number, nth: number): number {
    let seen = 0
    for (const s of this.scratch) if (s.type === type && seen++ === nth) return s.index
    for (; seen <= nth; seen++) this.scratch.push({ type, index: this.nextLocal++ })
    return this.nextLocal - 1
  }

  private newLocal(type: number): number {
    const index = this.nextLocal++
    // Named locals are kept apart from scratch ones by a type that no lookup asks for.
    this.scratch.push({ type: type | 0x100, index })
    return index
  }

  private body(index: number, out: ByteWriter): void {
    const [from, to] = this.m.bodies[index]!
    const r = (this.r = new ByteReader(this.m.bytes, from, to))
    const type = this.m.types[this.m.functions[index]!]!
    let localCount = 0
    let wide = type.params.includes(V128)
    const groups = r.count()
    const groupsFrom = r.pos
    for (let n = groups; n > 0; n--) {
      const count = r.u32()
      localCount += count
      if (localCount > MAX_LOCALS) throw new MalformedModule('too many locals')
      if (r.byte() === V128) wide = true
    }
    const localsTo = r.pos
    this.scratch = []
    this.nextLocal = type.params.length + localCount
    this.depthLocal = -1
    if (this.enabled) this.counterLocal = this.newLocal(I64)
    this.origins?.beginFunction(localsTo)
    const walk = this.walk(type.results.length)
    if (walk.usesWide) wide = true
    const frameBytes =
      FRAME_BASE_BYTES + (wide ? 16 : 8) * (type.params.length + localCount + 2 * walk.maxHeight + walk.maxArguments)
    if (this.enabled && this.depthLocal < 0 && frameBytes > FREE_LEAF_FRAME_BYTES) this.depthLocal = this.newLocal(I32)
    // Size, then locals: original groups and one group for each added local.
    const head = this.head
    head.pos = 0
    head.u32(groups + this.scratch.length)
    head.raw(this.m.bytes, groupsFrom, localsTo)
    for (const { type: t } of this.scratch) {
      head.u32(1)
      head.byte(t & 0xff)
    }
    if (this.depthLocal >= 0) this.depthPrologue(head, frameBytes)
    out.u32(head.pos + this.code.pos)
    this.origins?.endFunction(out.pos, out.pos + head.pos)
    out.raw(head.bytes, 0, head.pos)
    out.raw(this.code.bytes, 0, this.code.pos)
  }

  private depthPrologue(w: ByteWriter, frameBytes: number): void {
    w.byte(OP.globalGet)
    w.u32(this.gDepth)
    w.byte(OP.i32Const)
    w.s32(frameBytes)
    w.byte2(OP.i32Sub, OP.localTee)
    w.u32(this.depthLocal)
    w.byte2(OP.i32Const, 0)
    w.byte2(OP.i32LtS, OP.if)
    w.byte2(0x40, OP.call)
    w.u32(HOST.stackOverflow)
    w.byte2(OP.unreachable, OP.end)
    this.frameBytesPatch(frameBytes)
  }

  /** Tail calls give the frame back: their placeholders are patched with its size. */
  private tailPatches: number[] = []
  private frameBytesPatch(frameBytes: number): void {
    for (const at of this.tailPatches) this.code.patchS35(at, frameBytes)
  }

  /** Emits the charge of a basic block; returns where its cost is to be patched in. */
  private charge(checked: boolean, entry: boolean): number {
    const w = this.code
    w.reserve(64)
    const b = w.bytes
    let p = w.pos
    b[p++] = entry ? OP.globalGet : OP.localGet
    p = putU32(b, p, entry ? this.gCounter : this.counterLocal)
    b[p++] = OP.i64Const
    w.pos = p
    const at = w.s35Placeholder()
    p = w.pos
    b[p++] = OP.i64Sub
    b[p++] = OP.localTee
    p = putU32(b, p, this.counterLocal)
    b[p++] = OP.globalSet
    p = putU32(b, p, this.gCounter)
    if (checked) {
      b[p++] = OP.localGet
      p = putU32(b, p, this.counterLocal)
      b[p++] = OP.i64Const
      b[p++] = 0
      b[p++] = OP.i64LtS
      b[p++] = OP.if
      b[p++] = 0x40
      b[p++] = OP.call
      p = putU32(b, p, HOST.outOfInstructions)
      b[p++] = OP.unreachable
      b[p++] = OP.end
    }
    w.pos = p
    return at
  }

  private reloadCounter(): void {
    const w = this.code
    w.byte(OP.globalGet)
    w.u32(this.gCounter)
    w.byte(OP.localSet)
    w.u32(this.counterLocal)
  }

  private canonicalise(kind: number): void {
    const w = this.code
    const t = this.scratchLocal(kind === NAN_F32 ? F32 : kind === NAN_F64 ? F64 : V128, 0)
    w.byte(OP.localTee)
    w.u32(t)
    switch (kind) {
      case NAN_F32:
        w.byte(OP.f32Const)
        w.raw(Uint8Array.of(0, 0, 0xc0, 0x7f))
        break
      case NAN_F64:
        w.byte(OP.f64Const)
        w.raw(Uint8Array.of(0, 0, 0, 0, 0, 0, 0xf8, 0x7f))
        break
      case NAN_F32X4:
        w.byte2(OP.prefixFd, 12)
        for (let i = 0; i < 4; i++) w.raw(Uint8Array.of(0, 0, 0xc0, 0x7f))
        break
      case NAN_F64X2:
        w.byte2(OP.prefixFd, 12)
        for (let i = 0; i < 2; i++) w.raw(Uint8Array.of(0, 0, 0, 0, 0, 0, 0xf8, 0x7f))
    }
    w.byte(OP.localGet)
    w.u32(t)
    w.byte(OP.localGet)
    w.u32(t)
    switch (kind) {
      case NAN_F32:
        w.byte2(OP.f32Eq, OP.select)
        break
      case NAN_F64:
        w.byte2(OP.f64Eq, OP.select)
        break
      case NAN_F32X4:
        w.byte2(OP.prefixFd, 0x41) // f32x4.eq
        w.byte2(OP.prefixFd, 0x52) // v128.bitselect
        break
      case NAN_F64X2:
        w.byte2(OP.prefixFd, 0x47)
        w.byte2(OP.prefixFd, 0x52)
    }
  }

  /**
   * Whether the value on top of the stack is next consumed by an operator that does not show a NaN's bits.
   * Looks over a few operands pushed above it, by opcode only.
   */
  private nextConsumerAbsorbs(): boolean {
    const { bytes } = this.r
    const end = this.r.end
    let pos = this.r.pos
    let above = 0
    for (let i = 0; i < 16; i++) {
      if (pos >= end) return false
      const op = bytes[pos++]!
      const immediate = MAIN.immediate[op]!
      switch (immediate) {
        case IMM_INDEX:
          if (op !== OP.localGet && op !== OP.globalGet) return false
          while (bytes[pos]! >= 0x80) pos++
          pos++
          break
        case IMM_I32:
        case IMM_I64:
          while (bytes[pos]! >= 0x80) pos++
          pos++
          break
        case IMM_F32:
          pos += 4
          break
        case IMM_F64:
          pos += 8
          break
        case IMM_MEMARG:
          if (MAIN.storeWidth[op]! > 0) return false
          for (let k = 0; k < 2; k++) {
            while (bytes[pos]! >= 0x80) pos++
            pos++
          }
          break
        case IMM_NONE:
          if (op < 0x45) return false
          break
        default:
          return false
      }
      const pops = MAIN.pops[op]!
      if (pops > above) return MAIN.absorbsNan[op] === 1
      above += MAIN.pushes[op]! - pops
    }
    return false
  }

  /** The store's page check. Stack: [address, value] → [address, value]. */
  private beforeStore(offset: bigint, width: number, valueType: number): void {
    const w = this.code
    const A = this.A
    const value = this.scratchLocal(valueType, A === valueType ? 2 : 0)
    const address = this.scratchLocal(A, 0)
    w.reserve(128)
    const b = w.bytes
    let p = w.pos
    b[p++] = OP.localSet
    p = putU32(b, p, value)
    b[p++] = OP.localTee
    p = putU32(b, p, address)
    let effective = address
    const add = this.is64 ? OP.i64Add : OP.i32Add
    if (offset !== 0n) {
      effective = this.scratchLocal(A, 1)
      w.pos = p
      this.addressConst(offset)
      p = w.pos
      b[p++] = add
      b[p++] = OP.localTee
      p = putU32(b, p, effective)
    }
    p = this.putLoadMark(b, p)
    if (width > 1) {
      b[p++] = OP.localGet
      p = putU32(b, p, effective)
      b[p++] = this.is64 ? OP.i64Const : OP.i32Const
      b[p++] = width - 1
      b[p++] = add
      p = this.putLoadMark(b, p)
      b[p++] = OP.i32And
    }
    b[p++] = OP.i32Eqz
    b[p++] = OP.if
    b[p++] = 0x40
    b[p++] = OP.localGet
    p = putU32(b, p, effective)
    b[p++] = OP.i32Const
    b[p++] = width
    b[p++] = OP.call
    p = putU32(b, p, this.fTouchStore)
    b[p++] = OP.end
    b[p++] = OP.localGet
    p = putU32(b, p, address)
    b[p++] = OP.localGet
    p = putU32(b, p, value)
    w.pos = p
  }

  private addressConst(value: bigint): void {
    const w = this.code
    if (this.is64) {
      w.byte(OP.i64Const)
      w.s64(BigInt.asIntN(64, value))
    } else {
      w.byte(OP.i32Const)
      w.s32(Number(BigInt.asIntN(32, value)))
    }
  }

  /** [address] → [mark of its page]. Out of range traps like the store itself would. */
  private putLoadMark(b: Uint8Array, p: number): number {
    b[p++] = this.is64 ? OP.i64Const : OP.i32Const
    b[p++] = 12
    b[p++] = this.is64 ? OP.i64ShrU : OP.i32ShrU
    if (this.is64) b[p++] = OP.i32WrapI64
    b[p++] = OP.i32Load8U
    b[p++] = 0x40 // alignment 1, explicit memory index
    b[p++] = MARKS
    b[p++] = 0
    return p
  }

  /** Charges and marks the destination of a bulk operation. Stack: [destination, x, size] unchanged. */
  private beforeBulk(xType: number, sizeType: number): void {
    const w = this.code
    const size = this.scratchLocal(sizeType, 0)
    const x = this.scratchLocal(xType, sizeType === xType ? 1 : 0)
    let same = 0
    if (sizeType === this.A) same++
    if (xType === this.A) same++
    const destination = this.scratchLocal(this.A, same)
    for (const local of [size, x, destination]) {
      w.byte(OP.localSet)
      w.u32(local)
    }
    const asI64 = (local: number, type: number): void => {
      w.byte(OP.localGet)
      w.u32(local)
      if (type === I32) w.byte(OP.i64ExtendI32U)
    }
    asI64(destination, this.A)
    asI64(size, sizeType)
    w.byte(OP.call)
    w.u32(this.fBulk)
    this.reloadCounter()
    for (const local of [destination, x, size]) {
      w.byte(OP.localGet)
      w.u32(local)
    }
  }

  /** Copies code of the function being rewritten. */
  private copy(from: number, to: number): void {
    this.origins?.add(this.code.pos, from, to - from)
    this.code.raw(this.r.bytes, from, to)
  }

  private walk(functionResults: number): { maxHeight: number; maxArguments: number; usesWide: boolean } {
    const { r, code, enabled } = this
    const bytes = r.bytes
    code.pos = 0
    this.tailPatches = []
    let height = 0
    let maxHeight = 0
    let maxArguments = 0
    let usesWide = false
    let frames = 0
    let instructions = 0
    let complexity = 0
    /** Code here cannot be reached. */
    let dead = false

    let cost = 1
    let patchAt = enabled ? this.charge(true, true) : -1
    if (enabled) this.instructionCount += 10

    const open = (base: number, params: number, results: number): void => {
      this.frameBase[frames] = base
      this.frameParams[frames] = params
      this.frameResults[frames] = results
      this.frameDead[frames] = dead
      frames++
    }
    open(0, 0, functionResults)

    /** Raw bytes from here on are still to be copied. */
    let copyFrom = r.pos
    const closeBlock = (): void => {
      if (patchAt >= 0) code.patchS35(patchAt, cost)
      patchAt = -1
      cost = 0
    }

    while (frames > 0) {
      const at = r.pos
      const op = r.byte()
      instructions++
      let table: OpcodeTable = MAIN
      let sub = op
      if (op >= 0xfc) {
        sub = r.u32()
        table = op === OP.prefixFc ? FC : op === OP.prefixFd ? FD : MAIN
        if (table === MAIN || sub >= table.immediate.length) {
          throw new MalformedModule(`unsupported instruction 0x${op.toString(16)} ${sub}`)
        }
        if (table === FD) usesWide = true
      }
      const immediate = table.immediate[sub]!
      let index = 0
      let offset = 0n
      let blockParams = 0
      let blockResults = 0
      switch (immediate) {
        case IMM_NONE:
          break
        case IMM_INDEX:
          index = r.u32()
          break
        case IMM_I32:
          r.skipLeb(5)
          break
        case IMM_I64:
          r.skipLeb(10)
          break
        case IMM_MEMARG:
        case IMM_MEMARG_LANE: {
          const align = r.u32()
          if (align >= 0x40) throw new MalformedModule('multiple memories are not supported')
          const small = bytes[r.pos]!
          if (table.storeWidth[sub]! === 0) r.skipLeb(10)
          else if (small < 0x80) {
            r.pos++
            offset = BigInt(small)
          } else offset = r.u64()
          if (immediate === IMM_MEMARG_LANE) r.byte()
          break
        }
        case IMM_BLOCK: {
          const b = bytes[r.pos]!
          if (b === 0x40) r.pos++
          else if (b >= 0x6f && b <= 0x7f) {
            r.pos++
            blockResults = 1
          } else {
            const type = this.m.types[r.s32()]
            if (!type) throw new MalformedModule('unknown type')
            blockParams = type.params.length
            blockResults = type.results.length
          }
          break
        }
        case IMM_F32:
          r.skip(4)
          break
        case IMM_F64:
          r.skip(8)
          break
        case IMM_BR_TABLE:
          for (let n = r.count() + 1; n > 0; n--) r.u32()
          break
        case IMM_INDEX2:
          index = r.u32()
          r.u32()
          break
        case IMM_SELECT:
          for (let n = r.count(); n > 0; n--) r.byte()
          break
        case IMM_MEMORY:
          if (r.byte() !== 0) throw new MalformedModule('multiple memories are not supported')
          break
        case IMM_MEMORY2:
          if (r.byte() !== 0 || r.byte() !== 0) throw new MalformedModule('multiple memories are not supported')
          break
        case IMM_DATA_MEMORY:
          index = r.u32()
          if (r.byte() !== 0) throw new MalformedModule('multiple memories are not supported')
          break
        case IMM_REFTYPE:
          r.byte()
          break
        case IMM_BYTES16:
          r.skip(16)
          break
        case IMM_LANE:
          r.byte()
          break
        case IMM_INVALID:
        default:
          throw new MalformedModule(`unsupported instruction 0x${op.toString(16)}`)
      }
      if (table === FC && sub >= 12 && sub !== 13 && sub !== 16) {
        throw new InvalidModule('Wasm module uses an instruction that changes tables, which is not supported.')
      }
      if (op === OP.tableSet) {
        throw new InvalidModule('Wasm module uses an instruction that changes tables, which is not supported.')
      }

      // The block's charge goes before its first instruction that costs anything.
      let opCost = table.cost[sub]!
      if (table.isAccess[sub] === 1) opCost *= this.accessFactor
      if (opCost > 0 && patchAt < 0 && enabled && !dead) {
        this.copy(copyFrom, at)
        copyFrom = at
        patchAt = this.charge(false, false)
        this.instructionCount += 4
      }
      cost += opCost

      // Stack effect of the plain part.
      const base = this.frameBase[frames - 1]!
      height -= table.pops[sub]!
      if (height < base) height = base
      height += table.pushes[sub]!
      if (height > maxHeight) maxHeight = height

      if (op >= OP.block && op <= OP.returnCallIndirect) {
        complexity += op === OP.else || op === OP.end ? 1 : 50
        switch (op) {
          case OP.block:
          case OP.if:
          case OP.loop: {
            const inner = Math.max(base, height - blockParams)
            if (op !== OP.block) closeBlock()
            open(inner, blockParams, blockResults)
            height = inner + blockParams
            if (op === OP.loop && enabled && !dead) {
              this.copy(copyFrom, r.pos)
              copyFrom = r.pos
              patchAt = this.charge(true, false)
              this.instructionCount += 10
            }
            break
          }
          case OP.else:
            closeBlock()
            dead = this.frameDead[frames - 1]!
            height = base + this.frameParams[frames - 1]!
            break
          case OP.end:
            closeBlock()
            frames--
            dead = this.frameDead[frames]!
            height = base + this.frameResults[frames]!
            break
          case OP.brIf:
            closeBlock()
            break
          case OP.br:
          case OP.brTable:
          case OP.return:
            closeBlock()
            dead = true
            height = base
            break
          case OP.call:
          case OP.returnCall:
          case OP.callIndirect:
          case OP.returnCallIndirect: {
            const direct = op === OP.call || op === OP.returnCall
            const tail = op === OP.returnCall || op === OP.returnCallIndirect
            const imports = this.m.imports.length
            const typeIndex = !direct
              ? index
              : index < imports
                ? this.m.imports[index]!.type
                : this.m.functions[index - imports]
            const type = typeIndex === undefined ? undefined : this.m.types[typeIndex]
            if (!type) throw new MalformedModule('unknown function')
            this.copy(copyFrom, at)
            if (type.params.length > maxArguments) maxArguments = type.params.length
            height -= type.params.length
            if (height < base) height = base
            height += type.results.length
            if (height > maxHeight) maxHeight = height
            if (enabled && !dead && !(direct && index < imports)) {
              if (this.depthLocal < 0) this.depthLocal = this.newLocal(I32)
              code.byte(OP.localGet)
              code.u32(this.depthLocal)
              if (tail) {
                code.byte(OP.i32Const)
                this.tailPatches.push(code.s35Placeholder())
                code.byte(OP.i32Add)
              }
              code.byte(OP.globalSet)
              code.u32(this.gDepth)
            }
            if (direct) {
              code.byte(op)
              code.u32(index + SHIFT)
              copyFrom = r.pos
            } else {
              this.copy(at, r.pos)
              copyFrom = r.pos
            }
            if (tail) {
              closeBlock()
              dead = true
              height = base
            } else if (enabled && !dead) this.reloadCounter()
            break
          }
          default:
            throw new MalformedModule(`unsupported instruction 0x${op.toString(16)}`)
        }
        continue
      }
      complexity++

      if (op === OP.unreachable) {
        closeBlock()
        dead = true
        height = base
        continue
      }
      if (op === OP.refFunc) {
        this.copy(copyFrom, at)
        code.byte(OP.refFunc)
        code.u32(index + SHIFT)
        copyFrom = r.pos
        continue
      }
      if (op === OP.memoryGrow) {
        complexity += 49
        this.instructionCount += 3
        this.copy(copyFrom, at)
        code.byte(OP.call)
        code.u32(HOST.growMemory)
        copyFrom = r.pos
        continue
      }
      if (!enabled || dead) continue

      const width = table.storeWidth[sub]!
      if (width > 0) {
        this.copy(copyFrom, at)
        copyFrom = at
        const valueType =
          table === FD ? V128 : op === OP.f32Store ? F32 : op === OP.f64Store ? F64 : isI64Store(op) ? I64 : I32
        this.beforeStore(offset, width, valueType)
        continue
      }
      const nan = table.nan[sub]!
      if (nan > 0) {
        if ((nan === NAN_F32 || nan === NAN_F64) && this.nextConsumerAbsorbs()) continue
        this.copy(copyFrom, r.pos)
        copyFrom = r.pos
        this.canonicalise(nan)
        continue
      }
      if (table === FC && (sub === 8 || sub === 10 || sub === 11)) {
        this.copy(copyFrom, at)
        copyFrom = at
        this.instructionCount += this.is64 && sub !== 8 ? 1 : 3
        // init: (address, i32, i32); copy: (address, address, address); fill: (address, i32, address)
        this.beforeBulk(sub === 10 ? this.A : I32, sub === 8 ? I32 : this.A)
        continue
      }
      if (table === FC && sub === 9) {
        this.copy(copyFrom, at)
        copyFrom = at
        code.byte2(OP.i32Const, 1)
        code.byte(OP.globalSet)
        code.u32(this.gDropped)
      }
    }
    if (r.pos !== r.end) throw new MalformedModule('junk after the end of a function')
    this.copy(copyFrom, r.pos)
    if (instructions > MAX_FUNCTION_INSTRUCTIONS) {
      throw new InvalidModule(
        `Wasm module contains a function with ${instructions} instructions which exceeds the maximum allowed ${MAX_FUNCTION_INSTRUCTIONS}.`,
      )
    }
    if (complexity > MAX_FUNCTION_COMPLEXITY) {
      throw new InvalidModule(
        `Wasm module contains a function that is too complex: ${complexity} exceeds the maximum allowed ${MAX_FUNCTION_COMPLEXITY}.`,
      )
    }
    this.instructionCount += instructions
    return { maxHeight, maxArguments, usesWide }
  }

  // --- helper functions ---------------------------------------------------------------------

  private helper(out: ByteWriter, locals: readonly number[], build: (w: ByteWriter) => void): void {
    const w = new ByteWriter(256)
    w.u32(locals.length)
    for (const t of locals) w.byte2(1, t)
    build(w)
    w.byte(OP.end)
    out.u32(w.pos)
    out.raw(w.bytes, 0, w.pos)
  }

  /** Saves the page's content and marks it, unless marked. Traps if the page is outside the heap. */
  private touchPage(out: ByteWriter): void {
    this.helper(out, [], (w) => {
      w.byte2(OP.localGet, 0)
      w.byte2(OP.i32Load8U, 0x40)
      w.byte2(MARKS, 0)
      w.byte2(OP.if, 0x40)
      w.byte2(OP.return, OP.end)
      // Room for one more record? Double the memory, or add a little near its end.
      w.byte(OP.globalGet)
      w.u32(this.gUndoTop)
      w.byte(OP.i32Const)
      w.s32(UNDO_RECORD_BYTES)
      w.byte2(OP.i32Add, OP.memorySize)
      w.byte2(UNDO, OP.i32Const)
      w.byte2(16, OP.i32Shl)
      w.byte2(OP.i32GtU, OP.if)
      w.byte2(0x40, OP.memorySize)
      w.byte2(UNDO, OP.memoryGrow)
      w.byte2(UNDO, OP.i32Const)
      w.byte2(0, OP.i32LtS)
      w.byte2(OP.if, 0x40)
      w.byte2(OP.i32Const, 16)
      w.byte2(OP.memoryGrow, UNDO)
      w.byte2(OP.i32Const, 0)
      w.byte2(OP.i32LtS, OP.if)
      w.byte2(0x40, OP.call)
      w.u32(HOST.undoLogFull)
      w.byte2(OP.unreachable, OP.end)
      w.byte2(OP.end, OP.end)
      // memory.copy undo[top + 8] ← heap[page << 12], 4096 bytes
      w.byte(OP.globalGet)
      w.u32(this.gUndoTop)
      w.byte2(OP.i32Const, 8)
      w.byte2(OP.i32Add, OP.localGet)
      w.byte(0)
      if (this.is64) {
        w.byte2(OP.i64ExtendI32U, OP.i64Const)
        w.byte2(12, OP.i64Shl)
      } else {
        w.byte2(OP.i32Const, 12)
        w.byte(OP.i32Shl)
      }
      w.byte(OP.i32Const)
      w.s32(4096)
      w.byte2(OP.prefixFc, 10)
      w.byte2(UNDO, HEAP)
      // undo[top] = page; marks[page] = 1; top += record
      w.byte(OP.globalGet)
      w.u32(this.gUndoTop)
      w.byte2(OP.localGet, 0)
      w.byte2(OP.i32Store, 0x42)
      w.byte2(UNDO, 0)
      w.byte2(OP.localGet, 0)
      w.byte2(OP.i32Const, 1)
      w.byte2(OP.i32Store8, 0x40)
      w.byte2(MARKS, 0)
      w.byte(OP.globalGet)
      w.u32(this.gUndoTop)
      w.byte(OP.i32Const)
      w.s32(UNDO_RECORD_BYTES)
      w.byte2(OP.i32Add, OP.globalSet)
      w.u32(this.gUndoTop)
    })
  }

  /** (address, width): touches the one or two pages of a store. */
  private touchStore(out: ByteWriter): void {
    const page = (w: ByteWriter): void => {
      if (this.is64) {
        w.byte2(OP.i64Const, 12)
        w.byte2(OP.i64ShrU, OP.i32WrapI64)
      } else {
        w.byte2(OP.i32Const, 12)
        w.byte(OP.i32ShrU)
      }
      w.byte(OP.call)
      w.u32(this.fTouchPage)
    }
    this.helper(out, [], (w) => {
      w.byte2(OP.localGet, 0)
      page(w)
      w.byte2(OP.localGet, 0)
      w.byte2(OP.localGet, 1)
      w.byte2(OP.i32Const, 1)
      w.byte(OP.i32Sub)
      if (this.is64) w.byte2(OP.i64ExtendI32U, OP.i64Add)
      else w.byte(OP.i32Add)
      page(w)
    })
  }

  /** (address: i64, size: i64): touches every page of a range; does nothing when it leaves the heap. */
  private touchRange(out: ByteWriter): void {
    this.helper(out, [I32, I32, I64], (w) => {
      const [page, last, heapBytes] = [2, 3, 4]
      w.byte2(OP.memorySize, HEAP)
      if (!this.is64) w.byte(OP.i64ExtendI32U)
      w.byte2(OP.i64Const, 16)
      w.byte2(OP.i64Shl, OP.localSet)
      w.byte(heapBytes)
      w.byte2(OP.localGet, 1)
      w.byte(OP.i64Eqz)
      w.byte2(OP.localGet, 0)
      w.byte2(OP.localGet, heapBytes)
      w.byte2(OP.i64GtU, OP.i32Or)
      w.byte2(OP.localGet, 1)
      w.byte2(OP.localGet, heapBytes)
      w.byte2(OP.localGet, 0)
      w.byte2(OP.i64Sub, OP.i64GtU)
      w.byte2(OP.i32Or, OP.if)
      w.byte2(0x40, OP.return)
      w.byte(OP.end)
      w.byte2(OP.localGet, 0)
      w.byte2(OP.i64Const, 12)
      w.byte2(OP.i64ShrU, OP.i32WrapI64)
      w.byte2(OP.localSet, page)
      w.byte2(OP.localGet, 0)
      w.byte2(OP.localGet, 1)
      w.byte2(OP.i64Add, OP.i64Const)
      w.byte2(1, OP.i64Sub)
      w.byte2(OP.i64Const, 12)
      w.byte2(OP.i64ShrU, OP.i32WrapI64)
      w.byte2(OP.localSet, last)
      w.byte2(OP.loop, 0x40)
      w.byte2(OP.localGet, page)
      w.byte(OP.call)
      w.u32(this.fTouchPage)
      w.byte2(OP.localGet, page)
      w.byte2(OP.i32Const, 1)
      w.byte2(OP.i32Add, OP.localTee)
      w.byte2(page, OP.localGet)
      w.byte2(last, 0x4d) // i32.le_u
      w.byte2(OP.brIf, 0)
      w.byte(OP.end)
    })
  }

  /** (destination: i64, size: i64): charges one instruction per byte, then touches the range. */
  private bulk(out: ByteWriter): void {
    this.helper(out, [I64], (w) => {
      const next = 2
      w.byte(OP.globalGet)
      w.u32(this.gCounter)
      w.byte2(OP.localGet, 1)
      w.byte2(OP.i64Sub, OP.localTee)
      w.byte2(next, OP.globalGet)
      w.u32(this.gCounter)
      w.byte2(OP.i64GtS, OP.if) // wrapped around
      w.byte2(0x40, OP.i64Const)
      w.s64(-(1n << 63n))
      w.byte2(OP.localSet, next)
      w.byte(OP.end)
      w.byte2(OP.localGet, next)
      w.byte(OP.globalSet)
      w.u32(this.gCounter)
      w.byte2(OP.localGet, next)
      w.byte2(OP.i64Const, 0)
      w.byte2(OP.i64LtS, OP.if)
      w.byte2(0x40, OP.call)
      w.u32(HOST.outOfInstructions)
      w.byte2(OP.unreachable, OP.end)
      w.byte2(OP.localGet, 0)
      w.byte2(OP.localGet, 1)
      w.byte(OP.call)
      w.u32(this.fTouchRange)
    })
  }

  /** Copies every saved page back, clears its mark, empties the undo log. */
  private rollback(out: ByteWriter): void {
    this.helper(out, [I32, I32], (w) => {
      const [at, page] = [0, 1]
      w.byte(OP.i32Const)
      w.s32(this.undoBase)
      w.byte2(OP.localSet, at)
      w.byte2(OP.block, 0x40)
      w.byte2(OP.loop, 0x40)
      w.byte2(OP.localGet, at)
      w.byte(OP.globalGet)
      w.u32(this.gUndoTop)
      w.byte2(OP.i32GeU, OP.brIf)
      w.byte(1)
      w.byte2(OP.localGet, at)
      w.byte2(OP.i32Load, 0x42)
      w.byte2(UNDO, 0)
      w.byte2(OP.localTee, page)
      if (this.is64) {
        w.byte2(OP.i64ExtendI32U, OP.i64Const)
        w.byte2(12, OP.i64Shl)
      } else {
        w.byte2(OP.i32Const, 12)
        w.byte(OP.i32Shl)
      }
      w.byte2(OP.localGet, at)
      w.byte2(OP.i32Const, 8)
      w.byte2(OP.i32Add, OP.i32Const)
      w.s32(4096)
      w.byte2(OP.prefixFc, 10)
      w.byte2(HEAP, UNDO)
      w.byte2(OP.localGet, page)
      w.byte2(OP.i32Const, 0)
      w.byte2(OP.i32Store8, 0x40)
      w.byte2(MARKS, 0)
      w.byte2(OP.localGet, at)
      w.byte(OP.i32Const)
      w.s32(UNDO_RECORD_BYTES)
      w.byte2(OP.i32Add, OP.localSet)
      w.byte2(at, OP.br)
      w.byte2(0, OP.end)
      w.byte2(OP.end, OP.i32Const)
      w.s32(this.undoBase)
      w.byte(OP.globalSet)
      w.u32(this.gUndoTop)
    })
  }

  private eachGlobal(w: ByteWriter, save: boolean): void {
    const access: Record<number, readonly [load: number[], store: number[]]> = {
      [I32]: [[0x28, 0x42], [0x36, 0x42]],
      [F32]: [[0x2a, 0x42], [0x38, 0x42]],
      [I64]: [[0x29, 0x43], [0x37, 0x43]],
      [F64]: [[0x2b, 0x43], [0x39, 0x43]],
      [V128]: [[0xfd, 0x00, 0x44], [0xfd, 0x0b, 0x44]],
    } // prettier-ignore
    this.persisted.forEach((index, slot) => {
      const global = this.m.globals[index]!
      if (!save && !global.mutable) return
      w.byte(OP.i32Const)
      w.s32(slot * 16)
      if (save) {
        w.byte(OP.globalGet)
        w.u32(index)
      }
      w.raw(Uint8Array.from(access[global.type]![save ? 1 : 0]))
      w.byte2(UNDO, 0)
      if (!save) {
        w.byte(OP.globalSet)
        w.u32(index)
      }
    })
  }

  private saveGlobals(out: ByteWriter): void {
    this.helper(out, [], (w) => this.eachGlobal(w, true))
  }

  private restoreGlobals(out: ByteWriter): void {
    this.helper(out, [], (w) => this.eachGlobal(w, false))
  }

  /** (table index, environment): calls a callback. */
  private callback(out: ByteWriter): void {
    this.helper(out, [], (w) => {
      if (this.m.table?.type !== FUNCREF) return w.byte(OP.unreachable)
      w.byte2(OP.localGet, 1)
      w.byte2(OP.localGet, 0)
      if (this.m.table.is64) w.byte(OP.i64ExtendI32U)
      w.byte(OP.callIndirect)
      w.u32(this.typeOf([this.A], []))
      w.byte(0)
    })
  }
}

function isI64Store(op: number): boolean {
  return op === OP.i64Store || (op >= 0x3c && op <= 0x3e)
}

/** Throws InvalidModule or MalformedModule. */
export function instrument(module: ParsedModule, options: InstrumentOptions = {}): Instrumented {
  return new Instrumenter(module, options).run()
}
