/**
 * Where checkpoints of a subnet's state live: a map from keys to checksummed records, replaced in part but atomically.
 *
 * Promises of every implementation:
 * - C1 A commit whose promise resolved survives anything; a crash before leaves the previous checkpoint whole.
 * - C2 A record that is not what was written is reported as `checkpoint_corrupted`, never returned.
 * - C3 Reads during a commit see the checkpoint before it, until its promise resolves.
 *
 * Keys order bytewise. Who writes what: see state-records.ts.
 */
import { crc32 } from 'node:zlib';
import { StoreError } from './errors.ts';

export type RecordChange =
  /** The store does not keep `value` after the commit. */
  | { readonly kind: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly kind: 'remove'; readonly key: Uint8Array }
  /** Every key that starts with `prefix`. Changes apply in order, so later puts below the prefix stay. */
  | { readonly kind: 'remove-prefix'; readonly prefix: Uint8Array };

export interface CheckpointInfo {
  /** Height of the last batch in the checkpoint. */
  readonly height: number;
  /** Root hash of the certified tree at that height, 32 bytes. */
  readonly stateHash: Uint8Array;
}

export interface CheckpointStore {
  /** The last committed checkpoint, or undefined before the first. */
  latest(): CheckpointInfo | undefined;
  /** A copy that the caller owns, or undefined. */
  get(key: Uint8Array): Uint8Array | undefined;
  entries(prefix: Uint8Array): Iterable<{ readonly key: Uint8Array; readonly value: Uint8Array }>;
  /** One commit at a time. */
  commit(info: CheckpointInfo, changes: Iterable<RecordChange>): Promise<void>;
  close(): Promise<void>;
}

export const CHECKSUM_BYTES = 4;

/** Value as stored: CRC-32 of key and value (little-endian), then the value. The key guards against swapped records. */
export function sealed(key: Uint8Array, value: Uint8Array): Uint8Array {
  const record = new Uint8Array(CHECKSUM_BYTES + value.length);
  new DataView(record.buffer).setUint32(0, crc32(value, crc32(key)), true);
  record.set(value, CHECKSUM_BYTES);
  return record;
}

/** A copy of the value in a stored record; throws when it is damaged. */
export function unsealed(key: Uint8Array, record: Uint8Array, where: string): Uint8Array {
  if (!isIntact(key, record)) throw unsealedFault(key, where);
  return Uint8Array.from(record.subarray(CHECKSUM_BYTES));
}

export function isIntact(key: Uint8Array, record: Uint8Array): boolean {
  if (record.length < CHECKSUM_BYTES) return false;
  const checksum = new DataView(record.buffer, record.byteOffset, CHECKSUM_BYTES).getUint32(0, true);
  return checksum === crc32(record.subarray(CHECKSUM_BYTES), crc32(key));
}

export function unsealedFault(key: Uint8Array, where: string): StoreError {
  return corruptedCheckpoint(where, `record ${Buffer.from(key).toString('hex')} does not match its checksum`);
}

export function corruptedCheckpoint(where: string, detail: string, cause?: unknown): StoreError {
  return new StoreError(
    'checkpoint_corrupted',
    `the checkpoint in ${where} is damaged (${detail}); restore the state folder from a copy, ` +
      'or start with an empty one (--clean), which loses its contents',
    { cause },
  );
}

/** The smallest key after all keys that start with `prefix`; undefined if there is none. */
export function afterPrefix(prefix: Uint8Array): Uint8Array | undefined {
  for (let last = prefix.length - 1; last >= 0; last--) {
    if (prefix[last]! < 0xff) {
      const end = prefix.slice(0, last + 1);
      end[last]!++;
      return end;
    }
  }
  return undefined;
}
