// CBOR (RFC 8949) from bytes that nobody vouches for.
//
// Keeps: never reads outside the input, never allocates more than the input holds, never recurses deeper than
// MAX_DEPTH. After the first error `failed` is true, every read gives an empty value, and nothing moves any more:
// a parser may run to its end and ask once. Indefinite lengths and floats are refused.

/** Nesting that `skip` follows. */
const MAX_DEPTH: u32 = 64;

/** What comes next. */
export enum CborKind {
  Uint,
  NegativeInt,
  Bytes,
  Text,
  Array,
  Map,
  Tag,
  Simple,
  End,
}

export class CborReader {
  failed: bool = false;
  private at: i32 = 0;

  constructor(private input: Uint8Array) {}

  /** Whether everything was read and nothing was wrong. */
  get done(): bool {
    return !this.failed && this.at == this.input.length;
  }

  get offset(): i32 {
    return this.at;
  }

  peek(): CborKind {
    if (this.failed || this.at >= this.input.length) return CborKind.End;
    return <CborKind>(this.input[this.at] >> 5);
  }

  /** Reads a head of the wanted major type; its argument. */
  private head(major: u8): u64 {
    if (this.peek() != <CborKind>major) return this.fail();
    const info = this.input[this.at++] & 31;
    if (info < 24) return info;
    if (info > 27) return this.fail();
    const width = 1 << (info - 24);
    if (width > this.input.length - this.at) return this.fail();
    let value: u64 = 0;
    for (let i = 0; i < width; i++) value = (value << 8) | this.input[this.at++];
    return value;
  }

  private fail(): u64 {
    this.failed = true;
    return 0;
  }

  uint(): u64 {
    return this.head(0);
  }

  /** An integer of either sign that fits in 64 bits signed. */
  int(): i64 {
    const negative = this.peek() == CborKind.NegativeInt;
    const value = this.head(negative ? 1 : 0);
    if (<i64>value < 0) return <i64>this.fail();
    return negative ? -1 - <i64>value : <i64>value;
  }

  bytes(): Uint8Array {
    return this.string(2);
  }

  /** UTF-8; invalid sequences are refused. */
  text(): string {
    const bytes = this.string(3);
    const text = String.UTF8.decodeUnsafe(bytes.dataStart, bytes.length);
    // AssemblyScript replaces what it cannot decode: valid input is what encodes back to itself.
    const again = String.UTF8.encode(text, false, String.UTF8.ErrorMode.REPLACE);
    if (again.byteLength != bytes.length || memory.compare(changetype<usize>(again), bytes.dataStart, bytes.length) != 0) {
      this.fail();
      return "";
    }
    return text;
  }

  private string(major: u8): Uint8Array {
    const len = this.head(major);
    if (len > <u64>(this.input.length - this.at)) {
      this.fail();
      return new Uint8Array(0);
    }
    const value = this.input.slice(this.at, this.at + <i32>len);
    this.at += <i32>len;
    return value;
  }

  /** Number of elements that follow; never more than the bytes left. */
  array(): u32 {
    return this.count(4, 1);
  }

  /** Number of pairs that follow. */
  map(): u32 {
    return this.count(5, 2);
  }

  private count(major: u8, least: u64): u32 {
    const n = this.head(major);
    if (n > <u64>(this.input.length - this.at) / least) return <u32>this.fail();
    return <u32>n;
  }

  tag(): u64 {
    return this.head(6);
  }

  bool(): bool {
    const value = this.head(7);
    if (value != 20 && value != 21) this.fail();
    return value == 21;
  }

  /** True, and past it, when a null is next. */
  null(): bool {
    if (this.peek() != CborKind.Simple || this.input[this.at] != 0xf6) return false;
    this.at++;
    return true;
  }

  /** Passes over one item with all it holds. */
  skip(depth: u32 = 0): void {
    if (depth > MAX_DEPTH) {
      this.fail();
      return;
    }
    switch (this.peek()) {
      case CborKind.Uint:
        this.head(0);
        break;
      case CborKind.NegativeInt:
        this.head(1);
        break;
      case CborKind.Bytes:
        this.string(2);
        break;
      case CborKind.Text:
        this.string(3);
        break;
      case CborKind.Array:
        for (let n = this.array(); n > 0 && !this.failed; n--) this.skip(depth + 1);
        break;
      case CborKind.Map:
        for (let n = this.map() * 2; n > 0 && !this.failed; n--) this.skip(depth + 1);
        break;
      case CborKind.Tag:
        this.tag();
        this.skip(depth + 1);
        break;
      case CborKind.Simple:
        this.head(7);
        break;
      default:
        this.fail();
    }
  }
}
