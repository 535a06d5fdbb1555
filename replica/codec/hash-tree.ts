/**
 * Hash trees: the form in which a subnet certifies its state and proves parts of it.
 *
 * Nodes are immutable and remember their digest, so a tree that shares most of its nodes with an earlier one is hashed
 * in proportion to what differs. Maps from labels to subtrees (`mapSet`, `mapDelete`, `mapOf`) keep the shape of a
 * binary radix tree over the label bits: the shape, and so the root hash, depends on the content alone and never on the
 * order of updates. A replica that rebuilt its tree from a checkpoint therefore agrees with one that updated it.
 *
 * Source: Interface Spec, "Certification", "Hash trees". Any binary shape is valid there; this one is ours.
 */
import { compareBytes, concatBytes, equalBytes, utf8 } from './bytes.ts';
import type { CborValue } from './cbor.ts';
import { ARRAY, CborWriter, decodeCbor, UNSIGNED } from './cbor.ts';
import { sha256, sha256Of } from './sha256.ts';

export type HashTree = Empty | Fork | Labeled | Leaf | Pruned;

/** Labels from the root; [] is the tree itself. */
export type Path = readonly Uint8Array[];

/** Bytes or shape that are not a hash tree. */
export class HashTreeError extends Error {}

const DIGEST_BYTES = 32;

function separator(name: string): Uint8Array {
  return concatBytes(Uint8Array.of(name.length), utf8(name));
}

const EMPTY_DIGEST = sha256(separator('ic-hashtree-empty'));
const FORK = separator('ic-hashtree-fork');
const LABELED = separator('ic-hashtree-labeled');
const LEAF = separator('ic-hashtree-leaf');

export class Empty {
  readonly kind = 'empty';
  digest(): Uint8Array {
    return EMPTY_DIGEST;
  }
}

/** Reused for every fork: hashing is synchronous and nothing keeps the buffer. */
const forkScratch = concatBytes(FORK, new Uint8Array(2 * DIGEST_BYTES));

export class Fork {
  readonly kind = 'fork';
  readonly left: HashTree;
  readonly right: HashTree;
  /** Position of the label bit that parts left from right, in trees made by the map functions; otherwise -1. */
  readonly bit: number;
  #digest: Uint8Array | undefined;

  constructor(left: HashTree, right: HashTree, bit = -1) {
    this.left = left;
    this.right = right;
    this.bit = bit;
  }

  digest(): Uint8Array {
    if (this.#digest === undefined) {
      const left = this.left.digest();
      const right = this.right.digest();
      forkScratch.set(left, FORK.length);
      forkScratch.set(right, FORK.length + DIGEST_BYTES);
      this.#digest = sha256(forkScratch);
    }
    return this.#digest;
  }
}

export class Labeled {
  readonly kind = 'labeled';
  readonly label: Uint8Array;
  readonly sub: HashTree;
  #digest: Uint8Array | undefined;

  constructor(label: Uint8Array, sub: HashTree) {
    this.label = label;
    this.sub = sub;
  }

  digest(): Uint8Array {
    return (this.#digest ??= sha256Of(LABELED, this.label, this.sub.digest()));
  }
}

/** Hashing so little again costs less than keeping its digest, which most often only the node above asks for, once. */
const SHORT_LEAF_BYTES = 256;

export class Leaf {
  readonly kind = 'leaf';
  readonly value: Uint8Array;
  #digest: Uint8Array | undefined;

  constructor(value: Uint8Array) {
    this.value = value;
  }

  digest(): Uint8Array {
    if (this.value.length <= SHORT_LEAF_BYTES) return sha256Of(LEAF, this.value);
    return (this.#digest ??= sha256Of(LEAF, this.value));
  }
}

export class Pruned {
  readonly kind = 'pruned';
  readonly #hash: Uint8Array;

  constructor(hash: Uint8Array) {
    if (hash.length !== DIGEST_BYTES) throw new HashTreeError('a pruned node holds 32 bytes');
    this.#hash = hash;
  }

