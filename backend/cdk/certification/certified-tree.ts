// A sorted tree of labels with cached digests, from which certified data and witnesses are made
// (Interface Specification, "Certification": hash trees).
//
// Keeps: the shape depends on the labels alone, not on the order in which they came; changing one label costs in
// proportion to the depth, about log2 of the number of labels plus the prefixes they share; a witness proves the
// presence of a path, or its absence by revealing both neighbours. The digest is computed when asked for.
// Lives on the heap: rebuild it after an upgrade from what is in stable memory.
//
// Labels of one level hang in a crit-bit tree: an inner node divides its labels by the first bit in which they
// differ. Nine bits a byte, the first saying that the byte exists, so that a prefix comes before what it begins.

import { CborWriter } from "../cbor/writer";
import { sha256Ptr } from "../hash/sha256";

/** A path: labels from the root downwards. */
export type Path = Array<Uint8Array>;

const EMPTY: u8 = 0;
const FORK: u8 = 1;
const LABELED: u8 = 2;
const LEAF: u8 = 3;
const PRUNED: u8 = 4;

/** Domain separators with their length byte in front. */
const EMPTY_DOMAIN = "\x11ic-hashtree-empty";
const FORK_DOMAIN = "\x10ic-hashtree-fork";
const LABELED_DOMAIN = "\x13ic-hashtree-labeled";
const LEAF_DOMAIN = "\x10ic-hashtree-leaf";

/** What is being hashed: separator and content. */
let preimage = new Uint8Array(512);

function start(domain: string, content: i32): i32 {
  const n = domain.length; // ASCII
  if (preimage.length < n + content) preimage = new Uint8Array(n + content + 512);
  String.UTF8.encodeUnsafe(changetype<usize>(domain), n, preimage.dataStart);
  return n;
}

function finish(length: i32): Uint8Array {
  const digest = new Uint8Array(32);
  sha256Ptr(preimage.dataStart, length, digest.dataStart);
  return digest;
}

function put(at: i32, bytes: Uint8Array): i32 {
  memory.copy(preimage.dataStart + at, bytes.dataStart, bytes.length);
  return at + bytes.length;
}

export function emptyDigest(): Uint8Array {
  return finish(start(EMPTY_DOMAIN, 0));
}

export function leafDigest(value: Uint8Array): Uint8Array {
  return finish(put(start(LEAF_DOMAIN, value.length), value));
}

export function labeledDigest(label: Uint8Array, sub: Uint8Array): Uint8Array {
  return finish(put(put(start(LABELED_DOMAIN, label.length + 32), label), sub));
}

export function forkDigest(left: Uint8Array, right: Uint8Array): Uint8Array {
  return finish(put(put(start(FORK_DOMAIN, 64), left), right));
}

/** The bytes of an ASCII or other text, as a label. */
export function textLabel(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}

function sameBytes(a: Uint8Array, b: Uint8Array): bool {
  return a.length == b.length && memory.compare(a.dataStart, b.dataStart, a.length) == 0;
}

// @ts-ignore: decorator
@inline function bitAt(label: Uint8Array, bit: i32): bool {
  const byte = bit / 9;
  if (byte >= label.length) return false;
  const inside = bit - byte * 9;
  return inside == 0 ? true : ((unchecked(label[byte]) >> (<u8>(8 - inside))) & 1) != 0;
}

/** The first bit in which two different labels differ. */
function differingBit(a: Uint8Array, b: Uint8Array): i32 {
  const n = min(a.length, b.length);
  let i = 0;
  while (i < n && a[i] == b[i]) i++;
  if (i == n) return i * 9;
  return i * 9 + 1 + (clz<u32>(a[i] ^ b[i]) - 24);
}

/** Inner node (bit ≥ 0) or one label with what is below it (bit < 0). */
class Node {
  bit: i32 = -1;
  left: Node | null = null;
  right: Node | null = null;
  label: Uint8Array;
  sub: CertifiedTree | null = null;
  value: Uint8Array | null = null;
  /** The owner's note, for example when the label expires. */
  note: u64 = 0;
  /** Cached; of an inner node, or of the labelled subtree. */
  digest: Uint8Array | null = null;
  /** The witness under construction that passes here. */
  mark: u32 = 0;

