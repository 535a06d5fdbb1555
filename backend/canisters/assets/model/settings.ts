// Who may do what, and the numbers given out so far.

import { Principal } from "../../../cdk/principal/principal";
import { ByteReader, ByteWriter } from "../../../cdk/stable/bytes";
import { StableCell } from "../../../cdk/stable/cell";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { SETTINGS } from "../memory";

/** Room for a team and its tools; a list without bound could fill the cell. */
const MAX_PERMITTED: i32 = 200;

export class Settings {
  commit: Array<Principal> = [];
  prepare: Array<Principal> = [];
  manage: Array<Principal> = [];
  nextBatch: u64 = 1;
  nextChunk: u64 = 1;

  encode(w: ByteWriter): void {
    w.u8(1);
    writeList(w, this.commit);
    writeList(w, this.prepare);
    writeList(w, this.manage);
    w.u64(this.nextBatch);
    w.u64(this.nextChunk);
  }

  decode(r: ByteReader): void {
    assert(r.u8() == 1, "settings of an unknown version");
    this.commit = readList(r);
    this.prepare = readList(r);
    this.manage = readList(r);
    this.nextBatch = r.u64();
    this.nextChunk = r.u64();
  }
}

function writeList(w: ByteWriter, list: Array<Principal>): void {
  w.varint(list.length);
  for (let i = 0; i < list.length; i++) w.bytes(list[i].bytes);
}

function readList(r: ByteReader): Array<Principal> {
  const list: Array<Principal> = [];
  for (let n = r.varint(); n > 0; n--) list.push(new Principal(r.bytes()));
  return list;
}

let cell: StableCell<Settings> | null = null;
let cached: Settings | null = null;

/** The settings; after changing them call saveSettings. */
export function settings(): Settings {
  let known = cached;
  if (known == null) {
    const opened = new StableCell<Settings>(stableMemory(SETTINGS), new Settings());
    cell = opened;
    known = opened.get();
    cached = known;
  }
  return known;
}

export function saveSettings(): void {
  cell!.set(settings());
}

function indexIn(list: Array<Principal>, who: Principal): i32 {
  for (let i = 0; i < list.length; i++) if (list[i].equals(who)) return i;
  return -1;
}

export function holds(list: Array<Principal>, who: Principal): bool {
  return indexIn(list, who) >= 0;
}

/** False when the list is full. */
export function grant(list: Array<Principal>, who: Principal): bool {
  if (holds(list, who)) return true;
  if (list.length >= MAX_PERMITTED) return false;
  list.push(who);
  saveSettings();
  return true;
}

export function revoke(list: Array<Principal>, who: Principal): void {
  const at = indexIn(list, who);
  if (at < 0) return;
  list.splice(at, 1);
  saveSettings();
}
