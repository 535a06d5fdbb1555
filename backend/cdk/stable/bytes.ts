// Writing and reading the bytes of stored values: little-endian, no padding, no tags. What a class writes in
// `encode` it reads back in the same order in `decode`; a class that changes its fields begins with a version.

/** Appends to a buffer that grows. The bytes are `length` bytes from `ptr`, valid until the next write. */
export class ByteWriter {
  private buffer: ArrayBuffer;
  length: u32 = 0;

  constructor(capacity: u32 = 256) {
    this.buffer = new ArrayBuffer(capacity);
  }

  get ptr(): usize {
    return changetype<usize>(this.buffer);
  }

  reset(): void {
    this.length = 0;
  }

  /** Makes room for `len` more bytes and counts them as written; the address of the first. */
  reserve(len: u32): usize {
    const at = this.length;
    const end = at + len;
    if (end > <u32>this.buffer.byteLength) {
      const grown = new ArrayBuffer(max(end, at * 2));
      memory.copy(changetype<usize>(grown), changetype<usize>(this.buffer), at);
      this.buffer = grown;
    }
    this.length = end;
    return changetype<usize>(this.buffer) + at;
  }

  bool(value: bool): void {
    store<u8>(this.reserve(1), value ? 1 : 0);
  }
  u8(value: u8): void {
    store<u8>(this.reserve(1), value);
  }
  u16(value: u16): void {
    store<u16>(this.reserve(2), value);
  }
  u32(value: u32): void {
    store<u32>(this.reserve(4), value);
  }
  u64(value: u64): void {
    store<u64>(this.reserve(8), value);
  }
  i32(value: i32): void {
    store<i32>(this.reserve(4), value);
  }
  i64(value: i64): void {
    store<i64>(this.reserve(8), value);
  }

  /** LEB128: one byte below 128. */
  varint(value: u64): void {
    while (value >= 0x80) {
      this.u8(<u8>value | 0x80);
      value >>= 7;
    }
    this.u8(<u8>value);
  }

  /** Bytes as they are; the reader must know how many. */
  raw(src: usize, len: u32): void {
    memory.copy(this.reserve(len), src, len);
  }

  /** Length as varint, then the bytes. */
  bytes(value: Uint8Array): void {
    this.varint(value.length);
    this.raw(value.dataStart, value.length);
  }

  /** Length in bytes as varint, then UTF-8. */
  text(value: string): void {
    const len = <u32>String.UTF8.byteLength(value);
    this.varint(len);
    this.utf8(value, len);
  }

  /** UTF-8 without its length. */
  utf8(value: string, len: u32 = <u32>String.UTF8.byteLength(value)): void {
    const at = this.reserve(len);
    String.UTF8.encodeUnsafe(changetype<usize>(value), value.length, at);
  }

  /** A copy of what was written. */
  toBytes(): Uint8Array {
    const copy = new Uint8Array(this.length);
    memory.copy(copy.dataStart, this.ptr, this.length);
    return copy;
  }
}

/** Reads `len` bytes from `ptr`. Reading past the end traps: stored bytes are ours, so that cannot happen. */
export class ByteReader {
  private at: usize;
  private end: usize;

  constructor(ptr: usize, len: u32) {
    this.at = ptr;
    this.end = ptr + len;
  }

  static of(value: Uint8Array): ByteReader {
    return new ByteReader(value.dataStart, value.length);
  }

  /** Bytes not read yet. */
  get left(): u32 {
    return <u32>(this.end - this.at);
  }

  /** Skips `len` bytes; their address. */
  take(len: u32): usize {
    assert(len <= this.left, "stored value ends early");
    const at = this.at;
    this.at = at + len;
    return at;
  }

  bool(): bool {
    return load<u8>(this.take(1)) != 0;
  }
  u8(): u8 {
    return load<u8>(this.take(1));
  }
  u16(): u16 {
    return load<u16>(this.take(2));
  }
  u32(): u32 {
    return load<u32>(this.take(4));
  }
  u64(): u64 {
    return load<u64>(this.take(8));
  }
  i32(): i32 {
    return load<i32>(this.take(4));
  }
  i64(): i64 {
    return load<i64>(this.take(8));
  }

  varint(): u64 {
    let value: u64 = 0;
    for (let shift: u64 = 0; shift < 64; shift += 7) {
      const byte = this.u8();
      value |= <u64>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    assert(false, "varint too long");
    return 0;
  }

  raw(len: u32): Uint8Array {
    const copy = new Uint8Array(len);
    memory.copy(copy.dataStart, this.take(len), len);
    return copy;
  }

  bytes(): Uint8Array {
    return this.raw(<u32>this.varint());
  }

  text(): string {
    const len = <u32>this.varint();
    return String.UTF8.decodeUnsafe(this.take(len), len);
  }
}
