// A vector of integers in stable memory: constant cost whatever its length.
//
// Layout, version 1 (little-endian)
//     0    3  magic "PVE"      4   4  element width in bytes, u32
//     3    1  version = 1      8   8  length, u64
//    64  w·n  the elements

import { Memory } from "./memory-manager";

/** "PVE" and version 1. */
const MAGIC: u32 = 0x01455650;
const DATA: u64 = 64;

export class StableVector<T> {
  private count: u64 = 0;

  /** Opens the vector in `memory`, or makes an empty one when the memory is fresh. */
  constructor(private memory: Memory) {
    if (memory.sizeBytes == 0) {
      memory.ensure(DATA);
      memory.store<u32>(0, MAGIC);
      memory.store<u32>(4, sizeof<T>());
    } else {
      assert(memory.load<u32>(0) == MAGIC, "memory holds no vector of version 1");
      assert(memory.load<u32>(4) == sizeof<T>(), "vector of another width");
      this.count = memory.load<u64>(8);
    }
  }

  get length(): u64 {
    return this.count;
  }

  push(value: T): void {
    const at = DATA + this.count * sizeof<T>();
    const end = at + sizeof<T>();
    if (end > this.memory.sizeBytes) this.memory.ensure(end);
    this.memory.store<T>(at, value);
    this.setLength(this.count + 1);
  }

  /** Removes and returns the last element; traps when there is none. */
  pop(): T {
    assert(this.count > 0, "vector is empty");
    const value = this.memory.load<T>(DATA + (this.count - 1) * sizeof<T>());
    this.setLength(this.count - 1);
    return value;
  }

  /** Traps when `index` is not below the length. */
  get(index: u64): T {
    assert(index < this.count, "vector index out of range");
    return this.memory.load<T>(DATA + index * sizeof<T>());
  }

  set(index: u64, value: T): void {
    assert(index < this.count, "vector index out of range");
    this.memory.store<T>(DATA + index * sizeof<T>(), value);
  }

  /** Forgets what is beyond `length`. */
  truncate(length: u64): void {
    if (length < this.count) this.setLength(length);
  }

  private setLength(length: u64): void {
    this.count = length;
    this.memory.store<u64>(8, length);
  }
}
