// The canisters this local index made and controls. A child goes Empty → Pool → InUse, and back to the pool only when
// its owner could not take it.
//
// Keeps: an entry for every child in each index that can name it, and the counts; so that finding what is to be done,
// taking from the pool and counting cost the same with ten children and with ten thousand.

import { Principal } from "../../../cdk/principal/principal";
import { ByteReader, ByteWriter } from "../../../cdk/stable/bytes";
import { StableBTreeMap } from "../../../cdk/stable/btree-map";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { ChildKind } from "../../../generated/local_index/types";
import { CHILD_COUNTS, CHILDREN, CHILDREN_BY_STATE, CHILDREN_BY_VERSION, FAILED_CHILDREN } from "../memory";

const LAYOUT: u8 = 1;

export namespace Kind {
  export const User: u8 = 0;
  export const Group: u8 = 1;
}
export const KINDS: u8 = 2;

/** The stored code of a kind; the generated enum's values follow Candid's field hashes and may not be stored. */
export function kindCode(kind: ChildKind): u8 {
  return kind == ChildKind.User ? Kind.User : Kind.Group;
}

export function kindView(code: u8): ChildKind {
  return code == Kind.User ? ChildKind.User : ChildKind.Group;
}

export namespace State {
  /** Created, its module is not installed yet. */
  export const Empty: u8 = 0;
  /** Installed, belongs to nobody. */
  export const Pool: u8 = 1;
  export const InUse: u8 = 2;
}

// Layout 1: u8 version · u8 kind · u8 state · u32 module version · u32 failed version · text failure
export class Child {
  /** The key, not part of the record. */
  id: Uint8Array = new Uint8Array(0);
  kind: u8 = 0;
  state: u8 = State.Empty;
  version: u32 = 0;
  /** The version that could not be installed, 0 when the last attempt went well. */
  failedVersion: u32 = 0;
  failure: string = "";

  /** As the indexes know it. Not part of the record. */
  indexedState: u8 = State.Empty;
  indexedTried: u32 = 0;
  indexedFailed: bool = false;

  /** The newest version that was installed or could not be. */
  get tried(): u32 {
    return max(this.version, this.failedVersion);
  }

  get principal(): Principal {
    return new Principal(this.id);
  }

  encode(w: ByteWriter): void {
    w.u8(LAYOUT);
    w.u8(this.kind);
    w.u8(this.state);
    w.u32(this.version);
    w.u32(this.failedVersion);
    w.text(this.failure);
  }

  decode(r: ByteReader): void {
    assert(r.u8() == LAYOUT, "unknown layout of a child");
    this.kind = r.u8();
    this.state = r.u8();
    this.version = r.u32();
    this.failedVersion = r.u32();
    this.failure = r.text();
    this.indexedState = this.state;
    this.indexedTried = this.tried;
    this.indexedFailed = this.failedVersion != 0;
  }
}

const children = new StableBTreeMap<Uint8Array, Child>(stableMemory(CHILDREN));
const byState = new StableBTreeMap<Uint8Array, u8>(stableMemory(CHILDREN_BY_STATE));
const byVersion = new StableBTreeMap<Uint8Array, u8>(stableMemory(CHILDREN_BY_VERSION));
const counts = new StableBTreeMap<u16, u32>(stableMemory(CHILD_COUNTS));
const failed = new StableBTreeMap<Uint8Array, u8>(stableMemory(FAILED_CHILDREN));

function stateKey(kind: u8, state: u8, id: Uint8Array): Uint8Array {
  const key = new Uint8Array(2 + id.length);
  key[0] = kind;
  key[1] = state;
  memory.copy(key.dataStart + 2, id.dataStart, id.length);
  return key;
}

/** Bytes of a version key before the canister id. */
const VERSION_PREFIX: i32 = 5;

function versionKey(kind: u8, version: u32, id: Uint8Array): Uint8Array {
  const key = new Uint8Array(VERSION_PREFIX + id.length);
  key[0] = kind;
  store<u32>(key.dataStart, bswap(version), 1);
  memory.copy(key.dataStart + VERSION_PREFIX, id.dataStart, id.length);
  return key;
}

function count(kind: u8, state: u8, delta: i32): void {
  const key = (<u16>kind << 8) | <u16>state;
  counts.insert(key, counts.getOr(key, 0) + delta);
}

export function countChildren(kind: u8, state: u8): u32 {
  return counts.getOr((<u16>kind << 8) | <u16>state, 0);
}

