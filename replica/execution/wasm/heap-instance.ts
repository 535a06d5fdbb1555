/**
 * A live Wasm instance of a canister: heap, marks, undo log, globals, counter.
 *
 * Layout of the undo log and names of the exports: instrument.ts.
 */
import type { CompiledModule } from './compile.ts'
import { memoryAccessLimit, trapped } from './engine-errors.ts'
import { callOnBigStack, type Stack } from './big-stack.ts'
import { EXPORT, HOST_MODULE, UNDO_RECORD_BYTES, WASM_STACK_BYTES } from './instrument.ts'
import { bindSystemCall, type HeapAccess, type SystemApi } from './system-api.ts'
import { PAGE_BYTES, WASM_PAGE_BYTES } from './types.ts'

const MARKED_BYTES_PER_WASM_PAGE = WASM_PAGE_BYTES * PAGE_BYTES
/** Pages of zeros are not copied when a heap moves, so that they stay unallocated. */
const CHUNK_BYTES = WASM_PAGE_BYTES
const ZERO_CHUNK = new Uint8Array(CHUNK_BYTES)

interface Exports {
  readonly heap: WebAssembly.Memory
  readonly marks: WebAssembly.Memory
  readonly undo: WebAssembly.Memory
  readonly table: WebAssembly.Table | undefined
  readonly counter: WebAssembly.Global<'i64'>
  readonly depth: WebAssembly.Global<'i32'>
  readonly undoTop: WebAssembly.Global<'i32'>
  readonly segmentsDropped: WebAssembly.Global<'i32'>
  readonly touchRange: (offset: bigint, size: bigint) => void
  readonly rollback: () => void
  readonly saveGlobals: () => void
  readonly restoreGlobals: () => void
  readonly callback: (fun: number, env: number | bigint) => void
}

export class HeapInstance implements HeapAccess {
  readonly hasMemory: boolean
  readonly is64: boolean
  readonly maxPages: number
  view: Uint8Array
  /** The System API of the execution in progress. */
  api: SystemApi | null = null

  private readonly module: CompiledModule
  private readonly exports: Exports
  private readonly raw: WebAssembly.Exports

  constructor(module: CompiledModule) {
    this.module = module
    this.hasMemory = module.memory !== null
    this.is64 = module.memory64
    this.maxPages = module.memory?.maxPages ?? 0
    const current = (): SystemApi => {
      if (!this.api) throw new Error('a canister called the System API outside an execution')
      return this.api
    }
    const host = {
      outOfInstructions: () => {
        throw current().outOfInstructions()
      },
      growMemory: this.is64
        ? (pages: bigint) => BigInt(current().growHeap(Number(BigInt.asUintN(64, pages))))
        : (pages: number) => current().growHeap(pages >>> 0),
      stackOverflow: () => {
        throw trapped('stack overflow')
      },
      undoLogFull: () => {
        throw memoryAccessLimit('exceeded the limit of dirty heap pages in a single message')
      },
    }
    const ic0 = Object.fromEntries(module.imports.map((name) => [name, bindSystemCall(name, this.is64, current)]))
    const instance = new WebAssembly.Instance(module.wasm, { [HOST_MODULE]: host, ic0 } as WebAssembly.Imports)
    const raw = (this.raw = instance.exports)
    const e: Record<string, unknown> = {}
    for (const [name, short] of Object.entries(EXPORT)) e[name] = raw[short]
    this.exports = e as unknown as Exports
    this.view = new Uint8Array(this.exports.heap.buffer)
  }

  get heapBytes(): number {
    return this.view.length
  }

  getCounter(): bigint {
    return this.exports.counter.value
  }

  setCounter(value: bigint): void {
    this.exports.counter.value = value
  }

  touch(offset: number, size: number): void {
    this.exports.touchRange(BigInt(offset), BigInt(size))
  }

  grow(pages: number): boolean {
    try {
      // A 64-bit memory counts its pages in bigints.
      this.exports.heap.grow((this.is64 ? BigInt(pages) : pages) as number)
    } catch (error) {
      if (error instanceof RangeError) return false
      throw error
    }
    this.view = new Uint8Array(this.exports.heap.buffer)
    const marksNeeded = Math.ceil(this.view.length / MARKED_BYTES_PER_WASM_PAGE)
    const marks = this.exports.marks.buffer.byteLength / WASM_PAGE_BYTES
    if (marksNeeded > marks) this.exports.marks.grow(marksNeeded - marks)
    return true
  }

