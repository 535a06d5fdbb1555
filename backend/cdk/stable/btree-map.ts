// A sorted map in stable memory.
//
// Keeps: what btree.ts keeps. Integers as keys are ordered by value, strings and Uint8Array by their bytes.
// Stored types: see stored.ts. The heap holds nothing that grows with the map.

import { BTree, compareBytes } from "./btree";
import { ByteWriter } from "./bytes";
import { Memory } from "./memory-manager";
import { decodeKey, decodeValue, encodeKey, encodeValue } from "./stored";

// One key and one value at a time are on their way into any tree.
const keyWriter = new ByteWriter(256);
const valueWriter = new ByteWriter(1024);
const integerKey = memory.data(8, 8);

let keyPtr: usize = 0;
let keyLen: u32 = 0;

/** Puts the key's bytes at keyPtr. */
function prepareKey<K>(key: K): void {
  if (isInteger<K>()) {
    let bits = key;
    if (isSigned<K>()) bits = <K>(<u64>bits ^ (<u64>1 << (8 * sizeof<K>() - 1)));
    store<K>(integerKey, bswap<K>(bits));
    keyPtr = integerKey;
    keyLen = sizeof<K>();
  } else if (!isString<K>() && idof<K>() == idof<Uint8Array>()) {
    const bytes = changetype<Uint8Array>(key);
    keyPtr = bytes.dataStart;
    keyLen = bytes.length;
  } else {
    keyWriter.reset();
    encodeKey<K>(keyWriter, key);
    keyPtr = keyWriter.ptr;
    keyLen = keyWriter.length;
  }
}

export class StableBTreeMap<K, V> {
  readonly tree: BTree;

  /** Opens the map in `memory`, or makes an empty one when the memory is fresh. `nodeBytes` counts only then. */
  constructor(memory: Memory, nodeBytes: u32 = 1024) {
    this.tree = new BTree(memory, nodeBytes);
  }

  /** Number of entries. */
  get size(): u64 {
    return this.tree.size;
  }

  get isEmpty(): bool {
    return this.tree.size == 0;
  }

  has(key: K): bool {
    prepareKey<K>(key);
    return this.tree.has(keyPtr, keyLen);
  }

  /** The value of a key that must be there; traps when it is not. */
  get(key: K): V {
    assert(this.find(key), "key not in map");
    return this.found();
  }

  getOr(key: K, fallback: V): V {
    return this.find(key) ? this.found() : fallback;
  }

  /** Looks the key up; when true, `found()` is its value until the next operation on any map. */
  find(key: K): bool {
    prepareKey<K>(key);
    return this.tree.find(keyPtr, keyLen);
  }

  found(): V {
    return decodeValue<V>(this.tree.foundPtr, this.tree.foundLen);
  }

  /** The found value's bytes, in place. */
  get foundPtr(): usize {
    return this.tree.foundPtr;
  }
  get foundLen(): u32 {
    return this.tree.foundLen;
  }

  /** Sets the value of the key; true when the key is new. */
  insert(key: K, value: V): bool {
    valueWriter.reset();
    encodeValue<V>(valueWriter, value);
    prepareKey<K>(key);
    return this.tree.insert(keyPtr, keyLen, valueWriter.ptr, valueWriter.length);
  }

  /** Like insert with bytes that are already in the value's stored form. */
  insertRaw(key: K, value: usize, valueLen: u32): bool {
    prepareKey<K>(key);
    return this.tree.insert(keyPtr, keyLen, value, valueLen);
  }

  /** Removes the entry; false when there was none. */
  remove(key: K): bool {
    prepareKey<K>(key);
    return this.tree.remove(keyPtr, keyLen);
  }

  /** Removes all entries, in constant time. */
  clear(): void {
    this.tree.clear();
  }

  /** A cursor that stands nowhere yet. */
  cursor(): Cursor<K, V> {
    return new Cursor<K, V>(this.tree);
  }
}

// Offsets of btree.ts's node layout that a cursor reads.
const COUNT: usize = 2;
const NEXT: usize = 8;
const PREVIOUS: usize = 16;
const SLOTS: usize = 24;
const KEY: usize = 4;

/**
 * A place in a map. It holds a copy of one leaf, so a step is usually free of system calls. When the map changes
 * under it, the next step goes to the nearest entry still there; `value` traps if its entry has gone.
 */
