/**
 * Candid's nat and int: whole numbers of any size.
 *
 * Almost all numbers on the wire fit 64 bits, so those are held inline and cost one object; larger
 * ones add an array of 32-bit limbs above. Values are immutable. Invariant: `high` is null or
 * ends in a limb other than zero, so equal numbers have equal representations.
 */
import * as reader from "./reader";
import * as writer from "./writer";
import { ascii } from "./ascii";
import { endsEarly, fail } from "./fail";

/** Limbs above the low 64 bits, least significant first. */
type Limbs = StaticArray<u32>;

function trimmed(limbs: Limbs): Limbs {
  let n = limbs.length;
  while (n > 0 && unchecked(limbs[n - 1]) == 0) n--;
  if (n == limbs.length) return limbs;
  const out = new StaticArray<u32>(n);
  memory.copy(changetype<usize>(out), changetype<usize>(limbs), <usize>n << 2);
  return out;
}

export class Nat {
  constructor(public low: u64, public high: StaticArray<u32> | null = null) {}

  static from(v: u64): Nat { return new Nat(v); }
  static readonly ZERO: Nat = new Nat(0);

  /** 128-bit value. */
  static from128(low: u64, high: u64): Nat {
    if (high == 0) return new Nat(low);
    const limbs = new StaticArray<u32>(high >> 32 ? 2 : 1);
    limbs[0] = <u32>high;
    if (high >> 32) limbs[1] = <u32>(high >> 32);
    return new Nat(low, limbs);
  }

  /** Limbs, least significant first, without leading zeros; zero has none. */
  static fromLimbs(limbs: StaticArray<u32>): Nat {
    const t = trimmed(limbs);
    const n = t.length;
    let low: u64 = 0;
    if (n > 0) low = <u64>t[0];
    if (n > 1) low |= <u64>t[1] << 32;
    if (n <= 2) return new Nat(low);
    const high = new StaticArray<u32>(n - 2);
    memory.copy(changetype<usize>(high), changetype<usize>(t) + 8, <usize>(n - 2) << 2);
    return new Nat(low, high);
  }

  toLimbs(): StaticArray<u32> {
    const high = this.high;
    if (high === null) {
      const n = this.low == 0 ? 0 : this.low >> 32 ? 2 : 1;
      const out = new StaticArray<u32>(n);
      if (n > 0) out[0] = <u32>this.low;
      if (n > 1) out[1] = <u32>(this.low >> 32);
      return out;
    }
    const out = new StaticArray<u32>(high.length + 2);
    out[0] = <u32>this.low;
    out[1] = <u32>(this.low >> 32);
    memory.copy(changetype<usize>(out) + 8, changetype<usize>(high), <usize>high.length << 2);
    return out;
  }

  get fitsU64(): bool { return this.high === null; }

  /** Traps if the value does not fit. */
  toU64(): u64 {
    if (this.high !== null) fail(ascii("number exceeds 64 bits"));
    return this.low;
  }

  /** The bits 64..127. Traps if the value needs more than 128 bits. */
  high64(): u64 {
    const high = this.high;
    if (high === null) return 0;
    if (high.length > 2) fail(ascii("number exceeds 128 bits"));
    let v = <u64>high[0];
    if (high.length > 1) v |= <u64>high[1] << 32;
    return v;
  }

  get isZero(): bool { return this.low == 0 && this.high === null; }

  /** -1, 0 or 1. */
  static compare(a: Nat, b: Nat): i32 {
    const x = a.high, y = b.high;
    const n = x === null ? 0 : x.length, m = y === null ? 0 : y.length;
    if (n != m) return n < m ? -1 : 1;
    if (x !== null && y !== null) {
      for (let i = n - 1; i >= 0; i--) {
        if (x[i] != y[i]) return x[i] < y[i] ? -1 : 1;
      }
    }
    return a.low == b.low ? 0 : a.low < b.low ? -1 : 1;
  }

  @operator("==") static equals(a: Nat, b: Nat): bool { return Nat.compare(a, b) == 0; }
  @operator("!=") static differs(a: Nat, b: Nat): bool { return Nat.compare(a, b) != 0; }
  @operator("<") static less(a: Nat, b: Nat): bool { return Nat.compare(a, b) < 0; }
  @operator("<=") static lessOrEqual(a: Nat, b: Nat): bool { return Nat.compare(a, b) <= 0; }
  @operator(">") static greater(a: Nat, b: Nat): bool { return Nat.compare(a, b) > 0; }
  @operator(">=") static greaterOrEqual(a: Nat, b: Nat): bool { return Nat.compare(a, b) >= 0; }

