/**
 * Candid subtyping on decode: turns a message of any type into one of exactly the expected types.
 *
 * Generated decoders understand one layout only. A message whose type table differs is rewritten
 * here, value by value, into that layout; then the same decoders read it. So all the subtleties of
 * coercion live in this file once, and the common case pays nothing for them.
 *
 * A value that does not fit its expected type makes `value` return false; the nearest enclosing
 * opt then becomes null and the value is skipped, or, outside any opt, the message is refused.
 * Malformed bytes are refused everywhere, also inside values that are skipped.
 *
 * Must always: finish within a number of steps in proportion to the message's size, whatever the
 * types claim. Source: Candid specification, "Coercion" and "Deserialisation".
 */
import * as reader from "./reader";
import * as writer from "./writer";
import { ascii } from "./ascii";
import { endsEarly, fail } from "./fail";
import {
  TypeTable, compareBytes,
  NULL, BOOL, NAT, INT, NAT8, TEXT, RESERVED, EMPTY, OPT, VEC, RECORD, VARIANT, FUNC, SERVICE, PRINCIPAL, FUTURE,
} from "./type-table";

/** Steps granted to every message, for values that take no bytes, and steps per byte beside them. */
const STEP_GRANT: i64 = 20_000;
const STEPS_PER_BYTE: i64 = 16;

/** The types of the message. */
let wire: TypeTable = changetype<TypeTable>(0);
/** The types of the canister. */
let expected: TypeTable = changetype<TypeTable>(0);
let steps: i64 = 0;

/**
 * Pairs of table entries already found, or now assumed, to be in the subtype relation. A pair that
 * is not makes the whole check fail, so an assumption is never relied on wrongly afterwards.
 */
let assumed: StaticArray<u64> = changetype<StaticArray<u64>>(0);
let assumptions: i32 = 0;

/** Notes the pair; false if it was noted before. */
function assume(pair: u64): bool {
  const n = assumptions;
  for (let i = 0; i < n; i++) {
    if (unchecked(assumed[i]) == pair) return false;
  }
  if (n == assumed.length) {
    const bigger = new StaticArray<u64>(n << 1);
    memory.copy(changetype<usize>(bigger), changetype<usize>(assumed), <usize>n << 3);
    assumed = bigger;
  }
  unchecked(assumed[n] = pair);
  assumptions = n + 1;
  return true;
}

function step(): void {
  if (--steps < 0) fail(ascii("message takes too long to decode"));
}

/**
 * Rewrites the message at the reader's position so that it has the types of `header`, and points
 * the reader at the values.
 */
export function coerceMessage(messageSize: usize, header: usize, headerSize: usize): void {
  const from = reader.position();
  const to = reader.limit();
  expected = new TypeTable();
  reader.setRange(header, header + headerSize);
  expected.read();
  reader.setRange(from, to);
  wire = new TypeTable();
  wire.read();
  assumed = new StaticArray<u64>(16);
  assumptions = 0;
  steps = STEP_GRANT + STEPS_PER_BYTE * <i64>messageSize;
  writer.begin(0, 0);
  const n = expected.args;
  for (let i = 0; i < n; i++) {
    const type = expected.arg(i);
    if (i < wire.args) {
      if (!value(wire.arg(i), type)) fail(ascii("value is not of the expected type"));
    } else {
      if (!expected.mayBeAbsent(type)) fail(ascii("missing argument"));
      absent(type);
    }
  }
  for (let i = n; i < wire.args; i++) skip(wire.arg(i));
  reader.close();
  const size = writer.size();
  const buffer = changetype<ArrayBuffer>(__new(size, idof<ArrayBuffer>()));
  memory.copy(changetype<usize>(buffer), writer.start(), size);
  reader.open(buffer, 0, size);
  reader.grantZeroSized(<u32>STEP_GRANT);
  wire = changetype<TypeTable>(0);
  expected = changetype<TypeTable>(0);
  assumed = changetype<StaticArray<u64>>(0);
}

/** Writes the value of an absent argument or field. */
function absent(type: i32): void {
  if (expected.kind(type) == OPT) writer.writeU8(0);
}

