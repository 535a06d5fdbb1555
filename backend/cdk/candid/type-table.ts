/**
 * The type table of a Candid message, parsed into words that the coercion can walk quickly.
 *
 * Both sides of a coercion use it: the table that came with the message, which is checked in full
 * here, and the table of the expected types, which is part of the canister.
 *
 * A type is an i32: negative = primitive opcode as on the wire, otherwise an index into the table.
 * Words of an entry, from `entry(i)`:
 *   opt, vec          kind, type
 *   record, variant   kind, n, n × (hash, type)          ascending hashes
 *   func              kind, args, results, modes, types…  modes: bit 1 query, 2 oneway, 3 composite
 *   service           kind, n, n × (name pointer, name size, type)   ascending names
 *   future            kind
 * Source: Candid specification, "Type Definition Table" and "Parameters and Results".
 */
import * as reader from "./reader";
import { ascii } from "./ascii";
import { fail } from "./fail";

export const NULL: i32 = -1;
export const BOOL: i32 = -2;
export const NAT: i32 = -3;
export const INT: i32 = -4;
export const NAT8: i32 = -5;
export const TEXT: i32 = -15;
export const RESERVED: i32 = -16;
export const EMPTY: i32 = -17;
export const OPT: i32 = -18;
export const VEC: i32 = -19;
export const RECORD: i32 = -20;
export const VARIANT: i32 = -21;
export const FUNC: i32 = -22;
export const SERVICE: i32 = -23;
export const PRINCIPAL: i32 = -24;
export const FUTURE: i32 = -25;

export class TypeTable {
  private words: StaticArray<i32> = new StaticArray<i32>(64);
  private used: i32 = 0;
  private count: i32 = 0;
  /** Number of arguments. */
  args: i32 = 0;
  private argsAt: i32 = 0;

  /** Word `i`. */
  at(i: i32): i32 { return unchecked(this.words[i]); }

  /** First word of the table's entry `type`. */
  entry(type: i32): i32 { return unchecked(this.words[type]); }

  arg(i: i32): i32 { return unchecked(this.words[this.argsAt + i]); }

  /** The constructor of a table entry, or the primitive itself. */
  kind(type: i32): i32 { return type < 0 ? type : this.at(this.entry(type)); }

  /** Types whose value may be absent: null, reserved and every opt. */
  mayBeAbsent(type: i32): bool {
    const kind = this.kind(type);
    return kind == OPT || kind == NULL || kind == RESERVED;
  }

  private push(word: i32): void {
    const n = this.used;
    if (n == this.words.length) {
      const bigger = new StaticArray<i32>(n << 1);
      memory.copy(changetype<usize>(bigger), changetype<usize>(this.words), <usize>n << 2);
      this.words = bigger;
    }
    unchecked(this.words[n] = word);
    this.used = n + 1;
  }

  /** A count of things that take at least `minSize` bytes each. */
  private readCount(minSize: u32): i32 {
    const n = reader.readLeb();
    if (n > <u64>(reader.limit() - reader.position()) / <u64>minSize) fail(ascii("count exceeds the input"));
    return <i32>n;
  }

  /** A type in use: a primitive or an index into the table. */
  private readType(): i32 {
    const type = readSleb();
    if (type < <i64>PRINCIPAL || type >= <i64>this.count) fail(ascii("type out of range"));
    if (type <= <i64>OPT && type != <i64>PRINCIPAL) fail(ascii("constructed type outside the table"));
    return <i32>type;
  }

  private pushFields(): void {
    const n = this.readCount(2);
    this.push(n);
    let before: i64 = -1;
    for (let i = 0; i < n; i++) {
      const hash = reader.readLeb();
      if (hash > <u64>u32.MAX_VALUE) fail(ascii("field id exceeds 32 bits"));
      if (<i64>hash <= before) fail(ascii("fields not in ascending order"));
      before = <i64>hash;
      this.push(<i32>hash);
      this.push(this.readType());
    }
  }

