// Batches: chunks uploaded and not yet in use.
//
// Keeps: a batch ends five minutes after its last chunk; what was uploaded for it then goes; bytes and batches waiting
// are bounded. Batches live on the heap: an upgrade ends them.

import { StableBTreeMap } from "../../../cdk/stable/btree-map";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { UPLOADS } from "../memory";
import { dropChunk, storeChunk } from "./contents";
import { saveSettings, settings } from "./settings";

const LIFETIME_NANOS: u64 = 300_000_000_000;
const MAX_BATCHES: i32 = 50;
/** What may wait in all batches together. */
const MAX_WAITING_BYTES: u64 = 512 << 20;

const waiting = new StableBTreeMap<u64, u64>(stableMemory(UPLOADS));

class Batch {
  bytes: u64 = 0;
  constructor(public expiry: u64) {}
}

const batches = new Map<u64, Batch>();
let waitingBytes: u64 = 0;

function dropExpired(nowNanos: u64): void {
  const numbers = batches.keys();
  for (let i = 0; i < numbers.length; i++) if (batches.get(numbers[i]).expiry <= nowNanos) dropBatch(numbers[i]);
}

/** A new batch's number; 0 when there are too many. */
export function createBatch(nowNanos: u64): u64 {
  dropExpired(nowNanos);
  if (batches.size >= MAX_BATCHES) return 0;
  const number = settings().nextBatch++;
  saveSettings();
  batches.set(number, new Batch(nowNanos + LIFETIME_NANOS));
  return number;
}

/** Whether the batch is there and has not expired; then it lives on for another while. */
export function touchBatch(number: u64, nowNanos: u64): bool {
  if (!batches.has(number)) return false;
  const batch = batches.get(number);
  if (batch.expiry <= nowNanos) {
    dropBatch(number);
    return false;
  }
  batch.expiry = nowNanos + LIFETIME_NANOS;
  return true;
}

/** Stores a chunk for a batch that is there; its number, or 0 when too much is waiting. */
export function addChunk(batch: u64, bytes: Uint8Array): u64 {
  const length = <u64>bytes.length;
  if (waitingBytes + length > MAX_WAITING_BYTES) return 0;
  const number = storeChunk(bytes);
  waiting.insert(number, batch);
  batches.get(batch).bytes += length;
  waitingBytes += length;
  return number;
}

/** Takes an uploaded chunk into use; false when it does not wait (any more). */
export function takeChunk(number: u64): bool {
  return waiting.remove(number);
}

/** Ends a batch: what nobody took goes. */
export function dropBatch(number: u64): void {
  if (batches.has(number)) {
    waitingBytes -= batches.get(number).bytes;
    batches.delete(number);
  }
  const c = waiting.cursor();
  for (let ok = c.first(); ok; ok = c.next()) {
    if (c.value != number) continue;
    dropChunk(c.key);
    waiting.remove(c.key);
  }
}

/** After an upgrade no batch is left, so no chunk waits for one. */
export function dropAllUploads(): void {
  const c = waiting.cursor();
  for (let ok = c.first(); ok; ok = c.next()) dropChunk(c.key);
  waiting.clear();
}
