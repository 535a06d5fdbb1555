/**
 * Counts the different pages that one message accesses, at the cost of a bit test an access.
 *
 * One bit a page, in chunks made when first needed: a message that hops over all of 500 GiB holds 16 MiB of bits. The page
 * of the last access is remembered, since accesses mostly come in runs.
 */
import { PAGE_BYTES } from './types.ts'

/** Pages of one chunk: 128 MiB of memory. */
const CHUNK_PAGES = 32_768

export class AccessedPages {
  /** Different pages seen. */
  count = 0
  private readonly chunks = new Map<number, Int32Array>()
  private lastPage = -1
  private lastChunk = -1
  private bits: Int32Array | undefined

  /** A range of at least one byte. */
  add(offset: number, size: number): void {
    const first = Math.floor(offset / PAGE_BYTES)
    const last = Math.floor((offset + size - 1) / PAGE_BYTES)
    if (first === this.lastPage && first === last) return
    for (let page = first; page <= last; page++) this.addPage(page)
    this.lastPage = last
  }

  private addPage(page: number): void {
    const chunk = Math.floor(page / CHUNK_PAGES)
    if (chunk !== this.lastChunk) this.enter(chunk)
    const within = page % CHUNK_PAGES
    const mask = 1 << (within & 31)
    const word = this.bits![within >>> 5]!
    if ((word & mask) !== 0) return
    this.bits![within >>> 5] = word | mask
    this.count++
  }

  private enter(chunk: number): void {
    let bits = this.chunks.get(chunk)
    if (bits === undefined) {
      bits = new Int32Array(CHUNK_PAGES / 32)
      this.chunks.set(chunk, bits)
    }
    this.lastChunk = chunk
    this.bits = bits
  }
}
