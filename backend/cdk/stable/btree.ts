// A B+ tree over byte strings: the engine under StableBTreeMap.
//
// Keeps: keys in order of their bytes, each once; every operation reads a node in one call and writes only what it
// changed, because a System API call costs 20 instructions and each byte one more; opening costs the same with one
// entry or ten million; what is removed or replaced is overwritten with zeros, in nodes and outside (not by `clear`). Nodes that fall below a third are merged with a neighbour when both fit in one.
// Needs: the memory to itself. A key is at most `maxKeyBytes`; a value of any length (long ones live outside the nodes).
//
// Layout, version 1 (little-endian). Node addresses are offsets in the memory.
//   header
//     0    3  magic "PBT"        8    8  root node, u64             32  424  arena (arena.ts)
//     3    1  version = 1       16    8  number of entries, u64
//     4    4  node bytes, u32   24    4  height, u32 (1: the root is a leaf)
//   node (`node bytes` long, 512 … 4096, a power of two)
//     0    1  kind: 1 leaf, 2 internal
//     1    1  zero
//     2    2  number of cells n, u16
//     4    2  offset of the lowest cell, u16
//     6    2  bytes of removed cells above it, u16
//     8    8  leaf: next leaf (0 none); internal: child with the keys below the first cell's
//    16    8  leaf: previous leaf (0 none); internal: 0
//    24  2·n  offsets of the cells in order of their keys, u16
//    cells grow down from the end
//      leaf:     0 u16 key bytes, 2 u16 value bytes, 4 key, then the value;
//                value bytes = 0xffff: the value is a block: u64 address, u32 length
//      internal: 0 u16 key bytes, 2 u64 child with the keys from this one on, 10 key

import { Arena, classOf, wipe } from "./arena";
import { Memory } from "./memory-manager";

/** "PBT" and version 1. */
const MAGIC: u32 = 0x01544250;
const ARENA_AT: u64 = 32;
const HEADER_BYTES: u32 = 512;

const LEAF: u8 = 1;
const INTERNAL: u8 = 2;
const SLOTS: u32 = 24;
const LEAF_KEY: u32 = 4;
const INTERNAL_KEY: u32 = 10;
const OUTSIDE: u32 = 0xffff;
const OUTSIDE_BYTES: u32 = 12;

const MAX_NODE: u32 = 4096;
/** A node has two children at least, and 2^64 bytes do not exist: deeper is a broken tree. */
const MAX_HEIGHT: u32 = 32;

/** The node at hand; nothing in it outlives an operation. */
const nodeA = memory.data(4096, 16);
const nodeB = memory.data(4096, 16);
const nodeC = memory.data(4096, 16);
/** A cell on its way into a node. */
const cellBuffer = memory.data(2048, 16);
/** Internal nodes from the root down to the leaf of the last descent, and which child was taken. */
const pathNode = memory.data(256, 8);
const pathChild = memory.data(128, 8);

/** Lexicographic order of two byte strings: negative, zero, positive. */
export function compareBytes(a: usize, aLen: u32, b: usize, bLen: u32): i32 {
  let n = min(aLen, bLen);
  while (n >= 8) {
    const x = load<u64>(a);
    const y = load<u64>(b);
    if (x != y) return bswap<u64>(x) < bswap<u64>(y) ? -1 : 1;
    a += 8;
    b += 8;
    n -= 8;
  }
  while (n > 0) {
    const d = <i32>load<u8>(a) - <i32>load<u8>(b);
    if (d != 0) return d;
    a++;
    b++;
    n--;
  }
  return <i32>aLen - <i32>bLen;
}

// ---- nodes in a heap buffer ----

// @ts-ignore: decorator
@inline function countOf(node: usize): u32 {
  return load<u16>(node, 2);
}

// @ts-ignore: decorator
@inline function cellAt(node: usize, index: u32): usize {
  return node + <usize>load<u16>(node + SLOTS + (index << 1));
}

