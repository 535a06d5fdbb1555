// Texts that occur often, each stored once and known by a small number. Numbers are dense from 0 and never reused.
//
// Layout: a log (log.ts) holds the texts by number; a B-tree map finds the number: its key is a zero byte and the
// text's UTF-8 when that has at most 200 bytes, else a one byte and the SHA-256 of it.

import { sha256Ptr } from "../hash/sha256";
import { StableBTreeMap } from "./btree-map";
import { StableLog } from "./log";
import { Memory } from "./memory-manager";

const LONGEST_PLAIN: i32 = 200;

export class StableInterner {
  private ids: StableBTreeMap<Uint8Array, u32>;
  private texts: StableLog<string>;

  constructor(ids: Memory, index: Memory, data: Memory) {
    this.ids = new StableBTreeMap<Uint8Array, u32>(ids);
    this.texts = new StableLog<string>(index, data);
  }

  get size(): u32 {
    return <u32>this.texts.length;
  }

  /** The text's number, given now if it has none. */
  intern(text: string): u32 {
    const key = keyOf(text);
    if (this.ids.find(key)) return this.ids.found();
    const id = <u32>this.texts.append(text);
    this.ids.insert(key, id);
    return id;
  }

  /** The text's number, or -1. */
  lookup(text: string): i64 {
    return this.ids.find(keyOf(text)) ? <i64>this.ids.found() : -1;
  }

  /** Traps when no text has this number. */
  text(id: u32): string {
    return this.texts.get(id);
  }
}

function keyOf(text: string): Uint8Array {
  const len = String.UTF8.byteLength(text);
  if (len <= LONGEST_PLAIN) {
    const key = new Uint8Array(1 + len);
    String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, key.dataStart + 1);
    return key;
  }
  const utf8 = String.UTF8.encode(text);
  const key = new Uint8Array(33);
  key[0] = 1;
  sha256Ptr(changetype<usize>(utf8), len, key.dataStart + 1);
  return key;
}
