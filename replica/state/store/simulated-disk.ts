/**
 * A disk for simulations: what was synced stays, and of the rest a crash keeps, loses, tears or garbles what it likes.
 * All choices come from the random function that it is given.
 */
import { StoreError } from './errors.ts';
import type { AppendFile, FileSystem } from './file-system.ts';

interface SimulatedFile {
  bytes: Uint8Array;
  /** A prefix of this length is safe. */
  synced: number;
  /** Its name is safe. */
  named: boolean;
}

export class SimulatedDisk {
  readonly #files = new Map<string, SimulatedFile>();
  /** Removed, but not for good before the folder is synced. */
  readonly #removed = new Map<string, SimulatedFile>();
  /** Uniform in [0, 1). */
  readonly #random: () => number;
  /** Bytes that still fit; Infinity for a disk without end. */
  freeBytes = Infinity;
  /** Chance that a sync fails. */
  failSync = 0;
  /** Operations until the machine stops; at zero everything throws. */
  operationsLeft = Infinity;
  #life = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /**
   * The machine stops and starts again. Unsynced bytes may survive as any prefix, the last block of it garbled; files
   * that were removed may be back.
   */
  crash(): void {
    for (const [path, file] of this.#removed) if (this.#random() < 0.5) this.#files.set(path, file);
    this.#removed.clear();
    for (const [path, file] of this.#files) {
      if (!file.named && this.#random() < 0.5) {
        this.#files.delete(path);
        continue;
      }
      const unsynced = file.bytes.length - file.synced;
      const kept = file.synced + Math.floor(this.#random() * (unsynced + 1));
      file.bytes = file.bytes.slice(0, kept);
      if (kept > file.synced && this.#random() < 0.5) this.#garble(file.bytes, file.synced);
      file.synced = file.bytes.length;
      file.named = true;
    }
    this.operationsLeft = Infinity;
    this.#life++;
  }

  /** Changes one byte of a file, at a random offset from `from` (inclusive) to `to` (exclusive). */
  flipByte(path: string, from: number, to: number): void {
    const { bytes } = this.#files.get(path)!;
    bytes[from + Math.floor(this.#random() * (to - from))]! ^= 1 + Math.floor(this.#random() * 255);
  }

  length(path: string): number {
    return this.#files.get(path)!.bytes.length;
  }

  get totalBytes(): number {
    let total = 0;
    for (const file of this.#files.values()) total += file.bytes.length;
    return total;
  }

  /** For one life of the machine: after the next crash everything it does throws. */
  boot(): FileSystem {
    const life = ++this.#life;
    const step = (): void => {
      if (life !== this.#life) throw new MachineStopped();
      this.#step();
    };
    return this.#fileSystem(step);
  }

  #fileSystem(step: () => void): FileSystem {
    return {
      makeFolder: () => step(),
      list: (folder) => {
        step();
        const start = `${folder}/`;
        return [...this.#files.keys()].filter((path) => path.startsWith(start)).map((path) => path.slice(start.length)).sort();
      },
      read: (path) => {
        step();
        const file = this.#files.get(path);
        if (!file) throw new StoreError('io', `no file ${path}`);
        return file.bytes.slice();
      },
      openAppend: (path) => {
        step();
        let file = this.#files.get(path);
        if (!file) this.#files.set(path, (file = { bytes: new Uint8Array(0), synced: 0, named: false }));
        this.#removed.delete(path);
        return this.#open(file, step);
      },
      remove: (path) => {
        step();
        const file = this.#files.get(path);
        if (file?.named) this.#removed.set(path, file);
        this.#files.delete(path);
      },
      syncFolder: (folder) => {
        step();
        for (const [path, file] of this.#files) if (path.startsWith(`${folder}/`)) file.named = true;
        for (const path of this.#removed.keys()) if (path.startsWith(`${folder}/`)) this.#removed.delete(path);
      },
    };
  }

  #open(file: SimulatedFile, step: () => void): AppendFile {
    return {
      append: (bytes) => {
        step();
        const fits = Math.min(bytes.length, this.freeBytes);
        // A full disk takes a part before it says no.
        const joined = new Uint8Array(file.bytes.length + fits);
        joined.set(file.bytes);
        joined.set(bytes.subarray(0, fits), file.bytes.length);
        file.bytes = joined;
        this.freeBytes -= fits;
        if (fits < bytes.length) throw new StoreError('disk_full', 'no space left');
      },
      truncate: (length) => {
        step();
        this.freeBytes += Math.max(0, file.bytes.length - length);
        file.bytes = file.bytes.slice(0, length);
        file.synced = Math.min(file.synced, length);
      },
      sync: async () => this.#sync(file, step),
      syncNow: () => this.#sync(file, step),
      close: () => {},
    };
  }

  #sync(file: SimulatedFile, step: () => void): void {
    step();
    if (this.#random() < this.failSync) throw new StoreError('io', 'sync failed');
    file.synced = file.bytes.length;
  }

  #garble(bytes: Uint8Array, from: number): void {
    const at = from + Math.floor(this.#random() * (bytes.length - from));
    for (let offset = at; offset < bytes.length; offset++) bytes[offset] = Math.floor(this.#random() * 256);
  }

  #step(): void {
    if (this.operationsLeft <= 0) throw new MachineStopped();
    this.operationsLeft--;
  }
}

export class MachineStopped extends Error {}
