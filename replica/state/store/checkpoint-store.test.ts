import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, describe, expect, test } from 'vitest';
import { sealed } from './checkpoint-store.ts';
import type { CheckpointStore, RecordChange } from './checkpoint-store.ts';
import { LmdbCheckpointStore } from './lmdb-checkpoint-store.ts';
import { MemoryCheckpointStore } from './memory-checkpoint-store.ts';
import { OverlayRecords } from './overlay-records.ts';

const folders: string[] = [];

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'parley-checkpoint-'));
  folders.push(path);
  return path;
}

afterEach(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true });
});

const hash = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const put = (key: readonly number[], ...value: number[]): RecordChange => ({ kind: 'put', key: Uint8Array.from(key), value: Uint8Array.from(value) });
const contents = (store: CheckpointStore | OverlayRecords, prefix: readonly number[] = []): unknown[] =>
  [...store.entries(Uint8Array.from(prefix))].map(({ key, value }) => [[...key], [...value]]);

/** Small, deterministic: the same sequence everywhere. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function randomChanges(random: (below: number) => number): RecordChange[] {
  return Array.from({ length: random(20) }, (): RecordChange => {
    const key = Uint8Array.from([1 + random(3), random(4), random(4)]);
    const choice = random(10);
    if (choice < 7) return { kind: 'put', key, value: Uint8Array.from({ length: random(50) }, () => random(256)) };
    if (choice < 9) return { kind: 'remove', key };
    return { kind: 'remove-prefix', prefix: key.subarray(0, 1 + random(2)) };
  });
}

describe.each([
  ['memory', (): CheckpointStore => new MemoryCheckpointStore()],
  ['LMDB', (): CheckpointStore => new LmdbCheckpointStore(folder())],
])('checkpoint store in %s', (_, make) => {
  test('changes apply in order, as one', async () => {
    const store = make();
    expect(store.latest()).toBeUndefined();
    await store.commit({ height: 1, stateHash: hash(1) }, [put([1, 1], 5), put([1, 2], 6), put([2], 7)]);
    await store.commit({ height: 2, stateHash: hash(2) }, [
      { kind: 'remove-prefix', prefix: Uint8Array.of(1) },
      put([1, 3], 8),
      { kind: 'remove', key: Uint8Array.of(2) },
    ]);
    expect(store.latest()).toEqual({ height: 2, stateHash: hash(2) });
    expect(contents(store)).toEqual([[[1, 3], [8]]]);
    expect(store.get(Uint8Array.of(1, 1))).toBeUndefined();
    await store.close();
  });
});

describe('LMDB checkpoint store', () => {
  test('agrees with the one in memory, also after reopening', async () => {
    const random = randomFrom(1);
    const path = folder();
    const model = new MemoryCheckpointStore();
    let store = new LmdbCheckpointStore(path);
    for (let height = 1; height <= 60; height++) {
      const changes = randomChanges(random);
      await model.commit({ height, stateHash: hash(height) }, changes);
      await store.commit({ height, stateHash: hash(height) }, changes);
      if (random(5) === 0) {
        await store.close();
        store = new LmdbCheckpointStore(path);
      }
      expect(store.latest()).toEqual(model.latest());
      expect(contents(store)).toEqual(contents(model));
      expect(contents(store, [2])).toEqual(contents(model, [2]));
    }
    await store.close();
  });

  test('C1 a machine that stops within a commit leaves the checkpoint before, whichever pages were written', async () => {
    const PAGE_BYTES = 16_384;
    const random = randomFrom(3);
    const path = folder();
    const file = join(path, 'data.mdb');
    const model = new MemoryCheckpointStore();
    const store = new LmdbCheckpointStore(path);
    const large = (): RecordChange => ({ kind: 'put', key: Uint8Array.of(5, random(10)), value: new Uint8Array(random(50_000)).fill(random(256)) });
    for (let height = 1; height <= 40; height++) {
      const changes = [...randomChanges(random), large(), large()];
      const before = height > 1 ? readFileSync(file) : undefined;
      await store.commit({ height, stateHash: hash(height) }, changes);
      const after = readFileSync(file);
      if (before) {
        // All but the meta page, which comes last: some whole, some half, some not at all.
        const torn = Buffer.alloc(Math.max(before.length, random(2) === 0 ? after.length : 0));
        before.copy(torn);
        for (let from = 2 * PAGE_BYTES; from < torn.length; from += PAGE_BYTES) {
          after.copy(torn, from, from, from + [0, PAGE_BYTES / 2, PAGE_BYTES][random(3)]!);
        }
        const tornPath = folder();
        writeFileSync(join(tornPath, 'data.mdb'), torn);
        const found = new LmdbCheckpointStore(tornPath);
        expect(found.latest()).toEqual({ height: height - 1, stateHash: hash(height - 1) });
        expect(contents(found)).toEqual(contents(model));
        await found.close();
      }
      await model.commit({ height, stateHash: hash(height) }, changes);
    }
    await store.close();
  });

  test('C2 a flipped byte in a record is reported and says what to do', async () => {
    const path = folder();
    const store = new LmdbCheckpointStore(path);
    const value = new Uint8Array(3000).fill(0xab);
    await store.commit({ height: 1, stateHash: hash(1) }, [{ kind: 'put', key: Uint8Array.of(1, 2, 3), value }]);
    await store.close();
    const file = join(path, 'data.mdb');
    const bytes = readFileSync(file);
    const at = bytes.indexOf(Buffer.alloc(100, 0xab));
    expect(at).toBeGreaterThan(0);
    bytes[at + 50]! ^= 1;
    writeFileSync(file, bytes);
    expect(() => new LmdbCheckpointStore(path)).toThrow(expect.objectContaining({ code: 'checkpoint_corrupted', message: expect.stringContaining('--clean') }));
  });

  test('C2 a page that a lost write left as it was is noticed, sound as it is', async () => {
    const path = folder();
    const file = join(path, 'data.mdb');
    const store = new LmdbCheckpointStore(path);
    const record = (key: number, length: number, fill: number): RecordChange => ({ kind: 'put', key: Uint8Array.of(key), value: new Uint8Array(length).fill(fill) });
    // Between the information record and the one that changes, so that they are on different pages.
    const between = Array.from({ length: 12 }, (_, at) => record(1 + at, 4096, 0xff));
    await store.commit({ height: 0, stateHash: hash(1) }, between);
    const pages: Buffer[] = [];
    // LMDB writes new pages beside the old ones; after some commits it comes back to the same ones.
    for (let height = 1; height <= 8; height++) {
      await store.commit({ height, stateHash: hash(1) }, [record(100, 100, height)]);
      pages.push(readFileSync(file));
    }
    await store.close();
    const newest = pages.at(-1)!;
    const at = Math.floor(newest.indexOf(Buffer.alloc(100, 8)) / 16_384) * 16_384;
    const older = pages.findLast((bytes) => Buffer.compare(bytes.subarray(at, at + 16_384), newest.subarray(at, at + 16_384)) !== 0 && bytes.readUInt16LE(at + 18) === 2)!;
    older.copy(newest, at, at, at + 16_384);
    writeFileSync(file, newest);
    expect(() => new LmdbCheckpointStore(path)).toThrow(expect.objectContaining({ code: 'checkpoint_corrupted', message: expect.stringContaining('not all of the same checkpoint') }));
  });

  test('a checkpoint of the first format, without a fingerprint, is read and gets one', async () => {
    const path = folder();
    const key = Uint8Array.of(4, 1);
    const info = new Uint8Array(52).fill(9, 20);
    const view = new DataView(info.buffer);
    view.setUint32(0, 1, true);
    view.setBigUint64(4, 5n, true);
    view.setBigUint64(12, 2n, true);
    const first = open<Buffer, Uint8Array>({ path, noSubdir: false, encoding: 'binary', keyEncoding: 'binary', pageSize: 16_384, overlappingSync: false });
    await first.put(key, Buffer.from(sealed(key, Uint8Array.of(7))));
    await first.put(Uint8Array.of(0), Buffer.from(sealed(Uint8Array.of(0), info)));
    await first.close();
    const store = new LmdbCheckpointStore(path);
    expect([store.latest(), contents(store)]).toEqual([{ height: 5, stateHash: hash(9) }, [[[4, 1], [7]]]]);
    await store.commit({ height: 6, stateHash: hash(1) }, [put([4, 2], 8)]);
    await store.close();
    const again = new LmdbCheckpointStore(path);
    expect([again.latest()?.height, contents(again)]).toEqual([6, [[[4, 1], [7]], [[4, 2], [8]]]]);
    await again.close();
  });

  test('a file that no commit ever reached counts as none, whatever a crash left in it', async () => {
    const path = folder();
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(100), Buffer.alloc(32_768), Buffer.alloc(5000, 0x77)]) {
      writeFileSync(join(path, 'data.mdb'), bytes);
      const store = new LmdbCheckpointStore(path);
      expect(store.latest()).toBeUndefined();
      await store.close();
    }
  });
});

describe('overlay of a checkpoint being written', () => {
  /** Commits only when told to, or fails. */
  class SlowStore extends MemoryCheckpointStore {
    release: (() => void) | undefined;
    fail = false;
    override async commit(...args: Parameters<MemoryCheckpointStore['commit']>): Promise<void> {
      if (this.fail) throw new Error('disk');
      await new Promise<void>((resolve) => (this.release = resolve));
      await super.commit(...args);
    }
  }

  test('reads see the changes before, during and after, and after a failure', async () => {
    const random = randomFrom(2);
    const store = new SlowStore();
    const overlay = new OverlayRecords(store);
    const model = new MemoryCheckpointStore();
    for (let height = 1; height <= 60; height++) {
      const changes = randomChanges(random);
      await model.commit({ height, stateHash: hash(1) }, changes);
      store.fail = random(3) === 0;
      const commit = overlay.commit({ height, stateHash: hash(1) }, changes).catch(() => {});
      expect(sorted(contents(overlay))).toEqual(sorted(contents(model)));
      store.release?.();
      await commit;
      expect(sorted(contents(overlay))).toEqual(sorted(contents(model)));
      if (!store.fail) expect(contents(store)).toEqual(contents(model));
    }
  });

  function sorted(entries: unknown[]): string[] {
    return entries.map((entry) => JSON.stringify(entry)).sort();
  }
});