function cellBytes(node: usize, cell: usize): u32 {
  const key = <u32>load<u16>(cell);
  if (load<u8>(node) == INTERNAL) return INTERNAL_KEY + key;
  const value = <u32>load<u16>(cell, 2);
  return LEAF_KEY + key + (value == OUTSIDE ? OUTSIDE_BYTES : value);
}

/** Bytes that cells and their slots take. */
function usedBytes(node: usize, pageBytes: u32): u32 {
  return pageBytes - load<u16>(node, 4) - load<u16>(node, 6) + 2 * countOf(node);
}

function formatNode(node: usize, kind: u8, pageBytes: u32): void {
  store<u64>(node, 0);
  store<u8>(node, kind);
  store<u16>(node, <u16>pageBytes, 4);
  store<u64>(node, 0, 8);
  store<u64>(node, 0, 16);
}

/** Puts a cell at `index`. There must be room between slots and cells. Returns the cell's offset. */
function placeCell(node: usize, index: u32, cell: usize, len: u32): u32 {
  const n = countOf(node);
  const at = <u32>load<u16>(node, 4) - len;
  memory.copy(node + at, cell, len);
  const slot = node + SLOTS + (index << 1);
  if (index < n) memory.copy(slot + 2, slot, (n - index) << 1);
  store<u16>(slot, <u16>at);
  store<u16>(node, <u16>(n + 1), 2);
  store<u16>(node, <u16>at, 4);
  return at;
}

function appendCell(node: usize, cell: usize, len: u32): void {
  placeCell(node, countOf(node), cell, len);
}

/** Where the last removed cell was: these bytes, now zero or something else, are still to be written. */
let removedAt: u32 = 0;
let removedBytes: u32 = 0;

/** Takes a cell out and wipes it; notes where it was. */
function removeCell(node: usize, index: u32): void {
  const cell = cellAt(node, index);
  const len = cellBytes(node, cell);
  memory.fill(cell, 0, len);
  removedAt = <u32>(cell - node);
  removedBytes = len;
  const low = <u32>load<u16>(node, 4);
  if (<u32>(cell - node) == low) store<u16>(node, <u16>(low + len), 4);
  else store<u16>(node, load<u16>(node, 6) + <u16>len, 6);
  const n = countOf(node) - 1;
  const slot = node + SLOTS + (index << 1);
  if (index < n) memory.copy(slot, slot + 2, (n - index) << 1);
  store<u16>(node, <u16>n, 2);
}

/** Squeezes out removed cells, by way of nodeC. */
function compact(node: usize, pageBytes: u32): void {
  memory.copy(nodeC, node, pageBytes);
  formatLike(node, nodeC, pageBytes);
  const n = countOf(nodeC);
  for (let i: u32 = 0; i < n; i++) {
    const cell = cellAt(nodeC, i);
    appendCell(node, cell, cellBytes(nodeC, cell));
  }
  wipeGap(node);
}

/** Zeros between slots and cells: nothing that was there before may reach stable memory. */
function wipeGap(node: usize): void {
  const from = SLOTS + 2 * countOf(node);
  memory.fill(node + from, 0, load<u16>(node, 4) - from);
}

/** An empty node of the same kind and links. */
function formatLike(node: usize, model: usize, pageBytes: u32): void {
  formatNode(node, load<u8>(model), pageBytes);
  store<u64>(node, load<u64>(model, 8), 8);
  store<u64>(node, load<u64>(model, 16), 16);
}

/** Whether the last search met the very key. */
let exact: bool = false;

/** Index of the first cell whose key is not below the given one; sets `exact`. */
function search(node: usize, keyAt: u32, key: usize, keyLen: u32): u32 {
  let low: u32 = 0;
  let high = countOf(node);
  exact = false;
  while (low < high) {
    const middle = (low + high) >> 1;
    const cell = cellAt(node, middle);
    const order = compareBytes(cell + keyAt, load<u16>(cell), key, keyLen);
    if (order < 0) low = middle + 1;
    else {
      high = middle;
      if (order == 0) {
        exact = true;
        return middle;
      }
    }
  }
  return low;
}

