/** What can go wrong with the durable state of a subnet. Prose is for the operator: it says what to do. */

export type StoreErrorCode =
  /** The disk took nothing (more). Nothing half-written stays behind; the same append may be tried again. */
  | 'disk_full'
  /** Any other failure of the file system. */
  | 'io'
  /** A synced part of the log does not check out, and whole batches come after it. */
  | 'log_corrupted'
  /** A checkpoint's record does not match its checksum, or records are missing. */
  | 'checkpoint_corrupted'
  /** Written by a version of this program that laid things out differently. */
  | 'unknown_format'
  /** Replaying the log gave another state than the one it was written for. */
  | 'diverged'
  /** Executing a batch of the log again threw. */
  | 'replay_failed'
  /** After a failed sync nobody knows what the disk holds: the log takes no more. */
  | 'log_broken';

export class StoreError extends Error {
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'StoreError';
    this.code = code;
  }
}
