/**
 * Splits an uploaded module into its parts and checks everything about it that is not function bodies:
 * structure, limits, imports, exports, custom sections.
 *
 * Source: Interface Spec, "Canister module format"; limits of the Internet Computer's replica.
 * Typing of function bodies is left to the engine's own validator, which sees the original bytes too.
 */
import { ByteReader, MalformedModule } from './binary.ts'
import { SYSTEM_CALLS } from './ic0-table.ts'
import type { CustomSection, FixedEntryPoint, GlobalType } from './types.ts'

export const MAX_MODULE_BYTES = 100 * 1024 * 1024
const MAX_CODE_SECTION_BYTES = 11 * 1024 * 1024
const MAX_FUNCTIONS = 50_000
const MAX_GLOBALS = 1_000
const MAX_EXPORTED_METHODS = 1_000
const MAX_METHOD_NAME_BYTES = 20_000
const MAX_CUSTOM_SECTIONS = 16
const MAX_CUSTOM_SECTION_BYTES = 1024 * 1024
const MAX_NAME_SECTION_BYTES = 1024 * 1024
const MAX_TABLE_ELEMENTS = 1_000_000
/** In 64 KiB pages. */
export const MAX_PAGES_32 = 65_536
export const MAX_PAGES_64 = 98_304

const RESERVED_EXPORTS = new Set([
  'canister counter_instructions',
  'canister_start',
  'canister counter_dirty_pages',
  'canister counter_accessed_pages',
  'stable_memory',
  'stable_bytemap_memory',
])

const FIXED_ENTRY_POINTS: ReadonlySet<string> = new Set<FixedEntryPoint>([
  'canister_init',
  'canister_pre_upgrade',
  'canister_post_upgrade',
  'canister_inspect_message',
  'canister_heartbeat',
  'canister_global_timer',
  'canister_on_low_wasm_memory',
])

/** Said of the module in the caller's terms; becomes IC0505. */
export class InvalidModule extends Error {}

export interface FunctionType {
  readonly params: readonly number[]
  readonly results: readonly number[]
}

export const I32 = 0x7f
export const I64 = 0x7e
export const F32 = 0x7d
export const F64 = 0x7c
export const V128 = 0x7b
export const FUNCREF = 0x70
export const EXTERNREF = 0x6f

/** A constant initialiser: one instruction. */
export interface ConstExpr {
  readonly op: number
  /** ref.func: function index; i32.const / i64.const: value. */
  readonly value: number | bigint
  /** The instruction as encoded, without the `end`. */
  readonly raw: Uint8Array
}

export interface GlobalDef {
  readonly type: number
  readonly mutable: boolean
  readonly init: ConstExpr
}

export interface ElementSegment {
  readonly mode: 'active' | 'passive' | 'declarative'
  readonly offset: ConstExpr | null
  /** Reference type of the items, for segments of expressions. */
  readonly expressionType: number | null
  readonly functions: readonly number[]
  readonly expressions: readonly ConstExpr[]
}

export interface DataSegment {
  /** Address for active segments; null for passive ones. */
  readonly offset: bigint | null
  readonly bytes: Uint8Array
}

export interface MemoryDef {
  readonly is64: boolean
  readonly minPages: number
  readonly maxPages: number
}

export interface TableDef {
  readonly type: number
  /** Indexed by i64. */
  readonly is64: boolean
  readonly min: number
  readonly max: bigint | null
}

export interface ParsedModule {
  readonly bytes: Uint8Array
  readonly types: readonly FunctionType[]
  /** Imported System API functions, in order. */
  readonly imports: readonly { readonly name: string; readonly type: number }[]
  /** Type index of each defined function. */
  readonly functions: readonly number[]
  readonly table: TableDef | null
  readonly memory: MemoryDef | null
  readonly globals: readonly GlobalDef[]
  readonly exportedGlobals: ReadonlySet<number>
  readonly start: number | null
  readonly elements: readonly ElementSegment[]
  readonly data: readonly DataSegment[]
  readonly hasDataCount: boolean
  /** Byte ranges of the function bodies (locals and code). */
  readonly bodies: readonly (readonly [from: number, to: number])[]
  /** canister_* function exports. */
  readonly entries: ReadonlyMap<string, number>
  readonly updates: ReadonlySet<string>
  readonly queries: ReadonlySet<string>
  readonly compositeQueries: ReadonlySet<string>
  readonly entryPoints: ReadonlySet<FixedEntryPoint>
  readonly customSections: readonly CustomSection[]
}

