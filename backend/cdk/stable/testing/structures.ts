// The structures behind plain exports, so that tests in Node can drive them. Bytes travel through `io`.

import { StableBTreeMap } from "../btree-map";
import { ByteReader, ByteWriter } from "../bytes";
import { StableCell } from "../cell";
import { StableDeque } from "../deque";
import { StableInterner } from "../interner";
import { keyU64, KeyWriter, startsWith } from "../key";
import { StableLog } from "../log";
import { stableMemory } from "../memory-manager";
import { StableVector } from "../vector";

/** A class as a stored value. */
class Person {
  name: string = "";
  age: u32 = 0;
  encode(w: ByteWriter): void {
    w.u8(1);
    w.text(this.name);
    w.u32(this.age);
  }
  decode(r: ByteReader): void {
    assert(r.u8() == 1);
    this.name = r.text();
    this.age = r.u32();
  }
}

export const io: usize = memory.data(1 << 16, 16);

function bytesAt(ptr: usize, len: u32): Uint8Array {
  const bytes = new Uint8Array(len);
  memory.copy(bytes.dataStart, ptr, len);
  return bytes;
}

function give(bytes: Uint8Array): i32 {
  memory.copy(io, bytes.dataStart, bytes.length);
  return bytes.length;
}

export function collect(): void {
  __collect();
}

// ---- memory manager ----
export function memEnsure(id: u8, bytes: u64): void {
  stableMemory(id).ensure(bytes);
}
export function memSize(id: u8): u64 {
  return stableMemory(id).sizeBytes;
}
export function memWrite(id: u8, offset: u64, len: u32): void {
  stableMemory(id).write(offset, io, len);
}
export function memRead(id: u8, offset: u64, len: u32): void {
  stableMemory(id).read(offset, io, len);
}

// ---- u64 → u64 ----
let numbers: StableBTreeMap<u64, u64> | null = null;
function num(): StableBTreeMap<u64, u64> {
  if (numbers == null) numbers = new StableBTreeMap<u64, u64>(stableMemory(0));
  return numbers!;
}
export function numOpen(): void {
  num();
}
export function numInsert(k: u64, v: u64): bool {
  return num().insert(k, v);
}
export function numGet(k: u64): i64 {
  return num().find(k) ? <i64>num().found() : -1;
}
export function numRemove(k: u64): bool {
  return num().remove(k);
}
export function numSize(): u64 {
  return num().size;
}
export function numLevels(): u32 {
  return num().tree.levels;
}
export function numClear(): void {
  num().clear();
}
/** Keys from the first not below `from`, at most `limit`, to io; how many. */
export function numScan(from: u64, limit: u32, back: bool): u32 {
  const c = num().cursor();
  let ok = back ? c.seekBefore(from) : c.seek(from);
  let n: u32 = 0;
  while (ok && n < limit) {
    store<u64>(io + n * 16, c.key);
    store<u64>(io + n * 16 + 8, c.value);
    n++;
    ok = back ? c.prev() : c.next();
  }
  return n;
}
export function numEdge(last: bool): i64 {
  const c = num().cursor();
  return (last ? c.last() : c.first()) ? <i64>c.key : -1;
}
/** Removes every second entry while walking; how many were met. */
export function numRemoveWhileWalking(): u32 {
  const c = num().cursor();
  let n: u32 = 0;
  for (let ok = c.first(); ok; ok = c.next()) {
    if (n++ & 1) num().remove(c.key);
  }
  return n;
}
let seed: u64 = 88172645463325252;
function random(): u64 {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed;
}
export function reseed(value: u64): void {
  seed = value;
}
export function numBenchInsert(n: u32): void {
  for (let i: u32 = 0; i < n; i++) num().insert(random(), i);
}
export function numBenchGet(n: u32): u64 {
  let sum: u64 = 0;
  for (let i: u32 = 0; i < n; i++) {
    assert(num().find(random()));
    sum += num().found();
  }
  return sum;
}
export function numBenchRemove(n: u32): void {
  for (let i: u32 = 0; i < n; i++) assert(num().remove(random()));
}