export function findChild(id: Principal): Child | null {
  if (!children.find(id.bytes)) return null;
  const child = children.found();
  child.id = id.bytes;
  return child;
}

/** A child that is new here. */
export function addChild(child: Child): void {
  children.insert(child.id, child);
  index(child);
}

function index(child: Child): void {
  byState.insert(stateKey(child.kind, child.state, child.id), 0);
  byVersion.insert(versionKey(child.kind, child.tried, child.id), 0);
  if (child.failedVersion != 0) failed.insert(child.id, 0);
  count(child.kind, child.state, 1);
}

/** Stores changes of a child that was found. */
export function saveChild(child: Child): void {
  children.insert(child.id, child);
  if (child.state != child.indexedState) {
    byState.remove(stateKey(child.kind, child.indexedState, child.id));
    byState.insert(stateKey(child.kind, child.state, child.id), 0);
    count(child.kind, child.indexedState, -1);
    count(child.kind, child.state, 1);
    child.indexedState = child.state;
  }
  if (child.tried != child.indexedTried) {
    byVersion.remove(versionKey(child.kind, child.indexedTried, child.id));
    byVersion.insert(versionKey(child.kind, child.tried, child.id), 0);
    child.indexedTried = child.tried;
  }
  const hasFailed = child.failedVersion != 0;
  if (hasFailed != child.indexedFailed) {
    if (hasFailed) failed.insert(child.id, 0);
    else failed.remove(child.id);
    child.indexedFailed = hasFailed;
  }
}

export function moveChild(child: Child, state: u8): void {
  child.state = state;
  saveChild(child);
}

/** Any child of that kind in that state, or null. */
export function anyChild(kind: u8, state: u8): Child | null {
  const cursor = byState.cursor();
  const prefix = new Uint8Array(2);
  prefix[0] = kind;
  prefix[1] = state;
  if (!cursor.seek(prefix)) return null;
  const key = cursor.key;
  if (key[0] != kind || key[1] != state) return null;
  return findChild(new Principal(key.slice(2)));
}

/**
 * Walks through the children of a kind that have not been tried with `version` yet, in a fixed order that begins again
 * at the end: who asks for the next one again and again comes to all of them in turn.
 */
export class DueChildren {
  private after: Uint8Array = new Uint8Array(0);

  constructor(private kind: u8) {}

  /** The next one, or null when there is none; the walk may give the same ones again. */
  next(version: u32): Child | null {
    const cursor = byVersion.cursor();
    if (this.after.length > 0 && cursor.seek(this.after) && this.isHere(cursor.key)) cursor.next();
    if (this.after.length == 0 || !cursor.valid || !this.isDue(cursor.key, version)) {
      if (!cursor.seek(versionKey(this.kind, 0, new Uint8Array(0))) || !this.isDue(cursor.key, version)) return null;
    }
    this.after = cursor.key;
    return findChild(new Principal(this.after.slice(VERSION_PREFIX)));
  }

  private isHere(key: Uint8Array): bool {
    return key.length == this.after.length && memory.compare(key.dataStart, this.after.dataStart, key.length) == 0;
  }

  private isDue(key: Uint8Array, version: u32): bool {
    return key[0] == this.kind && bswap(load<u32>(key.dataStart, 1)) < version;
  }
}

/** Children of a kind, in the pool or in use, that have not been tried with `version` yet. In proportion to those. */
export function countDue(kind: u8, version: u32): u32 {
  let due: u32 = 0;
  const cursor = byVersion.cursor();
  for (let ok = cursor.seek(versionKey(kind, 0, new Uint8Array(0))); ok; ok = cursor.next()) {
    const key = cursor.key;
    if (key[0] != kind || bswap(load<u32>(key.dataStart, 1)) >= version) break;
    const child = findChild(new Principal(key.slice(VERSION_PREFIX)));
    if (child !== null && child.state != State.Empty) due++;
  }
  return due;
}

/** Those whose last upgrade failed. */
export function failedChildren(): Array<Child> {
  const list: Child[] = [];
  const cursor = failed.cursor();
  for (let ok = cursor.first(); ok; ok = cursor.next()) {
    const child = findChild(new Principal(cursor.key));
    if (child !== null) list.push(child);
  }
  return list;
}

/** Once, after an upgrade from a release that had no such indexes. */
export function indexOldChildren(): void {
  if (!byVersion.isEmpty) return;
  const cursor = children.cursor();
  for (let ok = cursor.first(); ok; ok = cursor.next()) {
    const child = cursor.value;
    child.id = cursor.key;
    index(child);
  }
}