  get residentBytes(): number {
    return this.view.length + this.exports.undo.buffer.byteLength
  }

  get undoBytes(): number {
    return this.exports.undo.buffer.byteLength
  }

  get droppedSegments(): boolean {
    return this.exports.segmentsDropped.value !== 0
  }

  // --- undo log ------------------------------------------------------------------------------

  private get undoTop(): number {
    return this.exports.undoTop.value >>> 0
  }

  get touchedCount(): number {
    return (this.undoTop - this.module.undoBase) / UNDO_RECORD_BYTES
  }

  touchedPages(): number[] {
    const data = new DataView(this.exports.undo.buffer)
    const pages: number[] = []
    for (let at = this.module.undoBase, top = this.undoTop; at < top; at += UNDO_RECORD_BYTES) {
      pages.push(data.getUint32(at, true))
    }
    return pages
  }

  /** Forgets the undo log: the current content is the committed one. */
  clearUndo(): void {
    const marks = new Uint8Array(this.exports.marks.buffer)
    for (const page of this.touchedPages()) marks[page] = 0
    this.exports.undoTop.value = this.module.undoBase
  }

  /** Restores the content of every touched page (the heap's size stays). */
  undo(): void {
    this.exports.rollback()
  }

  page(index: number): Uint8Array {
    return this.view.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES)
  }

  // --- globals -------------------------------------------------------------------------------

  private slots(): Uint8Array {
    return new Uint8Array(this.exports.undo.buffer, 0, this.module.undoBase)
  }

  /** Current values of the persisted globals, 16 bytes each. */
  readGlobals(): Uint8Array {
    if (this.module.undoBase === 0) return new Uint8Array(0)
    this.exports.saveGlobals()
    return this.slots().slice()
  }

  writeGlobals(values: Uint8Array): void {
    if (this.module.undoBase === 0) return
    this.slots().set(values)
    this.exports.restoreGlobals()
  }

  // --- running -------------------------------------------------------------------------------

  /** Runs an export by name; anything thrown is the caller's to interpret. */
  run(name: string, stack: Stack): void {
    if (stack === 'big') callOnBigStack('', this.raw[name]!)
    else (this.raw[name] as () => void)()
  }

  callable(name: string): boolean {
    return typeof this.raw[name] === 'function'
  }

  prepare(api: SystemApi, instructionLimit: bigint): void {
    this.api = api
    this.exports.counter.value = instructionLimit
    this.exports.depth.value = WASM_STACK_BYTES
  }

  /** Whether the table has a function at that index. */
  hasFunction(fun: number): boolean {
    const table = this.exports.table
    // A 64-bit table is indexed by bigints.
    return table !== undefined && fun < Number(table.length) && table.get((this.module.table64 ? BigInt(fun) : fun) as number) !== null
  }

  runCallback(fun: number, env: bigint, stack: Stack): void {
    const argument = this.is64 ? BigInt.asIntN(64, env) : Number(BigInt.asIntN(32, env))
    if (stack === 'big') callOnBigStack(this.is64 ? 'i32 i64' : 'i32 i32', this.raw[EXPORT.callback]!, fun | 0, argument)
    else this.exports.callback(fun | 0, argument)
  }

  /** A new instance with the first `bytes` of this heap and the given globals. */
  moved(bytes: number, globals: Uint8Array): HeapInstance {
    const next = new HeapInstance(this.module)
    next.copyHeapFrom(this.view, bytes)
    next.writeGlobals(globals)
    return next
  }

  /** Fills this (fresh) heap with the first `bytes` of another. */
  copyHeapFrom(from: Uint8Array, bytes: number): void {
    this.growTo(bytes)
    for (let at = 0; at < bytes; at += CHUNK_BYTES) {
      const chunk = from.subarray(at, at + CHUNK_BYTES)
      if (Buffer.compare(chunk, ZERO_CHUNK) !== 0) this.view.set(chunk, at)
    }
  }

  /** Outside executions: the heap of a fresh instance gets its persisted size. */
  growTo(bytes: number): void {
    const missing = (bytes - this.view.length) / WASM_PAGE_BYTES
    if (missing > 0 && !this.grow(missing)) {
      throw new Error(`the host cannot allocate a canister heap of ${bytes} bytes`)
    }
  }
}