/** Bytes of a number of fixed width, else 0. */
function width(kind: i32): usize {
  // nat8 -5 … nat64 -8, int8 -9 … int64 -12, float32 -13, float64 -14
  if (kind > NAT8 || kind < -14) return 0;
  if (kind <= -13) return kind == -13 ? 4 : 8;
  return <usize>1 << <usize>((-kind - 5) & 3);
}

function copy(size: usize): void {
  if (reader.limit() - reader.position() < size) endsEarly();
  writer.writeRaw(reader.position(), size);
  reader.advanceTo(reader.position() + size);
}

/** Copies everything the reader has passed since `from`. */
function copySince(from: usize): void {
  writer.writeRaw(from, reader.position() - from);
}

/** One value of wire type `w` as expected type `e`; false if it does not fit. */
function value(w: i32, e: i32): bool {
  step();
  const ek = expected.kind(e);
  if (ek == OPT) return optional(w, e);
  if (ek == RESERVED) {
    skip(w);
    return true;
  }
  const wk = wire.kind(w);
  if (wk == EMPTY) fail(ascii("value of type empty"));
  if (ek == INT && wk == NAT) {
    natAsInt();
    return true;
  }
  if (ek == PRINCIPAL && wk == SERVICE) {
    const from = reader.position();
    skipPrincipal();
    copySince(from);
    return true;
  }
  if (wk != ek) return false;
  if (ek > OPT || ek == PRINCIPAL) {
    const from = reader.position();
    skipPrimitive(wk);
    copySince(from);
    return true;
  }
  if (ek == FUNC || ek == SERVICE) {
    if (!subtype(wire, w, expected, e)) return false;
    const from = reader.position();
    skip(w);
    copySince(from);
    return true;
  }
  reader.enter();
  const fits = ek == VEC ? vector(w, e) : ek == RECORD ? record(w, e) : variant(w, e);
  reader.leave();
  return fits;
}

function optional(w: i32, e: i32): bool {
  const wk = wire.kind(w);
  if (wk == NULL || wk == RESERVED) {
    writer.writeU8(0);
    return true;
  }
  if (wk == EMPTY) fail(ascii("value of type empty"));
  let content = w;
  if (wk == OPT) {
    content = wire.at(wire.entry(w) + 1);
    if (!reader.readBool()) {
      writer.writeU8(0);
      return true;
    }
  }
  const from = reader.position();
  const written = writer.size();
  writer.writeU8(1);
  reader.enter();
  const fits = wk != FUTURE && value(content, expected.at(expected.entry(e) + 1));
  reader.leave();
  if (!fits) {
    writer.truncate(written);
    reader.advanceTo(from);
    skip(content);
    writer.writeU8(0);
  }
  return true;
}

function vector(w: i32, e: i32): bool {
  const we = wire.at(wire.entry(w) + 1);
  const ee = expected.at(expected.entry(e) + 1);
  const n = reader.readLeb();
  writer.writeLeb(n);
  const size = width(we);
  if (size != 0) {
    if (we != ee) return n == 0 || expected.kind(ee) == OPT || ee == RESERVED ? elements(n, we, ee) : false;
    if (n > <u64>(reader.limit() - reader.position()) / <u64>size) fail(ascii("vec length exceeds the input"));
    copy(<usize>n * size);
    return true;
  }
  return elements(n, we, ee);
}

function elements(n: u64, we: i32, ee: i32): bool {
  for (let i: u64 = 0; i < n; i++) {
    if (!value(we, ee)) return false;
  }
  return true;
}

function record(w: i32, e: i32): bool {
  let wf = wire.entry(w) + 1;
  const wStop = wf + 1 + 2 * wire.at(wf);
  wf++;
  let ef = expected.entry(e) + 1;
  const eStop = ef + 1 + 2 * expected.at(ef);
  ef++;
  while (ef < eStop) {
    const hash = <u32>expected.at(ef);
    while (wf < wStop && <u32>wire.at(wf) < hash) {
      skip(wire.at(wf + 1));
      wf += 2;
    }
    const type = expected.at(ef + 1);
    if (wf < wStop && <u32>wire.at(wf) == hash) {
      if (!value(wire.at(wf + 1), type)) return false;
      wf += 2;
    } else {
      step();
      if (!expected.mayBeAbsent(type)) return false;
      absent(type);
    }
    ef += 2;
  }
  for (; wf < wStop; wf += 2) skip(wire.at(wf + 1));
  return true;
}

