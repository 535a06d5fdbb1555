/**
 * Checkpoints in LMDB: one transaction per checkpoint, so that it is there whole or not at all.
 *
 * LMDB's pages are 16 KiB because records are mostly 4 KiB pages of canister memory: with LMDB's usual 4 KiB each of
 * them would take two pages of its own.
 *
 * Opening reads the whole file before LMDB does (lmdb-file.ts): the tree must be sound, each record must match its
 * checksum, and all together the fingerprint in the information record. The fingerprint is a sum over the records, so
 * a commit keeps it up to date at a cost in proportion to what it changes; it tells a page of an earlier commit, sound
 * by itself, from the one that should be there. Later reads verify the record's checksum again.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { open } from 'lmdb';
import type { RootDatabase } from 'lmdb';
import { afterPrefix, CHECKSUM_BYTES, corruptedCheckpoint, isIntact, sealed, unsealed, unsealedFault } from './checkpoint-store.ts';
import type { CheckpointInfo, CheckpointStore, RecordChange } from './checkpoint-store.ts';
import { StoreError } from './errors.ts';
import { LmdbFileFault, readLmdbFile } from './lmdb-file.ts';

const INFO_KEY = Uint8Array.of(0);
/** Raise it with every change of layout here or in state-records.ts. */
const FORMAT_VERSION = 2;
/** u32 format, u64 height, u64 record count, 32 bytes of state hash, 2 × u32 fingerprint (little-endian). */
const INFO_BYTES = 4 + 8 + 8 + 32 + 8;
/** The one before had no fingerprint; it is read, and gets one with the next commit. */
const FORMAT_WITHOUT_FINGERPRINT = 1;
const PAGE_BYTES = 16 * 1024;
const DATA_FILE = 'data.mdb';
const LOCK_FILE = 'lock.mdb';

export class LmdbCheckpointStore implements CheckpointStore {
  readonly #folder: string;
  readonly #db: RootDatabase<Buffer, Uint8Array>;
  #info: CheckpointInfo | undefined;
  /** Of all records but the one of information. */
  #fingerprint: Fingerprint;