// @ts-ignore: decorator
@inline function childAt(node: usize, index: u32): u64 {
  return index == 0 ? load<u64>(node, 8) : load<u64>(cellAt(node, index - 1), 2);
}

/** Which child of an internal node holds the key: 0 … n. */
function childFor(node: usize, key: usize, keyLen: u32): u32 {
  const index = search(node, INTERNAL_KEY, key, keyLen);
  return exact ? index + 1 : index;
}

/** Buffer for values that live outside their node. */
let outside: usize = 0;
let outsideBytes: u32 = 0;

function outsideBuffer(len: u32): usize {
  if (len > outsideBytes) {
    if (outside != 0) heap.free(outside);
    outsideBytes = max<u32>(len, 4096);
    outside = heap.alloc(outsideBytes);
  }
  return outside;
}

export class BTree {
  /** Number of entries. */
  size: u64 = 0;
  /** Counts changes since the tree was opened, so that cursors notice. */
  changes: u64 = 0;
  /** The value found last, valid until the next operation on any tree. */
  foundPtr: usize = 0;
  foundLen: u32 = 0;

  private arena: Arena;
  private root: u64 = 0;
  private height: u32 = 0;
  private pageBytes: u32;
  private maxCell: u32;

  /** Opens the tree in `memory`, or makes an empty one with nodes of `nodeBytes` when the memory is fresh. */
  constructor(
    private memory: Memory,
    nodeBytes: u32 = 1024,
  ) {
    this.pageBytes = nodeBytes;
    this.maxCell = 0;
    this.arena = new Arena(memory, ARENA_AT);
    if (memory.sizeBytes == 0) {
      assert(nodeBytes >= 512 && nodeBytes <= MAX_NODE && popcnt(nodeBytes) == 1, "node bytes: 512, 1024, 2048 or 4096");
      memory.ensure(HEADER_BYTES);
      memory.store<u32>(0, MAGIC);
      memory.store<u32>(4, nodeBytes);
      this.clear();
    } else {
      assert(memory.load<u32>(0) == MAGIC, "memory holds no B-tree of version 1");
      this.pageBytes = memory.load<u32>(4);
      this.root = memory.load<u64>(8);
      this.size = memory.load<u64>(16);
      this.height = memory.load<u32>(24);
      this.arena.open();
    }
    // Four cells of the largest kind fit in a node: then both halves of a split do.
    this.maxCell = (this.pageBytes - SLOTS) / 4 - 2;
  }

  /** Longest key: 230 bytes with nodes of 1 KiB. */
  get maxKeyBytes(): u32 {
    return this.maxCell - LEAF_KEY - OUTSIDE_BYTES;
  }

  get nodeBytes(): u32 {
    return this.pageBytes;
  }

  get firstNode(): u64 {
    return this.root;
  }

  get levels(): u32 {
    return this.height;
  }

  /** Removes everything at once; the memory keeps its size and is used again. */
  clear(): void {
    this.changes++;
    this.arena.format(HEADER_BYTES);
    this.root = this.arena.alloc(this.pageBytes);
    this.height = 1;
    this.size = 0;
    formatNode(nodeA, LEAF, this.pageBytes);
    this.memory.write(this.root, nodeA, this.pageBytes);
    this.storeHeader();
  }

  /** Whether the key is there; then `foundPtr` and `foundLen` tell its value. */
  find(key: usize, keyLen: u32): bool {
    this.leafOf(key, keyLen);
    const index = search(nodeA, LEAF_KEY, key, keyLen);
    if (!exact) return false;
    this.loadValue(cellAt(nodeA, index));
    return true;
  }