function variant(w: i32, e: i32): bool {
  const at = wire.entry(w) + 1;
  const index = <i32>reader.readTag(wire.at(at));
  const hash = wire.at(at + 1 + 2 * index);
  const ef = findField(expected, expected.entry(e) + 1, hash);
  if (ef < 0) return false;
  writer.writeLeb(<u64>ef);
  return value(wire.at(at + 2 + 2 * index), expected.at(expected.entry(e) + 3 + 2 * ef));
}

/** Index of the field with this hash, or -1; `at` is the word that holds the number of fields. */
function findField(table: TypeTable, at: i32, hash: i32): i32 {
  let low = 0;
  let high = table.at(at) - 1;
  while (low <= high) {
    const mid = (low + high) >> 1;
    const h = table.at(at + 1 + 2 * mid);
    if (h == hash) return mid;
    if (<u32>h < <u32>hash) low = mid + 1;
    else high = mid - 1;
  }
  return -1;
}

/** A nat's bytes are an int's bytes unless the sign bit of the last group is set. */
function natAsInt(): void {
  for (;;) {
    const byte = reader.readU8();
    if (byte >= 0x80) {
      writer.writeU8(byte);
    } else {
      if (byte >= 0x40) {
        writer.writeU8(byte | 0x80);
        writer.writeU8(0);
      } else {
        writer.writeU8(byte);
      }
      return;
    }
  }
}

function skipPrincipal(): void {
  if (reader.readU8() != 1) fail(ascii("opaque references are not supported"));
  const size = reader.readSize();
  if (size > 29) fail(ascii("principal longer than 29 bytes"));
  reader.advanceTo(reader.position() + size);
}

function skipText(): void {
  const size = reader.readSize();
  const p = reader.position();
  if (reader.utf16Length(p, p + size) == usize.MAX_VALUE) fail(ascii("text is not UTF-8"));
  reader.advanceTo(p + size);
}

function skipBytes(size: usize): void {
  if (reader.limit() - reader.position() < size) endsEarly();
  reader.advanceTo(reader.position() + size);
}

function skipPrimitive(kind: i32): void {
  if (kind == NULL || kind == RESERVED) return;
  if (kind == BOOL) {
    reader.readBool();
  } else if (kind == NAT || kind == INT) {
    while (reader.readU8() >= 0x80) {}
  } else if (kind == TEXT) {
    skipText();
  } else if (kind == PRINCIPAL) {
    skipPrincipal();
  } else if (kind == EMPTY) {
    fail(ascii("value of type empty"));
  } else {
    skipBytes(width(kind));
  }
}

/** Checks and passes one value of wire type `w`. */
function skip(w: i32): void {
  step();
  const kind = wire.kind(w);
  if (kind > OPT || kind == PRINCIPAL) return skipPrimitive(kind);
  const at = wire.entry(w) + 1;
  reader.enter();
  if (kind == OPT) {
    if (reader.readBool()) skip(wire.at(at));
  } else if (kind == VEC) {
    const n = reader.readLeb();
    const type = wire.at(at);
    const size = width(type);
    if (size != 0) {
      if (n > <u64>(reader.limit() - reader.position()) / <u64>size) fail(ascii("vec length exceeds the input"));
      skipBytes(<usize>n * size);
    } else {
      for (let i: u64 = 0; i < n; i++) skip(type);
    }
  } else if (kind == RECORD) {
    const n = wire.at(at);
    for (let i = 0; i < n; i++) skip(wire.at(at + 2 + 2 * i));
  } else if (kind == VARIANT) {
    const index = <i32>reader.readTag(wire.at(at));
    skip(wire.at(at + 2 + 2 * index));
  } else if (kind == FUNC) {
    if (reader.readU8() != 1) fail(ascii("opaque references are not supported"));
    skipPrincipal();
    skipText();
  } else if (kind == SERVICE) {
    skipPrincipal();
  } else {
    // A type of the future: byte count, reference count, bytes.
    const size = reader.readLeb();
    if (reader.readLeb() != 0) fail(ascii("references of a future type"));
    if (size > <u64>(reader.limit() - reader.position())) fail(ascii("length exceeds the input"));
    skipBytes(<usize>size);
  }
  reader.leave();
}