const VALUE_TYPES = new Set([I32, I64, F32, F64, V128, FUNCREF, EXTERNREF])
const TYPE_NAMES: Record<number, string> = { [I32]: 'i32', [I64]: 'i64', [F32]: 'f32', [F64]: 'f64', [V128]: 'v128' }

export function globalTypeName(type: number): GlobalType {
  return TYPE_NAMES[type] as GlobalType
}

class ModuleParser {
  readonly types: FunctionType[] = []
  readonly imports: { name: string; type: number }[] = []
  readonly functions: number[] = []
  readonly tables: TableDef[] = []
  readonly memories: MemoryDef[] = []
  readonly globals: GlobalDef[] = []
  readonly exportedGlobals = new Set<number>()
  start: number | null = null
  readonly elements: ElementSegment[] = []
  readonly data: DataSegment[] = []
  hasDataCount = false
  readonly bodies: (readonly [number, number])[] = []
  readonly entries = new Map<string, number>()
  readonly updates = new Set<string>()
  readonly queries = new Set<string>()
  readonly compositeQueries = new Set<string>()
  readonly entryPoints = new Set<FixedEntryPoint>()
  readonly customSections: CustomSection[] = []
  private readonly seenExports = new Set<string>()
  private methodNameBytes = 0
  private readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  parse(): ParsedModule {
    const r = new ByteReader(this.bytes)
    const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]
    for (const b of header) if (r.byte() !== b) throw new MalformedModule('bad magic number or version')
    while (r.pos < r.end) {
      const id = r.byte()
      const size = r.u32()
      const from = r.pos
      r.skip(size)
      this.section(id, new ByteReader(this.bytes, from, r.pos))
    }
    if (this.bodies.length !== this.functions.length) {
      throw new MalformedModule('function and code section have inconsistent lengths')
    }
    this.checkImportTypes()
    this.checkExports()
    this.checkCustomSections()
    return {
      bytes: this.bytes,
      types: this.types,
      imports: this.imports,
      functions: this.functions,
      table: this.tables[0] ?? null,
      memory: this.memories[0] ?? null,
      globals: this.globals,
      exportedGlobals: this.exportedGlobals,
      start: this.start,
      elements: this.elements,
      data: this.data,
      hasDataCount: this.hasDataCount,
      bodies: this.bodies,
      entries: this.entries,
      updates: this.updates,
      queries: this.queries,
      compositeQueries: this.compositeQueries,
      entryPoints: this.entryPoints,
      customSections: this.customSections,
    }
  }

  private section(id: number, r: ByteReader): void {
    switch (id) {
      case 0:
        return this.customSection(r)
      case 1:
        for (let n = r.count(); n > 0; n--) this.types.push(this.functionType(r))
        break
      case 2:
        for (let n = r.count(); n > 0; n--) this.importEntry(r)
        break
      case 3: {
        const n = r.count()
        if (n > MAX_FUNCTIONS) {
          throw new InvalidModule(
            `Wasm module defined ${n} functions which exceeds the maximum number allowed ${MAX_FUNCTIONS}.`,
          )
        }
        for (let i = 0; i < n; i++) this.functions.push(this.typeIndex(r))
        break
      }
      case 4:
        for (let n = r.count(); n > 0; n--) this.addTable(this.tableType(r))
        break
      case 5:
        for (let n = r.count(); n > 0; n--) this.addMemory(this.memoryType(r))
        break
      case 6: {
        const n = r.count()
        if (n > MAX_GLOBALS) {
          throw new InvalidModule(
            `Wasm module defined ${n} globals which exceeds the maximum number allowed ${MAX_GLOBALS}.`,
          )
        }
        for (let i = 0; i < n; i++) this.globals.push(this.global(r))
        break
      }
      case 7:
        for (let n = r.count(); n > 0; n--) this.exportEntry(r)
        break
      case 8:
        this.start = r.u32()
        break
      case 9:
        for (let n = r.count(); n > 0; n--) this.elements.push(this.element(r))
        break
      case 10:
        this.code(r)
        break
      case 11:
        for (let n = r.count(); n > 0; n--) this.data.push(this.dataSegment(r))
        break
      case 12:
        r.u32()
        this.hasDataCount = true
        break
      default:
        throw new MalformedModule(`unknown section ${id}`)
    }
    if (r.pos !== r.end) throw new MalformedModule('section size mismatch')
  }

  private functionType(r: ByteReader): FunctionType {
    if (r.byte() !== 0x60) throw new MalformedModule('only function types are supported')
    const params = this.valueTypes(r)
    return { params, results: this.valueTypes(r) }
  }

  private valueTypes(r: ByteReader): number[] {
    const out: number[] = []
    for (let n = r.count(); n > 0; n--) {
      const t = r.byte()
      if (!VALUE_TYPES.has(t)) throw new MalformedModule(`unsupported value type 0x${t.toString(16)}`)
      out.push(t)
    }
    return out
  }

  private typeIndex(r: ByteReader): number {
    const index = r.u32()
    if (index >= this.types.length) throw new MalformedModule(`unknown type ${index}`)
    return index
  }

  private importEntry(r: ByteReader): void {
    const module = r.name()
    const name = r.name()
    const kind = r.byte()
    switch (kind) {
      case 0: {
        const type = this.typeIndex(r)
        if (module !== 'ic0' || !SYSTEM_CALLS.has(name)) {
          throw new InvalidModule(
            `Wasm module has an invalid import section. Module imports function '${name}' from '${module}' that is not exported by the runtime.`,
          )
        }
        this.imports.push({ name, type })
        return
      }
      case 1:
        if (module !== 'env' || name !== 'table') {
          throw new InvalidModule(
            `Wasm module has an invalid import section. Only 'table' of 'env' may be imported as a table, not '${name}' of '${module}'.`,
          )
        }
        return this.addTable(this.tableType(r))
      case 2:
        if (module !== 'env' || name !== 'memory') {
          throw new InvalidModule(
            `Wasm module has an invalid import section. Only 'memory' of 'env' may be imported as a memory, not '${name}' of '${module}'.`,
          )
        }
        return this.addMemory(this.memoryType(r))
      case 3:
        throw new InvalidModule('Wasm module has an invalid import section. Importing globals is not allowed.')
      default:
        throw new InvalidModule(`Wasm module has an invalid import section. Import kind ${kind} is not allowed.`)
    }
  }

  private addTable(table: TableDef): void {
    if (this.tables.length > 0) throw new InvalidModule('Wasm module defines more than one table.')
    if (table.min > MAX_TABLE_ELEMENTS) {
      throw new InvalidModule(`Wasm module has a table of ${table.min} elements which exceeds ${MAX_TABLE_ELEMENTS}.`)
    }
    this.tables.push(table)
  }

  private addMemory(memory: MemoryDef): void {
    if (this.memories.length > 0) throw new InvalidModule('Wasm module has more than one memory.')
    this.memories.push(memory)
  }

  private tableType(r: ByteReader): TableDef {
    const type = r.byte()
    if (type !== FUNCREF && type !== EXTERNREF) throw new MalformedModule('unsupported table type')
    const flags = r.byte()
    if (flags !== 0 && flags !== 1 && flags !== 4 && flags !== 5) throw new MalformedModule('unsupported table limits')
    const is64 = flags >= 4
    const min = r.u64()
    return { type, is64, min: Number(min), max: (flags & 1) !== 0 ? r.u64() : null }
  }

  private memoryType(r: ByteReader): MemoryDef {
    const flags = r.byte()
    if (flags !== 0 && flags !== 1 && flags !== 4 && flags !== 5) {
      throw new MalformedModule('threads and custom page sizes are not supported')
    }
    const is64 = flags >= 4
    const cap = BigInt(is64 ? MAX_PAGES_64 : MAX_PAGES_32)
    const min = r.u64()
    const max = (flags & 1) !== 0 ? r.u64() : cap
    if (min > cap) {
      throw new InvalidModule(
        `Wasm module declares an initial memory of ${min} pages which exceeds the maximum allowed ${cap}.`,
      )
    }
    if (min > max) throw new MalformedModule('size minimum must not be greater than maximum')
    return { is64, minPages: Number(min), maxPages: Number(max > cap ? cap : max) }
  }

  private global(r: ByteReader): GlobalDef {
    const type = r.byte()
    if (!(type in TYPE_NAMES)) {
      throw new InvalidModule('Wasm module contains a global of a type that is not supported.')
    }
    const mutability = r.byte()
    if (mutability > 1) throw new MalformedModule('malformed mutability')
    return { type, mutable: mutability === 1, init: this.constExpr(r) }
  }

  private constExpr(r: ByteReader): ConstExpr {
    const from = r.pos
    const op = r.byte()
    let value: number | bigint = 0
    switch (op) {
      case 0x41:
        value = r.s32()
        break
      case 0x42:
        value = r.s64()
        break
      case 0x43:
        r.skip(4)
        break
      case 0x44:
        r.skip(8)
        break
      case 0xd0:
        if (r.byte() < 0x6f) throw new MalformedModule('unsupported reference type')
        break
      case 0xd2:
        value = r.u32()
        break
      case 0xfd:
        if (r.u32() !== 12) throw new MalformedModule('constant expression required')
        r.skip(16)
        break
      default:
        throw new MalformedModule('only single constant instructions are supported in initialisers')
    }
    const raw = r.bytes.subarray(from, r.pos)
    if (r.byte() !== 0x0b) throw new MalformedModule('only single constant instructions are supported in initialisers')
    return { op, value, raw }
  }

  private exportEntry(r: ByteReader): void {
    const before = r.pos
    const name = r.name()
    const nameBytes = r.pos - before - 1
    const kind = r.byte()
    const index = r.u32()
    if (this.seenExports.has(name)) throw new MalformedModule(`duplicate export name '${name}'`)
    this.seenExports.add(name)
    if (RESERVED_EXPORTS.has(name)) {
      throw new InvalidModule(`Wasm module contains an invalid export section. Module exports reserved symbol '${name}'.`)
    }
    if (kind === 3) this.exportedGlobals.add(index)
    if (kind !== 0 || !name.startsWith('canister_')) return
    this.entries.set(name, index)
    if (FIXED_ENTRY_POINTS.has(name)) {
      this.entryPoints.add(name as FixedEntryPoint)
      return
    }
    for (const [prefix, methods] of [
      ['canister_update ', this.updates],
      ['canister_query ', this.queries],
      ['canister_composite_query ', this.compositeQueries],
    ] as const) {
      if (!name.startsWith(prefix)) continue
      methods.add(name.slice(prefix.length))
      this.methodNameBytes += nameBytes - prefix.length
      return
    }
    throw new InvalidModule(
      `Wasm module contains an invalid export section. Exporting a function with name '${name}' starting with 'canister_' is not allowed.`,
    )
  }

  private element(r: ByteReader): ElementSegment {
    const flags = r.u32()
    if (flags > 7) throw new MalformedModule('malformed elements segment kind')
    const mode = (flags & 1) === 0 ? 'active' : (flags & 2) === 0 ? 'passive' : 'declarative'
    let offset: ConstExpr | null = null
    if (mode === 'active') {
      if ((flags & 2) !== 0 && r.u32() !== 0) throw new MalformedModule('unknown table')
      offset = this.constExpr(r)
      if (offset.op !== 0x41 && offset.op !== 0x42) throw new MalformedModule('type mismatch in element offset')
    }
    let expressionType: number | null = (flags & 4) !== 0 ? FUNCREF : null
    if ((flags & 3) !== 0) {
      const kind = r.byte()
      if ((flags & 4) !== 0) expressionType = kind
      else if (kind !== 0) throw new MalformedModule('malformed element kind')
    }
    const functions: number[] = []
    const expressions: ConstExpr[] = []
    for (let n = r.count(); n > 0; n--) {
      if (expressionType === null) functions.push(r.u32())
      else expressions.push(this.constExpr(r))
    }
    return { mode, offset, expressionType, functions, expressions }
  }

  private code(r: ByteReader): void {
    if (r.end - r.pos > MAX_CODE_SECTION_BYTES) {
      throw new InvalidModule(
        `Wasm module code section size of ${r.end - r.pos} bytes exceeds the maximum allowed ${MAX_CODE_SECTION_BYTES}.`,
      )
    }
    for (let n = r.count(); n > 0; n--) {
      const size = r.u32()
      const from = r.pos
      r.skip(size)
      this.bodies.push([from, r.pos])
    }
  }

  private dataSegment(r: ByteReader): DataSegment {
    const flags = r.u32()
    if (flags > 2) throw new MalformedModule('malformed data segment kind')
    let offset: bigint | null = null
    if (flags !== 1) {
      if (flags === 2 && r.u32() !== 0) throw new MalformedModule('unknown memory')
      const expr = this.constExpr(r)
      if (expr.op !== 0x41 && expr.op !== 0x42) throw new MalformedModule('type mismatch in data offset')
      offset = expr.op === 0x41 ? BigInt(Number(expr.value) >>> 0) : BigInt.asUintN(64, expr.value as bigint)
    }
    return { offset, bytes: r.slice(r.u32()) }
  }

  private customSection(r: ByteReader): void {
    const name = r.name()
    if (name === 'name' && r.end - r.pos > MAX_NAME_SECTION_BYTES) {
      throw new InvalidModule(`Wasm module has a name section larger than ${MAX_NAME_SECTION_BYTES} bytes.`)
    }
    if (!name.startsWith('icp:')) return
    const content = r.bytes.slice(r.pos, r.end)
    for (const visibility of ['public', 'private'] as const) {
      const prefix = `icp:${visibility} `
      if (!name.startsWith(prefix)) continue
      this.customSections.push({ name: name.slice(prefix.length), visibility, content })
      return
    }
    throw new InvalidModule(
      `Wasm module has an invalid custom section. Section name '${name}' must start with 'icp:public ' or 'icp:private '.`,
    )
  }

  private checkImportTypes(): void {
    const address = this.memories[0]?.is64 === true ? I64 : I32
    const expand = (letters: string): number[] =>
      [...letters].map((letter) => (letter === 'i' ? I32 : letter === 'l' ? I64 : address))
    for (const { name, type } of this.imports) {
      const expected = SYSTEM_CALLS.get(name)!
      const actual = this.types[type]!
      if (expected.only32 && address === I64) {
        throw new InvalidModule(
          `Wasm module has an invalid import section. Module imports function '${name}' from 'ic0' that is not available to 64-bit modules.`,
        )
      }
      if (!sameTypes(actual.params, expand(expected.params)) || !sameTypes(actual.results, expand(expected.result))) {
        throw new InvalidModule(
          `Wasm module has an invalid function signature. Function '${name}' imported from 'ic0' has type ${describe(actual)}, expected ${describe({ params: expand(expected.params), results: expand(expected.result) })}.`,
        )
      }
    }
  }

  private checkExports(): void {
    const methods = this.updates.size + this.queries.size + this.compositeQueries.size
    if (methods > MAX_EXPORTED_METHODS) {
      throw new InvalidModule(
        `Wasm module contains an invalid export section. The number of exported functions called \`canister_update <name>\`, \`canister_query <name>\`, or \`canister_composite_query <name>\` exceeds ${MAX_EXPORTED_METHODS}.`,
      )
    }
    if (this.methodNameBytes > MAX_METHOD_NAME_BYTES) {
      throw new InvalidModule(
        `Wasm module contains an invalid export section. The sum of \`<name>\` lengths in exported functions called \`canister_update <name>\`, \`canister_query <name>\`, or \`canister_composite_query <name>\` exceeds ${MAX_METHOD_NAME_BYTES}.`,
      )
    }
    for (const [a, b] of [
      [this.updates, this.queries],
      [this.updates, this.compositeQueries],
      [this.queries, this.compositeQueries],
    ] as const) {
      for (const name of a) {
        if (b.has(name)) {
          throw new InvalidModule(
            `Wasm module contains an invalid export section. Duplicate function '${name}' exported multiple times with different call types: update, query, or composite_query.`,
          )
        }
      }
    }
    for (const [name, index] of this.entries) {
      const imported = this.imports[index]
      const typeIndex = imported?.type ?? this.functions[index - this.imports.length]
      if (typeIndex === undefined) throw new MalformedModule(`unknown function ${index}`)
      const type = this.types[typeIndex]!
      if (type.params.length > 0 || type.results.length > 0) {
        throw new InvalidModule(
          `Wasm module has an invalid function signature. Exported function '${name}' has type ${describe(type)}, expected () -> ().`,
        )
      }
      if (imported) {
        throw new InvalidModule(
          `Wasm module contains an invalid export section. '${name}' must not be an imported function.`,
        )
      }
    }
  }

  private checkCustomSections(): void {
    if (this.customSections.length > MAX_CUSTOM_SECTIONS) {
      throw new InvalidModule(
        `Wasm module has ${this.customSections.length} custom sections which exceeds the maximum number allowed ${MAX_CUSTOM_SECTIONS}.`,
      )
    }
    const names = new Set<string>()
    for (const { name } of this.customSections) {
      if (names.has(name)) {
        throw new InvalidModule(`Wasm module has an invalid custom section. Section name '${name}' is defined twice.`)
      }
      names.add(name)
    }
    if (customSectionBytes(this.customSections) > MAX_CUSTOM_SECTION_BYTES) {
      throw new InvalidModule(`Wasm module's custom sections exceed ${MAX_CUSTOM_SECTION_BYTES} bytes.`)
    }
  }
}

export function customSectionBytes(sections: readonly CustomSection[]): number {
  return sections.reduce((sum, s) => sum + new TextEncoder().encode(s.name).length + s.content.length, 0)
}

function sameTypes(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((t, i) => t === b[i])
}

function describe({ params, results }: FunctionType): string {
  const names = (types: readonly number[]): string => types.map((t) => TYPE_NAMES[t] ?? 'ref').join(', ')
  return `(${names(params)}) -> (${names(results)})`
}

/** Throws {@link InvalidModule} or {@link MalformedModule}. */
export function parseModule(bytes: Uint8Array): ParsedModule {
  return new ModuleParser(bytes).parse()
}
