// Blocks of any size inside one virtual memory, with free lists per size class.
//
// Keeps: a block's address does not change; a freed block is overwritten with zeros and given out again for its class;
// allocating costs the same however many blocks there are, freeing in proportion to the block. Blocks are neither split nor joined: a class wastes at most
// a third. The length of a block is its owner's to remember.
//
// Layout, version 1, inside the owner's header at `base` (little-endian)
//     0    8  bump: first byte that no block has used, u64
//     8  416  first free block of each of 52 classes, u64 (0 = none); a free block begins with the next one's address
// Class c holds blocks of 32·2^(c/2) bytes when c is even, 48·2^((c-1)/2) when odd: 32, 48, 64, 96, 128 …

import { Memory } from "./memory-manager";

export const ARENA_BYTES: u32 = 8 + 52 * 8;

/** The class whose blocks hold `len` bytes. */
export function classOf(len: u32): u32 {
  if (len <= 32) return 0;
  const bits = 32 - clz(len - 1); // 2^(bits-1) < len <= 2^bits
  const threeQuarters: u32 = 3 << (bits - 2);
  return len <= threeQuarters ? 2 * (bits - 6) + 1 : 2 * (bits - 5);
}

/** Bytes of a block of class `c`. */
export function classBytes(c: u32): u64 {
  return (c & 1 ? 48 : <u64>32) << (c >> 1);
}

export class Arena {
  private bump: u64 = 0;

  /** `base` is where the owner's header keeps this arena's state. */
  constructor(
    private memory: Memory,
    private base: u64,
  ) {}

  /** A new arena whose blocks begin at `start`. */
  format(start: u64): void {
    this.bump = start;
    this.memory.store<u64>(this.base, start);
    for (let c: u32 = 0; c < 52; c++) this.memory.store<u64>(this.base + 8 + (c << 3), 0);
  }

  open(): void {
    this.bump = this.memory.load<u64>(this.base);
  }

  /** Address of a block of at least `len` bytes (1 … 1 GiB), its content undefined. */
  alloc(len: u32): u64 {
    const c = classOf(len);
    assert(c < 52, "block larger than 1 GiB");
    const head = this.base + 8 + (c << 3);
    const free = this.memory.load<u64>(head);
    if (free != 0) {
      this.memory.store<u64>(head, this.memory.load<u64>(free));
      return free;
    }
    const bytes = classBytes(c);
    let at = this.bump;
    // A block of a power of two up to 4 KiB stays within one operating-system page, the unit that is paid for.
    if (!(c & 1) && bytes <= 4096) at = (at + bytes - 1) & ~(bytes - 1);
    const end = at + bytes;
    this.memory.ensure(end);
    this.bump = end;
    this.memory.store<u64>(this.base, end);
    return at;
  }

  /** Gives the block back after wiping its first `len` bytes (the length in use: any of the same class). */
  free(at: u64, len: u32): void {
    wipe(this.memory, at, len);
    const head = this.base + 8 + (classOf(len) << 3);
    this.memory.store<u64>(at, this.memory.load<u64>(head));
    this.memory.store<u64>(head, at);
  }
}

const zeros = memory.data(1024, 16);

/** Overwrites `len` bytes at `at` with zeros: what was removed shall be gone. */
export function wipe(memory: Memory, at: u64, len: u32): void {
  while (len > 0) {
    const part = min<u32>(len, 1024);
    memory.write(at, zeros, part);
    at += part;
    len -= part;
  }
}