/** Is type `a` of table `A` a subtype of type `b` of table `B`? Coinductive. */
function subtype(A: TypeTable, a: i32, B: TypeTable, b: i32): bool {
  step();
  const bk = B.kind(b);
  if (bk == RESERVED || bk == OPT) return true;
  const ak = A.kind(a);
  if (ak == EMPTY) return true;
  if (bk == PRINCIPAL) return ak == PRINCIPAL || ak == SERVICE;
  if (ak == NAT && bk == INT) return true;
  if (ak != bk || ak <= FUTURE) return false;
  if (ak > OPT) return true;
  const pair = (<u64>a << 33) | (<u64>b << 1) | <u64>(A === wire);
  steps -= <i64>assumptions >> 2;
  if (!assume(pair)) return true;
  reader.enter();
  const holds = structural(A, A.entry(a), B, B.entry(b), ak);
  reader.leave();
  return holds;
}

function structural(A: TypeTable, x: i32, B: TypeTable, y: i32, kind: i32): bool {
  if (kind == VEC) return subtype(A, A.at(x + 1), B, B.at(y + 1));
  if (kind == RECORD) {
    const n = B.at(y + 1);
    for (let i = 0; i < n; i++) {
      const type = B.at(y + 3 + 2 * i);
      const j = findField(A, x + 1, B.at(y + 2 + 2 * i));
      if (j < 0) {
        if (!B.mayBeAbsent(type)) return false;
      } else if (!subtype(A, A.at(x + 3 + 2 * j), B, type)) return false;
    }
    return true;
  }
  if (kind == VARIANT) {
    const n = A.at(x + 1);
    for (let i = 0; i < n; i++) {
      const j = findField(B, y + 1, A.at(x + 2 + 2 * i));
      if (j < 0 || !subtype(A, A.at(x + 3 + 2 * i), B, B.at(y + 3 + 2 * j))) return false;
    }
    return true;
  }
  if (kind == FUNC) {
    if (A.at(x + 3) != B.at(y + 3)) return false;
    const aArgs = A.at(x + 1), bArgs = B.at(y + 1);
    return tuple(B, y + 4, bArgs, A, x + 4, aArgs)
      && tuple(A, x + 4 + aArgs, A.at(x + 2), B, y + 4 + bArgs, B.at(y + 2));
  }
  const n = B.at(y + 1);
  for (let i = 0; i < n; i++) {
    const m = y + 2 + 3 * i;
    const j = findMethod(A, x + 1, <usize>B.at(m), <usize>B.at(m + 1));
    if (j < 0 || !subtype(A, A.at(j + 2), B, B.at(m + 2))) return false;
  }
  return true;
}

/** Are the `n` types at word `x` of A, as an argument list, a subtype of the `m` at word `y` of B? */
function tuple(A: TypeTable, x: i32, n: i32, B: TypeTable, y: i32, m: i32): bool {
  for (let i = 0; i < m; i++) {
    const type = B.at(y + i);
    if (i >= n) {
      if (!B.mayBeAbsent(type)) return false;
    } else if (!subtype(A, A.at(x + i), B, type)) return false;
  }
  return true;
}

/** Word of the method with this name, or -1; `at` is the word that holds the number of methods. */
function findMethod(table: TypeTable, at: i32, name: usize, size: usize): i32 {
  const n = table.at(at);
  for (let i = 0; i < n; i++) {
    const m = at + 1 + 3 * i;
    step();
    if (compareBytes(<usize>table.at(m), <usize>table.at(m + 1), name, size) == 0) return m;
  }
  return -1;
}