  digest(): Uint8Array {
    return this.#hash;
  }
}

export const EMPTY: HashTree = new Empty();

export function leaf(value: Uint8Array): HashTree {
  return new Leaf(value);
}

export function label(text: string): Uint8Array {
  return utf8(text);
}

// ---------------------------------------------------------------------------------------------------------------------
// Maps from labels to subtrees.

/**
 * Bit `position` of a label. Each byte counts nine bits, the first saying "there is a byte here", so that the order of
 * bits is the bytewise order with a prefix first.
 */
function bitAt(bytes: Uint8Array, position: number): number {
  const index = Math.floor(position / 9);
  if (index >= bytes.length) return 0;
  const within = position % 9;
  return within === 0 ? 1 : (bytes[index]! >> (8 - within)) & 1;
}

/** First bit in which two labels differ, or -1 if they are equal. */
function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const difference = a[i]! ^ b[i]!;
    if (difference !== 0) return 9 * i + 1 + (Math.clz32(difference) - 24);
  }
  return a.length === b.length ? -1 : 9 * n;
}

/** The labeled node whose label shares the longest prefix with `wanted`, in a tree made by the map functions. */
function nearest(tree: Fork | Labeled, wanted: Uint8Array): Labeled {
  let node: HashTree = tree;
  while (node.kind === 'fork') node = bitAt(wanted, node.bit) === 0 ? node.left : node.right;
  if (node.kind !== 'labeled') throw new HashTreeError('not a map');
  return node;
}

/** Made by the map functions, as far as one can see, and not empty. */
function isMap(tree: HashTree): tree is Fork | Labeled {
  return tree.kind === 'labeled' || (tree.kind === 'fork' && tree.bit >= 0);
}

function asMapNode(tree: HashTree): Fork | Labeled {
  if (isMap(tree)) return tree;
  throw new HashTreeError('not a map of labels');
}

/** The subtree under a label, in a tree made by the map functions. */
export function mapGet(map: HashTree, at: Uint8Array): HashTree | undefined {
  if (map.kind === 'empty') return undefined;
  const found = nearest(asMapNode(map), at);
  return equalBytes(found.label, at) ? found.sub : undefined;
}

/** A map in which `at` leads to `sub`; everything else is shared with `map`. */
export function mapSet(map: HashTree, at: Uint8Array, sub: HashTree): HashTree {
  if (map.kind === 'empty') return new Labeled(at, sub);
  const root = asMapNode(map);
  const difference = firstDifference(nearest(root, at).label, at);
  const insert = (node: HashTree): HashTree => {
    if (node.kind === 'fork' && (difference < 0 || node.bit < difference)) {
      return bitAt(at, node.bit) === 0
        ? new Fork(insert(node.left), node.right, node.bit)
        : new Fork(node.left, insert(node.right), node.bit);
    }
    const added = new Labeled(at, sub);
    if (difference < 0) return added;
    return bitAt(at, difference) === 0 ? new Fork(added, node, difference) : new Fork(node, added, difference);
  };
  return insert(root);
}

/** A map without `at`; the same object if it was not there. */
export function mapDelete(map: HashTree, at: Uint8Array): HashTree {
  if (map.kind === 'empty') return map;
  const root = asMapNode(map);
  if (!equalBytes(nearest(root, at).label, at)) return map;
  const remove = (node: HashTree): HashTree => {
    if (node.kind !== 'fork') return EMPTY;
    if (bitAt(at, node.bit) === 0) {
      const left = remove(node.left);
      return left === EMPTY ? node.right : new Fork(left, node.right, node.bit);
    }
    const right = remove(node.right);
    return right === EMPTY ? node.left : new Fork(node.left, right, node.bit);
  };
  return remove(root);
}

/** Builds a map at once. Labels may come in any order but only once each. */
export function mapOf(entries: Iterable<readonly [Uint8Array, HashTree]>): HashTree {
  const sorted = [...entries].map(([at, sub]) => new Labeled(at, sub));
  sorted.sort((a, b) => compareBytes(a.label, b.label));
  const build = (from: number, to: number): HashTree => {
    if (to - from === 1) return sorted[from]!;
    const bit = firstDifference(sorted[from]!.label, sorted[to - 1]!.label);
    if (bit < 0) throw new HashTreeError('a label occurs twice');
    let low = from + 1;
    let high = to - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (bitAt(sorted[middle]!.label, bit) === 0) low = middle + 1;
      else high = middle;
    }
    return new Fork(build(from, low), build(low, to), bit);
  };
  return sorted.length === 0 ? EMPTY : build(0, sorted.length);
}

