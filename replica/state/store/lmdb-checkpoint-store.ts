/**
 * Checkpoints in LMDB: one transaction per checkpoint, so that it is there whole or not at all.
 *
 * LMDB's pages are 16 KiB because records are mostly 4 KiB pages of canister memory: with LMDB's usual 4 KiB each of
 * them would take two pages of its own.
 *
 * The information record holds the number of records, so that a subtree lost to damage is noticed at open without
 * reading everything; each record carries a checksum that is verified whenever it is read.
 */
import { open } from 'lmdb';
import type { RootDatabase } from 'lmdb';
import { afterPrefix, corruptedCheckpoint, sealed, unsealed } from './checkpoint-store.ts';
import type { CheckpointInfo, CheckpointStore, RecordChange } from './checkpoint-store.ts';
import { StoreError } from './errors.ts';

const INFO_KEY = Uint8Array.of(0);
/** Raise it with every change of layout here or in state-records.ts. */
const FORMAT_VERSION = 1;
/** u32 format, u64 height, u64 record count (little-endian), 32 bytes of state hash. */
const INFO_BYTES = 4 + 8 + 8 + 32;
const PAGE_BYTES = 16 * 1024;

export class LmdbCheckpointStore implements CheckpointStore {
  readonly #folder: string;
  readonly #db: RootDatabase<Buffer, Uint8Array>;
  #info: CheckpointInfo | undefined;

  /** Opens or creates the store in `folder` and checks what can be checked without reading all of it. */
  constructor(folder: string) {
    this.#folder = folder;
    try {
      this.#db = open<Buffer, Uint8Array>({
        path: folder,
        noSubdir: false,
        encoding: 'binary',
        keyEncoding: 'binary',
        pageSize: PAGE_BYTES,
        // A transaction's promise must mean "on disk"; the log is only shortened after it.
        overlappingSync: false,
        cache: false,
      });
      this.#info = this.#readInfo();
    } catch (cause) {
      if (cause instanceof StoreError) throw cause;
      throw corruptedCheckpoint(folder, (cause as Error).message, cause);
    }
  }

  latest(): CheckpointInfo | undefined {
    return this.#info;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const record = this.#read(() => this.#db.getBinary(key));
    return record && unsealed(key, record, this.#folder);
  }

  *entries(prefix: Uint8Array): Iterable<{ key: Uint8Array; value: Uint8Array }> {
    const end = afterPrefix(prefix);
    const range = this.#read(() => this.#db.getRange({ start: prefix, ...(end ? { end } : {}) }));
    for (const { key, value } of range) {
      if (prefix.length === 0 && key.length === 1 && key[0] === INFO_KEY[0]) continue;
      const ownKey = Uint8Array.from(key);
      yield { key: ownKey, value: unsealed(ownKey, value, this.#folder) };
    }
  }

  async commit(info: CheckpointInfo, changes: Iterable<RecordChange>): Promise<void> {
    try {
      await this.#db.transaction(() => {
        for (const change of changes) {
          if (change.kind === 'put') this.#db.putSync(change.key, asBuffer(sealed(change.key, change.value)));
          else if (change.kind === 'remove') this.#db.removeSync(change.key);
          else this.#removePrefix(change.prefix);
        }
        const hadInfo = this.#db.doesExist(INFO_KEY);
        const count = this.#recordCount() + (hadInfo ? 0 : 1);
        this.#db.putSync(INFO_KEY, asBuffer(sealed(INFO_KEY, encodeInfo(info, count))));
      });
    } catch (cause) {
      const message = (cause as Error).message;
      if (/no space|ENOSPC|MAP_FULL/i.test(message)) {
        throw new StoreError('disk_full', `checkpoint in ${this.#folder}: no space left on the disk; free some space`, { cause });
      }
      throw new StoreError('io', `checkpoint in ${this.#folder}: ${message}`, { cause });
    }
    this.#info = info;
  }

  async close(): Promise<void> {
    await this.#db.close();
  }

  #removePrefix(prefix: Uint8Array): void {
    const end = afterPrefix(prefix);
    const keys = [...this.#db.getKeys({ start: prefix, ...(end ? { end } : {}) })].map((key) => Uint8Array.from(key));
    for (const key of keys) this.#db.removeSync(key);
  }

  #recordCount(): number {
    return (this.#db.getStats() as { entryCount: number }).entryCount;
  }

  #readInfo(): CheckpointInfo | undefined {
    const record = this.#db.getBinary(INFO_KEY);
    if (!record) {
      if (this.#recordCount() > 0) throw corruptedCheckpoint(this.#folder, 'its information record is missing');
      return undefined;
    }
    const bytes = unsealed(INFO_KEY, record, this.#folder);
    const view = new DataView(bytes.buffer);
    if (bytes.length !== INFO_BYTES || view.getUint32(0, true) !== FORMAT_VERSION) {
      throw new StoreError(
        'unknown_format',
        `the checkpoint in ${this.#folder} was written by another version; use that version, or start with an empty state folder (--clean)`,
      );
    }
    const expected = Number(view.getBigUint64(12, true));
    const found = this.#recordCount();
    if (found !== expected) throw corruptedCheckpoint(this.#folder, `${found} records instead of ${expected}`);
    return { height: Number(view.getBigUint64(4, true)), stateHash: bytes.slice(20) };
  }

  #read<T>(action: () => T): T {
    try {
      return action();
    } catch (cause) {
      if (cause instanceof StoreError) throw cause;
      throw corruptedCheckpoint(this.#folder, (cause as Error).message, cause);
    }
  }
}

function encodeInfo(info: CheckpointInfo, recordCount: number): Uint8Array {
  const bytes = new Uint8Array(INFO_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, FORMAT_VERSION, true);
  view.setBigUint64(4, BigInt(info.height), true);
  view.setBigUint64(12, BigInt(recordCount), true);
  bytes.set(info.stateHash, 20);
  return bytes;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
