/**
 * Where an outbox keeps its envelopes: per destination a linked list, in stable memory.
 *
 * Every operation touches a fixed number of places, whatever else is waiting, except finding a
 * destination among very many (a chain of hash collisions).
 *
 * Destinations region, version 1 (little-endian)
 *   0      4  magic "OBD" and version 1
 *   4      4  number of slots, u32
 *   8      4  first slot with envelopes + 1, 0 = none, u32
 *   12     4  zero
 *   16     8  dead letters, u64
 *   64  16384  4096 hash buckets: first slot + 1, u32
 *   16448  96 each, slots:
 *     0   1  principal length      1  29  principal
 *     32  8  first envelope's offset, 0 = none
 *     40  8  last envelope's offset
 *     48  8  sequence of the first envelope (of the next one if there is none)
 *     56  8  sequence of the next envelope to come
 *     64  8  not before this time, nanoseconds
 *     72  4  failed attempts since the last success
 *     76  4  next slot + 1 of the same bucket
 *     80  4  next slot + 1 with envelopes     84  4  previous such
 *     88  4  envelopes waiting                92  4  zero
 *
 * Envelopes region, version 1
 *   0      4  magic "OBE" and version 1
 *   8      8  first byte never used
 *   16   256  32 free lists: offset of a free block of 2^n bytes, 0 = none
 *   272    …  blocks of 2^n bytes, n ≥ 6:
 *     0   8  next envelope of the list, or next free block
 *     8   4  content length      12  1  n      13  3  zero
 *     16  …  content
 */
import { Memory } from "../stable/memory-manager";
import { Principal } from "../principal/principal";

const DESTINATIONS_MAGIC: u32 = 0x0144424f;
const ENVELOPES_MAGIC: u32 = 0x0145424f;
const BUCKETS_AT: u64 = 64;
const BUCKETS: u32 = 4096;
const SLOTS_AT: u64 = BUCKETS_AT + <u64>BUCKETS * 4;
const SLOT: u32 = 96;
const FREE_AT: u64 = 16;
const BLOCKS_AT: u64 = 272;
/** Header of a block. */
const HEAD: u32 = 16;
/** Smallest block: 64 bytes. */
const MIN_CLASS: u32 = 6;

/** The slot in hand. One at a time, as everything here happens within one message. */
const slot: usize = memory.data(96, 16);
let loaded: u32 = u32.MAX_VALUE;

export class OutboxStore {
  private buffer: usize = 0;
  private bufferSize: u32 = 0;

  constructor(private envelopes: Memory, private destinations: Memory) {
    if (destinations.sizeBytes == 0) {
      destinations.ensure(SLOTS_AT);
      destinations.store<u32>(0, DESTINATIONS_MAGIC);
      envelopes.ensure(BLOCKS_AT);
      envelopes.store<u32>(0, ENVELOPES_MAGIC);
      envelopes.store<u64>(8, BLOCKS_AT);
    }
    assert(destinations.load<u32>(0) == DESTINATIONS_MAGIC, "the destinations region holds something else");
    assert(envelopes.load<u32>(0) == ENVELOPES_MAGIC, "the envelopes region holds something else");
  }

  // Fields of the slot in hand.
  get head(): u64 { return load<u64>(slot, 32); }
  get first(): u64 { return load<u64>(slot, 48); }
  get next(): u64 { return load<u64>(slot, 56); }
  get notBefore(): u64 { return load<u64>(slot, 64); }
  get attempts(): u32 { return load<u32>(slot, 72); }
  get nextPending(): u32 { return load<u32>(slot, 80); }
  get waiting(): u32 { return load<u32>(slot, 88); }

  get principal(): Principal {
    const bytes = new Uint8Array(<i32>load<u8>(slot));
    memory.copy(bytes.dataStart, slot + 1, bytes.byteLength);
    return new Principal(bytes);
  }

  get deadLetters(): u64 { return this.destinations.load<u64>(16); }
  get slots(): u32 { return this.destinations.load<u32>(4); }

  /** First slot with envelopes + 1, 0 = none. */
  get firstPending(): u32 { return this.destinations.load<u32>(8); }

  countDeadLetters(n: u64): void { this.destinations.store<u64>(16, this.deadLetters + n); }

  /** Takes slot `index` in hand. */
  load(index: u32): void {
    this.destinations.read(SLOTS_AT + <u64>index * SLOT, slot, SLOT);
    loaded = index;
  }

  get loadedIndex(): u32 { return loaded; }

  save(): void { this.destinations.write(SLOTS_AT + <u64>loaded * SLOT, slot, SLOT); }

  setRetry(notBefore: u64, attempts: u32): void {
    store<u64>(slot, notBefore, 64);
    store<u32>(slot, attempts, 72);
    this.save();
  }

