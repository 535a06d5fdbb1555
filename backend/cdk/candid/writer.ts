/**
 * Writes Candid values into one growing buffer that lives as long as the canister.
 *
 * Generated encoders call these functions field by field between `begin` and the use of
 * `start()`/`size()`. The buffer is reused: the next `begin` overwrites it, so its bytes must have
 * been appended to a reply or a call, or copied, before. Encoders do not nest.
 */

const INITIAL_BYTES: usize = 4096;

let base: usize = 0;
let at: usize = 0;
let end: usize = 0;

/** Empties the buffer and writes the given header (type table and argument types). */
export function begin(header: usize, size: usize): void {
  at = base;
  writeRaw(header, size);
}

export function start(): usize { return base; }
export function size(): usize { return at - base; }

/** Drops everything after the first `size` bytes. */
export function truncate(size: usize): void { at = base + size; }

function grow(extra: usize): void {
  const used = at - base;
  let capacity = max(INITIAL_BYTES, (end - base) << 1);
  while (capacity - used < extra) capacity <<= 1;
  const bigger = heap.alloc(capacity);
  if (base != 0) {
    memory.copy(bigger, base, used);
    heap.free(base);
  }
  base = bigger;
  at = base + used;
  end = base + capacity;
}

// @ts-ignore: decorator
@inline function take(size: usize): usize {
  if (end - at < size) grow(size);
  const p = at;
  at = p + size;
  return p;
}

export function writeU8(v: u8): void { store<u8>(take(1), v); }
export function writeU16(v: u16): void { store<u16>(take(2), v); }
export function writeU32(v: u32): void { store<u32>(take(4), v); }
export function writeU64(v: u64): void { store<u64>(take(8), v); }
export function writeI8(v: i8): void { store<i8>(take(1), v); }
export function writeI16(v: i16): void { store<i16>(take(2), v); }
export function writeI32(v: i32): void { store<i32>(take(4), v); }
export function writeI64(v: i64): void { store<i64>(take(8), v); }
export function writeF32(v: f32): void { store<f32>(take(4), v); }
export function writeF64(v: f64): void { store<f64>(take(8), v); }
export function writeBool(v: bool): void { store<u8>(take(1), <u8>v); }

export function writeLeb(v: u64): void {
  if (end - at < 10) grow(10);
  let p = at;
  while (v >= 0x80) {
    store<u8>(p++, <u8>v | 0x80);
    v >>= 7;
  }
  store<u8>(p++, <u8>v);
  at = p;
}

/** Copies `size` bytes from `src`. */
export function writeRaw(src: usize, size: usize): void {
  memory.copy(take(size), src, size);
}

export function writeBlob(v: Uint8Array): void {
  writeLeb(<u64>v.byteLength);
  writeRaw(v.dataStart, v.byteLength);
}

export function writePrincipalBytes(v: Uint8Array): void {
  store<u8>(take(1), 1);
  writeBlob(v);
}

const NOT_ASCII: u64 = 0xff80_ff80_ff80_ff80;

/** Text: UTF-8 with its length before it. A lone surrogate is written as U+FFFD. */
export function writeText(v: string): void {
  const units = <usize>v.length;
  const most = units * 3 + 5;
  if (end - at < most) grow(most);
  // The length goes first but is known last: guess that the text is ASCII and shift if it is not.
  const before = at;
  writeLeb(<u64>units);
  const guess = at - before;
  const bytes = utf8Into(changetype<usize>(v), units, at);
  if (bytes != units) {
    const content = at;
    at = before;
    writeLeb(<u64>bytes);
    if (at - before != guess) {
      // writeLeb has overwritten the first content byte at most: write the content again.
      utf8Into(changetype<usize>(v), units, at);
    } else {
      at = content;
    }
  }
  at += bytes;
}

/** Writes the UTF-8 form of `units` UTF-16 units to `to` (3 bytes a unit at most); returns its size. */
export function utf8Into(p: usize, units: usize, to: usize): usize {
  const first = to;
  const stop = p + (units << 1);
  while (p < stop) {
    while (stop - p >= 8) {
      let x = load<u64>(p);
      if ((x & NOT_ASCII) != 0) break;
      x = (x | (x >> 8)) & 0x0000_ffff_0000_ffff;
      x = x | (x >> 16);
      store<u32>(to, <u32>x);
      p += 8;
      to += 4;
    }
    if (p >= stop) break;
    const c = <u32>load<u16>(p);
    p += 2;
    if (c < 0x80) {
      store<u8>(to++, <u8>c);
    } else if (c < 0x800) {
      store<u8>(to, <u8>(0xc0 | (c >> 6)));
      store<u8>(to + 1, <u8>(0x80 | (c & 0x3f)));
      to += 2;
    } else {
      let point = c;
      if ((c & 0xf800) == 0xd800) {
        const low = p < stop ? <u32>load<u16>(p) : 0;
        if (c < 0xdc00 && (low & 0xfc00) == 0xdc00) {
          p += 2;
          point = 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff);
          store<u8>(to, <u8>(0xf0 | (point >> 18)));
          store<u8>(to + 1, <u8>(0x80 | ((point >> 12) & 0x3f)));
          store<u8>(to + 2, <u8>(0x80 | ((point >> 6) & 0x3f)));
          store<u8>(to + 3, <u8>(0x80 | (point & 0x3f)));
          to += 4;
          continue;
        }
        point = 0xfffd;
      }
      store<u8>(to, <u8>(0xe0 | (point >> 12)));
      store<u8>(to + 1, <u8>(0x80 | ((point >> 6) & 0x3f)));
      store<u8>(to + 2, <u8>(0x80 | (point & 0x3f)));
      to += 3;
    }
  }
  return to - first;
}

/** A copy of what was written. */
export function toBytes(): Uint8Array {
  const bytes = new Uint8Array(<i32>(at - base));
  memory.copy(bytes.dataStart, base, at - base);
  return bytes;
}
