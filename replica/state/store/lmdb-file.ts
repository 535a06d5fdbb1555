/**
 * Reads LMDB's data file without LMDB, and checks everything in it that LMDB would rely on.
 *
 * LMDB maps the file and trusts it: over a damaged page it ends the whole process, or reads and overwrites the wrong
 * pages. So before LMDB gets to see the file, every page that can be reached from its newest meta page is walked here:
 *
 * - Always: each page is where it says it is, is used once, and belongs to no later transaction than the meta page; its
 *   nodes fill it without gap or overlap; keys ascend through the whole tree; depths and counts are those of the meta
 *   page; and no page that is in use is listed as free, or LMDB would write over it.
 * - Never: a crash or an endless walk, whatever the bytes are.
 *
 * What nothing points to (free pages, the rest of a page) may hold anything. Pages that are neither used nor free are
 * no fault: LMDB loses one now and then.
 *
 * A commit that was cut off leaves no trace here: LMDB writes new pages beside the old ones, and the meta page last.
 *
 * Layout, integers little-endian, as of LMDB's data version 2 with the changes of the npm package `lmdb`:
 *
 *     page       u64 number | u64 transaction | u16 pad | u16 flags | u16 lower, u16 upper (overflow: u32 pages) | …
 *     meta       page header | u32 magic | u32 version | u64 address | u64 map size | free db | main db | u64 last page | u64 transaction
 *     db         u32 pad | u16 flags | u16 depth | u64 branch pages | u64 leaf pages | u64 overflow pages | u64 entries | u64 root
 *     tree page  page header | u16 offset of each node from the end of the header | hole | nodes
 *     node       u32 size of the value, or low part of the child's number | u16 flags, or its high part | u16 key length | key | value
 *     value on overflow pages   in its place: u64 first page | u64 transaction | u64 pages
 *     free list  key u64 transaction | value: u64 count, then so many i64: 0 nothing, n > 0 page n, -n and p: n pages from p on
 */
import * as fs from 'node:fs';

const PAGE_HEADER_BYTES = 24;
const NODE_HEADER_BYTES = 8;
const META_BYTES = 152;
const META_PAGES = 2;
const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;

const BRANCH = 1;
const LEAF = 2;
const OVERFLOW = 4;
const META = 8;
const VALUE_ELSEWHERE = 1;
/** Its keys are integers. */
const FREE_DB_FLAGS = 8;
const NO_ROOT = 0xffff_ffff_ffff_ffffn;

/** LMDB's own limit is 32. */
const MAX_DEPTH = 32;
/** LMDB doubles the map when it is full. What exceeds the file by more than this was not written by it. */
const MAX_MAP_FACTOR = 64;
const MIN_MAX_MAP_BYTES = 1 << 30;

/** What is wrong with the file, in words that end a sentence. */
export class LmdbFileFault extends Error {}

interface Tree {
  readonly depth: number;
  readonly branchPages: number;
  readonly leafPages: number;
  readonly overflowPages: number;
  readonly entries: number;
  /** Undefined if the tree is empty. */
  readonly root: number | undefined;
}

interface Meta {
  readonly mapBytes: number;
  readonly free: Tree;
  readonly main: Tree;
  readonly lastPage: number;
  readonly transaction: number;
}

/** Both are views that are valid during the call only. */
export type OnRecord = (key: Buffer, value: Buffer) => void;

/**
 * Walks the file and hands out its records in order of their keys. False: the file is not there, or nothing was ever
 * committed to it. Throws LmdbFileFault.
 */