  /** Like find without reading a value that lives outside. */
  has(key: usize, keyLen: u32): bool {
    this.leafOf(key, keyLen);
    search(nodeA, LEAF_KEY, key, keyLen);
    return exact;
  }

  /** Sets the value of the key; true when the key is new. Key and value may not lie in this file's buffers. */
  insert(key: usize, keyLen: u32, value: usize, valueLen: u32): bool {
    assert(keyLen <= this.maxKeyBytes, "key too long");
    this.changes++;
    const leaf = this.leafOf(key, keyLen);
    const index = search(nodeA, LEAF_KEY, key, keyLen);
    const known = exact;
    removedBytes = 0;
    if (known && this.overwrite(leaf, cellAt(nodeA, index), keyLen, value, valueLen)) return false;

    const cell = cellBuffer;
    store<u16>(cell, <u16>keyLen);
    memory.copy(cell + LEAF_KEY, key, keyLen);
    let cellLen = LEAF_KEY + keyLen;
    if (cellLen + valueLen <= this.maxCell) {
      store<u16>(cell, <u16>valueLen, 2);
      memory.copy(cell + cellLen, value, valueLen);
      cellLen += valueLen;
    } else {
      const block = this.arena.alloc(valueLen);
      this.memory.write(block, value, valueLen);
      store<u16>(cell, <u16>OUTSIDE, 2);
      store<u64>(cell + cellLen, block);
      store<u32>(cell + cellLen, valueLen, 8);
      cellLen += OUTSIDE_BYTES;
    }
    if (known) {
      this.freeOutside(cellAt(nodeA, index));
      removeCell(nodeA, index);
    } else {
      this.size++;
      this.memory.store<u64>(16, this.size);
    }
    this.addCell(leaf, index, cellLen);
    return !known;
  }

  /** Removes the key; false when it was not there. */
  remove(key: usize, keyLen: u32): bool {
    const leaf = this.leafOf(key, keyLen);
    const index = search(nodeA, LEAF_KEY, key, keyLen);
    if (!exact) return false;
    this.changes++;
    this.freeOutside(cellAt(nodeA, index));
    removeCell(nodeA, index);
    this.size--;
    this.memory.store<u64>(16, this.size);
    this.settle(leaf);
    return true;
  }

  // ---- for cursors: nodes are read into the cursor's own buffer ----

  /** Reads the leaf that would hold the key into `buffer`; its address. */
  readLeafFor(buffer: usize, key: usize, keyLen: u32): u64 {
    let at = this.root;
    this.readNode(at, buffer);
    for (let level = this.height; level > 1; level--) {
      at = childAt(buffer, childFor(buffer, key, keyLen));
      this.readNode(at, buffer);
    }
    return at;
  }

  /** Reads the first or last leaf into `buffer`; its address. */
  readEdgeLeaf(buffer: usize, last: bool): u64 {
    let at = this.root;
    this.readNode(at, buffer);
    for (let level = this.height; level > 1; level--) {
      at = childAt(buffer, last ? countOf(buffer) : 0);
      this.readNode(at, buffer);
    }
    return at;
  }

  readNode(at: u64, buffer: usize): void {
    this.memory.read(at, buffer, this.pageBytes);
  }

  /** Sets foundPtr and foundLen for a leaf cell in any buffer. */
  loadValue(cell: usize): void {
    const value = cell + LEAF_KEY + load<u16>(cell);
    const len = <u32>load<u16>(cell, 2);
    if (len != OUTSIDE) {
      this.foundPtr = value;
      this.foundLen = len;
      return;
    }
    const outsideLen = load<u32>(value, 8);
    const buffer = outsideBuffer(outsideLen);
    this.memory.read(load<u64>(value), buffer, outsideLen);
    this.foundPtr = buffer;
    this.foundLen = outsideLen;
  }

  // ---- inside ----

