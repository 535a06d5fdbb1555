// An append-only list of byte strings in two memories: one holds where each entry ends, the other the bytes.
//
// Keeps: an entry's number never changes; appending and reading cost in proportion to the entry alone.
//
// Layout, version 1 (little-endian)
//   index      0    3  magic "PLG"     3  1  version = 1     8  8  number of entries n, u64
//             64  8·n  end of each entry in the data memory, u64; entry 0 begins at 0
//   data       0       the entries, one after the other

import { ByteWriter } from "./bytes";
import { Memory } from "./memory-manager";
import { decodeValue, encodeValue } from "./stored";

/** "PLG" and version 1. */
const MAGIC: u32 = 0x01474c50;
const ENDS: u64 = 64;

const writer = new ByteWriter(1024);
const bounds = memory.data(16, 8);

let buffer: usize = 0;
let bufferBytes: u32 = 0;

export class StableLog<T> {
  private count: u64 = 0;
  /** Where the next entry begins. */
  private end: u64 = 0;
  /** The entry loaded last, valid until the next read of any log. */
  entryPtr: usize = 0;
  entryLen: u32 = 0;

  /** Opens the log in these memories, or makes an empty one when they are fresh. */
  constructor(
    private index: Memory,
    private data: Memory,
  ) {
    if (index.sizeBytes == 0) {
      index.ensure(ENDS);
      index.store<u32>(0, MAGIC);
    } else {
      assert(index.load<u32>(0) == MAGIC, "memory holds no log of version 1");
      this.count = index.load<u64>(8);
      if (this.count > 0) this.end = index.load<u64>(ENDS + ((this.count - 1) << 3));
    }
  }

  get length(): u64 {
    return this.count;
  }

  /** Bytes of all entries together. */
  get dataBytes(): u64 {
    return this.end;
  }

  /** Appends; the new entry's number. */
  append(value: T): u64 {
    writer.reset();
    encodeValue<T>(writer, value);
    return this.appendRaw(writer.ptr, writer.length);
  }

  appendRaw(ptr: usize, len: u32): u64 {
    const number = this.count;
    const at = ENDS + (number << 3);
    this.index.ensure(at + 8);
    this.data.ensure(this.end + len);
    this.data.write(this.end, ptr, len);
    this.end += len;
    this.index.store<u64>(at, this.end);
    this.count = number + 1;
    this.index.store<u64>(8, this.count);
    return number;
  }

  /** Traps when there is no such entry. */
  get(number: u64): T {
    this.load(number);
    return decodeValue<T>(this.entryPtr, this.entryLen);
  }

  bytesAt(number: u64): Uint8Array {
    this.load(number);
    const bytes = new Uint8Array(this.entryLen);
    memory.copy(bytes.dataStart, this.entryPtr, this.entryLen);
    return bytes;
  }

  /** Reads an entry and sets entryPtr and entryLen. */
  load(number: u64): void {
    assert(number < this.count, "log entry out of range");
    if (number == 0) {
      store<u64>(bounds, 0);
      this.index.read(ENDS, bounds + 8, 8);
    } else this.index.read(ENDS + ((number - 1) << 3), bounds, 16);
    const from = load<u64>(bounds);
    const len = <u32>(load<u64>(bounds, 8) - from);
    if (len > bufferBytes) {
      if (buffer != 0) heap.free(buffer);
      bufferBytes = max<u32>(len, 1024);
      buffer = heap.alloc(bufferBytes);
    }
    this.data.read(from, buffer, len);
    this.entryPtr = buffer;
    this.entryLen = len;
  }
}
