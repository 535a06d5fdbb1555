// The canisters this local index made and controls. A child goes Empty → Pool → InUse; it never goes back.

import { Principal } from "../../../cdk/principal/principal";
import { ByteReader, ByteWriter } from "../../../cdk/stable/bytes";
import { StableBTreeMap } from "../../../cdk/stable/btree-map";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { ChildKind } from "../../../generated/local_index/types";
import { CHILDREN, CHILDREN_BY_STATE } from "../memory";

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
  }
}

const children = new StableBTreeMap<Uint8Array, Child>(stableMemory(CHILDREN));
const byState = new StableBTreeMap<Uint8Array, u8>(stableMemory(CHILDREN_BY_STATE));

function stateKey(kind: u8, state: u8, id: Uint8Array): Uint8Array {
  const key = new Uint8Array(2 + id.length);
  key[0] = kind;
  key[1] = state;
  memory.copy(key.dataStart + 2, id.dataStart, id.length);
  return key;
}

export function findChild(id: Principal): Child | null {
  if (!children.find(id.bytes)) return null;
  const child = children.found();
  child.id = id.bytes;
  return child;
}

export function addChild(child: Child): void {
  children.insert(child.id, child);
  byState.insert(stateKey(child.kind, child.state, child.id), 0);
}

export function saveChild(child: Child): void {
  children.insert(child.id, child);
}

export function moveChild(child: Child, state: u8): void {
  byState.remove(stateKey(child.kind, child.state, child.id));
  child.state = state;
  addChild(child);
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

/** Children of a kind and state. Reads the index: in proportion to their number. */
export function countChildren(kind: u8, state: u8): u32 {
  let count: u32 = 0;
  const prefix = new Uint8Array(2);
  prefix[0] = kind;
  prefix[1] = state;
  const cursor = byState.cursor();
  for (let ok = cursor.seek(prefix); ok; ok = cursor.next()) {
    const key = cursor.key;
    if (key[0] != kind || key[1] != state) break;
    count++;
  }
  return count;
}

export function allChildren(): Array<Child> {
  const list: Child[] = [];
  const cursor = children.cursor();
  for (let ok = cursor.first(); ok; ok = cursor.next()) {
    const child = cursor.value;
    child.id = cursor.key;
    list.push(child);
  }
  return list;
}

/** The next child after `id` in order of ids, for jobs that walk through all of them in steps. */
export function childAfter(id: Uint8Array): Child | null {
  const cursor = children.cursor();
  let ok = id.length == 0 ? cursor.first() : cursor.seek(id);
  if (ok && id.length > 0 && new Principal(cursor.key).equals(new Principal(id))) ok = cursor.next();
  if (!ok) return null;
  const child = cursor.value;
  child.id = cursor.key;
  return child;
}
