import { describe, expect, test } from 'vitest';
import { openBatchLog } from './batch-log.ts';
import type { LogRecord, OpenedLog } from './batch-log.ts';
import { StoreError } from './errors.ts';
import { MachineStopped, SimulatedDisk } from './simulated-disk.ts';

/** Mulberry32: small, good enough, and the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const FILE_HEADER_BYTES = 28;

function open(disk: SimulatedDisk, random: () => number, afterHeight = 0): OpenedLog {
  const randomBytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => Math.floor(random() * 256));
  return openBatchLog({ fileSystem: disk.boot(), folder: 'log', afterHeight, randomBytes });
}

function payloadOf(random: () => number): Uint8Array {
  return Uint8Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256));
}

describe('batch log', () => {
  test('S1 reads back what was synced, in order', async () => {
    const random = randomFrom(1);
    const disk = new SimulatedDisk(random);
    const { log } = open(disk, random);
    for (let height = 1; height <= 5; height++) {
      log.append(height, Uint8Array.of(height));
      await log.sync();
    }
    log.close();
    disk.crash();
    expect(open(disk, random).records.map(({ height, payload }) => [height, ...payload])).toEqual([[1, 1], [2, 2], [3, 3], [4, 4], [5, 5]]);
  });

  test('S4 refuses damage before whole batches, and cuts damage in the last one', async () => {
    const PAYLOAD_BYTES = 100;
    const RECORD_BYTES = 20 + PAYLOAD_BYTES;
    for (let seed = 1; seed <= 500; seed++) {
      const random = randomFrom(seed);
      const disk = new SimulatedDisk(random);
      const { log } = open(disk, random);
      for (let height = 1; height <= 3; height++) {
        log.append(height, new Uint8Array(PAYLOAD_BYTES).fill(height));
        await log.sync();
      }
      const [name] = disk.boot().list('log');
      const lastRecord = FILE_HEADER_BYTES + 2 * RECORD_BYTES;
      if (seed % 2 === 0) {
        disk.flipByte(`log/${name}`, 0, lastRecord);
        expect(() => open(disk, random), `seed ${seed}`).toThrow(
          expect.objectContaining({ code: 'log_corrupted', message: expect.stringContaining('--clean') }),
        );
      } else {
        disk.flipByte(`log/${name}`, lastRecord, disk.length(`log/${name}`));
        const { records, cutBytes } = open(disk, random);
        expect([records.length, cutBytes], `seed ${seed}`).toEqual([2, RECORD_BYTES]);
      }
    }
  });

  test('S5 a full disk costs only the append that did not fit', async () => {
    const random = randomFrom(3);
    const disk = new SimulatedDisk(random);
    const { log } = open(disk, random);
    log.append(1, new Uint8Array(100));
    await log.sync();
    disk.freeBytes = 50;
    expect(() => log.append(2, new Uint8Array(100))).toThrow(expect.objectContaining({ code: 'disk_full' }));
    disk.freeBytes = Infinity;
    log.append(2, Uint8Array.of(7));
    await log.sync();
    disk.crash();
    expect(open(disk, random).records.map(({ height }) => height)).toEqual([1, 2]);
  });

  test('takes nothing more after a failed sync', async () => {
    const random = randomFrom(4);
    const disk = new SimulatedDisk(random);
    const { log } = open(disk, random);
    log.append(1, new Uint8Array(10));
    disk.failSync = 1;
    await expect(log.sync()).rejects.toThrow(StoreError);
    disk.failSync = 0;
    await expect(log.sync()).rejects.toThrow(expect.objectContaining({ code: 'log_broken' }));
    expect(() => log.append(2, new Uint8Array(1))).toThrow(expect.objectContaining({ code: 'log_broken' }));
  });

  test('a payload that looks like a record does not pass for one', async () => {
    const random = randomFrom(5);
    const disk = new SimulatedDisk(random);
    const first = open(disk, random);
    // What a record of height 3 looks like without knowledge of the salt, sent inside batch 2 whose tail is torn.
    const forged = new Uint8Array(40);
    new DataView(forged.buffer).setUint32(0, 0x4c425250, true);
    new DataView(forged.buffer).setUint32(4, 4, true);
    new DataView(forged.buffer).setBigUint64(8, 3n, true);
    first.log.append(1, Uint8Array.of(1));
    await first.log.sync();
    first.log.append(2, forged);
    disk.crash();
    expect(open(disk, random).records.map(({ height }) => height).filter((height) => height > 2)).toEqual([]);
  });

  test('removes files whose batches are in a checkpoint, and begins after it', async () => {
    const random = randomFrom(6);
    const disk = new SimulatedDisk(random);
    const { log } = open(disk, random);
    for (let height = 1; height <= 3; height++) {
      log.append(height, new Uint8Array(10));
      await log.sync();
    }
    log.rotate();
    log.append(4, new Uint8Array(10));
    await log.sync();
    log.dropThrough(3);
    expect(disk.boot().list('log')).toEqual(['00000000000000000004.log']);
    log.close();
    const again = open(disk, random, 3);
    expect(again.records.map(({ height }) => height)).toEqual([4]);
    expect(() => open(disk, random, 2)).toThrow(expect.objectContaining({ code: 'log_corrupted' }));
  });

  test('S6 refuses a checkpoint older than the one it continues, also when nothing was appended since', async () => {
    const random = randomFrom(7);
    const disk = new SimulatedDisk(random);
    const { log } = open(disk, random);
    for (let height = 1; height <= 3; height++) {
      log.append(height, new Uint8Array(10));
      await log.sync();
    }
    log.rotate();
    log.dropThrough(3);
    log.close();
    disk.crash();
    for (const atHeight of [0, 1, 2]) {
      expect(() => open(disk, random, atHeight)).toThrow(expect.objectContaining({ code: 'log_corrupted', message: expect.stringContaining('--clean') }));
    }
    expect(open(disk, random, 3).records).toEqual([]);
  });

  test('a batch taken back is gone, synced or not, and its height is free', async () => {
    const random = randomFrom(8);
    const disk = new SimulatedDisk(random);
    const { log } = open(disk, random);
    log.append(1, Uint8Array.of(1));
    await log.sync();
    log.append(2, Uint8Array.of(2));
    await log.sync();
    log.takeBack();
    expect(() => log.append(2, Uint8Array.of(3))).toThrow(expect.objectContaining({ code: 'log_broken' }));
    log.close();
    disk.crash();
    const again = open(disk, random);
    expect([again.records.map(({ height }) => height), again.cutBytes]).toEqual([[1], 0]);
    again.log.append(2, Uint8Array.of(3));
    await again.log.sync();
    expect(open(disk, random).records.map(({ payload }) => payload[0])).toEqual([1, 3]);
  });

  test('a full disk when a file should begin leaves the older one to go on', async () => {
    const random = randomFrom(9);
    const disk = new SimulatedDisk(random);
    const { log } = open(disk, random);
    log.append(1, new Uint8Array(10));
    await log.sync();
    disk.freeBytes = 5;
    expect(() => log.rotate()).toThrow(expect.objectContaining({ code: 'disk_full' }));
    disk.freeBytes = Infinity;
    log.append(2, new Uint8Array(10));
    await log.sync();
    log.rotate();
    log.append(3, new Uint8Array(10));
    await log.sync();
    disk.crash();
    expect(open(disk, random).records.map(({ height }) => height)).toEqual([1, 2, 3]);
  });

  test('S1 S2 S3 hold over thousands of crashes, torn writes and full disks', async () => {
    const CYCLES = 2000;
    for (let seed = 1; seed <= CYCLES; seed++) await cycle(seed);
  }, 60_000);
});

/** Several lives of one log; throws with the seed when a promise is broken. */
async function cycle(seed: number): Promise<void> {
  const random = randomFrom(seed);
  const disk = new SimulatedDisk(random);
  /** By height, from 1. `certain` of them were synced. */
  let appended: Uint8Array[] = [];
  let certain = 0;
  let checkpoint = 0;
  for (let life = 0; life < 4; life++) {
    const { log, records } = open(disk, random, checkpoint);
    const recovered = checkpoint + records.length;
    checkPrefix(seed, records, appended, checkpoint);
    if (recovered < certain) throw new Error(`seed ${seed}: batch ${certain} was synced, ${recovered} recovered`);
    appended = appended.slice(0, recovered);
    certain = recovered;
    disk.operationsLeft = Math.floor(random() * 40);
    disk.freeBytes = random() < 0.3 ? Math.floor(random() * 600) : Infinity;
    try {
      for (let step = 0; step < 12; step++) {
        const payload = payloadOf(random);
        try {
          log.append(appended.length + 1, payload);
        } catch (error) {
          if (!(error instanceof StoreError) || error.code !== 'disk_full') throw error;
          disk.freeBytes = Infinity;
          continue;
        }
        appended.push(payload);
        await log.sync();
        certain = appended.length;
        if (random() < 0.15) {
          // A checkpoint that is there before the log is shortened, as the node does it.
          log.rotate();
          checkpoint = appended.length;
          log.dropThrough(checkpoint);
        }
      }
    } catch (error) {
      if (!(error instanceof MachineStopped) && !(error instanceof StoreError)) throw error;
    }
    disk.crash();
  }
}

function checkPrefix(seed: number, records: readonly LogRecord[], appended: readonly Uint8Array[], checkpoint: number): void {
  for (const [at, { height, payload }] of records.entries()) {
    const expected = appended[checkpoint + at];
    if (height !== checkpoint + at + 1 || !expected || Buffer.compare(payload, expected) !== 0) {
      throw new Error(`seed ${seed}: batch ${height} read back is not what was appended`);
    }
  }
}
