/**
 * Memory of a snapshot that is being uploaded: pages written so far over pages of an earlier image.
 *
 * Always: a page never written reads as what lies below it, else as zeros. A page given out is
 * never modified: whoever keeps it (a canister into which the snapshot was loaded, a checkpoint
 * being written) keeps what it read.
 */
import type { PageSource } from '../../state/canister-state.ts';
import { PAGE_BYTES } from '../wasm/types.ts';

const ZERO_PAGE = new Uint8Array(PAGE_BYTES);

export class WritablePages implements PageSource {
  /** Somebody reads on demand: further writes go into a new layer over this one. */
  shared = false;
  readonly #base: PageSource | undefined;
  readonly #pages = new Map<number, Uint8Array>();

  constructor(base?: PageSource) {
    this.#base = base;
  }

  page(index: number): Uint8Array | undefined {
    return this.#pages.get(index) ?? this.#base?.page(index);
  }

  *indices(): Iterable<number> {
    const seen = new Set(this.#pages.keys());
    if (this.#base?.indices !== undefined) for (const index of this.#base.indices()) seen.add(index);
    yield* [...seen].sort((left, right) => left - right);
  }

  /** The range must lie inside the memory; the caller checks. Copies `data`. */
  write(offset: number, data: Uint8Array): void {
    for (let done = 0; done < data.length; ) {
      const index = Math.floor((offset + done) / PAGE_BYTES);
      const at = (offset + done) % PAGE_BYTES;
      const length = Math.min(PAGE_BYTES - at, data.length - done);
      const page = new Uint8Array(PAGE_BYTES);
      if (length < PAGE_BYTES) page.set(this.page(index) ?? ZERO_PAGE);
      page.set(data.subarray(done, done + length), at);
      this.#pages.set(index, page);
      done += length;
    }
  }
}

/** A copy of `size` bytes from `offset`. The range must lie inside the memory. */
export function readPages(source: PageSource, offset: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let done = 0; done < size; ) {
    const at = (offset + done) % PAGE_BYTES;
    const length = Math.min(PAGE_BYTES - at, size - done);
    const page = source.page(Math.floor((offset + done) / PAGE_BYTES));
    if (page !== undefined) bytes.set(page.subarray(at, at + length), done);
    done += length;
  }
  return bytes;
}