export function readLmdbFile(path: string, pageBytes: number, onRecord: OnRecord): boolean {
  let fd: number;
  try {
    fd = fs.openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  try {
    return new LmdbFile(fd, pageBytes).walk(onRecord);
  } finally {
    fs.closeSync(fd);
  }
}

class LmdbFile {
  readonly #fd: number;
  readonly #pageBytes: number;
  readonly #fileBytes: number;
  /** By depth: a page is in use while its children are read. */
  readonly #pages: Buffer[] = [];
  #overflow: Buffer = Buffer.alloc(0);
  /** By page number: not reached yet, in use, free. */
  #use = new Uint8Array(0);
  #lastPage = 0;
  #transaction = 0;
  /** Of the tree being walked. */
  #counts = { branchPages: 0, leafPages: 0, overflowPages: 0, entries: 0 };

  constructor(fd: number, pageBytes: number) {
    this.#fd = fd;
    this.#pageBytes = pageBytes;
    this.#fileBytes = fs.fstatSync(fd).size;
  }

  walk(onRecord: OnRecord): boolean {
    if (this.#isUnused()) return false;
    const meta = this.#newestMeta();
    this.#lastPage = meta.lastPage;
    this.#transaction = meta.transaction;
    this.#use = new Uint8Array(meta.lastPage + 1);
    this.#use.fill(1, 0, META_PAGES);
    this.#walkTree(meta.main, 'the main tree', (key, value) => onRecord(key, value), (a, b) => Buffer.compare(a, b));
    const freeLists: Buffer[] = [];
    this.#walkTree(meta.free, 'the free list', (key, value) => {
      if (key.length !== 8) fault(`the free list has a key of ${key.length} bytes`);
      freeLists.push(Buffer.from(value));
    }, compareIntegers);
    // Only now is it known which pages are in use.
    for (const list of freeLists) this.#markFree(list);
    return true;
  }

  /** The process died before the first commit: whatever is there by now, none of it was ever relied upon. */
  #isUnused(): boolean {
    if (this.#fileBytes > META_PAGES * this.#pageBytes) return false;
    const metas = this.#read(0, Math.min(this.#fileBytes, META_PAGES * this.#pageBytes), Buffer.alloc(META_PAGES * this.#pageBytes));
    const at = [0, this.#pageBytes].map((offset) => offset + PAGE_HEADER_BYTES);
    return at.every((offset) => offset + META_BYTES > metas.length || metas.readUInt32LE(offset) !== MAGIC || metas.readBigUInt64LE(offset + 128) === 0n);
  }

  /** Commits write the two meta pages in turn. LMDB looks at both, so both must be sound. */
  #newestMeta(): Meta {
    const metas = [0, 1].map((number) => this.#meta(number)) as [Meta, Meta];
    const newest = metas[0].transaction >= metas[1].transaction ? 0 : 1;
    const older = metas[1 - newest]!.transaction;
    const { transaction } = metas[newest]!;
    if (transaction % META_PAGES !== newest || older !== transaction - 1) {
      fault(`its meta pages are of transactions ${metas[0].transaction} and ${metas[1].transaction}`);
    }
    return metas[newest]!;
  }

  #meta(number: number): Meta {
    const where = `meta page ${number}`;
    const page = this.#page(number, 0);
    if (page.readUInt16LE(18) !== META) fault(`${where} is none`);
    const at = PAGE_HEADER_BYTES;
    const expected = page.readUInt32LE(at) === MAGIC && page.readUInt32LE(at + 4) === DATA_VERSION && page.readBigUInt64LE(at + 8) === 0n;
    if (!expected) fault(`${where} does not begin as it should`);
    if (page.readUInt32LE(at + 24) !== this.#pageBytes || page.readUInt16LE(at + 28) !== FREE_DB_FLAGS) fault(`${where} has other flags`);
    if (page.readUInt32LE(at + 72) !== 0 || page.readUInt16LE(at + 76) !== 0) fault(`${where} has other flags`);
    const mapBytes = natural(page, at + 16, where);
    const lastPage = natural(page, at + 120, where);
    const transaction = natural(page, at + 128, where);
    const mostBytes = Math.max(MIN_MAX_MAP_BYTES, MAX_MAP_FACTOR * this.#fileBytes);
    if (mapBytes > mostBytes || (lastPage + 1) * this.#pageBytes > mapBytes || lastPage < META_PAGES - 1) fault(`${where} has a wrong size`);
    return { mapBytes, free: treeAt(page, at + 24, where), main: treeAt(page, at + 72, where), lastPage, transaction };
  }

  // -------------------------------------------------------------------------------------------------------------------

  #walkTree(tree: Tree, where: string, onRecord: OnRecord, compare: (a: Buffer, b: Buffer) => number): void {
    const counts = (this.#counts = { branchPages: 0, leafPages: 0, overflowPages: 0, entries: 0 });
    if ((tree.root === undefined) !== (tree.depth === 0) || tree.depth > MAX_DEPTH) fault(`${where} has a wrong depth`);
    if (tree.root !== undefined) this.#walkPage(tree.root, tree.depth, undefined, undefined, onRecord, compare);
    for (const name of ['branchPages', 'leafPages', 'overflowPages', 'entries'] as const) {
      if (counts[name] !== tree[name]) fault(`${where} has ${counts[name]} ${name} instead of ${tree[name]}`);
    }
  }

  /** Keys of the page are at or above `low` and below `high`; undefined: no bound. */
  #walkPage(number: number, height: number, low: Buffer | undefined, high: Buffer | undefined, onRecord: OnRecord, compare: (a: Buffer, b: Buffer) => number): void {
    this.#take(number, 1);
    const page = this.#page(number, height);
    const isLeaf = height === 1;
    this.#checkHeader(page, number, isLeaf ? LEAF : BRANCH);
    const offsets = this.#nodes(page, number, isLeaf);
    this.#counts[isLeaf ? 'leafPages' : 'branchPages']++;
    let last = low;
    let mayEqual = low !== undefined;
    for (const [index, offset] of offsets.entries()) {
      const key = page.subarray(offset + NODE_HEADER_BYTES, offset + NODE_HEADER_BYTES + page.readUInt16LE(offset + 6));
      // The first key of a branch page stands for everything below the second, and is not looked at.
      if (isLeaf || index > 0) {
        const order = last ? compare(last, key) : -1;
        if (order > 0 || (order === 0 && !mayEqual) || (high && compare(key, high) >= 0)) fault(`page ${number} has a key out of order`);
        last = key;
        mayEqual = false;
      }
      if (isLeaf) {
        this.#counts.entries++;
        onRecord(key, this.#value(page, offset, key.length));
      } else {
        const next = offsets[index + 1];
        const end = next === undefined ? high : page.subarray(next + NODE_HEADER_BYTES, next + NODE_HEADER_BYTES + page.readUInt16LE(next + 6));
        const child = page.readUInt32LE(offset) + page.readUInt16LE(offset + 4) * 2 ** 32;
        this.#walkPage(child, height - 1, index === 0 ? low : key, end, onRecord, compare);
      }
    }
  }

  /** Where the nodes begin, in order of their keys. They fill the page from `upper` to its end. */
  #nodes(page: Buffer, number: number, isLeaf: boolean): number[] {
    const lower = page.readUInt16LE(20);
    const upper = page.readUInt16LE(22);
    const room = this.#pageBytes - PAGE_HEADER_BYTES;
    const count = lower >> 1;
    // A branch page with one child is seen only in the free list, in between two of LMDB's rebalancings.
    if (lower % 2 !== 0 || count === 0 || lower > upper || upper > room) fault(`page ${number} has wrong bounds`);
    const offsets: number[] = [];
    let bytes = 0;
    for (let index = 0; index < count; index++) {
      const relative = page.readUInt16LE(PAGE_HEADER_BYTES + 2 * index);
      if (relative < upper || relative % 2 !== 0 || relative + NODE_HEADER_BYTES > room) fault(`page ${number} has a node outside of it`);
      const offset = relative + PAGE_HEADER_BYTES;
      const size = nodeBytes(page, offset, isLeaf);
      if (size < 0 || relative + size > room) fault(`page ${number} has a node outside of it`);
      bytes += size;
      offsets.push(offset);
    }
    if (bytes !== room - upper) fault(`page ${number} has nodes that do not fill it`);
    const inOrder = [...offsets].sort((a, b) => a - b);
    for (let at = 1; at < inOrder.length; at++) {
      if (inOrder[at - 1]! + nodeBytes(page, inOrder[at - 1]!, isLeaf) !== inOrder[at]!) fault(`page ${number} has nodes that overlap`);
    }
    return offsets;
  }

  #value(page: Buffer, offset: number, keyBytes: number): Buffer {
    const bytes = page.readUInt32LE(offset);
    const at = offset + NODE_HEADER_BYTES + keyBytes;
    if (page.readUInt16LE(offset + 4) !== VALUE_ELSEWHERE) return page.subarray(at, at + bytes);
    const first = natural(page, at, 'a value');
    const transaction = natural(page, at + 8, 'a value');
    const pages = natural(page, at + 16, 'a value');
    // A value that was replaced by a smaller one within a transaction keeps its pages.
    if (PAGE_HEADER_BYTES + bytes > pages * this.#pageBytes) fault(`a value of ${bytes} bytes is said to take ${pages} pages`);
    this.#take(first, pages);
    this.#counts.overflowPages += pages;
    const total = PAGE_HEADER_BYTES + bytes;
    if (first * this.#pageBytes + total > this.#fileBytes) fault(`page ${first} is beyond the end of the file`);
    if (this.#overflow.length < total) this.#overflow = Buffer.alloc(2 * total);
    const run = this.#read(first * this.#pageBytes, total, this.#overflow);
    this.#checkHeader(run, first, OVERFLOW);
    if (run.readUInt32LE(20) !== pages || natural(run, 8, `page ${first}`) !== transaction) fault(`page ${first} is not the one that is meant`);
    return run.subarray(PAGE_HEADER_BYTES, total);
  }

  #checkHeader(page: Buffer, number: number, flags: number): void {
    const transaction = natural(page, 8, `page ${number}`);
    if (natural(page, 0, `page ${number}`) !== number || page.readUInt16LE(18) !== flags) fault(`page ${number} is not the one that is meant`);
    if (transaction > this.#transaction) fault(`page ${number} is of a later transaction`);
  }

  #markFree(list: Buffer): void {
    if (list.length < 8 || list.length % 8 !== 0) fault(`the free list has an entry of ${list.length} bytes`);
    const count = natural(list, 0, 'the free list');
    if (8 * (count + 1) > list.length) fault('the free list has an entry that is too short');
    for (let index = 1; index <= count; index++) {
      const entry = list.readBigInt64LE(8 * index);
      if (entry === 0n) continue;
      const isRun = entry < 0n;
      if (isRun && index++ === count) fault('the free list has a run without its begin');
      const pages = isRun ? Number(-entry) : 1;
      this.#take(isRun ? natural(list, 8 * index, 'the free list') : Number(entry), pages);
    }
  }

  /** Each page is used, or free, once. */
  #take(first: number, pages: number): void {
    if (!Number.isSafeInteger(first) || pages < 1 || first < META_PAGES || first + pages - 1 > this.#lastPage) fault(`page ${first} does not exist`);
    for (let number = first; number < first + pages; number++) {
      if (this.#use[number] !== 0) fault(`page ${number} is used twice`);
      this.#use[number] = 1;
    }
  }

  #page(number: number, level: number): Buffer {
    if ((number + 1) * this.#pageBytes > this.#fileBytes) fault(`page ${number} is beyond the end of the file`);
    return this.#read(number * this.#pageBytes, this.#pageBytes, (this.#pages[level] ??= Buffer.alloc(this.#pageBytes)));
  }

  #read(position: number, length: number, into: Buffer): Buffer {
    for (let at = 0; at < length; ) {
      const count = fs.readSync(this.#fd, into, at, length - at, position + at);
      if (count === 0) fault('it ends early');
      at += count;
    }
    return into;
  }
}

/** Negative: no node can be like this. */
function nodeBytes(page: Buffer, offset: number, isLeaf: boolean): number {
  const keyBytes = page.readUInt16LE(offset + 6);
  const flags = page.readUInt16LE(offset + 4);
  if (!isLeaf) return even(NODE_HEADER_BYTES + keyBytes);
  if (flags === VALUE_ELSEWHERE) return even(NODE_HEADER_BYTES + keyBytes + 24);
  return flags === 0 ? even(NODE_HEADER_BYTES + keyBytes + page.readUInt32LE(offset)) : -1;
}

function even(bytes: number): number {
  return bytes + (bytes % 2);
}

function treeAt(page: Buffer, at: number, where: string): Tree {
  const root = page.readBigUInt64LE(at + 40);
  return {
    depth: page.readUInt16LE(at + 6),
    branchPages: natural(page, at + 8, where),
    leafPages: natural(page, at + 16, where),
    overflowPages: natural(page, at + 24, where),
    entries: natural(page, at + 32, where),
    root: root === NO_ROOT ? undefined : natural(page, at + 40, where),
  };
}

/** Numbers of pages, bytes and transactions stay far below 2^53. */
function natural(bytes: Buffer, at: number, where: string): number {
  const high = bytes.readUInt32LE(at + 4);
  if (high >= 1 << 21) fault(`${where} has a number that is too large`);
  return bytes.readUInt32LE(at) + high * 2 ** 32;
}

function compareIntegers(a: Buffer, b: Buffer): number {
  if (a.length !== 8 || b.length !== 8) fault(`the free list has a key of ${b.length} bytes`);
  const [left, right] = [a.readBigUInt64LE(), b.readBigUInt64LE()];
  return left < right ? -1 : left > right ? 1 : 0;
}

function fault(what: string): never {
  throw new LmdbFileFault(what);
}