/** Nested plain form for building a tree: bytes are leaves. Text keys are UTF-8 labels. */
export type TreeSource = Uint8Array | HashTree | Map<Uint8Array, TreeSource> | { readonly [label: string]: TreeSource };

export function treeOf(source: TreeSource): HashTree {
  if (source instanceof Uint8Array) return new Leaf(source);
  if (isHashTree(source)) return source;
  const entries = source instanceof Map ? [...source] : Object.entries(source).map(([k, v]) => [utf8(k), v] as const);
  return mapOf(entries.map(([k, v]) => [k, treeOf(v)] as const));
}

export function isHashTree(value: unknown): value is HashTree {
  return (
    value instanceof Fork ||
    value instanceof Labeled ||
    value instanceof Leaf ||
    value instanceof Empty ||
    value instanceof Pruned
  );
}

/** Sets a subtree at a path of nested maps, creating the maps on the way. */
export function setPath(tree: HashTree, path: Path, sub: HashTree): HashTree {
  const [first, ...rest] = path;
  if (first === undefined) return sub;
  return mapSet(tree, first, setPath(mapGet(tree, first) ?? EMPTY, rest, sub));
}

/** Removes what lies at a path; maps that become empty stay as empty maps. */
export function deletePath(tree: HashTree, path: Path): HashTree {
  const [first, ...rest] = path;
  if (first === undefined) return EMPTY;
  if (rest.length === 0) return mapDelete(tree, first);
  const sub = mapGet(tree, first);
  if (sub === undefined) return tree;
  const without = deletePath(sub, rest);
  return without === sub ? tree : mapSet(tree, first, without);
}

/** What lies at a path of nested maps made by the map functions. */
export function getPath(tree: HashTree, path: Path): HashTree | undefined {
  let node: HashTree | undefined = tree;
  for (const step of path) {
    if (node === undefined || node.kind === 'leaf') return undefined;
    node = mapGet(node, step);
  }
  return node;
}