// ---- signed keys ----
let signed: StableBTreeMap<i32, bool> | null = null;
function sig(): StableBTreeMap<i32, bool> {
  if (signed == null) signed = new StableBTreeMap<i32, bool>(stableMemory(9));
  return signed!;
}
export function signedInsert(k: i32): void {
  sig().insert(k, true);
}
export function signedKeys(): u32 {
  const c = sig().cursor();
  let n: u32 = 0;
  for (let ok = c.first(); ok; ok = c.next()) store<i32>(io + 4 * n++, c.key);
  return n;
}

// ---- bytes → bytes ----
let blobs: StableBTreeMap<Uint8Array, Uint8Array> | null = null;
let blobNode: u32 = 512;
function blob(): StableBTreeMap<Uint8Array, Uint8Array> {
  if (blobs == null) blobs = new StableBTreeMap<Uint8Array, Uint8Array>(stableMemory(1), blobNode);
  return blobs!;
}
export function blobNodeBytes(bytes: u32): void {
  blobNode = bytes;
}
/** Key at io, value after it. */
export function blobInsert(keyLen: u32, valueLen: u32): bool {
  return blob().insert(bytesAt(io, keyLen), bytesAt(io + keyLen, valueLen));
}
export function blobGet(keyLen: u32): i32 {
  return blob().find(bytesAt(io, keyLen)) ? give(blob().found()) : -1;
}
export function blobHas(keyLen: u32): bool {
  return blob().has(bytesAt(io, keyLen));
}
export function blobRemove(keyLen: u32): bool {
  return blob().remove(bytesAt(io, keyLen));
}
export function blobSize(): u64 {
  return blob().size;
}
export function blobMaxKey(): u32 {
  return blob().tree.maxKeyBytes;
}
/** Every entry in order (or backwards) into a running digest: sum over entries of position × bytes. */
export function blobDigest(back: bool): u64 {
  const c = blob().cursor();
  let h: u64 = 14695981039346656037;
  for (let ok = back ? c.last() : c.first(); ok; ok = back ? c.prev() : c.next()) {
    const k = c.key;
    const v = c.value;
    for (let i = 0; i < k.length; i++) h = (h ^ k[i]) * 1099511628211;
    h = (h ^ 256) * 1099511628211;
    for (let i = 0; i < v.length; i++) h = (h ^ v[i]) * 1099511628211;
    h = (h ^ 257) * 1099511628211;
  }
  return h;
}
let wideMap: StableBTreeMap<Uint8Array, Uint8Array> | null = null;
export function wideBenchInsert(n: u32): void {
  if (wideMap == null) wideMap = new StableBTreeMap<Uint8Array, Uint8Array>(stableMemory(8));
  const map = wideMap!;
  const key = new Uint8Array(32);
  const value = new Uint8Array(1024);
  for (let i: u32 = 0; i < n; i++) {
    for (let j = 0; j < 4; j++) store<u64>(key.dataStart + 8 * j, random());
    map.insert(key, value);
  }
}

// ---- text → class ----
let people: StableBTreeMap<string, Person> | null = null;
function ppl(): StableBTreeMap<string, Person> {
  if (people == null) people = new StableBTreeMap<string, Person>(stableMemory(2));
  return people!;
}
export function personInsert(nameLen: u32, age: u32): void {
  const p = new Person();
  p.name = String.UTF8.decodeUnsafe(io, nameLen);
  p.age = age;
  ppl().insert(p.name, p);
}
export function personAge(nameLen: u32): i32 {
  const name = String.UTF8.decodeUnsafe(io, nameLen);
  if (!ppl().find(name)) return -1;
  const p = ppl().found();
  return p.name == name ? <i32>p.age : -2;
}

// ---- vector ----
let vector: StableVector<u64> | null = null;
function vec(): StableVector<u64> {
  if (vector == null) vector = new StableVector<u64>(stableMemory(3));
  return vector!;
}
export function vecPush(v: u64): void {
  vec().push(v);
}
export function vecGet(i: u64): u64 {
  return vec().get(i);
}
export function vecSet(i: u64, v: u64): void {
  vec().set(i, v);
}
export function vecPop(): u64 {
  return vec().pop();
}
export function vecLength(): u64 {
  return vec().length;
}
export function vecBenchPush(n: u32): void {
  for (let i: u32 = 0; i < n; i++) vec().push(i);
}
export function vecBenchGet(n: u32): u64 {
  let sum: u64 = 0;
  for (let i: u32 = 0; i < n; i++) sum += vec().get(i);
  return sum;
}

