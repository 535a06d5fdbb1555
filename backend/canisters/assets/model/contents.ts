// The bytes of all assets, in the chunks in which they were uploaded.

import { StableBTreeMap } from "../../../cdk/stable/btree-map";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { CONTENTS } from "../memory";
import { saveSettings, settings } from "./settings";

const chunks = new StableBTreeMap<u64, Uint8Array>(stableMemory(CONTENTS), 512);

/** Stores a chunk; its number. */
export function storeChunk(bytes: Uint8Array): u64 {
  const number = settings().nextChunk++;
  saveSettings();
  chunks.insertRaw(number, bytes.dataStart, bytes.length);
  return number;
}

/** Traps when there is no such chunk. */
export function chunk(number: u64): Uint8Array {
  return chunks.get(number);
}

export function dropChunk(number: u64): void {
  chunks.remove(number);
}
