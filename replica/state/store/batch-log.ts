/**
 * The write-ahead log of a subnet: every batch, in order of height, framed and checksummed.
 *
 * Promises:
 * - S1 A batch whose `sync` resolved is read back by every later open.
 * - S2 What is read back is a prefix of what was appended: no gap, no half batch, nothing else.
 * - S3 A torn tail (the machine died inside an append) is cut at the last whole batch, and the log goes on from there.
 * - S4 Damage *before* whole batches is refused: cutting there would silently lose batches that were certified.
 * - S5 A full disk costs only the append that did not fit.
 * - S6 A checkpoint that is older than the one that the log continues is refused: before a checkpoint is written, a file
 *   is begun whose name says where the log goes on, and only after it are older files removed.
 *
 * S4 can tell the two cases apart because at most one append is not synced yet: `append` throws otherwise.
 *
 * Layout of a file `<first height, 20 digits>.log`, integers little-endian:
 *
 *     offset  0   8 bytes   magic "PARLEYL1"
 *             8  16 bytes   salt, drawn when the file is created
 *            24   4 bytes   CRC-32 of the 24 bytes before
 *            28  records:   u32 magic | u32 payload length | u64 height | u32 CRC-32 of (salt, length, height, payload) | payload
 *
 * The header is synced before the first record follows, so a file longer than its header has a whole one.
 * The salt keeps a sender of ingress from placing bytes in a payload that would pass for a record.
 */
import { crc32 } from 'node:zlib';
import { StoreError } from './errors.ts';
import type { AppendFile, FileSystem } from './file-system.ts';

const FILE_MAGIC = new TextEncoder().encode('PARLEYL1');
const SALT_BYTES = 16;
const SALT_END = FILE_MAGIC.length + SALT_BYTES;
const FILE_HEADER_BYTES = SALT_END + 4;
const RECORD_MAGIC = 0x4c42_5250; // "PRBL"
const RECORD_HEADER_BYTES = 20;
/**
 * Ingress of a block is at most 4 MiB, stream slices as much per other subnet, and one message may exceed either by
 * itself; a length above this is damage, not data.
 */
const MAX_PAYLOAD_BYTES = 256 * 1024 * 1024;

export interface LogRecord {
  readonly height: number;
  readonly payload: Uint8Array;
}

export interface OpenedLog {
  readonly log: BatchLog;
  /** Records above `afterHeight`, heights consecutive. */
  readonly records: readonly LogRecord[];
  /** Bytes of a torn tail that were cut off; 0 if the log ended cleanly. */
  readonly cutBytes: number;
}

export interface LogOptions {
  readonly fileSystem: FileSystem;
  readonly folder: string;
  /** Height of the checkpoint that the log continues. */
  readonly afterHeight: number;
  /** Bytes for a new file's salt. */
  readonly randomBytes: (length: number) => Uint8Array;
}

interface Segment {
  readonly name: string;
  readonly firstHeight: number;
}

