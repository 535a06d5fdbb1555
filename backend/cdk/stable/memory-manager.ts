// Virtual memories over the one stable memory.
//
// Keeps: up to 255 memories (ids 0..254) grow independently and never move or shrink; what a memory holds
// survives upgrades; a fresh byte reads zero. Opening costs in proportion to the number of extents, of which
// a memory of n bytes has about log2(n / 64 KiB) up to 8 MiB and one per 8 MiB after.
//
// Why extents that double: a canister with twenty small memories pays for twenty pages of 64 KiB, not for
// twenty buckets sized for the biggest; and the address of a byte is still found by arithmetic.
//
// Layout, version 1 (little-endian; page = 64 KiB)
//   page 0
//     0   3  magic "PMM"
//     3   1  version = 1
//     4   4  number of extents, u32
//     8  24  zero
//    32   n  owner of each extent in order of allocation, u8
//   page 1…  the extents, one after the other, without gaps
// The i-th extent of a memory has 1, 1, 2, 4, 8, 16, 32, 64, 128, 128, 128 … pages: positions need no storing.

import { stable64_grow, stable64_read, stable64_size, stable64_write } from "../ic0";

/** "PMM" and version 1, as a little-endian u32. */
const MAGIC: u32 = 0x014d4d50;
const TABLE_OFFSET: u32 = 32;
/** What is left of page 0: with 8 MiB extents about 511 GiB, more than a canister may have. */
const MAX_EXTENTS: u32 = 65536 - 32;
/** From the ninth on all extents have 128 pages (8 MiB). */
const FULL_EXTENT: u32 = 8;

const scratch = memory.data(16, 16);

/** Pages of a memory's `index`-th extent. */
function extentPages(index: u32): u32 {
  return index == 0 ? 1 : index <= FULL_EXTENT ? 1 << (index - 1) : 128;
}

/** First page, within its memory, of extent `index`. */
function extentStart(index: u32): u32 {
  return index == 0 ? 0 : index <= FULL_EXTENT ? 1 << (index - 1) : (index - 7) << 7;
}

/** The extent that holds a memory's page. */
function extentOfPage(page: u32): u32 {
  return page == 0 ? 0 : page < 256 ? 32 - clz(page) : 7 + (page >> 7);
}

/**
 * One growable byte space. Bytes below `sizeBytes` can be read and written; everything beyond traps.
 * Pointers are heap addresses; the caller keeps what they point to alive.
 */
export class Memory {
  /** Bytes available, a multiple of 64 KiB. */
  sizeBytes: u64 = 0;
  /** First stable page of each extent. */
  private bases: StaticArray<u32> = new StaticArray<u32>(4);
  private extents: u32 = 0;
  // The extent used last: where it begins in this memory, how long it is, and where it begins in stable memory.
  private from: u64 = 0;
  private span: u64 = 0;
  private base: u64 = 0;

  constructor(readonly id: u8) {}

  /** Called by the manager alone: the next extent of this memory begins at stable page `base`. */
  addExtent(base: u32): void {
    const n = this.extents;
    if (<i32>n == this.bases.length) {
      const grown = new StaticArray<u32>(n * 2);
      memory.copy(changetype<usize>(grown), changetype<usize>(this.bases), <usize>n << 2);
      this.bases = grown;
    }
    unchecked((this.bases[n] = base));
    this.extents = n + 1;
    this.sizeBytes = (<u64>extentStart(n) + extentPages(n)) << 16;
  }

  get extentCount(): u32 {
    return this.extents;
  }

  /** Makes at least `bytes` bytes available. Traps when stable memory cannot grow. */
  ensure(bytes: u64): void {
    while (this.sizeBytes < bytes) allocateExtent(this);
  }

  /** Copies `len` bytes at `offset` to the heap at `dst`. */
  read(offset: u64, dst: usize, len: u32): void {
    const inside = offset - this.from; // huge when before the extent
    if (inside < this.span && <u64>len <= this.span - inside) {
      stable64_read(dst, this.base + inside, len);
      return;
    }
    this.checkRange(offset, len);
    while (len > 0) {
      const part = this.locate(offset, len);
      stable64_read(dst, this.base + (offset - this.from), part);
      offset += part;
      dst += part;
      len -= part;
    }
  }