  private storeHeader(): void {
    this.memory.store<u64>(8, this.root);
    this.memory.store<u64>(16, this.size);
    this.memory.store<u32>(24, this.height);
  }

  /** Reads the leaf for the key into nodeA and notes the path. */
  private leafOf(key: usize, keyLen: u32): u64 {
    let at = this.root;
    this.memory.read(at, nodeA, this.pageBytes);
    const depth = this.height - 1;
    for (let i: u32 = 0; i < depth; i++) {
      const child = childFor(nodeA, key, keyLen);
      store<u64>(pathNode + (i << 3), at);
      store<u32>(pathChild + (i << 2), child);
      at = childAt(nodeA, child);
      this.memory.read(at, nodeA, this.pageBytes);
    }
    return at;
  }

  /** Replaces a value where it is, if it fits there. The cell is in nodeA. */
  private overwrite(leaf: u64, cell: usize, keyLen: u32, value: usize, valueLen: u32): bool {
    const at = cell + LEAF_KEY + keyLen;
    const old = <u32>load<u16>(cell, 2);
    if (old != OUTSIDE) {
      if (old != valueLen || LEAF_KEY + keyLen + valueLen > this.maxCell) return false;
      this.memory.write(leaf + (at - nodeA), value, valueLen);
      return true;
    }
    if (LEAF_KEY + keyLen + valueLen <= this.maxCell) return false;
    const oldLen = load<u32>(at, 8);
    let block = load<u64>(at);
    if (!sameClass(oldLen, valueLen)) {
      this.arena.free(block, oldLen);
      block = this.arena.alloc(valueLen);
    } else if (valueLen < oldLen) wipe(this.memory, block + valueLen, oldLen - valueLen);
    this.memory.write(block, value, valueLen);
    store<u64>(at, block);
    store<u32>(at, valueLen, 8);
    this.memory.write(leaf + (at - nodeA), at, OUTSIDE_BYTES);
    return true;
  }

  private freeOutside(cell: usize): void {
    if (load<u16>(cell, 2) != <u16>OUTSIDE) return;
    const at = cell + LEAF_KEY + load<u16>(cell);
    this.arena.free(load<u64>(at), load<u32>(at, 8));
  }

  /** Puts the cell in cellBuffer into the node in nodeA, splitting upwards as needed. */
  private addCell(at: u64, index: u32, cellLen: u32): void {
    const page = this.pageBytes;
    let depth = this.height - 1;
    while (true) {
      const n = countOf(nodeA);
      const slotsEnd = SLOTS + 2 * (n + 1);
      if (slotsEnd + cellLen <= load<u16>(nodeA, 4)) {
        const offset = placeCell(nodeA, index, cellBuffer, cellLen);
        this.memory.write(at, nodeA, slotsEnd);
        if (removedBytes != 0) this.memory.write(at + removedAt, nodeA + removedAt, removedBytes);
        this.memory.write(at + offset, nodeA + offset, cellLen);
        return;
      }
      if (SLOTS + usedBytes(nodeA, page) + 2 + cellLen <= page) {
        compact(nodeA, page);
        placeCell(nodeA, index, cellBuffer, cellLen);
        this.memory.write(at, nodeA, page);
        return;
      }
      removedBytes = 0;
      // Leaves in cellBuffer the cell for the parent, with the address of the new right node.
      cellLen = this.split(at, index, cellLen);
      if (depth == 0) {
        const top = this.arena.alloc(page);
        formatNode(nodeA, INTERNAL, page);
        store<u64>(nodeA, at, 8);
        appendCell(nodeA, cellBuffer, cellLen);
        wipeGap(nodeA);
        this.memory.write(top, nodeA, page);
        this.root = top;
        this.height++;
        assert(this.height <= MAX_HEIGHT, "B-tree too high");
        this.storeHeader();
        return;
      }
      depth--;
      at = load<u64>(pathNode + (depth << 3));
      index = load<u32>(pathChild + (depth << 2));
      this.memory.read(at, nodeA, page);
    }
  }