  @operator("+") static add(a: Nat, b: Nat): Nat {
    if (a.high === null && b.high === null) {
      const sum = a.low + b.low;
      if (sum >= a.low) return new Nat(sum);
    }
    const x = a.toLimbs(), y = b.toLimbs();
    const n = max(x.length, y.length);
    const out = new StaticArray<u32>(n + 1);
    let carry: u64 = 0;
    for (let i = 0; i < n; i++) {
      if (i < x.length) carry += <u64>x[i];
      if (i < y.length) carry += <u64>y[i];
      out[i] = <u32>carry;
      carry >>= 32;
    }
    out[n] = <u32>carry;
    return Nat.fromLimbs(out);
  }

  /** Traps if b > a. */
  @operator("-") static subtract(a: Nat, b: Nat): Nat {
    if (Nat.compare(a, b) < 0) fail(ascii("natural subtraction below zero"));
    if (a.high === null) return new Nat(a.low - b.low);
    const x = a.toLimbs(), y = b.toLimbs();
    const out = new StaticArray<u32>(x.length);
    let borrow: i64 = 0;
    for (let i = 0; i < x.length; i++) {
      let d = <i64>x[i] - borrow;
      if (i < y.length) d -= <i64>y[i];
      borrow = d < 0 ? 1 : 0;
      out[i] = <u32>d;
    }
    return Nat.fromLimbs(out);
  }

  @operator("*") static multiply(a: Nat, b: Nat): Nat {
    if (a.high === null && b.high === null && ((a.low | b.low) >> 32) == 0) return new Nat(a.low * b.low);
    const x = a.toLimbs(), y = b.toLimbs();
    const out = new StaticArray<u32>(x.length + y.length);
    for (let i = 0; i < x.length; i++) {
      let carry: u64 = 0;
      for (let j = 0; j < y.length; j++) {
        carry += <u64>x[i] * <u64>y[j] + <u64>out[i + j];
        out[i + j] = <u32>carry;
        carry >>= 32;
      }
      out[i + y.length] = <u32>carry;
    }
    return Nat.fromLimbs(out);
  }

  /** Quotient, rounded down. Traps on zero. */
  @operator("/") static divide(a: Nat, b: Nat): Nat {
    if (a.high === null && b.high === null) {
      if (b.low == 0) fail(ascii("division by zero"));
      return new Nat(a.low / b.low);
    }
    return Nat.divideLong(a, b, false);
  }

  @operator("%") static remainder(a: Nat, b: Nat): Nat {
    if (a.high === null && b.high === null) {
      if (b.low == 0) fail(ascii("division by zero"));
      return new Nat(a.low % b.low);
    }
    return Nat.divideLong(a, b, true);
  }

  /** Schoolbook division (Knuth, TAOCP volume 2, 4.3.1, algorithm D). */
  private static divideLong(a: Nat, b: Nat, wantRemainder: bool): Nat {
    const u0 = a.toLimbs(), v0 = b.toLimbs();
    const n = v0.length;
    if (n == 0) fail(ascii("division by zero"));
    if (Nat.compare(a, b) < 0) return wantRemainder ? a : Nat.ZERO;
    if (n == 1) {
      const d = <u64>v0[0];
      const q = new StaticArray<u32>(u0.length);
      let r: u64 = 0;
      for (let i = u0.length - 1; i >= 0; i--) {
        r = (r << 32) | <u64>u0[i];
        q[i] = <u32>(r / d);
        r %= d;
      }
      return wantRemainder ? new Nat(r) : Nat.fromLimbs(q);
    }
    const shift = <u32>clz(v0[n - 1]);
    const v = new StaticArray<u32>(n);
    for (let i = n - 1; i >= 0; i--) {
      v[i] = <u32>((<u64>v0[i] << shift) | (i > 0 ? (<u64>v0[i - 1] << shift) >> 32 : 0));
    }
    const m = u0.length;
    const u = new StaticArray<u32>(m + 1);
    u[m] = <u32>((<u64>u0[m - 1] << shift) >> 32);
    for (let i = m - 1; i >= 0; i--) {
      u[i] = <u32>((<u64>u0[i] << shift) | (i > 0 ? (<u64>u0[i - 1] << shift) >> 32 : 0));
    }
    const q = new StaticArray<u32>(m - n + 1);
    const top = <u64>v[n - 1], second = <u64>v[n - 2];
    for (let j = m - n; j >= 0; j--) {
      const head = (<u64>u[j + n] << 32) | <u64>u[j + n - 1];
      let guess = head / top;
      let rest = head % top;
      while (guess >> 32 || guess * second > ((rest << 32) | <u64>u[j + n - 2])) {
        guess--;
        rest += top;
        if (rest >> 32) break;
      }
      let borrow: i64 = 0;
      let carry: u64 = 0;
      for (let i = 0; i < n; i++) {
        carry += guess * <u64>v[i];
        const d = <i64>u[i + j] - borrow - <i64>(carry & 0xffff_ffff);
        u[i + j] = <u32>d;
        borrow = d < 0 ? 1 : 0;
        carry >>= 32;
      }
      const d = <i64>u[j + n] - borrow - <i64>carry;
      u[j + n] = <u32>d;
      if (d < 0) {
        guess--;
        let c: u64 = 0;
        for (let i = 0; i < n; i++) {
          c += <u64>u[i + j] + <u64>v[i];
          u[i + j] = <u32>c;
          c >>= 32;
        }
        u[j + n] += <u32>c;
      }
      q[j] = <u32>guess;
    }
    if (!wantRemainder) return Nat.fromLimbs(q);
    const r = new StaticArray<u32>(n);
    for (let i = 0; i < n; i++) {
      r[i] = <u32>(((<u64>u[i + 1] << 32) | <u64>u[i]) >> shift);
    }
    return Nat.fromLimbs(r);
  }

