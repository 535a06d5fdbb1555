// Composite keys whose byte order is the order of their parts.

/** Builds a key of several parts for a `StableBTreeMap<Uint8Array, V>`. Parts of fixed width need no separator. */
export class KeyWriter {
  private buffer: StaticArray<u8> = new StaticArray<u8>(64);
  private length: u32 = 0;

  private reserve(len: u32): usize {
    const at = this.length;
    if (at + len > <u32>this.buffer.length) {
      const grown = new StaticArray<u8>(max(at + len, at * 2));
      memory.copy(changetype<usize>(grown), changetype<usize>(this.buffer), at);
      this.buffer = grown;
    }
    this.length = at + len;
    return changetype<usize>(this.buffer) + at;
  }

  u8(value: u8): KeyWriter {
    store<u8>(this.reserve(1), value);
    return this;
  }

  /** Big-endian. */
  u16(value: u16): KeyWriter {
    store<u16>(this.reserve(2), bswap<u16>(value));
    return this;
  }

  /** Big-endian. */
  u32(value: u32): KeyWriter {
    store<u32>(this.reserve(4), bswap<u32>(value));
    return this;
  }

  /** Big-endian. */
  u64(value: u64): KeyWriter {
    store<u64>(this.reserve(8), bswap<u64>(value));
    return this;
  }

  /** Bytes as they are: for a part of fixed width, or the last one. */
  raw(value: Uint8Array): KeyWriter {
    memory.copy(this.reserve(value.length), value.dataStart, value.length);
    return this;
  }

  /** Length in one byte, then the bytes (≤ 255): equal prefixes stay together; the order is by length first. */
  sized(value: Uint8Array): KeyWriter {
    assert(value.length <= 255, "key part longer than 255 bytes");
    this.u8(<u8>value.length);
    return this.raw(value);
  }

  /** UTF-8 and a zero byte: alphabetical by byte, prefixes first. The text must hold no zero character. */
  text(value: string): KeyWriter {
    const len = <u32>String.UTF8.byteLength(value);
    String.UTF8.encodeUnsafe(changetype<usize>(value), value.length, this.reserve(len));
    return this.u8(0);
  }

  /** UTF-8 without an end mark, for prefix scans. */
  textPrefix(value: string): KeyWriter {
    const len = <u32>String.UTF8.byteLength(value);
    String.UTF8.encodeUnsafe(changetype<usize>(value), value.length, this.reserve(len));
    return this;
  }

  done(): Uint8Array {
    const key = new Uint8Array(this.length);
    memory.copy(key.dataStart, changetype<usize>(this.buffer), this.length);
    return key;
  }
}

/** Whether `key` begins with `prefix`. */
export function startsWith(key: Uint8Array, prefix: Uint8Array): bool {
  return key.length >= prefix.length && memory.compare(key.dataStart, prefix.dataStart, prefix.length) == 0;
}

/** The big-endian u64 at `offset` of a key. */
export function keyU64(key: Uint8Array, offset: i32): u64 {
  assert(offset + 8 <= key.length, "key too short");
  return bswap<u64>(load<u64>(key.dataStart + offset));
}