  /**
   * Splits the node in nodeA (at `at`), with the cell in cellBuffer at `index`, into itself and a new right
   * node; writes both. Leaves the parent's cell in cellBuffer; its length.
   */
  private split(at: u64, index: u32, cellLen: u32): u32 {
    const page = this.pageBytes;
    const right = this.arena.alloc(page);
    const leaf = load<u8>(nodeA) == LEAF;
    memory.copy(nodeC, nodeA, page);
    const n = countOf(nodeC);
    // Keys that only grow fill their leaves: at the end of the last leaf the new cell goes right alone.
    const appending = leaf && index == n && load<u64>(nodeC, 8) == 0;
    const half = (usedBytes(nodeC, page) + 2 + cellLen) >> 1;

    formatLike(nodeA, nodeC, page);
    formatNode(nodeB, load<u8>(nodeC), page);
    let filled: u32 = 0;
    let toRight = false;
    for (let i: u32 = 0; i <= n; i++) {
      const fresh = i == index;
      const cell = fresh ? cellBuffer : cellAt(nodeC, i < index ? i : i - 1);
      const len = fresh ? cellLen : cellBytes(nodeC, cell);
      if (!toRight && (appending ? fresh : filled >= half)) {
        toRight = true;
        if (!leaf) {
          // The middle cell goes up: its child begins the right node, its key divides the two.
          store<u64>(nodeB, load<u64>(cell, 2), 8);
          moveUp(cell, len);
          continue;
        }
      }
      if (toRight) appendCell(nodeB, cell, len);
      else {
        appendCell(nodeA, cell, len);
        filled += len + 2;
      }
    }

    let upLen: u32;
    if (leaf) {
      const next = load<u64>(nodeA, 8);
      store<u64>(nodeB, next, 8);
      store<u64>(nodeB, at, 16);
      store<u64>(nodeA, right, 8);
      if (next != 0) this.memory.store<u64>(next + 16, right);
      upLen = divider();
    } else {
      memory.copy(cellBuffer, upBuffer, INTERNAL_KEY + load<u16>(upBuffer));
      upLen = INTERNAL_KEY + load<u16>(cellBuffer);
    }
    store<u64>(cellBuffer, right, 2);
    wipeGap(nodeA);
    wipeGap(nodeB);
    this.memory.write(at, nodeA, page);
    this.memory.write(right, nodeB, page);
    return upLen;
  }

  /** Writes the leaf in nodeA after a removal, and merges upwards what has become too empty. */
  private settle(at: u64): void {
    const page = this.pageBytes;
    const capacity = page - SLOTS;
    let depth = this.height - 1;
    while (true) {
      const used = usedBytes(nodeA, page);
      if (depth == 0) {
        if (load<u8>(nodeA) == INTERNAL && countOf(nodeA) == 0) {
          this.root = load<u64>(nodeA, 8);
          this.height--;
          this.arena.free(at, page);
          this.storeHeader();
        } else this.writeRemoval(at);
        return;
      }
      if (used * 3 >= capacity || !this.merge(at, depth - 1)) {
        this.writeRemoval(at);
        return;
      }
      // nodeA is now the parent, with one cell less.
      depth--;
      at = load<u64>(pathNode + (depth << 3));
    }
  }

  /** Writes what a removal changed in the node in nodeA: its head, its slots, and where the cell was. */
  private writeRemoval(at: u64): void {
    this.memory.write(at, nodeA, SLOTS + 2 * countOf(nodeA));
    this.memory.write(at + removedAt, nodeA + removedAt, removedBytes);
  }