  /** Takes the slot of a destination in hand; returns its index, or -1 if there is none and `create` is false. */
  find(destination: Principal, create: bool): i64 {
    const p = destination.bytes.dataStart;
    const size = <u32>destination.bytes.byteLength;
    const bucketAt = BUCKETS_AT + <u64>(hash(p, size) & (BUCKETS - 1)) * 4;
    const first = this.destinations.load<u32>(bucketAt);
    for (let link = first; link != 0; link = load<u32>(slot, 76)) {
      this.load(link - 1);
      if (<u32>load<u8>(slot) == size && memory.compare(slot + 1, p, size) == 0) return <i64>(link - 1);
    }
    if (!create) return -1;
    const index = this.slots;
    this.destinations.ensure(SLOTS_AT + <u64>(index + 1) * SLOT);
    this.destinations.store<u32>(4, index + 1);
    this.destinations.store<u32>(bucketAt, index + 1);
    memory.fill(slot, 0, SLOT);
    store<u8>(slot, <u8>size);
    memory.copy(slot + 1, p, size);
    store<u32>(slot, first, 76);
    loaded = index;
    this.save();
    return <i64>index;
  }

  private reserve(size: u32): usize {
    if (size > this.bufferSize) {
      if (this.buffer != 0) heap.free(this.buffer);
      this.bufferSize = size * 2;
      this.buffer = heap.alloc(this.bufferSize);
    }
    return this.buffer;
  }

  /** A block of 2^n bytes. */
  private allocate(n: u32): u64 {
    const listAt = FREE_AT + <u64>n * 8;
    const free = this.envelopes.load<u64>(listAt);
    if (free != 0) {
      this.envelopes.store<u64>(listAt, this.envelopes.load<u64>(free));
      return free;
    }
    const at = this.envelopes.load<u64>(8);
    const end = at + (<u64>1 << n);
    this.envelopes.ensure(end);
    this.envelopes.store<u64>(8, end);
    return at;
  }

  /** Appends an envelope to the destination in hand. */
  append(content: usize, size: u32): void {
    const n = max<u32>(MIN_CLASS, 32 - clz(size + HEAD - 1));
    const at = this.allocate(n);
    const block = this.reserve(size + HEAD);
    store<u64>(block, 0);
    store<u32>(block, size, 8);
    store<u32>(block, n, 12);
    memory.copy(block + HEAD, content, size);
    this.envelopes.write(at, block, size + HEAD);
    if (this.head == 0) {
      store<u64>(slot, at, 32);
      this.linkPending();
    } else {
      this.envelopes.store<u64>(load<u64>(slot, 40), at);
    }
    store<u64>(slot, at, 40);
    store<u64>(slot, this.next + 1, 56);
    store<u32>(slot, this.waiting + 1, 88);
    this.save();
  }

  /** Content of the envelope at `at`. */
  read(at: u64): Uint8Array {
    this.envelopes.read(at, head, HEAD);
    const bytes = new Uint8Array(<i32>load<u32>(head, 8));
    this.envelopes.read(at + HEAD, bytes.dataStart, bytes.byteLength);
    return bytes;
  }

  /** The envelope after the one at `at`, 0 = none. */
  after(at: u64): u64 { return this.envelopes.load<u64>(at); }

  /** Forgets the first envelope of the destination in hand. */
  dropFirst(): void {
    const at = this.head;
    this.envelopes.read(at, head, HEAD);
    const next = load<u64>(head);
    const listAt = FREE_AT + <u64>load<u8>(head, 12) * 8;
    this.envelopes.store<u64>(at, this.envelopes.load<u64>(listAt));
    this.envelopes.store<u64>(listAt, at);
    store<u64>(slot, next, 32);
    if (next == 0) {
      store<u64>(slot, 0, 40);
      this.unlinkPending();
    }
    store<u64>(slot, this.first + 1, 48);
    store<u32>(slot, this.waiting - 1, 88);
    this.save();
  }

  private setLink(index: u32, offset: u32, value: u32): void {
    this.destinations.store<u32>(SLOTS_AT + <u64>index * SLOT + offset, value);
  }

  private linkPending(): void {
    const first = this.firstPending;
    if (first != 0) this.setLink(first - 1, 84, loaded + 1);
    store<u32>(slot, first, 80);
    store<u32>(slot, 0, 84);
    this.destinations.store<u32>(8, loaded + 1);
  }

  private unlinkPending(): void {
    const next = this.nextPending;
    const previous = load<u32>(slot, 84);
    if (next != 0) this.setLink(next - 1, 84, previous);
    if (previous != 0) this.setLink(previous - 1, 80, next);
    else this.destinations.store<u32>(8, next);
    store<u32>(slot, 0, 80);
    store<u32>(slot, 0, 84);
  }
}

const head: usize = memory.data(16, 16);

/** FNV-1a, 32 bits. */
function hash(p: usize, size: u32): u32 {
  let h: u32 = 0x811c9dc5;
  for (let i: u32 = 0; i < size; i++) h = (h ^ <u32>load<u8>(p + i)) * 0x01000193;
  return h ^ (h >> 15);
}
