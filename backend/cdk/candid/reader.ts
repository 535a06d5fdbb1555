/**
 * Reads Candid values of a known type from the current message.
 *
 * There is one reader per canister, kept in globals (`at`, `end`), because decoding never nests
 * and never spans messages: generated code calls these functions field by field. All memory
 * accesses are checked against `end`; every failure traps through `fail`.
 *
 * Must always: stay within [start, end); do work in proportion to the input; check UTF-8, booleans,
 * tags and lengths. Source: Candid specification, "Memory" and "Deserialisation".
 */
import { ascii } from "./ascii";
import { endsEarly, fail } from "./fail";

/** Values nested deeper than this in a recursive type are refused: the Wasm stack is finite. */
const MAX_DEPTH: i32 = 512;

/**
 * Elements of size zero (null, record {}) cost no input, so a message may claim any number of
 * them. This many are granted to each message beside one per input byte.
 */
const ZERO_SIZED_GRANT: u32 = 4096;

/** Next byte to read. */
let at: usize = 0;
/** One past the last byte. */
let end: usize = 0;
/** The buffer that holds the bytes; blobs are views into it, which keeps it alive. */
let owner: ArrayBuffer = changetype<ArrayBuffer>(0);
let depth: i32 = 0;
let zeroSized: u32 = 0;

/** Points the reader at `size` bytes from `offset` inside `buffer`. */
export function open(buffer: ArrayBuffer, offset: usize, size: usize): void {
  owner = buffer;
  at = changetype<usize>(buffer) + offset;
  end = at + size;
  depth = 0;
  zeroSized = ZERO_SIZED_GRANT + <u32>size;
}

/** Traps unless everything was read. Called after the last argument. */
export function close(): void {
  if (at != end) fail(ascii("bytes after the last argument"));
  owner = changetype<ArrayBuffer>(0);
}

/** Reads raw memory that no blob will point into. */
export function setRange(from: usize, to: usize): void {
  at = from;
  end = to;
}

/** Allows `more` further elements of size zero: the coercion has counted them already. */
export function grantZeroSized(more: u32): void { zeroSized += more; }

export function position(): usize { return at; }
export function limit(): usize { return end; }
export function advanceTo(pointer: usize): void { at = pointer; }

/** Entered by decoders of recursive types. */
export function enter(): void {
  if (++depth > MAX_DEPTH) fail(ascii("value nested too deeply"));
}
export function leave(): void { depth--; }

// @ts-ignore: decorator
@inline function need(size: usize): usize {
  const p = at;
  if (end - p < size) endsEarly();
  at = p + size;
  return p;
}

export function readU8(): u8 { return load<u8>(need(1)); }
export function readU16(): u16 { return load<u16>(need(2)); }
export function readU32(): u32 { return load<u32>(need(4)); }
export function readU64(): u64 { return load<u64>(need(8)); }
export function readI8(): i8 { return load<i8>(need(1)); }
export function readI16(): i16 { return load<i16>(need(2)); }
export function readI32(): i32 { return load<i32>(need(4)); }
export function readI64(): i64 { return load<i64>(need(8)); }
export function readF32(): f32 { return load<f32>(need(4)); }
export function readF64(): f64 { return load<f64>(need(8)); }

/** A boolean, or the tag of an opt: exactly 0 or 1. */
export function readBool(): bool {
  const b = load<u8>(need(1));
  if (b > 1) fail(ascii("boolean or opt tag is neither 0 nor 1"));
  return b != 0;
}

/** Unsigned LEB128 below 2^64; padding with zero groups is legal, up to ten bytes in all. */
export function readLeb(): u64 {
  let p = at;
  if (p >= end) endsEarly();
  let byte = <u64>load<u8>(p++);
  if (byte < 0x80) { at = p; return byte; }
  let value = byte & 0x7f;
  let shift: u64 = 7;
  do {
    if (p >= end) endsEarly();
    byte = <u64>load<u8>(p++);
    if (shift == 63 && byte > 1) fail(ascii("LEB128 number too long"));
    value |= (byte & 0x7f) << shift;
    shift += 7;
  } while (byte >= 0x80);
  at = p;
  return value;
}

/** A byte length: at most what is left of the input. */
export function readSize(): usize {
  const n = readLeb();
  if (n > <u64>(end - at)) fail(ascii("length exceeds the input"));
  return <usize>n;
}

/**
 * The element count of a vec whose elements take at least `minSize` bytes each. Counts that the
 * rest of the input cannot hold are refused before anything is allocated.
 */
export function readCount(minSize: u32): i32 {
  const n = readLeb();
  if (minSize == 0) {
    if (n > <u64>zeroSized) fail(ascii("too many elements of size zero"));
    zeroSized -= <u32>n;
  } else if (n > <u64>(end - at) / <u64>minSize) {
    fail(ascii("vec length exceeds the input"));
  }
  return <i32>n;
}

/** The case index of a variant with `cases` cases. */
export function readTag(cases: u32): u32 {
  const n = readLeb();
  if (n >= <u64>cases) fail(ascii("variant index out of range"));
  return <u32>n;
}

/** Copies `size` bytes to `to`. */
export function readRaw(to: usize, size: usize): void {
  memory.copy(to, need(size), size);
}

/** A blob, as a view into the message: nothing is copied. */
export function readBlob(): Uint8Array {
  const size = readSize();
  const p = need(size);
  return viewOf(owner, p, size);
}

