// A double-ended queue of values of any size in stable memory; the space of what is taken out is used again.
//
// Keeps: order; every operation costs in proportion to the one value it moves; what is taken out is overwritten with
// zeros (not by `clear`).
//
// Layout, version 1 (little-endian). Addresses are offsets in the memory.
//   header    0   3  magic "PDQ"        16   8  back node, u64 (0 none)
//             3   1  version = 1        24   8  length, u64
//             8   8  front node, u64    32 424  arena (arena.ts)
//   node      0   8  next towards the back, u64 (0 none)
//             8   8  next towards the front, u64 (0 none)
//            16   4  value bytes, u32
//            20      the value

import { Arena } from "./arena";
import { ByteWriter } from "./bytes";
import { Memory } from "./memory-manager";
import { decodeValue, encodeValue } from "./stored";

/** "PDQ" and version 1. */
const MAGIC: u32 = 0x01514450;
const NODE: u32 = 20;
const BLOCKS: u64 = 512;

const writer = new ByteWriter(1024);
const nodeHeader = memory.data(24, 8);

let buffer: usize = 0;
let bufferBytes: u32 = 0;

export class StableDeque<T> {
  private arena: Arena;
  private frontNode: u64 = 0;
  private backNode: u64 = 0;
  private count: u64 = 0;
  /** The value loaded last, valid until the next read of any deque. */
  valuePtr: usize = 0;
  valueLen: u32 = 0;

  /** Opens the deque in `memory`, or makes an empty one when the memory is fresh. */
  constructor(private memory: Memory) {
    this.arena = new Arena(memory, 32);
    if (memory.sizeBytes == 0) {
      memory.ensure(BLOCKS);
      memory.store<u32>(0, MAGIC);
      this.arena.format(BLOCKS);
    } else {
      assert(memory.load<u32>(0) == MAGIC, "memory holds no deque of version 1");
      this.frontNode = memory.load<u64>(8);
      this.backNode = memory.load<u64>(16);
      this.count = memory.load<u64>(24);
      this.arena.open();
    }
  }

  get length(): u64 {
    return this.count;
  }

  get isEmpty(): bool {
    return this.count == 0;
  }

  pushBack(value: T): void {
    writer.reset();
    encodeValue<T>(writer, value);
    this.pushBackRaw(writer.ptr, writer.length);
  }

  pushBackRaw(ptr: usize, len: u32): void {
    const node = this.newNode(0, this.backNode, ptr, len);
    if (this.backNode != 0) this.memory.store<u64>(this.backNode, node);
    else this.frontNode = node;
    this.backNode = node;
    this.count++;
    this.storeHeader();
  }

  pushFront(value: T): void {
    writer.reset();
    encodeValue<T>(writer, value);
    const node = this.newNode(this.frontNode, 0, writer.ptr, writer.length);
    if (this.frontNode != 0) this.memory.store<u64>(this.frontNode + 8, node);
    else this.backNode = node;
    this.frontNode = node;
    this.count++;
    this.storeHeader();
  }

  /** The first value; traps when empty. */
  front(): T {
    this.load(this.frontNode);
    return decodeValue<T>(this.valuePtr, this.valueLen);
  }

  /** The last value; traps when empty. */
  back(): T {
    this.load(this.backNode);
    return decodeValue<T>(this.valuePtr, this.valueLen);
  }

  /** Takes the first value out; traps when empty. */
  popFront(): T {
    const value = this.front();
    this.dropFront();
    return value;
  }

  /** Drops the first value without decoding it. */
  dropFront(): void {
    const node = this.frontNode;
    this.load(node);
    this.frontNode = load<u64>(nodeHeader);
    if (this.frontNode != 0) this.memory.store<u64>(this.frontNode + 8, 0);
    else this.backNode = 0;
    this.release(node);
  }

  /** Takes the last value out; traps when empty. */
  popBack(): T {
    const value = this.back();
    const node = this.backNode;
    this.backNode = load<u64>(nodeHeader, 8);
    if (this.backNode != 0) this.memory.store<u64>(this.backNode, 0);
    else this.frontNode = 0;
    this.release(node);
    return value;
  }

  /** Removes everything, in constant time. */
  clear(): void {
    this.arena.format(BLOCKS);
    this.frontNode = 0;
    this.backNode = 0;
    this.count = 0;
    this.storeHeader();
  }

  private newNode(next: u64, previous: u64, ptr: usize, len: u32): u64 {
    const node = this.arena.alloc(NODE + len);
    store<u64>(nodeHeader, next);
    store<u64>(nodeHeader, previous, 8);
    store<u32>(nodeHeader, len, 16);
    this.memory.write(node, nodeHeader, NODE);
    this.memory.write(node + NODE, ptr, len);
    return node;
  }

  /** Reads a node: its links to nodeHeader, its value to valuePtr. */
  private load(node: u64): void {
    assert(node != 0, "deque is empty");
    this.memory.read(node, nodeHeader, NODE);
    const len = load<u32>(nodeHeader, 16);
    if (len > bufferBytes) {
      if (buffer != 0) heap.free(buffer);
      bufferBytes = max<u32>(len, 1024);
      buffer = heap.alloc(bufferBytes);
    }
    this.memory.read(node + NODE, buffer, len);
    this.valuePtr = buffer;
    this.valueLen = len;
  }

  /** Frees the node that was loaded last. */
  private release(node: u64): void {
    this.arena.free(node, NODE + this.valueLen);
    this.count--;
    this.storeHeader();
  }

  private storeHeader(): void {
    store<u64>(nodeHeader, this.frontNode);
    store<u64>(nodeHeader, this.backNode, 8);
    store<u64>(nodeHeader, this.count, 16);
    this.memory.write(8, nodeHeader, 24);
  }
}
