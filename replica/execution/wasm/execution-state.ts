/**
 * Heap, stable memory and globals of one canister across messages: commit and rollback, checkpoints, eviction.
 *
 * Properties:
 * - Between transactions the live heap (or, evicted, overlay over page source) is the committed state.
 * - Commit and rollback cost in proportion to touched pages. The exception: a rolled-back message that grew the heap,
 *   or that dropped data segments, has its instance rebuilt.
 * - Each message sees passive data segments undropped and the table as declared, as if newly instantiated:
 *   instructions that change tables are refused, and an instance that dropped a segment is replaced.
 */
import type { CompiledModule } from './compile.ts'
import { trapped } from './engine-errors.ts'
import { HeapInstance } from './heap-instance.ts'
import { StableMemory } from './stable-memory.ts'
import {
  type EngineError, type ExecutionState, type GlobalValue, type MemoryImage, PAGE_BYTES, type PageSource,
  type ParkedDelta, type StateChanges, WASM_PAGE_BYTES,
} from './types.ts' // prettier-ignore

const NO_PAGES: PageSource = { page: () => undefined, indices: () => [] }
/** Undo logs cannot shrink: an instance with a bigger one is dropped after the message. */
const MAX_KEPT_UNDO_BYTES = 64 * 1024 * 1024
const GLOBAL_ACCOUNTED_BYTES = 8
const SLOT_BYTES = 16

interface HeapParked {
  readonly bytes: number
  readonly pages: ReadonlyMap<number, Uint8Array>
  readonly globals: Uint8Array
}

class Parked implements ParkedDelta {
  readonly parked = true as const
  readonly heap: HeapParked
  readonly stable: ReturnType<StableMemory['park']>
  constructor(heap: HeapParked, stable: ReturnType<StableMemory['park']>) {
    this.heap = heap
    this.stable = stable
  }
}

export class CanisterExecutionState implements ExecutionState {
  readonly module: CompiledModule
  readonly stable: StableMemory
  private instance: HeapInstance | null = null
  private open = false
  private disposed = false
  private committedHeapBytes: number
  private committedGlobals: Uint8Array
  private source: PageSource
  /** Changed pages of an evicted heap. */
  private overlay = new Map<number, Uint8Array>()
  private dirty = new Set<number>()
  private replaced: boolean
  /** Size and globals at the last checkpoint. */
  private checkpointHeapBytes = -1
  private checkpointGlobals: Uint8Array | null = null

  private constructor(
    module: CompiledModule,
    stable: StableMemory,
    heapBytes: number,
    source: PageSource,
    globals: Uint8Array,
    replaced: boolean,
  ) {
    this.module = module
    this.stable = stable
    this.committedHeapBytes = heapBytes
    this.source = source
    this.committedGlobals = globals
    this.replaced = replaced
    if (!replaced) {
      this.checkpointHeapBytes = heapBytes
      this.checkpointGlobals = globals
    }
  }

  /** First installation: data segments applied, nothing run. Fails when a segment does not fit. */
  static fresh(module: CompiledModule, stable = new StableMemory()): CanisterExecutionState | EngineError {
    const instance = instantiate(module)
    if ('code' in instance) return instance
    const heapBytes = instance.heapBytes
    for (const { offset, bytes } of module.data) {
      if (offset + BigInt(bytes.length) > BigInt(heapBytes)) {
        return { code: 'IC0505', message: `Canister's Wasm module is not valid: data segment out of bounds` }
      }
    }
    const state = new CanisterExecutionState(module, stable, heapBytes, NO_PAGES, instance.readGlobals(), true)
    for (const { offset, bytes } of module.data) {
      if (bytes.length === 0) continue
      const at = Number(offset)
      instance.view.set(bytes, at)
      const last = Math.floor((at + bytes.length - 1) / PAGE_BYTES)
      for (let page = Math.floor(at / PAGE_BYTES); page <= last; page++) state.dirty.add(page)
    }
    state.instance = instance
    return state
  }