  constructor(label: Uint8Array) {
    this.label = label;
  }

  subDigest(): Uint8Array {
    const sub = this.sub;
    return sub != null ? sub.digest() : leafDigest(this.value!);
  }

  hash(): Uint8Array {
    const known = this.digest;
    if (known != null) return known;
    const digest = this.bit < 0 ? labeledDigest(this.label, this.subDigest()) : forkDigest(this.left!.hash(), this.right!.hash());
    this.digest = digest;
    return digest;
  }
}

let marks: u32 = 0;

export class CertifiedTree {
  private root: Node | null = null;
  private parent: CertifiedTree | null = null;
  private parentLabel: Uint8Array | null = null;
  /** Number of labels on this level. */
  size: i32 = 0;

  get isEmpty(): bool {
    return this.root == null;
  }

  digest(): Uint8Array {
    const root = this.root;
    return root == null ? emptyDigest() : root.hash();
  }

  has(label: Uint8Array): bool {
    return this.find(label) != null;
  }

  /** Sets the leaf under a label, which becomes new or gets a new value. `note` is the owner's. */
  setLeaf(label: Uint8Array, value: Uint8Array, note: u64 = 0): void {
    const node = this.place(label);
    assert(node.sub == null, "a subtree is there");
    node.value = value;
    node.note = note;
    this.changed(label);
  }

  /** The note of a label, 0 when there is none. */
  noteOf(label: Uint8Array): u64 {
    const node = this.find(label);
    return node == null ? 0 : node.note;
  }

  /** The subtree under a label, made when missing. */
  subtree(label: Uint8Array): CertifiedTree {
    const known = this.find(label);
    if (known != null) {
      assert(known.sub != null, "a leaf is there");
      return known.sub!;
    }
    const node = this.place(label);
    const made = new CertifiedTree();
    made.parent = this;
    made.parentLabel = label;
    node.sub = made;
    this.changed(label);
    return made;
  }

  /** The subtree under a label, or null. */
  subtreeAt(label: Uint8Array): CertifiedTree | null {
    const node = this.find(label);
    return node == null ? null : node.sub;
  }

  /** Sets a leaf at the end of a path. */
  setPath(path: Path, value: Uint8Array, note: u64 = 0): void {
    let tree: CertifiedTree = this;
    for (let i = 0; i < path.length - 1; i++) tree = tree.subtree(path[i]);
    tree.setLeaf(path[path.length - 1], value, note);
  }

  /** Removes the leaf or subtree at the end of a path, and the levels that are empty then. */
  removePath(path: Path): bool {
    let tree: CertifiedTree = this;
    for (let i = 0; i < path.length - 1; i++) {
      const sub = tree.subtreeAt(path[i]);
      if (sub == null) return false;
      tree = sub;
    }
    if (!tree.remove(path[path.length - 1])) return false;
    for (let i = path.length - 2; i >= 0 && tree.isEmpty; i--) {
      tree = tree.parent!;
      tree.remove(path[i]);
    }
    return true;
  }

  /** Removes a label with all below it. */
  remove(label: Uint8Array): bool {
    const root = this.root;
    if (root == null) return false;
    let node: Node = root;
    let above: Node | null = null;
    let aboveThat: Node | null = null;
    while (node.bit >= 0) {
      aboveThat = above;
      above = node;
      node = bitAt(label, node.bit) ? node.right! : node.left!;
    }
    if (!sameBytes(node.label, label)) return false;
    this.changed(label);
    this.size--;
    if (above == null) {
      this.root = null;
      return true;
    }
    const other = above.left == node ? above.right : above.left;
    if (aboveThat == null) this.root = other;
    else if (aboveThat.left == above) aboveThat.left = other;
    else aboveThat.right = other;
    return true;
  }

  /** Writes a witness that reveals each of these paths, or proves that it is not there. */
  witness(paths: Array<Path>, w: CborWriter): void {
    this.writeLevel(paths, 0, w);
  }

  private find(label: Uint8Array): Node | null {
    const root = this.root;
    if (root == null) return null;
    let node: Node = root;
    while (node.bit >= 0) node = bitAt(label, node.bit) ? node.right! : node.left!;
    return sameBytes(node.label, label) ? node : null;
  }

