/**
 * One hash over the whole state of a subnet, memories included: equal for equal states, for comparing a replay with the
 * original. Walks everything: for tests and soak runs, not for every batch.
 */
import { createHash, type Hash } from 'node:crypto';
import { encodeCanister, encodeSnapshot, encodeSubnetState, writeGlobal } from '../state/codec.ts';
import { IMAGE_PAGE_BYTES, type CanisterState, type PageSource } from '../state/canister-state.ts';
import { RecordWriter } from '../state/record.ts';
import type { ReplicatedState } from '../state/replicated-state.ts';
import { executionOf } from './management-port.ts';

const CHUNK_BYTES = 1024 * 1024;

/** 32 bytes. */
export function stateHash(state: ReplicatedState): Uint8Array {
  const hash = createHash('sha256');
  update(hash, encodeSubnetState(state));
  for (const canister of state.canistersInOrder()) update(hash, canisterHash(canister));
  return hash.digest();
}

/** 32 bytes over a canister's system state, memories, globals and snapshots. */
export function canisterHash(canister: CanisterState): Uint8Array {
  const hash = createHash('sha256');
  update(hash, encodeCanister(canister));
  if (canister.code !== undefined) hashMemories(hash, canister);
  for (const snapshot of canister.snapshots.values()) {
    const moduleHash = createHash('sha256').update(snapshot.wasmModule).digest();
    update(hash, encodeSnapshot(snapshot, moduleHash));
    hashPages(hash, snapshot.image.heapBytes, snapshot.image.heap);
    hashPages(hash, snapshot.image.stableBytes, snapshot.image.stable);
  }
  return hash.digest();
}

function hashMemories(hash: Hash, canister: CanisterState): void {
  const execution = executionOf(canister);
  const memories = [
    [execution.heapBytes, (offset: number, size: number) => execution.readHeap(offset, size)],
    [execution.stableBytes, (offset: number, size: number) => execution.readStable(offset, size)],
  ] as const;
  for (const [bytes, read] of memories) {
    update(hash, Buffer.from(String(bytes)));
    for (let offset = 0; offset < bytes; offset += CHUNK_BYTES) {
      hash.update(read(offset, Math.min(CHUNK_BYTES, bytes - offset)));
    }
  }
  const globals = new RecordWriter();
  globals.list(execution.globals, (global) => writeGlobal(globals, global));
  update(hash, globals.finish());
}

function hashPages(hash: Hash, bytes: number, source: PageSource): void {
  const zeros = new Uint8Array(IMAGE_PAGE_BYTES);
  for (let index = 0; index < bytes / IMAGE_PAGE_BYTES; index++) hash.update(source.page(index) ?? zeros);
}

/** Length first, so that parts cannot run into each other. */
function update(hash: Hash, bytes: Uint8Array): void {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(bytes.length));
  hash.update(length).update(bytes);
}
