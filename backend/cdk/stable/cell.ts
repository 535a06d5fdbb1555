// One value in stable memory. Its bytes are read when asked for, so a cell costs no heap.
//
// Layout, version 1 (little-endian)
//     0   3  magic "PCE"     3   1  version = 1     4   4  value bytes, u32     8   the value

import { wipe } from "./arena";
import { ByteWriter } from "./bytes";
import { Memory } from "./memory-manager";
import { decodeValue, encodeValue } from "./stored";

/** "PCE" and version 1. */
const MAGIC: u32 = 0x01454350;
const VALUE: u32 = 8;

const writer = new ByteWriter(256);

export class StableCell<T> {
  /** Opens the cell in `memory`; a fresh one holds `initial`. */
  constructor(
    private memory: Memory,
    initial: T,
  ) {
    if (memory.sizeBytes == 0) this.set(initial);
    else assert(memory.load<u32>(0) == MAGIC, "memory holds no cell of version 1");
  }

  get(): T {
    const len = this.memory.load<u32>(4);
    const buffer = heap.alloc(max<u32>(len, 1));
    this.memory.read(VALUE, buffer, len);
    const value = decodeValue<T>(buffer, len);
    heap.free(buffer);
    return value;
  }

  /** Nothing of the former value stays. */
  set(value: T): void {
    const before: u32 = this.memory.sizeBytes == 0 ? 0 : this.memory.load<u32>(4);
    writer.reset();
    writer.u32(MAGIC);
    writer.u32(0);
    encodeValue<T>(writer, value);
    store<u32>(writer.ptr, writer.length - VALUE, 4);
    this.memory.ensure(writer.length);
    this.memory.write(0, writer.ptr, writer.length);
    const length = writer.length - VALUE;
    if (length < before) wipe(this.memory, VALUE + length, before - length);
  }
}
