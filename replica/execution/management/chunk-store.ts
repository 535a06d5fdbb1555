/**
 * The Wasm chunk store of a canister: parts of a module too large for one message.
 *
 * Always: a chunk is found by its SHA-256; at most MAX_CHUNKS per canister, each billed as 1 MiB.
 *
 * Source: Interface Spec 0.66, `upload_chunk`, `clear_chunk_store`, `stored_chunks`.
 */
import { fromHex, toHex } from '../../codec/bytes.ts';
import { sha256 } from '../../codec/sha256.ts';
import type { CanisterState } from '../../state/canister-state.ts';
import type { UserError } from '../../types/errors.ts';
import * as candid from './candid-types.ts';
import type { Checked } from './faults.ts';
import { chunkStoreError, failure, success } from './faults.ts';
import type { CanisterMethod, Operation } from './operation.ts';
import { chargeInstructions, growthFault, reject, reply, replyNothing } from './operation.ts';

export const CHUNK_BYTES = 1024 * 1024;
export const MAX_CHUNKS = 100;
/** What storing one costs, whatever its size. */
const UPLOAD_INSTRUCTIONS = 200_000_000;

/** Whether `chunk` may be added to a store that holds `stored`. Undefined: yes. */
export function chunkFault(
  chunk: Uint8Array,
  stored: ReadonlyMap<string, Uint8Array>,
): UserError | undefined {
  if (chunk.length > CHUNK_BYTES) {
    return chunkStoreError(
      `Wasm chunk size ${chunk.length} exceeds the maximum chunk size of ${CHUNK_BYTES}`,
    );
  }
  if (stored.size >= MAX_CHUNKS && !stored.has(toHex(sha256(chunk)))) {
    return chunkStoreError(`Wasm chunk store has already reached maximum capacity of ${MAX_CHUNKS} chunks`);
  }
  return undefined;
}

export const uploadChunk: CanisterMethod<candid.UploadChunkArgsCandid> = {
  argument: candid.UploadChunkArgs,
  run(operation, { chunk }, canister) {
    const fault = chunkFault(chunk, canister.chunks);
    if (fault !== undefined) return reject(fault);
    const hash = sha256(chunk);
    const name = toHex(hash);
    const isNew = !canister.chunks.has(name);
    const problem =
      (isNew ? growthFault(operation, canister, CHUNK_BYTES) : undefined) ??
      chargeUpload(operation, canister);
    if (problem !== undefined) return reject(problem);
    // The argument's buffer belongs to the message.
    if (isNew) canister.setChunk(name, chunk.slice());
    return reply(candid.UploadChunkReply, { hash });
  },
};

function chargeUpload(operation: Operation, canister: CanisterState): UserError | undefined {
  const unpaid = chargeInstructions(operation, canister, UPLOAD_INSTRUCTIONS);
  return unpaid && chunkStoreError(`Error charging for 'upload_chunk': ${unpaid.message}`);
}

export const clearChunkStore: CanisterMethod<candid.CanisterIdArgsCandid> = {
  argument: candid.CanisterIdArgs,
  run(_operation, _args, canister) {
    if (canister.chunks.size > 0) canister.clearChunks();
    return replyNothing();
  },
};

export const storedChunks: CanisterMethod<candid.CanisterIdArgsCandid> = {
  argument: candid.CanisterIdArgs,
  run: (_operation, _args, canister) =>
    reply(candid.StoredChunksReply, storedChunkHashes(canister.chunks)),
};

/** Ascending by hash. */
export function storedChunkHashes(
  chunks: ReadonlyMap<string, Uint8Array>,
): candid.ChunkHashCandid[] {
  return [...chunks.keys()].sort().map((hex) => ({ hash: fromHex(hex) }));
}

/** The module that the listed chunks make up, in order; its hash must be `moduleHash`. */
export function assembleModule(
  chunks: ReadonlyMap<string, Uint8Array>,
  hashes: readonly candid.ChunkHashCandid[],
  moduleHash: Uint8Array,
): Checked<Uint8Array> {
  if (hashes.length > MAX_CHUNKS) {
    return failure(
      chunkStoreError(`Chunk hashes list of length ${hashes.length} exceeds the maximum of ${MAX_CHUNKS}`),
    );
  }
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for (const { hash } of hashes) {
    if (hash.length !== 32) {
      return failure(chunkStoreError('Chunk hash is invalid. The length is not 32'));
    }
    const chunk = chunks.get(toHex(hash));
    if (chunk === undefined) {
      return failure(chunkStoreError(`Chunk hash ${toHex(hash)} was not found`));
    }
    parts.push(chunk);
    bytes += chunk.length;
  }
  const wasm = new Uint8Array(bytes);
  let offset = 0;
  for (const part of parts) {
    wasm.set(part, offset);
    offset += part.length;
  }
  const found = toHex(sha256(wasm));
  const wanted = toHex(moduleHash);
  return found === wanted
    ? success(wasm)
    : failure(
        chunkStoreError(`Wasm module hash ${found} does not match given hash ${wanted}`),
      );
}