/** Visible labeled children in order, of any tree. Pruned siblings are passed over. */
export function* children(tree: HashTree): Generator<Labeled> {
  if (tree.kind === 'labeled') yield tree;
  else if (tree.kind === 'fork') {
    yield* children(tree.left);
    yield* children(tree.right);
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Witnesses.

/** Decides what to leave out below a revealed path; true prunes. */
export type Hide = (path: Path) => boolean;

interface Wanted {
  readonly label: Uint8Array;
  readonly rests: Path[];
}

/**
 * Prunes a complete tree to the given paths: everything below a path is revealed (except what `hide` says), and for a
 * path that does not exist its neighbours' labels are, which proves its absence. The root hash stays the same.
 */
export function witness(tree: HashTree, paths: readonly Path[], hide?: Hide): HashTree {
  return witnessBelow(tree, paths, [], hide);
}

function witnessBelow(tree: HashTree, paths: readonly Path[], above: Path, hide: Hide | undefined): HashTree {
  if (paths.length === 0) return prune(tree);
  if (paths.some((path) => path.length === 0)) return hide === undefined ? tree : reveal(tree, above, hide);
  // A path that goes on below a leaf is absent there; the leaf's existence proves it.
  if (tree.kind === 'leaf' || tree.kind === 'empty' || tree.kind === 'pruned') return tree;
  const wanted = groupByLabel(paths);
  if (isMap(tree) && wanted.every(({ label: at }) => mapGet(tree, at) !== undefined)) return witnessPresent(tree, wanted, above, hide);
  return witnessForks(tree, wanted, above, hide, false);
}

function groupByLabel(paths: readonly Path[]): Wanted[] {
  const sorted = [...paths].sort((a, b) => compareBytes(a[0]!, b[0]!));
  const groups: Wanted[] = [];
  for (const [first, ...rest] of sorted) {
    const last = groups[groups.length - 1];
    if (last !== undefined && equalBytes(last.label, first!)) last.rests.push(rest);
    else groups.push({ label: first!, rests: [rest] });
  }
  return groups;
}

/**
 * The same as `witnessForks` where all that is wanted is there, in a map of ours: its bits lead to a label, while to show
 * that one is absent the labels beside every fork have to be looked up. `wanted` is sorted.
 */
function witnessPresent(tree: HashTree, wanted: readonly Wanted[], above: Path, hide: Hide | undefined): HashTree {
  const [first] = wanted;
  if (first === undefined) return prune(tree);
  if (tree.kind === 'labeled') return witnessLabeled(tree, first, above, hide);
  const { left, right, bit } = tree as Fork;
  const split = wanted.findIndex((w) => bitAt(w.label, bit) === 1);
  const below = split < 0 ? wanted.length : split;
  return new Fork(witnessPresent(left, wanted.slice(0, below), above, hide), witnessPresent(right, wanted.slice(below), above, hide));
}

function witnessLabeled(tree: Labeled, match: Wanted, above: Path, hide: Hide | undefined): Labeled {
  const path = [...above, tree.label];
  return new Labeled(tree.label, hide?.(path) === true ? prune(tree.sub) : witnessBelow(tree.sub, match.rests, path, hide));
}

/** `wanted` is sorted. `showFirst` asks for the smallest label, because a missing label lies just before it. */
function witnessForks(tree: HashTree, wanted: Wanted[], above: Path, hide: Hide | undefined, showFirst: boolean): HashTree {
  if (wanted.length === 0 && !showFirst) return prune(tree);
  if (tree.kind === 'labeled') {
    const match = wanted.find((w) => equalBytes(w.label, tree.label));
    if (match === undefined) return new Labeled(tree.label, prune(tree.sub));
    return witnessLabeled(tree, match, above, hide);
  }
  if (tree.kind !== 'fork') return tree;
  const boundary = firstLabel(tree.right);
  const split = wanted.findIndex((w) => compareBytes(w.label, boundary) >= 0);
  const left = split < 0 ? wanted : wanted.slice(0, split);
  const right = split < 0 ? [] : wanted.slice(split);
  const greatest = left[left.length - 1];
  const gap = greatest !== undefined && compareBytes(greatest.label, lastLabel(tree.left)) > 0;
  return new Fork(
    witnessForks(tree.left, left, above, hide, showFirst),
    witnessForks(tree.right, right, above, hide, gap),
  );
}

function reveal(tree: HashTree, above: Path, hide: Hide): HashTree {
  if (tree.kind === 'fork') {
    const left = reveal(tree.left, above, hide);
    const right = reveal(tree.right, above, hide);
    return left === tree.left && right === tree.right ? tree : new Fork(left, right);
  }
  if (tree.kind !== 'labeled') return tree;
  const path = [...above, tree.label];
  const sub = hide(path) ? prune(tree.sub) : reveal(tree.sub, path, hide);
  return sub === tree.sub ? tree : new Labeled(tree.label, sub);
}

function prune(tree: HashTree): HashTree {
  // An empty tree says nothing worth hiding, and one client's path listing needs no hash there.
  return tree.kind === 'pruned' || tree.kind === 'empty' ? tree : new Pruned(tree.digest());
}

function firstLabel(tree: HashTree): Uint8Array {
  let node = tree;
  while (node.kind === 'fork') node = node.left;
  if (node.kind !== 'labeled') throw new HashTreeError('only complete trees can be pruned to paths');
  return node.label;
}

function lastLabel(tree: HashTree): Uint8Array {
  let node = tree;
  while (node.kind === 'fork') node = node.right;
  if (node.kind !== 'labeled') throw new HashTreeError('only complete trees can be pruned to paths');
  return node.label;
}

// ---------------------------------------------------------------------------------------------------------------------
// Reading trees that came from elsewhere.

export type LookupResult =
  | { readonly kind: 'found'; readonly tree: HashTree }
  /** Proven not to exist. */
  | { readonly kind: 'absent' }
  /** Pruned: it may exist or not. */
  | { readonly kind: 'unknown' };

type Search = LookupResult | { readonly kind: 'less' } | { readonly kind: 'greater' } | { readonly kind: 'nothing' };

/** Where a label lies among the children of a tree. */
function searchLabel(tree: HashTree, wanted: Uint8Array): Search {
  switch (tree.kind) {
    case 'labeled': {
      const order = compareBytes(wanted, tree.label);
      if (order === 0) return { kind: 'found', tree: tree.sub };
      return { kind: order < 0 ? 'less' : 'greater' };
    }
    case 'pruned':
      return { kind: 'unknown' };
    case 'leaf':
      return { kind: 'absent' };
    case 'empty':
      return { kind: 'nothing' };
    case 'fork': {
      const left = searchLabel(tree.left, wanted);
      if (left.kind === 'greater' || left.kind === 'nothing') {
        const right = searchLabel(tree.right, wanted);
        if (right.kind === 'nothing') return left;
        return right.kind === 'less' && left.kind === 'greater' ? { kind: 'absent' } : right;
      }
      if (left.kind === 'unknown') {
        const right = searchLabel(tree.right, wanted);
        return right.kind === 'less' || right.kind === 'nothing' ? left : right;
      }
      return left;
    }
  }
}

/** What lies at a path. Call only on well-formed trees of known root hash. */
export function lookup(tree: HashTree, path: Path): LookupResult {
  let node = tree;
  for (const step of path) {
    const found = searchLabel(node, step);
    if (found.kind === 'found') node = found.tree;
    else return found.kind === 'unknown' ? found : { kind: 'absent' };
  }
  return node.kind === 'pruned' ? { kind: 'unknown' } : { kind: 'found', tree: node };
}

/** The bytes of a leaf at a path, or undefined if there is no visible leaf. */
export function lookupLeaf(tree: HashTree, path: Path): Uint8Array | undefined {
  const found = lookup(tree, path);
  return found.kind === 'found' && found.tree.kind === 'leaf' ? found.tree.value : undefined;
}

/** Sibling labels strictly increase and leaves stand alone; without this, lookups could be told two stories. */
export function isWellFormed(tree: HashTree): boolean {
  let previous: Uint8Array | undefined;
  const check = (node: HashTree, alone: boolean): boolean => {
    switch (node.kind) {
      case 'fork':
        return check(node.left, false) && check(node.right, false);
      case 'labeled':
        if (previous !== undefined && compareBytes(previous, node.label) >= 0) return false;
        previous = node.label;
        return isWellFormed(node.sub);
      case 'leaf':
        return alone;
      case 'empty':
      case 'pruned':
        return true;
    }
  };
  return check(tree, true);
}

// ---------------------------------------------------------------------------------------------------------------------
// CBOR.

/** Without a tag: inside a certificate the tree stands bare. */
export function encodeHashTree(tree: HashTree): Uint8Array {
  const out = new CborWriter();
  const write = (node: HashTree): void => {
    switch (node.kind) {
      case 'empty':
        out.head(ARRAY, 1);
        out.head(UNSIGNED, 0);
        return;
      case 'fork':
        out.head(ARRAY, 3);
        out.head(UNSIGNED, 1);
        write(node.left);
        write(node.right);
        return;
      case 'labeled':
        out.head(ARRAY, 3);
        out.head(UNSIGNED, 2);
        out.blob(node.label);
        write(node.sub);
        return;
      case 'leaf':
        out.head(ARRAY, 2);
        out.head(UNSIGNED, 3);
        out.blob(node.value);
        return;
      case 'pruned':
        out.head(ARRAY, 2);
        out.head(UNSIGNED, 4);
        out.blob(node.digest());
        return;
    }
  };
  write(tree);
  return out.finish();
}

/** From decoded CBOR. Throws HashTreeError; depth was bounded by the CBOR decoder. */
export function hashTreeFromCbor(value: CborValue): HashTree {
  if (!Array.isArray(value)) throw new HashTreeError('a hash tree node is an array');
  const [tag, first, second] = value as readonly CborValue[];
  switch (tag) {
    case 0:
      if (value.length === 1) return EMPTY;
      break;
    case 1:
      if (value.length === 3) return new Fork(hashTreeFromCbor(first), hashTreeFromCbor(second));
      break;
    case 2:
      if (value.length === 3 && first instanceof Uint8Array) return new Labeled(first, hashTreeFromCbor(second));
      break;
    case 3:
      if (value.length === 2 && first instanceof Uint8Array) return new Leaf(first);
      break;
    case 4:
      if (value.length === 2 && first instanceof Uint8Array) return new Pruned(first);
      break;
    default:
  }
  throw new HashTreeError('not a hash tree node');
}

/** From CBOR bytes, tagged or not. Throws CborError or HashTreeError. */
export function decodeHashTree(bytes: Uint8Array): HashTree {
  return hashTreeFromCbor(decodeCbor(bytes));
}