  /** Opens or creates the store in `folder`, of which nobody else may have anything open. Reads and checks all of it. */
  constructor(folder: string) {
    this.#folder = folder;
    const contents = this.#checkFile();
    this.#info = contents.info;
    this.#fingerprint = contents.fingerprint;
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
    } catch (cause) {
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
    const fingerprint = this.#fingerprint.copy();
    try {
      await this.#db.transaction(() => {
        for (const change of changes) {
          if (change.kind === 'put') this.#put(change.key, sealed(change.key, change.value), fingerprint);
          else if (change.kind === 'remove') this.#remove(change.key, fingerprint);
          else this.#removePrefix(change.prefix, fingerprint);
        }
        const hadInfo = this.#db.doesExist(INFO_KEY);
        const count = this.#recordCount() + (hadInfo ? 0 : 1);
        this.#db.putSync(INFO_KEY, asBuffer(sealed(INFO_KEY, encodeInfo(info, count, fingerprint))));
      });
    } catch (cause) {
      const message = (cause as Error).message;
      if (/no space|ENOSPC|MAP_FULL/i.test(message)) {
        throw new StoreError('disk_full', `checkpoint in ${this.#folder}: no space left on the disk; free some space`, { cause });
      }
      throw new StoreError('io', `checkpoint in ${this.#folder}: ${message}`, { cause });
    }
    this.#info = info;
    this.#fingerprint = fingerprint;
  }

  async close(): Promise<void> {
    await this.#db.close();
  }

  #put(key: Uint8Array, record: Uint8Array, fingerprint: Fingerprint): void {
    const before = this.#db.getBinaryFast(key);
    if (before) fingerprint.subtract(key, before);
    fingerprint.add(key, record);
    this.#db.putSync(key, asBuffer(record));
  }

  #remove(key: Uint8Array, fingerprint: Fingerprint): void {
    const before = this.#db.getBinaryFast(key);
    if (!before) return;
    fingerprint.subtract(key, before);
    this.#db.removeSync(key);
  }

  #removePrefix(prefix: Uint8Array, fingerprint: Fingerprint): void {
    const end = afterPrefix(prefix);
    const keys = [...this.#db.getKeys({ start: prefix, ...(end ? { end } : {}) })].map((key) => Uint8Array.from(key));
    for (const key of keys) this.#remove(key, fingerprint);
  }

  #recordCount(): number {
    return (this.#db.getStats() as { entryCount: number }).entryCount;
  }

  /** Before LMDB maps it: over a damaged file it would end the process, or give out wrong records. */
  #checkFile(): { info: CheckpointInfo | undefined; fingerprint: Fingerprint } {
    const fingerprint = new Fingerprint();
    let count = 0;
    let infoBytes: Uint8Array | undefined;
    let wasWritten: boolean;
    const file = join(this.#folder, DATA_FILE);
    try {
      wasWritten = readLmdbFile(file, PAGE_BYTES, (key, record) => {
        count++;
        if (!isIntact(key, record)) throw unsealedFault(key, this.#folder);
        if (key.length === 1 && key[0] === INFO_KEY[0]) infoBytes = Uint8Array.from(record.subarray(CHECKSUM_BYTES));
        else fingerprint.add(key, record);
      });
    } catch (cause) {
      if (cause instanceof LmdbFileFault) throw corruptedCheckpoint(this.#folder, cause.message, cause);
      if (cause instanceof StoreError) throw cause;
      throw new StoreError('io', `the checkpoint in ${this.#folder} cannot be read: ${(cause as Error).message}`, { cause });
    }
    // What locks it holds are those of a process that has ended; of its contents LMDB checks little.
    rmSync(join(this.#folder, LOCK_FILE), { force: true });
    if (!wasWritten) rmSync(file, { force: true });
    if (infoBytes) return { info: this.#decodeInfo(infoBytes, count, fingerprint), fingerprint };
    if (count > 0) throw corruptedCheckpoint(this.#folder, 'its information record is missing');
    return { info: undefined, fingerprint };
  }

  #decodeInfo(bytes: Uint8Array, found: number, fingerprint: Fingerprint): CheckpointInfo {
    const view = new DataView(bytes.buffer);
    const format = bytes.length >= 4 ? view.getUint32(0, true) : 0;
    const expectedBytes = format === FORMAT_VERSION ? INFO_BYTES : format === FORMAT_WITHOUT_FINGERPRINT ? INFO_BYTES - 8 : -1;
    if (bytes.length !== expectedBytes) {
      throw new StoreError(
        'unknown_format',
        `the checkpoint in ${this.#folder} was written by another version; use that version, or start with an empty state folder (--clean)`,
      );
    }
    const expected = Number(view.getBigUint64(12, true));
    if (found !== expected) throw corruptedCheckpoint(this.#folder, `${found} records instead of ${expected}`);
    if (format === FORMAT_VERSION && !fingerprint.equals(view.getUint32(52, true), view.getUint32(56, true))) {
      throw corruptedCheckpoint(this.#folder, 'its records are not all of the same checkpoint');
    }
    return { height: Number(view.getBigUint64(4, true)), stateHash: bytes.slice(20, 52) };
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

/** Of a set of records: the same whatever the order in which they came and went. It tells accidents, not attackers. */
class Fingerprint {
  #checksums = 0;
  #mixed = 0;

  copy(): Fingerprint {
    const copied = new Fingerprint();
    copied.#checksums = this.#checksums;
    copied.#mixed = this.#mixed;
    return copied;
  }

  add(key: Uint8Array, record: Uint8Array): void {
    this.#change(key, record, 1);
  }

  subtract(key: Uint8Array, record: Uint8Array): void {
    this.#change(key, record, -1);
  }

  equals(checksums: number, mixed: number): boolean {
    return this.#checksums === checksums && this.#mixed === mixed;
  }

  get parts(): readonly [checksums: number, mixed: number] {
    return [this.#checksums, this.#mixed];
  }

  /** The record's own checksum covers key and value. */
  #change(key: Uint8Array, record: Uint8Array, sign: 1 | -1): void {
    const checksum = (record[0]! | (record[1]! << 8) | (record[2]! << 16) | (record[3]! << 24)) >>> 0;
    this.#checksums = (this.#checksums + sign * checksum) >>> 0;
    // Two records that swap their checksums leave the first sum as it is, not this one.
    this.#mixed = (this.#mixed + sign * Math.imul(checksum ^ crc32(key), MIXER)) >>> 0;
  }
}

/** 2³² over the golden ratio, an odd number: spreads every bit upwards. */
const MIXER = 0x9e37_79b1;

function encodeInfo(info: CheckpointInfo, recordCount: number, fingerprint: Fingerprint): Uint8Array {
  const bytes = new Uint8Array(INFO_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, FORMAT_VERSION, true);
  view.setBigUint64(4, BigInt(info.height), true);
  view.setBigUint64(12, BigInt(recordCount), true);
  bytes.set(info.stateHash, 20);
  const [checksums, mixed] = fingerprint.parts;
  view.setUint32(52, checksums, true);
  view.setUint32(56, mixed, true);
  return bytes;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
