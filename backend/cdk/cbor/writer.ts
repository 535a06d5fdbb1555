// CBOR (RFC 8949), definite lengths only, shortest heads.

import { ByteWriter } from "../stable/bytes";

export class CborWriter {
  private out: ByteWriter = new ByteWriter(512);

  /** Head of major type 0 … 7 with its argument. */
  private head(major: u8, value: u64): CborWriter {
    const kind = major << 5;
    const out = this.out;
    if (value < 24) out.u8(kind | <u8>value);
    else if (value < 0x100) {
      out.u8(kind | 24);
      out.u8(<u8>value);
    } else if (value < 0x10000) {
      out.u8(kind | 25);
      out.u16(bswap<u16>(<u16>value));
    } else if (value < 0x100000000) {
      out.u8(kind | 26);
      out.u32(bswap<u32>(<u32>value));
    } else {
      out.u8(kind | 27);
      out.u64(bswap<u64>(value));
    }
    return this;
  }

  uint(value: u64): CborWriter {
    return this.head(0, value);
  }

  int(value: i64): CborWriter {
    return value < 0 ? this.head(1, ~<u64>value) : this.head(0, value);
  }

  bytes(value: Uint8Array): CborWriter {
    this.head(2, value.length);
    this.out.raw(value.dataStart, value.length);
    return this;
  }

  text(value: string): CborWriter {
    const len = <u32>String.UTF8.byteLength(value);
    this.head(3, len);
    this.out.utf8(value, len);
    return this;
  }

  /** The next `length` items are the elements. */
  array(length: u32): CborWriter {
    return this.head(4, length);
  }

  /** The next 2 · `length` items are keys and values. The caller keeps the keys in order and distinct. */
  map(length: u32): CborWriter {
    return this.head(5, length);
  }

  /** Tags the next item. */
  tag(value: u64): CborWriter {
    return this.head(6, value);
  }

  /** Tag 55799: "this is CBOR". */
  selfDescribe(): CborWriter {
    return this.tag(55799);
  }

  bool(value: bool): CborWriter {
    return this.head(7, value ? 21 : 20);
  }

  null(): CborWriter {
    return this.head(7, 22);
  }

  /** Bytes that are encoded CBOR already. */
  raw(value: Uint8Array): CborWriter {
    this.out.raw(value.dataStart, value.length);
    return this;
  }

  done(): Uint8Array {
    return this.out.toBytes();
  }
}