  private pushTypes(n: i32): void {
    for (let i = 0; i < n; i++) this.push(this.readType());
  }

  private pushFunc(): void {
    const head = this.used;
    this.push(0);
    this.push(0);
    this.push(0);
    const args = this.readCount(1);
    this.pushTypes(args);
    const results = this.readCount(1);
    this.pushTypes(results);
    const annotations = this.readCount(1);
    let modes = 0;
    for (let i = 0; i < annotations; i++) {
      const mode = reader.readU8();
      if (mode < 1 || mode > 3) fail(ascii("unknown function annotation"));
      modes |= 1 << <i32>mode;
    }
    unchecked(this.words[head] = args);
    unchecked(this.words[head + 1] = results);
    unchecked(this.words[head + 2] = modes);
  }

  private pushService(): void {
    const n = this.readCount(2);
    this.push(n);
    for (let i = 0; i < n; i++) {
      const size = reader.readSize();
      const name = reader.position();
      if (reader.utf16Length(name, name + size) == usize.MAX_VALUE) fail(ascii("method name is not UTF-8"));
      reader.advanceTo(name + size);
      if (i > 0) {
        const last = this.used - 3;
        if (compareBytes(<usize>this.at(last), <usize>this.at(last + 1), name, size) >= 0) {
          fail(ascii("methods not in ascending order"));
        }
      }
      this.push(<i32>name);
      this.push(<i32>size);
      this.push(this.readType());
    }
  }

  /** Parses the header at the reader's position: magic, table, argument types. */
  read(): void {
    if (reader.limit() - reader.position() < 4 || reader.readU32() != 0x4c444944) fail(ascii("no DIDL magic"));
    const n = this.readCount(2);
    this.count = n;
    for (let i = 0; i < n; i++) this.push(0);
    for (let i = 0; i < n; i++) {
      unchecked(this.words[i] = this.used);
      const opcode = readSleb();
      if (opcode > <i64>OPT || opcode == <i64>PRINCIPAL) fail(ascii("primitive type in the type table"));
      const kind = <i32>max<i64>(opcode, <i64>FUTURE);
      this.push(kind);
      if (kind >= VEC) this.push(this.readType());
      else if (kind >= VARIANT) this.pushFields();
      else if (kind == FUNC) this.pushFunc();
      else if (kind == SERVICE) this.pushService();
      else {
        const size = reader.readSize();
        reader.advanceTo(reader.position() + size);
      }
    }
    for (let i = 0; i < n; i++) this.checkMethods(this.entry(i));
    this.args = this.readCount(1);
    this.argsAt = this.used;
    this.pushTypes(this.args);
  }

  /** The types of a service's methods must be functions; known only when the table is complete. */
  private checkMethods(at: i32): void {
    if (this.at(at) != SERVICE) return;
    const n = this.at(at + 1);
    for (let i = 0; i < n; i++) {
      if (this.kind(this.at(at + 4 + 3 * i)) != FUNC) fail(ascii("method type is not a function"));
    }
  }
}

/** Signed LEB128 within 64 bits. */
function readSleb(): i64 {
  let value: i64 = 0;
  let shift: i64 = 0;
  let byte: i64;
  do {
    byte = <i64>reader.readU8();
    if (shift >= 56) fail(ascii("LEB128 number too long"));
    value |= (byte & 0x7f) << shift;
    shift += 7;
  } while (byte >= 0x80);
  return (byte & 0x40) != 0 ? value | (<i64>-1 << shift) : value;
}

/** Lexicographic order of two byte strings. */
export function compareBytes(a: usize, aSize: usize, b: usize, bSize: usize): i32 {
  const n = min(aSize, bSize);
  for (let i: usize = 0; i < n; i++) {
    const d = <i32>load<u8>(a + i) - <i32>load<u8>(b + i);
    if (d != 0) return d;
  }
  return aSize == bSize ? 0 : aSize < bSize ? -1 : 1;
}
