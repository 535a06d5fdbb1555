/** A graph of objects that messages build, change and forget; runtime.test.ts keeps the same graph in JavaScript. */

class Node {
  links: Array<Node | null>;
  text: string;
  bytes: Uint8Array | null = null;
  one: Node | null = null;
  constructor(public id: u32) {
    this.links = new Array<Node | null>();
    this.text = "node " + id.toString();
  }
}

class Leaf extends Node {
  names: Map<u32, string> = new Map<u32, string>();
}

const roots: Array<Node | null> = new Array<Node | null>(16).fill(null);
let favourite: Node | null = null;
const index: Map<u32, Node> = new Map<u32, Node>();
let raw: usize = 0;
let rawSize: u32 = 0;

/** Makes garbage, and returns something that depends on all of it. */
export function garbage(n: u32): u32 {
  let sum: u32 = 0;
  for (let i: u32 = 0; i < n; i++) sum += ("x" + i.toString() + "y").length + new Uint8Array(i & 255).length;
  return sum;
}

export function setRoot(i: u32, id: u32): void { roots[i] = (id & 1) != 0 ? new Leaf(id) : new Node(id); }
export function clearRoot(i: u32): void { roots[i] = null; }
export function setFavourite(i: u32): void { favourite = roots[i]; }
export function newFavourite(id: u32): void { favourite = new Node(id); }

/** Links a new node below a root, two levels deep when it can. */
export function grow(i: u32, id: u32): void {
  const root = roots[i];
  if (root === null) return;
  const node = new Node(id);
  const below = root.one;
  if (below !== null && (id & 2) != 0) below.links.push(node);
  else root.links.push(node);
}
export function setOne(i: u32, id: u32): void {
  const root = roots[i];
  if (root !== null) root.one = new Leaf(id);
}
export function share(i: u32, j: u32): void {
  const a = roots[i], b = roots[j];
  if (a !== null && b !== null) a.links.push(b.one);
}
export function dropLast(i: u32): void {
  const root = roots[i];
  if (root !== null && root.links.length > 0) root.links.pop();
}
export function setBytes(i: u32, size: u32): void {
  const root = roots[i];
  if (root === null) return;
  const bytes = new Uint8Array(size);
  for (let k: u32 = 0; k < size; k++) bytes[k] = <u8>(k * 7 + root.id);
  root.bytes = bytes;
}
export function put(key: u32, id: u32): void { index.set(key, new Node(id)); }
export function forget(key: u32): void { index.delete(key); }
export function name(i: u32, key: u32): void {
  const root = roots[i];
  if (root !== null && root instanceof Leaf) (root as Leaf).names.set(key, "name " + key.toString());
}
export function rawResize(size: u32): void {
  if (raw == 0) raw = heap.alloc(size);
  else if (size == 0) {
    heap.free(raw);
    raw = 0;
  } else raw = heap.realloc(raw, size);
  rawSize = size;
  for (let k: u32 = 0; k < size; k++) store<u8>(raw + k, <u8>(k * 13));
}

function mix(h: u32, x: u32): u32 { return (h ^ x) * 0x01000193; }
function mixText(h: u32, text: string): u32 {
  for (let i = 0; i < text.length; i++) h = mix(h, text.charCodeAt(i));
  return h;
}
function hashNode(h: u32, node: Node | null, depth: i32): u32 {
  if (node === null) return mix(h, 7);
  h = mixText(mix(h, node.id), node.text);
  const bytes = node.bytes;
  if (bytes !== null) for (let k = 0; k < bytes.length; k++) h = mix(h, bytes[k]);
  if (depth == 0) return h;
  h = hashNode(h, node.one, depth - 1);
  h = mix(h, node.links.length);
  for (let i = 0; i < node.links.length; i++) h = hashNode(h, node.links[i], depth - 1);
  if (node instanceof Leaf) {
    const keys = (node as Leaf).names.keys();
    for (let i = 0; i < keys.length; i++) h = mixText(mix(h, keys[i]), (node as Leaf).names.get(keys[i]));
  }
  return h;
}

/** Reads everything that must be alive. */
export function digest(): u32 {
  let h: u32 = 1;
  for (let i = 0; i < roots.length; i++) h = hashNode(h, roots[i], 3);
  h = hashNode(h, favourite, 3);
  const keys = index.keys();
  for (let i = 0; i < keys.length; i++) h = hashNode(mix(h, keys[i]), index.get(keys[i]), 3);
  for (let k: u32 = 0; k < rawSize; k++) h = mix(h, load<u8>(raw + k));
  return h;
}

export function end(): void { __collect(); }
export function memoryPages(): i32 { return memory.size(); }