export class Cursor<K, V> {
  private leaf: ArrayBuffer;
  private index: i32 = 0;
  private changes: u64 = 0;
  private standing: bool = false;

  constructor(private tree: BTree) {
    this.leaf = new ArrayBuffer(tree.nodeBytes);
  }

  /** Whether the cursor stands on an entry. */
  get valid(): bool {
    return this.standing;
  }

  /** Goes to the first entry; false when the map is empty. */
  first(): bool {
    this.changes = this.tree.changes;
    this.tree.readEdgeLeaf(this.node, false);
    this.index = 0;
    return this.settleForward();
  }

  /** Goes to the last entry; false when the map is empty. */
  last(): bool {
    this.changes = this.tree.changes;
    this.tree.readEdgeLeaf(this.node, true);
    this.index = this.count - 1;
    return this.settleBackward();
  }

  /** Goes to the first entry whose key is not below the given one. */
  seek(key: K): bool {
    prepareKey<K>(key);
    this.seekBytes(keyPtr, keyLen);
    return this.settleForward();
  }

  /** Goes to the last entry whose key is below the given one. */
  seekBefore(key: K): bool {
    prepareKey<K>(key);
    this.seekBytes(keyPtr, keyLen);
    this.index--;
    return this.settleBackward();
  }

  /** One entry forward; false, and nowhere, at the end. */
  next(): bool {
    if (!this.standing) return false;
    if (this.changes != this.tree.changes) {
      if (!this.again()) return this.settleForward();
    }
    this.index++;
    return this.settleForward();
  }

  /** One entry back; false, and nowhere, at the beginning. */
  prev(): bool {
    if (!this.standing) return false;
    if (this.changes != this.tree.changes) this.again();
    this.index--;
    return this.settleBackward();
  }

  get key(): K {
    return decodeKey<K>(this.keyPtr, this.keyLen);
  }

  /** The key's bytes in this cursor's copy, until it moves. */
  get keyPtr(): usize {
    return this.cell + KEY;
  }
  get keyLen(): u32 {
    return load<u16>(this.cell);
  }

  get value(): V {
    this.loadValue();
    return decodeValue<V>(this.tree.foundPtr, this.tree.foundLen);
  }

  /** Sets the tree's foundPtr and foundLen to the entry's value. */
  loadValue(): void {
    if (this.changes == this.tree.changes) this.tree.loadValue(this.cell);
    else assert(this.tree.find(this.keyPtr, this.keyLen), "the cursor's entry was removed");
  }

  private get node(): usize {
    return changetype<usize>(this.leaf);
  }

  private get count(): i32 {
    return load<u16>(this.node, COUNT);
  }

  private get cell(): usize {
    assert(this.standing, "cursor stands nowhere");
    return this.node + <usize>load<u16>(this.node + SLOTS + (<usize>this.index << 1));
  }

  /** Stands between entries: `index` is the first that is not below the key; true when it is the key itself. */
  private seekBytes(key: usize, len: u32): bool {
    this.changes = this.tree.changes;
    const node = this.node;
    this.tree.readLeafFor(node, key, len);
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      const cell = node + <usize>load<u16>(node + SLOTS + (<usize>middle << 1));
      const order = compareBytes(cell + KEY, load<u16>(cell), key, len);
      if (order == 0) {
        this.index = middle;
        return true;
      }
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    this.index = low;
    return false;
  }

  /** After a change in the map: finds the present place again; false when its entry has gone. */
  private again(): bool {
    const len = this.keyLen;
    keyWriter.reset();
    keyWriter.raw(this.keyPtr, len);
    return this.seekBytes(keyWriter.ptr, len);
  }

  /** From a place that may be past a leaf's end to the next entry. */
  private settleForward(): bool {
    while (this.index >= this.count) {
      const next = load<u64>(this.node, NEXT);
      if (next == 0) return (this.standing = false);
      this.tree.readNode(next, this.node);
      this.index = 0;
    }
    return (this.standing = true);
  }

  /** From a place that may be before a leaf's beginning to the entry before. */
  private settleBackward(): bool {
    while (this.index < 0) {
      const previous = load<u64>(this.node, PREVIOUS);
      if (previous == 0) return (this.standing = false);
      this.tree.readNode(previous, this.node);
      this.index = this.count - 1;
    }
    return (this.standing = true);
  }
}
