// The modules that children run. Two slots a kind: the current one serves while the next is staged.

import { ByteReader, ByteWriter } from "../../../cdk/stable/bytes";
import { StableBTreeMap } from "../../../cdk/stable/btree-map";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { sha256 } from "../../../cdk/hash/sha256";
import { MODULE_CHUNKS, MODULES } from "../memory";

const LAYOUT: u8 = 1;

/** 1 MiB: an ingress message holds 2 MiB. */
export const MAX_CHUNK_BYTES: i32 = 1 << 20;
/** An install_code of this network's own subnet holds 10 MiB. */
export const MAX_CHUNKS: u32 = 9;

// Layout 1: u8 version · u32 module version · u8 slot · u32 chunks · bytes sha256
export class Module {
  version: u32 = 0;
  slot: u8 = 0;
  chunks: u32 = 0;
  sha256: Uint8Array = new Uint8Array(0);

  encode(w: ByteWriter): void {
    w.u8(LAYOUT);
    w.u32(this.version);
    w.u8(this.slot);
    w.u32(this.chunks);
    w.bytes(this.sha256);
  }

  decode(r: ByteReader): void {
    assert(r.u8() == LAYOUT, "unknown layout of a module");
    this.version = r.u32();
    this.slot = r.u8();
    this.chunks = r.u32();
    this.sha256 = r.bytes();
  }
}

const modules = new StableBTreeMap<u8, Module>(stableMemory(MODULES));
const chunks = new StableBTreeMap<u64, Uint8Array>(stableMemory(MODULE_CHUNKS));

function chunkKey(kind: u8, slot: u8, index: u32): u64 {
  return ((<u64>kind) << 40) | ((<u64>slot) << 32) | (<u64>index);
}

/** Null when none was activated yet. */
export function currentModule(kind: u8): Module | null {
  return modules.find(kind) ? modules.found() : null;
}

function stagingSlot(kind: u8): u8 {
  const current = currentModule(kind);
  return current === null ? 0 : 1 - current.slot;
}

export function stageChunk(kind: u8, index: u32, chunk: Uint8Array): void {
  chunks.insert(chunkKey(kind, stagingSlot(kind), index), chunk);
}

function assemble(kind: u8, slot: u8, count: u32): Uint8Array | null {
  let size = 0;
  const parts: Uint8Array[] = [];
  for (let i: u32 = 0; i < count; i++) {
    if (!chunks.find(chunkKey(kind, slot, i))) return null;
    const part = chunks.found();
    size += part.length;
    parts.push(part);
  }
  if (parts.length == 1) return parts[0];
  const whole = new Uint8Array(size);
  let at = 0;
  for (let i = 0; i < parts.length; i++) {
    whole.set(parts[i], at);
    at += parts[i].length;
  }
  return whole;
}

function sameBytes(a: Uint8Array, b: Uint8Array): bool {
  return a.length == b.length && memory.compare(a.dataStart, b.dataStart, a.length) == 0;
}

/** Makes what was staged current. Answers a fault in words, or the empty string. */
export function activate(kind: u8, version: u32, count: u32, expected: Uint8Array): string {
  const current = currentModule(kind);
  if (current !== null && version <= current.version) return "version " + version.toString() + " is not newer than " + current.version.toString();
  const slot = stagingSlot(kind);
  const whole = assemble(kind, slot, count);
  if (whole === null) return "chunks are missing";
  if (!sameBytes(sha256(whole), expected)) return "the staged bytes have another SHA-256";
  const module = new Module();
  module.version = version;
  module.slot = slot;
  module.chunks = count;
  module.sha256 = expected;
  modules.insert(kind, module);
  if (current !== null) for (let i: u32 = 0; i < current.chunks; i++) chunks.remove(chunkKey(kind, current.slot, i));
  return "";
}

export function moduleBytes(kind: u8, module: Module): Uint8Array {
  return assemble(kind, module.slot, module.chunks)!;
}
