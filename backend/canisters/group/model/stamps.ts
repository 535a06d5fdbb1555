// Stamps: names of versions that only this canister can make, and only members are given. The local index keeps the
// newest one, so that it can tell members who have everything without asking here, and tells others nothing: who cannot
// guess 64 bits learns neither that a version is the newest nor that it is not.
//
// A stamp is the beginning of SHA-256(key · version). The key is drawn once and never leaves this canister.

import { ByteReader, ByteWriter } from "../../../cdk/stable/bytes";
import { StableCell } from "../../../cdk/stable/cell";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { sha256 } from "../../../cdk/hash/sha256";
import { STAMP_KEY } from "../memory";

const LAYOUT: u8 = 1;
const KEY_BYTES: i32 = 32;

// Layout 1: u8 version · bytes key (32 bytes, none before it was drawn)
class StampKey {
  key: Uint8Array = new Uint8Array(0);

  encode(w: ByteWriter): void {
    w.u8(LAYOUT);
    w.bytes(this.key);
  }

  decode(r: ByteReader): void {
    assert(r.u8() == LAYOUT, "unknown layout of the stamp key");
    this.key = r.bytes();
  }
}

const cell = new StableCell<StampKey>(stableMemory(STAMP_KEY), new StampKey());

/** Key · version, u64 little-endian; what is hashed. */
const input = new Uint8Array(KEY_BYTES + 8);
let isLoaded: bool = false;

export function hasStampKey(): bool {
  if (isLoaded) return true;
  const key = cell.get().key;
  if (key.length != KEY_BYTES) return false;
  input.set(key);
  isLoaded = true;
  return true;
}

/** `key` is 32 random bytes. */
export function setStampKey(key: Uint8Array): void {
  assert(key.length == KEY_BYTES && !hasStampKey(), "a stamp key is drawn once, 32 bytes");
  const drawn = new StampKey();
  drawn.key = key;
  cell.set(drawn);
}

/** Needs the key. */
export function stampOf(version: u64): u64 {
  assert(hasStampKey(), "no stamp key was drawn");
  store<u64>(input.dataStart, version, KEY_BYTES);
  return load<u64>(sha256(input).dataStart);
}