// ---- log ----
let log: StableLog<Uint8Array> | null = null;
function lg(): StableLog<Uint8Array> {
  if (log == null) log = new StableLog<Uint8Array>(stableMemory(4), stableMemory(5));
  return log!;
}
export function logAppend(len: u32): u64 {
  return lg().append(bytesAt(io, len));
}
export function logGet(i: u64): i32 {
  return give(lg().get(i));
}
export function logLength(): u64 {
  return lg().length;
}

// ---- deque ----
let deque: StableDeque<Uint8Array> | null = null;
function dq(): StableDeque<Uint8Array> {
  if (deque == null) deque = new StableDeque<Uint8Array>(stableMemory(6));
  return deque!;
}
export function dequePush(len: u32, back: bool): void {
  if (back) dq().pushBack(bytesAt(io, len));
  else dq().pushFront(bytesAt(io, len));
}
export function dequePop(back: bool): i32 {
  return give(back ? dq().popBack() : dq().popFront());
}
export function dequePeek(back: bool): i32 {
  return give(back ? dq().back() : dq().front());
}
export function dequeLength(): u64 {
  return dq().length;
}
export function dequeClear(): void {
  dq().clear();
}

// ---- cell ----
let cell: StableCell<string> | null = null;
function cl(): StableCell<string> {
  if (cell == null) cell = new StableCell<string>(stableMemory(7), "first");
  return cell!;
}
export function cellGet(): i32 {
  return give(Uint8Array.wrap(String.UTF8.encode(cl().get())));
}
export function cellSet(len: u32): void {
  cl().set(String.UTF8.decodeUnsafe(io, len));
}

// ---- interner ----
let interner: StableInterner | null = null;
function inter(): StableInterner {
  if (interner == null) interner = new StableInterner(stableMemory(10), stableMemory(11), stableMemory(12));
  return interner!;
}
export function intern(len: u32): u32 {
  return inter().intern(String.UTF8.decodeUnsafe(io, len));
}
export function internLookup(len: u32): i64 {
  return inter().lookup(String.UTF8.decodeUnsafe(io, len));
}
export function internText(id: u32): i32 {
  return give(Uint8Array.wrap(String.UTF8.encode(inter().text(id))));
}

// ---- composite keys ----
/** text at io ‖ u64 ‖ u32 ‖ u16 ‖ u8 ‖ sized bytes (the text again); the key's bytes. */
export function compositeKey(len: u32, a: u64, b: u32, c: u16, d: u8): i32 {
  const text = String.UTF8.decodeUnsafe(io, len);
  const key = new KeyWriter().text(text).u64(a).u32(b).u16(c).u8(d).sized(bytesAt(io, len)).done();
  assert(keyU64(key, <i32>len + 1) == a);
  assert(startsWith(key, new KeyWriter().text(text).u64(a).done()));
  assert(startsWith(key, new KeyWriter().textPrefix(text).done()));
  assert(!startsWith(key, new KeyWriter().text(text).u64(a + 1).done()));
  return give(key);
}

// ---- bytes ----
/** Writes and reads back one of everything; the bytes. */
export function everything(a: u64, b: i64, len: u32): i32 {
  const w = new ByteWriter(1);
  w.bool(true);
  w.u16(<u16>a);
  w.i32(<i32>b);
  w.i64(b);
  w.varint(a);
  w.bytes(bytesAt(io, len));
  w.text("ü");
  const r = ByteReader.of(w.toBytes());
  assert(r.bool() && r.u16() == <u16>a && r.i32() == <i32>b && r.i64() == b && r.varint() == a);
  const again = r.bytes();
  assert(again.length == len && memory.compare(again.dataStart, io, len) == 0);
  assert(r.text() == "ü" && r.left == 0);
  return give(w.toBytes());
}
export function readTooFar(): void {
  const r = ByteReader.of(new Uint8Array(3));
  r.u32();
}
