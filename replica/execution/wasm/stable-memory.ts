/**
 * Stable memory of one canister: 4 KiB pages in the host, read through from a page source, with undo.
 *
 * Must always: roll back exactly, at a cost in proportion to the pages written since the last commit.
 * Bounds are the caller's to check; offsets and sizes here are within the current size.
 */
import { type MemoryChanges, PAGE_BYTES, type PageSource } from './types.ts'

/** Clean pages kept after a checkpoint before they are dropped and read again on demand (16 MiB). */
const MAX_CLEAN_PAGES = 4096

const NO_PAGES: PageSource = { page: () => undefined, indices: () => [] }

export class StableMemory {
  /** Current size in bytes; a multiple of 64 KiB. */
  bytes: number
  private committedBytes: number
  private readonly pages = new Map<number, Uint8Array>()
  private source: PageSource
  /** Content before the open transaction; undefined = was not held here (source or zeros). */
  private readonly undo = new Map<number, Uint8Array | undefined>()
  private readonly dirty = new Set<number>()
  private replaced: boolean
  private checkpointBytes: number

  constructor(bytes = 0, source: PageSource = NO_PAGES, replaced = true) {
    this.bytes = bytes
    this.committedBytes = bytes
    this.source = source
    this.replaced = replaced
    this.checkpointBytes = replaced ? -1 : bytes
  }

  /** Size at the last commit. */
  get committed(): number {
    return this.committedBytes
  }

  /** Pages written since the last commit. */
  get touchedPages(): number {
    return this.undo.size
  }

  get residentPages(): number {
    return this.pages.size + this.undo.size
  }

  private load(index: number): Uint8Array | undefined {
    const held = this.pages.get(index)
    if (held) return held
    const stored = this.source.page(index)
    if (stored) this.pages.set(index, stored)
    return stored
  }

  read(offset: number, into: Uint8Array): void {
    let done = 0
    while (done < into.length) {
      const index = Math.floor((offset + done) / PAGE_BYTES)
      const within = (offset + done) % PAGE_BYTES
      const n = Math.min(PAGE_BYTES - within, into.length - done)
      const page = this.load(index)
      if (page) into.set(within === 0 && n === PAGE_BYTES ? page : page.subarray(within, within + n), done)
      else into.fill(0, done, done + n)
      done += n
    }
  }

  /** How many pages a write would touch for the first time in this transaction. */
  newlyTouched(offset: number, size: number): number {
    if (size === 0) return 0
    const last = Math.floor((offset + size - 1) / PAGE_BYTES)
    let count = 0
    for (let i = Math.floor(offset / PAGE_BYTES); i <= last; i++) if (!this.undo.has(i)) count++
    return count
  }

  write(offset: number, data: Uint8Array): void {
    let done = 0
    while (done < data.length) {
      const index = Math.floor((offset + done) / PAGE_BYTES)
      const within = (offset + done) % PAGE_BYTES
      const n = Math.min(PAGE_BYTES - within, data.length - done)
      this.writable(index).set(data.subarray(done, done + n), within)
      done += n
    }
  }

  private writable(index: number): Uint8Array {
    if (this.undo.has(index)) return this.pages.get(index)!
    const old = this.load(index)
    // The old buffer goes to the undo log as it is (it may belong to the source); the new one is a copy.
    const next = new Uint8Array(PAGE_BYTES)
    if (old) next.set(old)
    this.undo.set(index, old)
    this.pages.set(index, next)
    return next
  }

  commit(): void {
    for (const index of this.undo.keys()) this.dirty.add(index)
    this.undo.clear()
    this.committedBytes = this.bytes
  }

  rollback(): void {
    for (const [index, old] of this.undo) {
      if (old) this.pages.set(index, old)
      else this.pages.delete(index)
    }
    this.undo.clear()
    this.bytes = this.committedBytes
  }

  /** Takes the uncommitted pages out and rolls back. */
  park(): { readonly bytes: number; readonly pages: ReadonlyMap<number, Uint8Array> } {
    const pages = new Map<number, Uint8Array>()
    for (const index of this.undo.keys()) pages.set(index, this.pages.get(index)!)
    const bytes = this.bytes
    this.rollback()
    return { bytes, pages }
  }

  resume(parked: { readonly bytes: number; readonly pages: ReadonlyMap<number, Uint8Array> }): void {
    this.bytes = parked.bytes
    for (const [index, page] of parked.pages) this.writable(index).set(page)
  }

  /** Sets the size, dropping pages beyond it; committed at once. */
  resize(bytes: number): void {
    if (bytes < this.bytes) {
      const from = Math.floor(bytes / PAGE_BYTES)
      const doomed = new Set<number>()
      for (const index of this.pages.keys()) if (index >= from) doomed.add(index)
      for (const index of this.source.indices?.() ?? []) if (index >= from) doomed.add(index)
      for (const index of doomed) this.writable(index).fill(0)
    }
    this.bytes = bytes
    this.commit()
  }

  /** Every page that may hold data, ascending. */
  *everyPage(): Generator<readonly [number, Uint8Array]> {
    const indices = new Set(this.pages.keys())
    const count = this.bytes / PAGE_BYTES
    if (this.source.indices) for (const i of this.source.indices()) indices.add(i)
    else for (let i = 0; i < count; i++) indices.add(i)
    for (const index of [...indices].sort((a, b) => a - b)) {
      const page = index < count ? this.load(index) : undefined
      if (page) yield [index, page]
    }
  }

  get hasChanges(): boolean {
    return this.replaced || this.dirty.size > 0 || this.bytes !== this.checkpointBytes
  }

  changes(): MemoryChanges {
    const all = this.replaced
    const indices = all ? [...this.everyPage()].map(([i]) => i) : [...this.dirty].sort((a, b) => a - b)
    const load = (i: number): Uint8Array => this.load(i) ?? new Uint8Array(PAGE_BYTES)
    return {
      replaced: all,
      bytes: this.bytes,
      pageCount: indices.length,
      pages: function* () {
        for (const i of indices) yield [i, load(i)] as const
      },
    }
  }

  markCheckpointed(source: PageSource): void {
    this.source = source
    this.dirty.clear()
    this.replaced = false
    this.checkpointBytes = this.bytes
    if (this.pages.size > MAX_CLEAN_PAGES) this.pages.clear()
  }

  /** Drops clean pages; they are read again on demand. */
  evict(): void {
    if (this.replaced) return
    for (const index of this.pages.keys()) {
      if (!this.dirty.has(index) && !this.undo.has(index)) this.pages.delete(index)
    }
  }
}
