/**
 * The few operations of a file system that the batch log needs, as an interface so that a simulator can stand in and
 * crash, tear, flip and fill up wherever it likes.
 *
 * What an implementation promises (and no more):
 * - `append` returns when the operating system has the bytes; they survive the end of the process, not of the machine.
 * - After `sync` resolves, what was appended before it was called survives anything.
 * - A new file's name, and a removed one's absence, survive the end of the machine only after `syncFolder`.
 */
import * as nodeFs from 'node:fs';
import * as nodePath from 'node:path';
import { StoreError } from './errors.ts';

export interface AppendFile {
  /** All or a prefix of the bytes may have been taken when this throws. */
  append(bytes: Uint8Array): void;
  /** Cuts the file to `length` bytes. */
  truncate(length: number): void;
  sync(): Promise<void>;
  /** Like `sync`, blocking: for moments that are rare. */
  syncNow(): void;
  close(): void;
}

export interface FileSystem {
  /** Creates the folder and its parents if absent. */
  makeFolder(path: string): void;
  /** Names in the folder, sorted. */
  list(path: string): string[];
  read(path: string): Uint8Array;
  /** Opens for appending, creating the file if absent. */
  openAppend(path: string): AppendFile;
  remove(path: string): void;
  syncFolder(path: string): void;
}

function translated<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw asStoreError(what, cause);
  }
}

function asStoreError(what: string, cause: unknown): StoreError {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new StoreError('disk_full', `${what}: no space left on the disk (${code}); free some space`, { cause });
  }
  return new StoreError('io', `${what}: ${(cause as Error).message}`, { cause });
}

class NodeAppendFile implements AppendFile {
  readonly #path: string;
  readonly #fd: number;
  constructor(path: string) {
    this.#path = path;
    this.#fd = nodeFs.openSync(path, 'a', 0o600);
  }
  append(bytes: Uint8Array): void {
    translated(`append to ${this.#path}`, () => {
      // A short write is legal: go on until all is taken or the system says why not.
      for (let at = 0; at < bytes.length; ) at += nodeFs.writeSync(this.#fd, bytes, at);
    });
  }
  truncate(length: number): void {
    translated(`truncate ${this.#path}`, () => nodeFs.ftruncateSync(this.#fd, length));
  }
  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      // Data and length are all that is needed to read it back; times are not.
      nodeFs.fdatasync(this.#fd, (error) => (error ? reject(asStoreError(`sync ${this.#path}`, error)) : resolve()));
    });
  }
  syncNow(): void {
    translated(`sync ${this.#path}`, () => nodeFs.fdatasyncSync(this.#fd));
  }
  close(): void {
    nodeFs.closeSync(this.#fd);
  }
}

export const nodeFileSystem: FileSystem = {
  makeFolder: (path) => void translated(`create ${path}`, () => nodeFs.mkdirSync(path, { recursive: true })),
  list: (path) => translated(`list ${path}`, () => nodeFs.readdirSync(path).sort()),
  read: (path) =>
    translated(`read ${path}`, () => {
      // A plain array: a Buffer's slices share memory, which nobody expects of a Uint8Array.
      const { buffer, byteOffset, length } = nodeFs.readFileSync(path);
      return new Uint8Array(buffer, byteOffset, length);
    }),
  openAppend: (path) => translated(`open ${path}`, () => new NodeAppendFile(path)),
  remove: (path) => translated(`remove ${path}`, () => nodeFs.unlinkSync(path)),
  syncFolder: (path) =>
    translated(`sync ${nodePath.basename(path)}`, () => {
      const fd = nodeFs.openSync(path, 'r');
      try {
        nodeFs.fsyncSync(fd);
      } finally {
        nodeFs.closeSync(fd);
      }
    }),
};