  /** The node of a label, made when missing. */
  private place(label: Uint8Array): Node {
    const root = this.root;
    if (root == null) {
      this.size = 1;
      const node = new Node(label);
      this.root = node;
      return node;
    }
    let best: Node = root;
    while (best.bit >= 0) best = bitAt(label, best.bit) ? best.right! : best.left!;
    if (sameBytes(best.label, label)) return best;
    const bit = differingBit(best.label, label);
    let above: Node | null = null;
    let below: Node = root;
    while (below.bit >= 0 && below.bit < bit) {
      above = below;
      below = bitAt(label, below.bit) ? below.right! : below.left!;
    }
    const made = new Node(label);
    const inner = new Node(label);
    inner.bit = bit;
    const goesRight = bitAt(label, bit);
    inner.left = goesRight ? below : made;
    inner.right = goesRight ? made : below;
    if (above == null) this.root = inner;
    else if (above.left == below) above.left = inner;
    else above.right = inner;
    this.size++;
    return made;
  }

  /** Forgets the digests on the way to a label, and above this tree. */
  private changed(label: Uint8Array): void {
    let node = this.root;
    while (node != null) {
      node.digest = null;
      if (node.bit < 0) break;
      node = bitAt(label, node.bit) ? node.right : node.left;
    }
    const parent = this.parent;
    if (parent != null) parent.changed(this.parentLabel!);
  }

  private writeLevel(paths: Array<Path>, depth: i32, w: CborWriter): void {
    if (this.root == null) {
      w.array(1).uint(EMPTY);
      return;
    }
    const mark = ++marks;
    for (let i = 0; i < paths.length; i++) {
      const label = paths[i][depth];
      if (this.find(label) != null) this.markWay(label, mark);
      else this.markNeighbours(label, mark);
    }
    this.writeNode(this.root!, mark, paths, depth, w);
  }

  private markWay(label: Uint8Array, mark: u32): void {
    let node: Node = this.root!;
    while (node.bit >= 0) {
      node.mark = mark;
      node = bitAt(label, node.bit) ? node.right! : node.left!;
    }
    node.mark = mark;
  }

  /** Marks the ways to the labels just before and just after one that is not there. */
  private markNeighbours(label: Uint8Array, mark: u32): void {
    let best: Node = this.root!;
    while (best.bit >= 0) best = bitAt(label, best.bit) ? best.right! : best.left!;
    const bit = differingBit(best.label, label);
    let before: Node | null = null;
    let after: Node | null = null;
    let node: Node = this.root!;
    while (node.bit >= 0 && node.bit < bit) {
      if (bitAt(label, node.bit)) {
        before = node.left;
        node = node.right!;
      } else {
        after = node.right;
        node = node.left!;
      }
    }
    if (bitAt(label, bit)) before = node;
    else after = node;
    if (before != null) this.markWay(edge(before, true).label, mark);
    if (after != null) this.markWay(edge(after, false).label, mark);
  }

  private writeNode(node: Node, mark: u32, paths: Array<Path>, depth: i32, w: CborWriter): void {
    if (node.mark != mark) {
      w.array(2).uint(PRUNED).bytes(node.hash());
      return;
    }
    if (node.bit >= 0) {
      w.array(3).uint(FORK);
      this.writeNode(node.left!, mark, paths, depth, w);
      this.writeNode(node.right!, mark, paths, depth, w);
      return;
    }
    w.array(3).uint(LABELED).bytes(node.label);
    const sub = node.sub;
    const deeper: Array<Path> = [];
    let wanted = false;
    for (let i = 0; i < paths.length; i++) {
      const path = paths[i];
      if (!sameBytes(path[depth], node.label)) continue;
      wanted = true;
      if (path.length > depth + 1) deeper.push(path);
    }
    if (sub == null && wanted) w.array(2).uint(LEAF).bytes(node.value!);
    else if (sub != null && deeper.length > 0) sub.writeLevel(deeper, depth + 1, w);
    else w.array(2).uint(PRUNED).bytes(node.subDigest());
  }
}

/** The last or first label below a node. */
function edge(node: Node, last: bool): Node {
  while (node.bit >= 0) node = last ? node.right! : node.left!;
  return node;
}