  /** From a persisted image; `replaced` when it is to be persisted again as a whole (a loaded snapshot). */
  static restored(module: CompiledModule, image: MemoryImage, replaced: boolean): CanisterExecutionState | EngineError {
    const types = module.globalTypes
    if (image.globals.length !== types.length || image.globals.some((g, i) => g.type !== types[i])) {
      return { code: 'IC0505', message: 'The globals of the image do not match the module' }
    }
    const minBytes = (module.memory?.minPages ?? 0) * WASM_PAGE_BYTES
    const maxBytes = (module.memory?.maxPages ?? 0) * WASM_PAGE_BYTES
    if (image.heapBytes < minBytes || image.heapBytes > maxBytes || image.heapBytes % WASM_PAGE_BYTES !== 0) {
      return { code: 'IC0505', message: 'The heap size of the image does not match the module' }
    }
    const stable = new StableMemory(image.stableBytes, image.stable, replaced)
    const globals = encodeGlobals(image.globals)
    const state = new CanisterExecutionState(module, stable, image.heapBytes, image.heap, globals, replaced)
    if (replaced) for (const index of pageIndices(image.heap, image.heapBytes)) state.dirty.add(index)
    return state
  }

  // --- sizes and liveness --------------------------------------------------------------------

  get heapBytes(): number {
    return this.open && this.instance ? this.instance.heapBytes : this.committedHeapBytes
  }

  get stableBytes(): number {
    return this.stable.bytes
  }

  get memoryUsageBytes(): number {
    return this.heapBytes + this.stableBytes + GLOBAL_ACCOUNTED_BYTES * this.module.globalTypes.length
  }

  get globals(): readonly GlobalValue[] {
    const bytes = this.open && this.instance ? this.instance.readGlobals() : this.committedGlobals
    return decodeGlobals(bytes, this.module)
  }

  get isLive(): boolean {
    return this.instance !== null
  }

  get residentBytes(): number {
    return (this.instance?.residentBytes ?? 0) + (this.overlay.size + this.stable.residentPages) * PAGE_BYTES
  }

  /** The live instance, rebuilt from the persisted pages if need be. */
  live(): HeapInstance {
    if (this.disposed) throw new Error('a disposed execution state was used')
    if (this.instance) return this.instance
    const instance = new HeapInstance(this.module)
    instance.growTo(this.committedHeapBytes)
    const pageCount = this.committedHeapBytes / PAGE_BYTES
    for (const index of pageIndices(this.source, this.committedHeapBytes)) {
      if (index >= pageCount || this.overlay.has(index)) continue
      const page = this.source.page(index)
      if (page) instance.view.set(page, index * PAGE_BYTES)
    }
    for (const [index, page] of this.overlay) instance.view.set(page, index * PAGE_BYTES)
    this.overlay.clear()
    instance.writeGlobals(this.committedGlobals)
    this.instance = instance
    return instance
  }

  // --- transactions --------------------------------------------------------------------------

  begin(): HeapInstance {
    const instance = this.live()
    this.open = true
    return instance
  }

  /**
   * Before a message that may have to be run again: what is not committed yet. Undefined: there is nothing, or it cannot
   * be brought back whole.
   */
  keepOpen(): ParkedDelta | undefined {
    if (!this.open || this.instance?.droppedSegments === true) return undefined
    const delta = this.park()
    this.resume(delta)
    return delta
  }

  get isOpen(): boolean {
    return this.open
  }

  /** Heap and stable bytes at the last commit, for growth accounting. */
  get committedBytes(): number {
    return this.committedHeapBytes + this.stable.committed
  }

  commit(): void {
    this.stable.commit()
    if (!this.open) return
    this.open = false
    const instance = this.instance!
    for (const page of instance.touchedPages()) this.dirty.add(page)
    instance.clearUndo()
    this.committedHeapBytes = instance.heapBytes
    this.committedGlobals = instance.readGlobals()
    this.settle(instance)
  }

  rollback(): void {
    this.stable.rollback()
    if (!this.open) return
    this.open = false
    const instance = this.instance!
    instance.undo()
    if (instance.heapBytes !== this.committedHeapBytes || instance.droppedSegments) {
      this.instance = instance.moved(this.committedHeapBytes, this.committedGlobals)
      return
    }
    instance.writeGlobals(this.committedGlobals)
    this.settle(instance)
  }

  /** Between messages an instance must be as good as new. */
  private settle(instance: HeapInstance): void {
    if (instance.droppedSegments) {
      this.instance = instance.moved(this.committedHeapBytes, this.committedGlobals)
    } else if (instance.undoBytes > MAX_KEPT_UNDO_BYTES) this.evict()
  }

  park(): ParkedDelta {
    if (!this.open) this.begin()
    const instance = this.instance!
    const pages = new Map<number, Uint8Array>()
    for (const index of instance.touchedPages()) pages.set(index, instance.page(index).slice())
    const heap = { bytes: instance.heapBytes, pages, globals: instance.readGlobals() }
    const stable = this.stable.park()
    this.rollback()
    return new Parked(heap, stable)
  }