export function openBatchLog(options: LogOptions): OpenedLog {
  const { fileSystem, folder, afterHeight } = options;
  fileSystem.makeFolder(folder);
  const segments: Segment[] = fileSystem
    .list(folder)
    .filter((name) => /^\d{20}\.log$/.test(name))
    .map((name) => ({ name, firstHeight: Number(name.slice(0, 20)) }));

  const records: LogRecord[] = [];
  let cutBytes = 0;
  let next: number | undefined;
  let tail: { segment: Segment; salt: Uint8Array; length: number; lastHeight: number } | undefined;
  const needed = neededSegments(segments, afterHeight);
  for (const [index, segment] of needed.entries()) {
    const path = `${folder}/${segment.name}`;
    const bytes = fileSystem.read(path);
    const laterSegments = needed.slice(index + 1);
    const salt = headerSalt(bytes, path);
    if (!salt) {
      // The machine died while the file was being created: it held nothing yet.
      if (laterSegments.length > 0) throw corrupted(path, 0);
      fileSystem.remove(path);
      fileSystem.syncFolder(folder);
      cutBytes += bytes.length;
      break;
    }
    if (next !== undefined && segment.firstHeight !== next) throw corrupted(path, 0);
    const scan = scanRecords(bytes, salt, segment.firstHeight);
    if (scan.end < bytes.length) {
      const expected = segment.firstHeight + scan.records.length;
      if (laterSegments.length > 0 || hasRecordAfter(bytes, scan.end + 1, salt, expected)) throw corrupted(path, scan.end);
      cutBytes += bytes.length - scan.end;
    }
    next = segment.firstHeight + scan.records.length;
    for (const record of scan.records) if (record.height > afterHeight) records.push(record);
    tail = { segment, salt, length: scan.end, lastHeight: next - 1 };
  }
  const [first] = segments;
  if (tail && first && first.firstHeight > afterHeight + 1) {
    throw new StoreError(
      'log_corrupted',
      `the log in ${folder} begins at batch ${first.firstHeight} but the checkpoint beside it is of batch ${afterHeight}: a file of the log is missing, ` +
        'or the checkpoint is damaged; restore the state folder from a copy, or start with an empty one (--clean), which loses its contents',
    );
  }

  const log = new BatchLog(options);
  if (tail && tail.lastHeight >= afterHeight) {
    const file = fileSystem.openAppend(`${folder}/${tail.segment.name}`);
    file.truncate(tail.length);
    log.resume(file, tail.salt, tail.length, tail.lastHeight);
  }
  log.adopt(segments.filter((segment) => fileSystem.list(folder).includes(segment.name)));
  // Where the log ends before the checkpoint, all of it is in there; what follows must not seem to leave a gap.
  if (tail && tail.lastHeight < afterHeight) log.dropThrough(afterHeight);
  return { log, records, cutBytes };
}

/** Without files that a checkpoint has made useless: some of them may be gone, or back after a crash. */
function neededSegments(segments: readonly Segment[], afterHeight: number): readonly Segment[] {
  return segments.slice(Math.max(0, segments.findLastIndex(({ firstHeight }) => firstHeight <= afterHeight + 1)));
}