  /** Decimal digits. */
  toString(): string {
    if (this.high === null) return this.low.toString();
    const limbs = this.toLimbs();
    let n = limbs.length;
    let text = "";
    while (n > 0) {
      let r: u64 = 0;
      for (let i = n - 1; i >= 0; i--) {
        r = (r << 32) | <u64>limbs[i];
        limbs[i] = <u32>(r / 1_000_000_000);
        r %= 1_000_000_000;
      }
      while (n > 0 && limbs[n - 1] == 0) n--;
      const part = r.toString();
      text = (n > 0 ? part.padStart(9, "0") : part) + text;
    }
    return text;
  }

  /** The number written in decimal digits, or null if there is anything else. */
  static parse(text: string): Nat | null {
    if (text.length == 0) return null;
    let value = Nat.ZERO;
    const ten = new Nat(10);
    for (let i = 0; i < text.length; i++) {
      const digit = <u32>text.charCodeAt(i) - 48;
      if (digit > 9) return null;
      value = value * ten + new Nat(<u64>digit);
    }
    return value;
  }
}

export class Int {
  /** Sign and magnitude; zero is never negative. */
  constructor(public magnitude: Nat, public negative: bool = false) {
    if (negative && magnitude.isZero) this.negative = false;
  }

  static from(v: i64): Int {
    return v < 0 ? new Int(new Nat(0 - <u64>v), true) : new Int(new Nat(<u64>v));
  }

  /** Traps if the value does not fit. */
  toI64(): i64 {
    const m = this.magnitude;
    if (!m.fitsU64 || m.low > (<u64>i64.MAX_VALUE + <u64>this.negative)) fail(ascii("number exceeds 64 bits"));
    return this.negative ? <i64>(0 - m.low) : <i64>m.low;
  }

  static compare(a: Int, b: Int): i32 {
    if (a.negative != b.negative) return a.negative ? -1 : 1;
    return a.negative ? Nat.compare(b.magnitude, a.magnitude) : Nat.compare(a.magnitude, b.magnitude);
  }

  @operator("==") static equals(a: Int, b: Int): bool { return Int.compare(a, b) == 0; }
  @operator("!=") static differs(a: Int, b: Int): bool { return Int.compare(a, b) != 0; }
  @operator("<") static less(a: Int, b: Int): bool { return Int.compare(a, b) < 0; }
  @operator(">") static greater(a: Int, b: Int): bool { return Int.compare(a, b) > 0; }
  @operator("+") static add(a: Int, b: Int): Int {
    if (a.negative == b.negative) return new Int(a.magnitude + b.magnitude, a.negative);
    const c = Nat.compare(a.magnitude, b.magnitude);
    if (c >= 0) return new Int(a.magnitude - b.magnitude, a.negative);
    return new Int(b.magnitude - a.magnitude, b.negative);
  }
  @operator("-") static subtract(a: Int, b: Int): Int { return Int.add(a, new Int(b.magnitude, !b.negative)); }
  @operator("*") static multiply(a: Int, b: Int): Int { return new Int(a.magnitude * b.magnitude, a.negative != b.negative); }

  toString(): string {
    return this.negative ? "-" + this.magnitude.toString() : this.magnitude.toString();
  }
}