  resume(delta: ParkedDelta): void {
    if (!(delta instanceof Parked)) throw new Error('not a delta of this engine')
    if (this.open) throw new Error('cannot resume into an open transaction')
    const instance = this.begin()
    instance.growTo(delta.heap.bytes)
    for (const [index, page] of delta.heap.pages) {
      instance.touch(index * PAGE_BYTES, PAGE_BYTES)
      instance.view.set(page, index * PAGE_BYTES)
    }
    instance.writeGlobals(delta.heap.globals)
    this.stable.resume(delta.stable)
  }

  // --- reads and writes from outside ---------------------------------------------------------

  private assertClosed(): void {
    if (this.open) throw new Error('not allowed inside an open transaction')
  }

  private heapPage(index: number): Uint8Array | undefined {
    return this.instance ? this.instance.page(index) : (this.overlay.get(index) ?? this.source.page(index))
  }

  readHeap(offset: number, size: number): Uint8Array {
    checkRange(offset, size, this.heapBytes)
    if (this.instance) return this.instance.view.slice(offset, offset + size)
    const out = new Uint8Array(size)
    for (let done = 0; done < size; ) {
      const within = (offset + done) % PAGE_BYTES
      const n = Math.min(PAGE_BYTES - within, size - done)
      const page = this.heapPage(Math.floor((offset + done) / PAGE_BYTES))
      if (page) out.set(page.subarray(within, within + n), done)
      done += n
    }
    return out
  }

  readStable(offset: number, size: number): Uint8Array {
    checkRange(offset, size, this.stable.bytes)
    const out = new Uint8Array(size)
    this.stable.read(offset, out)
    return out
  }

  writeHeap(offset: number, data: Uint8Array): void {
    this.assertClosed()
    checkRange(offset, data.length, this.heapBytes)
    const instance = this.begin()
    instance.touch(offset, data.length)
    instance.view.set(data, offset)
    this.commit()
  }

  writeStable(offset: number, data: Uint8Array): void {
    this.assertClosed()
    checkRange(offset, data.length, this.stable.bytes)
    this.stable.write(offset, data)
    this.stable.commit()
  }

  resizeStable(bytes: number): void {
    this.assertClosed()
    if (bytes % WASM_PAGE_BYTES !== 0 || bytes < 0) throw new RangeError('stable memory comes in pages of 64 KiB')
    this.stable.resize(bytes)
  }

  snapshot(): MemoryImage {
    this.assertClosed()
    const heap = new Map<number, Uint8Array>()
    const pageCount = this.committedHeapBytes / PAGE_BYTES
    const zero = new Uint8Array(PAGE_BYTES)
    const keep = (index: number, page: Uint8Array | undefined): void => {
      if (page && Buffer.compare(page, zero) !== 0) heap.set(index, page.slice())
    }
    if (this.instance) for (let i = 0; i < pageCount; i++) keep(i, this.instance.page(i))
    else {
      for (const i of new Set([...pageIndices(this.source, this.committedHeapBytes), ...this.overlay.keys()])) {
        if (i < pageCount) keep(i, this.heapPage(i))
      }
    }
    const stable = new Map<number, Uint8Array>()
    for (const [i, page] of this.stable.everyPage()) stable.set(i, page.slice())
    return {
      heapBytes: this.committedHeapBytes,
      heap: pagesOf(heap),
      stableBytes: this.stable.bytes,
      stable: pagesOf(stable),
      globals: this.globals,
    }
  }

  // --- upgrade -------------------------------------------------------------------------------

  forUpgrade(module: CompiledModule, options: { readonly keepHeap: boolean }): ExecutionState {
    if (!options.keepHeap) {
      const next = CanisterExecutionState.fresh(module, this.stable)
      if ('code' in next) throw new UpgradeError(next)
      return next
    }
    if (module.memory64 !== this.module.memory64 || (module.memory === null) !== (this.module.memory === null)) {
      throw new UpgradeError({
        code: 'IC0505',
        message: "Canister's Wasm module is not valid: the kept main memory is of another kind than the new module's",
      })
    }
    const maxBytes = (module.memory?.maxPages ?? 0) * WASM_PAGE_BYTES
    if (this.heapBytes > maxBytes) {
      throw new UpgradeError({
        code: 'IC0505',
        message: "Canister's Wasm module is not valid: the kept main memory exceeds its declared maximum",
      })
    }
    const old = this.live()
    const instance = instantiate(module)
    if ('code' in instance) throw new UpgradeError(instance)
    const globals = instance.readGlobals()
    instance.copyHeapFrom(old.view, old.heapBytes)
    const next = new CanisterExecutionState(module, this.stable, instance.heapBytes, this.source, globals, this.replaced)
    for (const page of this.dirty) next.dirty.add(page)
    for (const page of old.touchedPages()) next.dirty.add(page)
    next.checkpointHeapBytes = -1
    next.checkpointGlobals = null
    next.instance = instance
    return next
  }