  /** Copies `len` bytes of the heap at `src` to `offset`. */
  write(offset: u64, src: usize, len: u32): void {
    const inside = offset - this.from;
    if (inside < this.span && <u64>len <= this.span - inside) {
      stable64_write(this.base + inside, src, len);
      return;
    }
    this.checkRange(offset, len);
    while (len > 0) {
      const part = this.locate(offset, len);
      stable64_write(this.base + (offset - this.from), src, part);
      offset += part;
      src += part;
      len -= part;
    }
  }

  /** The little-endian integer at `offset`. */
  load<T>(offset: u64): T {
    this.read(offset, scratch, sizeof<T>());
    return load<T>(scratch);
  }

  /** Stores a little-endian integer at `offset`. */
  store<T>(offset: u64, value: T): void {
    store<T>(scratch, value);
    this.write(offset, scratch, sizeof<T>());
  }

  private checkRange(offset: u64, len: u32): void {
    assert(offset <= this.sizeBytes && <u64>len <= this.sizeBytes - offset, "virtual memory out of bounds");
  }

  /** Points the cache at the extent of `offset`; how many of the `len` bytes lie in it. */
  private locate(offset: u64, len: u32): u32 {
    const index = extentOfPage(<u32>(offset >> 16));
    const from = <u64>extentStart(index) << 16;
    this.from = from;
    this.span = <u64>extentPages(index) << 16;
    this.base = <u64>unchecked(this.bases[index]) << 16;
    return <u32>min<u64>(len, this.span - (offset - from));
  }
}

let opened: bool = false;
/** All extents of all memories. */
let extentTotal: u32 = 0;
/** First stable page that belongs to no extent. */
let nextPage: u32 = 1;
const memories = new StaticArray<Memory | null>(255);

/**
 * The virtual memory with this id, 0..254; always the same object. The first call opens the manager, or formats
 * it when stable memory is empty, and traps when stable memory holds something else.
 */
export function stableMemory(id: u8): Memory {
  if (!opened) open();
  return memoryObject(id);
}

function memoryObject(id: u8): Memory {
  assert(id < 255, "memory ids end at 254");
  const known = memories[id];
  if (known != null) return known;
  const made = new Memory(id);
  memories[id] = made;
  return made;
}

function open(): void {
  opened = true;
  if (stable64_size() == 0) {
    assert(stable64_grow(1) == 0, "stable memory cannot grow");
    store<u32>(scratch, MAGIC);
    store<u32>(scratch, 0, 4);
    stable64_write(0, scratch, 8);
    return;
  }
  stable64_read(scratch, 0, 8);
  assert(load<u32>(scratch) == MAGIC, "stable memory holds no memory manager of version 1");
  const count = load<u32>(scratch, 4);
  const owners = heap.alloc(count);
  stable64_read(owners, TABLE_OFFSET, count);
  for (let i: u32 = 0; i < count; i++) {
    const owner = memoryObject(load<u8>(owners + i));
    const pages = extentPages(owner.extentCount);
    owner.addExtent(nextPage);
    nextPage += pages;
  }
  extentTotal = count;
  heap.free(owners);
}

function allocateExtent(owner: Memory): void {
  assert(extentTotal < MAX_EXTENTS, "stable memory is full");
  const pages = extentPages(owner.extentCount);
  const missing = <i64>nextPage + pages - <i64>stable64_size();
  // More may be there than the extents use: a grow that was followed by no extent leaves pages behind.
  if (missing > 0) assert(stable64_grow(missing) != -1, "stable memory cannot grow");
  store<u8>(scratch, owner.id);
  stable64_write(TABLE_OFFSET + extentTotal, scratch, 1);
  extentTotal++;
  store<u32>(scratch, extentTotal);
  stable64_write(4, scratch, 4);
  owner.addExtent(nextPage);
  nextPage += pages;
}