export class BatchLog {
  readonly #options: LogOptions;
  #segments: Segment[] = [];
  #file: AppendFile | undefined;
  #salt: Uint8Array = new Uint8Array(0);
  #length = 0;
  /** Where the last append begins. */
  #lastBegin = 0;
  #lastHeight: number;
  #unsynced = false;
  #broken = false;
  /** Bytes written since the last `rotate` (or open). */
  #bytesSinceRotate = 0;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#lastHeight = options.afterHeight;
  }

  /** Only for `openBatchLog`: go on at the end of an existing file. */
  resume(file: AppendFile, salt: Uint8Array, length: number, lastHeight: number): void {
    this.#file = file;
    this.#salt = salt;
    this.#length = length;
    this.#lastHeight = lastHeight;
    this.#bytesSinceRotate = length;
  }

  /** Only for `openBatchLog`: files that exist already. */
  adopt(segments: Segment[]): void {
    this.#segments = segments;
  }

  get lastHeight(): number {
    return this.#lastHeight;
  }

  get bytesSinceRotate(): number {
    return this.#bytesSinceRotate;
  }

  /** True after a failed sync; only a restart helps. */
  get broken(): boolean {
    return this.#broken;
  }

  /**
   * Hands a batch to the operating system. `height` must follow the last one. Throws `StoreError('disk_full')` with
   * nothing changed when it does not fit; the caller may try the same height again.
   */
  append(height: number, payload: Uint8Array): void {
    if (this.#broken) throw brokenLog();
    if (this.#unsynced) throw new Error('append before the previous append was synced');
    if (height !== this.#lastHeight + 1) throw new Error(`append of height ${height} after ${this.#lastHeight}`);
    if (payload.length > MAX_PAYLOAD_BYTES) throw new Error(`batch of ${payload.length} bytes`);
    const file = this.#file ?? this.#createSegment(height);
    const record = new Uint8Array(RECORD_HEADER_BYTES + payload.length);
    const view = new DataView(record.buffer);
    view.setUint32(0, RECORD_MAGIC, true);
    view.setUint32(4, payload.length, true);
    view.setBigUint64(8, BigInt(height), true);
    record.set(payload, RECORD_HEADER_BYTES);
    view.setUint32(16, recordChecksum(this.#salt, record), true);
    try {
      file.append(record);
    } catch (error) {
      this.#takeBack(file);
      throw error;
    }
    this.#lastBegin = this.#length;
    this.#length += record.length;
    this.#bytesSinceRotate += record.length;
    this.#lastHeight = height;
    this.#unsynced = true;
  }

  /** Resolves when the last append survives anything. A rejection breaks the log for good. */
  async sync(): Promise<void> {
    if (this.#broken) throw brokenLog();
    if (!this.#unsynced || !this.#file) return;
    try {
      await this.#file.sync();
    } catch (error) {
      // The kernel may have dropped the dirty pages with the error; a second sync would "succeed" without them.
      this.#broken = true;
      throw error;
    }
    this.#unsynced = false;
  }

  /** Cuts off the last append, synced or not, and takes nothing more: an open of the log ends before it. */
  takeBack(): void {
    this.#broken = true;
    this.#file?.truncate(this.#lastBegin);
    this.#file?.syncNow();
  }

  /**
   * Goes on in a new file, which is there for good when this returns; called before a checkpoint at `lastHeight`.
   * When it throws, the old file goes on.
   */
  rotate(): void {
    if (this.#broken) throw brokenLog();
    // A file without a batch in it will do.
    if (this.#file && this.#segments.at(-1)?.firstHeight === this.#lastHeight + 1) return;
    const before = this.#file;
    this.#createSegment(this.#lastHeight + 1);
    before?.close();
    this.#bytesSinceRotate = 0;
  }

  /** Removes files whose batches are all at or below `height`: they are in a checkpoint. */
  dropThrough(height: number): void {
    const kept: Segment[] = [];
    let removed = false;
    for (const [index, segment] of this.#segments.entries()) {
      const following = this.#segments[index + 1];
      const last = following ? following.firstHeight - 1 : this.#lastHeight;
      const isOpen = !following && this.#file !== undefined;
      if (last <= height && !isOpen) {
        this.#options.fileSystem.remove(`${this.#options.folder}/${segment.name}`);
        removed = true;
      } else {
        kept.push(segment);
      }
    }
    this.#segments = kept;
    if (removed) this.#options.fileSystem.syncFolder(this.#options.folder);
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#broken = true;
  }

  #createSegment(firstHeight: number): AppendFile {
    const { fileSystem, folder, randomBytes } = this.#options;
    const name = `${firstHeight.toString().padStart(20, '0')}.log`;
    const salt = randomBytes(SALT_BYTES);
    const header = new Uint8Array(FILE_HEADER_BYTES);
    header.set(FILE_MAGIC);
    header.set(salt, FILE_MAGIC.length);
    new DataView(header.buffer).setUint32(SALT_END, crc32(header.subarray(0, SALT_END)), true);
    const file = fileSystem.openAppend(`${folder}/${name}`);
    try {
      // A leftover of a crash or of a failed attempt held no batch.
      file.truncate(0);
      file.append(header);
      file.syncNow();
      fileSystem.syncFolder(folder);
    } catch (error) {
      file.close();
      this.#removeFailed(name);
      throw error;
    }
    this.#file = file;
    this.#salt = salt;
    this.#length = FILE_HEADER_BYTES;
    if (this.#segments.at(-1)?.name !== name) this.#segments.push({ name, firstHeight });
    return file;
  }

  /** The older file may go on and reach past the place that this one's name says. */
  #removeFailed(name: string): void {
    const { fileSystem, folder } = this.#options;
    try {
      fileSystem.remove(`${folder}/${name}`);
      fileSystem.syncFolder(folder);
    } catch {
      this.#broken = true;
    }
  }

  #takeBack(file: AppendFile): void {
    try {
      file.truncate(this.#length);
    } catch {
      // Half a record would stay in front of what comes next.
      this.#broken = true;
    }
  }
}

function brokenLog(): StoreError {
  return new StoreError(
    'log_broken',
    'an earlier write to the batch log failed and what the disk holds is not known; restart the replica, it continues from what was saved',
  );
}

function corrupted(path: string, offset: number): StoreError {
  return new StoreError(
    'log_corrupted',
    `the batch log ${path} is damaged at byte ${offset}, before batches that were certified; ` +
      'restore the state folder from a copy, or start with an empty one (--clean), which loses its contents',
  );
}

/** Undefined: the machine died while the file was being created, and it held no batch yet. */
function headerSalt(bytes: Uint8Array, path: string): Uint8Array | undefined {
  if (bytes.length <= FILE_HEADER_BYTES && !isWholeHeader(bytes)) return undefined;
  if (!isWholeHeader(bytes)) throw corrupted(path, 0);
  if (!FILE_MAGIC.every((byte, at) => bytes[at] === byte)) {
    throw new StoreError(
      'unknown_format',
      `${path} is not a batch log of this version; use the version that wrote it, or start with an empty state folder (--clean)`,
    );
  }
  return bytes.slice(FILE_MAGIC.length, SALT_END);
}

function isWholeHeader(bytes: Uint8Array): boolean {
  if (bytes.length < FILE_HEADER_BYTES) return false;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(SALT_END, true) === crc32(bytes.subarray(0, SALT_END));
}

function recordChecksum(salt: Uint8Array, record: Uint8Array): number {
  return crc32(record.subarray(RECORD_HEADER_BYTES), crc32(record.subarray(4, 16), crc32(salt)));
}

/** The record at `offset`, or undefined if no whole, matching one with this height is there. */
function recordAt(bytes: Uint8Array, offset: number, salt: Uint8Array): LogRecord | undefined {
  if (bytes.length - offset < RECORD_HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, RECORD_HEADER_BYTES);
  if (view.getUint32(0, true) !== RECORD_MAGIC) return undefined;
  const length = view.getUint32(4, true);
  if (length > MAX_PAYLOAD_BYTES || offset + RECORD_HEADER_BYTES + length > bytes.length) return undefined;
  const record = bytes.subarray(offset, offset + RECORD_HEADER_BYTES + length);
  if (recordChecksum(salt, record) !== view.getUint32(16, true)) return undefined;
  return { height: Number(view.getBigUint64(8, true)), payload: record.subarray(RECORD_HEADER_BYTES) };
}

function scanRecords(bytes: Uint8Array, salt: Uint8Array, firstHeight: number): { records: LogRecord[]; end: number } {
  const records: LogRecord[] = [];
  let offset = FILE_HEADER_BYTES;
  while (offset < bytes.length) {
    const record = recordAt(bytes, offset, salt);
    if (!record || record.height !== firstHeight + records.length) break;
    records.push(record);
    offset += RECORD_HEADER_BYTES + record.payload.length;
  }
  return { records, end: offset };
}

/** Whether a whole record of a height above `height` starts anywhere from `offset` on. */
function hasRecordAfter(bytes: Uint8Array, offset: number, salt: Uint8Array, height: number): boolean {
  const haystack = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const needle = Buffer.from([0x50, 0x52, 0x42, 0x4c]);
  for (let at = haystack.indexOf(needle, offset); at >= 0; at = haystack.indexOf(needle, at + 1)) {
    const record = recordAt(bytes, at, salt);
    if (record && record.height > height) return true;
  }
  return false;
}