/** Finds the end of a LEB128 number at the reader's position. */
function lebStop(p: usize): usize {
  const stop = reader.limit();
  let byte: u8;
  do {
    if (p >= stop) endsEarly();
    byte = load<u8>(p++);
  } while (byte >= 0x80);
  return p;
}

/** Sum of the 7-bit groups in [p, stop) as limbs; the last group contributes `last` instead of its own bits. */
function groups(p: usize, stop: usize, invert: u32): StaticArray<u32> {
  const bits = <u64>(stop - p) * 7;
  const limbs = new StaticArray<u32>(<i32>((bits + 31) >> 5));
  let acc: u64 = 0;
  let held: u64 = 0;
  let n = 0;
  for (; p < stop; p++) {
    acc |= <u64>((<u32>load<u8>(p) ^ invert) & 0x7f) << held;
    held += 7;
    if (held >= 32) {
      limbs[n++] = <u32>acc;
      acc >>= 32;
      held -= 32;
    }
  }
  if (held > 0) limbs[n] = <u32>acc;
  return limbs;
}

export function readNat(): Nat {
  const p = reader.position();
  const stop = lebStop(p);
  reader.advanceTo(stop);
  const size = stop - p;
  if (size <= 9) {
    let low: u64 = 0;
    for (let i: usize = 0; i < size; i++) low |= <u64>(load<u8>(p + i) & 0x7f) << (7 * <u64>i);
    return new Nat(low);
  }
  return Nat.fromLimbs(groups(p, stop, 0));
}

export function readInt(): Int {
  const p = reader.position();
  const stop = lebStop(p);
  reader.advanceTo(stop);
  const size = stop - p;
  const negative = (load<u8>(stop - 1) & 0x40) != 0;
  if (size <= 9) {
    let v: u64 = 0;
    for (let i: usize = 0; i < size; i++) v |= <u64>(load<u8>(p + i) & 0x7f) << (7 * <u64>i);
    if (!negative) return new Int(new Nat(v));
    return new Int(new Nat(((~v) & ((<u64>1 << (7 * <u64>size)) - 1)) + 1), true);
  }
  if (!negative) return new Int(Nat.fromLimbs(groups(p, stop, 0)));
  // Two's complement: -x = ~x + 1, with the sign extended by the inverted top bits.
  return new Int(Nat.fromLimbs(groups(p, stop, 0x7f)) + new Nat(1), true);
}

export function writeNat(v: Nat): void {
  if (v.high === null) return writer.writeLeb(v.low);
  writeGroups(v.toLimbs(), 0, false);
}

/** 7-bit groups of a number above 2^64, or with `negate` of its negative. */
function writeGroups(limbs: StaticArray<u32>, extraBits: i32, negate: bool): void {
  const top = limbs[limbs.length - 1];
  const bits = limbs.length * 32 - <i32>clz(top) + extraBits;
  let count = (bits + 6) / 7;
  let acc: u64 = 0;
  let held: u64 = 0;
  let n = 0;
  let borrow: u64 = 1;
  while (count > 0) {
    if (held < 7) {
      let limb: u64 = n < limbs.length ? <u64>limbs[n] : 0;
      n++;
      if (negate) {
        limb = (limb ^ 0xffff_ffff) + borrow;
        borrow = limb >> 32;
        limb &= 0xffff_ffff;
      }
      acc |= limb << held;
      held += 32;
    }
    count--;
    writer.writeU8(<u8>(acc & 0x7f) | (count > 0 ? 0x80 : 0));
    acc >>= 7;
    held -= 7;
  }
}

export function writeInt(v: Int): void {
  const m = v.magnitude;
  if (m.high === null && m.low <= <u64>i64.MAX_VALUE) {
    let x = v.negative ? -(<i64>m.low) : <i64>m.low;
    for (;;) {
      const byte = <u8>(x & 0x7f);
      x >>= 7;
      if ((x == 0 && (byte & 0x40) == 0) || (x == -1 && (byte & 0x40) != 0)) {
        writer.writeU8(byte);
        return;
      }
      writer.writeU8(byte | 0x80);
    }
  }
  writeGroups(m.toLimbs(), negativePowerOfTwo(v) ? 0 : 1, v.negative);
}

/** -2^k needs no extra sign bit: its own top bit is the sign. */
function negativePowerOfTwo(v: Int): bool {
  if (!v.negative) return false;
  const limbs = v.magnitude.toLimbs();
  const n = limbs.length - 1;
  if (popcnt(limbs[n]) != 1) return false;
  for (let i = 0; i < n; i++) if (limbs[i] != 0) return false;
  return true;
}