  /** Joins the node in nodeA with a neighbour under the same parent; then nodeA is the parent, not yet written. */
  private merge(at: u64, depth: u32): bool {
    const page = this.pageBytes;
    const capacity = page - SLOTS;
    const leaf = load<u8>(nodeA) == LEAF;
    const used = usedBytes(nodeA, page);
    const parent = load<u64>(pathNode + (depth << 3));
    const child = load<u32>(pathChild + (depth << 2));
    memory.copy(nodeC, nodeA, page);
    this.memory.read(parent, nodeA, page); // the parent
    const siblings = countOf(nodeA);

    // With the left neighbour, else with the right one.
    for (let side: u32 = 0; side < 2; side++) {
      if (side == 0 ? child == 0 : child == siblings) continue;
      const dividing = side == 0 ? child - 1 : child;
      const other = childAt(nodeA, side == 0 ? child - 1 : child + 1);
      this.memory.read(other, nodeB, page);
      const up = cellAt(nodeA, dividing);
      const upLen = INTERNAL_KEY + <u32>load<u16>(up);
      const total = used + usedBytes(nodeB, page) + (leaf ? 0 : upLen + 2);
      if (total > capacity) continue;

      // The left of the two keeps its place.
      const leftAt = side == 0 ? other : at;
      const rightAt = side == 0 ? at : other;
      const left = side == 0 ? nodeB : nodeC;
      const right = side == 0 ? nodeC : nodeB;
      if (load<u16>(left, 6) != 0) squeeze(left, page);
      if (leaf) {
        const next = load<u64>(right, 8);
        store<u64>(left, next, 8);
        if (next != 0) this.memory.store<u64>(next + 16, leftAt);
      } else {
        memory.copy(cellBuffer, up, upLen);
        store<u64>(cellBuffer, load<u64>(right, 8), 2);
        appendCell(left, cellBuffer, upLen);
      }
      const n = countOf(right);
      for (let i: u32 = 0; i < n; i++) {
        const cell = cellAt(right, i);
        appendCell(left, cell, cellBytes(right, cell));
      }
      wipeGap(left);
      this.memory.write(leftAt, left, page);
      this.arena.free(rightAt, page);
      removeCell(nodeA, dividing);
      return true;
    }
    // Nothing fits: restore the node for the caller.
    memory.copy(nodeA, nodeC, page);
    return false;
  }
}

/** The dividing cell of an internal split, kept while the nodes are rebuilt. */
const upBuffer = memory.data(2048, 16);

function moveUp(cell: usize, len: u32): void {
  memory.copy(upBuffer, cell, len);
}

const squeezeBuffer = memory.data(4096, 16);

/** Squeezes out removed cells without touching nodeC. */
function squeeze(node: usize, pageBytes: u32): void {
  memory.copy(squeezeBuffer, node, pageBytes);
  formatLike(node, squeezeBuffer, pageBytes);
  const n = countOf(squeezeBuffer);
  for (let i: u32 = 0; i < n; i++) {
    const cell = cellAt(squeezeBuffer, i);
    appendCell(node, cell, cellBytes(squeezeBuffer, cell));
  }
}

/**
 * Builds in cellBuffer the shortest key above everything in nodeA and not above nodeB's first: short dividers
 * keep the inner nodes wide.
 */
function divider(): u32 {
  const last = cellAt(nodeA, countOf(nodeA) - 1);
  const first = cellAt(nodeB, 0);
  const lastLen = <u32>load<u16>(last);
  const firstLen = <u32>load<u16>(first);
  const n = min(lastLen, firstLen);
  let common: u32 = 0;
  while (common < n && load<u8>(last + LEAF_KEY + common) == load<u8>(first + LEAF_KEY + common)) common++;
  const len = min(common + 1, firstLen);
  store<u16>(cellBuffer, <u16>len);
  memory.copy(cellBuffer + INTERNAL_KEY, first + LEAF_KEY, len);
  return INTERNAL_KEY + len;
}

function sameClass(a: u32, b: u32): bool {
  return classOf(a) == classOf(b);
}