  // --- checkpoints and eviction --------------------------------------------------------------

  get hasChangesSinceCheckpoint(): boolean {
    return (
      this.replaced ||
      this.dirty.size > 0 ||
      this.committedHeapBytes !== this.checkpointHeapBytes ||
      this.checkpointGlobals === null ||
      Buffer.compare(this.checkpointGlobals, this.committedGlobals) !== 0 ||
      this.stable.hasChanges
    )
  }

  changesSinceCheckpoint(): StateChanges {
    this.assertClosed()
    const indices = [...this.dirty].sort((a, b) => a - b)
    const page = (i: number): Uint8Array => this.heapPage(i) ?? new Uint8Array(PAGE_BYTES)
    return {
      heap: {
        replaced: this.replaced,
        bytes: this.committedHeapBytes,
        pageCount: indices.length,
        pages: function* () {
          for (const i of indices) yield [i, page(i)] as const
        },
      },
      stable: this.stable.changes(),
      globals: this.globals,
    }
  }

  markCheckpointed(heap: PageSource, stable: PageSource): void {
    this.assertClosed()
    this.source = heap
    this.overlay.clear()
    this.dirty.clear()
    this.replaced = false
    this.checkpointHeapBytes = this.committedHeapBytes
    this.checkpointGlobals = this.committedGlobals
    this.stable.markCheckpointed(stable)
  }

  evict(): void {
    this.assertClosed()
    this.stable.evict()
    if (!this.instance) return
    for (const index of this.dirty) this.overlay.set(index, this.instance.page(index).slice())
    this.instance = null
  }

  dispose(): void {
    this.disposed = true
    this.open = false
    this.instance = null
    this.overlay.clear()
    this.dirty.clear()
  }
}

/** The new module cannot take over: the upgrade fails with this error. */
export class UpgradeError extends Error {
  readonly error: EngineError
  constructor(error: EngineError) {
    super(error.message)
    this.error = error
  }
}

/** The first instance of a module; its element segments may turn out not to fit the table. */
function instantiate(module: CompiledModule): HeapInstance | EngineError {
  try {
    return new HeapInstance(module)
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) return trapped('table out of bounds').error
    throw error
  }
}

function checkRange(offset: number, size: number, length: number): void {
  if (offset < 0 || size < 0 || offset + size > length) {
    throw new RangeError(`range ${offset}+${size} is outside a memory of ${length} bytes`)
  }
}

function pageIndices(source: PageSource, bytes: number): Iterable<number> {
  if (source.indices) return source.indices()
  return Array.from({ length: bytes / PAGE_BYTES }, (_, i) => i)
}

function pagesOf(pages: ReadonlyMap<number, Uint8Array>): PageSource {
  return { page: (index) => pages.get(index), indices: () => pages.keys() }
}

function decodeGlobals(bytes: Uint8Array, module: CompiledModule): GlobalValue[] {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return module.globalTypes.map((type, i): GlobalValue => {
    const at = i * SLOT_BYTES
    switch (type) {
      case 'i32':
        return { type, value: data.getInt32(at, true) }
      case 'i64':
        return { type, value: data.getBigInt64(at, true) }
      case 'f32':
        return { type, bits: data.getUint32(at, true) }
      case 'f64':
        return { type, bits: data.getBigUint64(at, true) }
      case 'v128':
        return { type, bits: data.getBigUint64(at, true) | (data.getBigUint64(at + 8, true) << 64n) }
    }
  })
}

function encodeGlobals(globals: readonly GlobalValue[]): Uint8Array {
  const bytes = new Uint8Array(globals.length * SLOT_BYTES)
  const data = new DataView(bytes.buffer)
  globals.forEach((g, i) => {
    const at = i * SLOT_BYTES
    switch (g.type) {
      case 'i32':
        return data.setInt32(at, g.value, true)
      case 'i64':
        return data.setBigInt64(at, g.value, true)
      case 'f32':
        return data.setUint32(at, g.bits, true)
      case 'f64':
        return data.setBigUint64(at, g.bits, true)
      case 'v128':
        data.setBigUint64(at, BigInt.asUintN(64, g.bits), true)
        return data.setBigUint64(at + 8, g.bits >> 64n, true)
    }
  })
  return bytes
}