/** A Uint8Array over `size` bytes at `start`, which lies inside `buffer`. */
export function viewOf(buffer: ArrayBuffer, start: usize, size: usize): Uint8Array {
  const view = changetype<Uint8Array>(__new(offsetof<Uint8Array>(), idof<Uint8Array>()));
  store<usize>(changetype<usize>(view), changetype<usize>(buffer), offsetof<Uint8Array>("buffer"));
  __link(changetype<usize>(view), changetype<usize>(buffer), false);
  store<usize>(changetype<usize>(view), start, offsetof<Uint8Array>("dataStart"));
  store<i32>(changetype<usize>(view), <i32>size, offsetof<Uint8Array>("byteLength"));
  return view;
}

/** The bytes of a principal value after its reference tag, at most 29. */
export function readPrincipalBytes(): Uint8Array {
  if (load<u8>(need(1)) != 1) fail(ascii("opaque references are not supported"));
  const size = readSize();
  if (size > 29) fail(ascii("principal longer than 29 bytes"));
  const p = need(size);
  return viewOf(owner, p, size);
}

/** The tag of a func value; principal and method follow. */
export function readFuncTag(): void {
  if (load<u8>(need(1)) != 1) fail(ascii("opaque references are not supported"));
}

/** Text: checked UTF-8, turned into a string. */
export function readText(): string {
  const size = readSize();
  const p = need(size);
  return textAt(p, size);
}

const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/** The string whose checked UTF-8 form is the `size` bytes at `p`. Traps if it is not UTF-8. */
export function textAt(p: usize, size: usize): string {
  const stop = p + size;
  // Most text is ASCII: eight bytes a step.
  let q = p;
  while (stop - q >= 8 && (load<u64>(q) & HIGH_BITS) == 0) q += 8;
  while (q < stop && load<u8>(q) < 0x80) q++;
  if (q == stop) {
    const text = __new(size << 1, idof<string>());
    widen(p, stop, text);
    return changetype<string>(text);
  }
  const units = <usize>utf16Length(q, stop);
  if (units == usize.MAX_VALUE) fail(ascii("text is not UTF-8"));
  const ascii = q - p;
  const text = __new((ascii + units) << 1, idof<string>());
  widen(p, q, text);
  transcode(q, stop, text + (ascii << 1));
  return changetype<string>(text);
}

/** Copies ASCII bytes to UTF-16 units. */
function widen(p: usize, stop: usize, to: usize): void {
  while (stop - p >= 4) {
    let x = <u64>load<u32>(p);
    x = (x | (x << 16)) & 0x0000_ffff_0000_ffff;
    x = (x | (x << 8)) & 0x00ff_00ff_00ff_00ff;
    store<u64>(to, x);
    p += 4;
    to += 8;
  }
  while (p < stop) {
    store<u16>(to, <u16>load<u8>(p++));
    to += 2;
  }
}

// @ts-ignore: decorator
@inline function continues(p: usize): bool {
  return (load<u8>(p) & 0xc0) == 0x80;
}

/** UTF-16 units of the bytes, or MAX_VALUE if they are not UTF-8 (RFC 3629, section 4). */
export function utf16Length(p: usize, stop: usize): usize {
  let units: usize = 0;
  while (p < stop) {
    const b = <u32>load<u8>(p);
    if (b < 0x80) {
      p += 1;
    } else if (b < 0xe0) {
      if (b < 0xc2 || stop - p < 2 || !continues(p + 1)) return usize.MAX_VALUE;
      p += 2;
    } else if (b < 0xf0) {
      if (stop - p < 3 || !continues(p + 1) || !continues(p + 2)) return usize.MAX_VALUE;
      const second = <u32>load<u8>(p + 1);
      if ((b == 0xe0 && second < 0xa0) || (b == 0xed && second > 0x9f)) return usize.MAX_VALUE;
      p += 3;
    } else {
      if (b > 0xf4 || stop - p < 4) return usize.MAX_VALUE;
      if (!continues(p + 1) || !continues(p + 2) || !continues(p + 3)) return usize.MAX_VALUE;
      const second = <u32>load<u8>(p + 1);
      if ((b == 0xf0 && second < 0x90) || (b == 0xf4 && second > 0x8f)) return usize.MAX_VALUE;
      p += 4;
      units++;
    }
    units++;
  }
  return units;
}

/** Checked UTF-8 to UTF-16. */
function transcode(p: usize, stop: usize, to: usize): void {
  while (p < stop) {
    const b = <u32>load<u8>(p);
    if (b < 0x80) {
      store<u16>(to, <u16>b);
      p += 1;
    } else if (b < 0xe0) {
      store<u16>(to, <u16>(((b & 0x1f) << 6) | (<u32>load<u8>(p + 1) & 0x3f)));
      p += 2;
    } else if (b < 0xf0) {
      store<u16>(to, <u16>(((b & 0x0f) << 12) | ((<u32>load<u8>(p + 1) & 0x3f) << 6) | (<u32>load<u8>(p + 2) & 0x3f)));
      p += 3;
    } else {
      const point = (((b & 0x07) << 18) | ((<u32>load<u8>(p + 1) & 0x3f) << 12)
        | ((<u32>load<u8>(p + 2) & 0x3f) << 6) | (<u32>load<u8>(p + 3) & 0x3f)) - 0x10000;
      store<u16>(to, <u16>(0xd800 | (point >> 10)));
      to += 2;
      store<u16>(to, <u16>(0xdc00 | (point & 0x3ff)));
      p += 4;
    }
    to += 2;
  }
}
