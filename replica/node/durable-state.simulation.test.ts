import { describe, expect, test } from 'vitest';
import { toHex } from '../codec/bytes.ts';
import { CertifiedTree } from '../state/certified-tree.ts';
import type { CheckpointInfo, RecordChange } from '../state/store/checkpoint-store.ts';
import { StoreError } from '../state/store/errors.ts';
import { MemoryCheckpointStore } from '../state/store/memory-checkpoint-store.ts';
import { MachineStopped, SimulatedDisk } from '../state/store/simulated-disk.ts';
import { recover } from './durable-state.ts';
import type { DurabilityOptions, Recovered } from './durable-state.ts';
import { batchAfter, genesis, NO_CODE, routingOf, TOPOLOGY } from './message-batches.ts';

/** Of four lives each. `PARLEY_SIMULATION_CYCLES=5000` for a long run. */
const CYCLES = Number(process.env['PARLEY_SIMULATION_CYCLES'] ?? 300);
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A commit ends when the simulation says so, or not before the crash; then it is there whole or not at all. */
class CrashingStore extends MemoryCheckpointStore {
  finish: (() => Promise<void>) | undefined;
  failNext = false;

  override commit(info: CheckpointInfo, changes: Iterable<RecordChange>): Promise<void> {
    if (this.failNext) {
      this.failNext = false;
      return Promise.reject(new StoreError('disk_full', 'no space left'));
    }
    const copied = [...changes];
    return new Promise((resolve) => {
      this.finish = async () => {
        this.finish = undefined;
        await super.commit(info, copied);
        resolve();
      };
    });
  }
}

function start(disk: SimulatedDisk, store: CrashingStore, random: () => number, checkpointBatches: number): Recovered {
  const options: DurabilityOptions = {
    store,
    fileSystem: disk.boot(),
    logFolder: 'log',
    topology: TOPOLOGY,
    loader: NO_CODE,
    randomBytes: (length) => Uint8Array.from({ length }, () => Math.floor(random() * 256)),
    log: () => {},
    monotonicMillis: () => 0,
    checkpointBatches,
  };
  return recover(options, genesis, routingOf);
}

async function cycle(seed: number): Promise<void> {
  const random = randomFrom(seed);
  const disk = new SimulatedDisk(random);
  const store = new CrashingStore();
  /** Hash of the state by height, of every batch that was ever executed and may have survived. */
  const hashes = new Map<number, string>();
  let certain = 0;
  for (let life = 0; life < 4; life++) {
    disk.failSync = 0;
    const recovered = start(disk, store, random, 1 + Math.floor(random() * 6));
    const { state, durable } = recovered;
    const tree = new CertifiedTree(state);
    if (state.height < certain) throw new Error(`seed ${seed}: batch ${certain} was synced, the state is at ${state.height}`);
    const known = hashes.get(state.height);
    if (known !== undefined && known !== toHex(tree.tree.digest())) throw new Error(`seed ${seed}: another state at height ${state.height}`);
    for (const height of [...hashes.keys()]) if (height > state.height) hashes.delete(height);
    certain = state.height;

    const routing = routingOf(state);
    disk.operationsLeft = Math.floor(random() * 60);
    disk.freeBytes = random() < 0.2 ? Math.floor(random() * 2000) : Infinity;
    disk.failSync = random() < 0.2 ? 0.05 : 0;
    try {
      for (let step = 0; step < 25; step++) {
        const batch = batchAfter(state, random);
        let synced: Promise<void>;
        try {
          synced = durable.append(batch, tree.tree.digest());
        } catch (error) {
          if (!(error instanceof StoreError) || error.code !== 'disk_full') throw error;
          disk.freeBytes = Infinity;
          continue;
        }
        synced.catch(() => {});
        if (random() < 0.02) {
          // It could not be executed; the node ends over it.
          durable.takeBack();
          break;
        }
        const outcome = routing.executeBatch(batch);
        tree.update(state, outcome);
        hashes.set(batch.height, toHex(tree.tree.digest()));
        await synced;
        certain = batch.height;
        store.failNext = random() < 0.1;
        durable.executed(state, outcome, tree.tree.digest(), 0);
        if (random() < 0.4) await store.finish?.();
        // Lets the checkpoint's continuation run, as the event loop would.
        await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      if (!(error instanceof MachineStopped) && !(error instanceof StoreError)) throw error;
    }
    // A checkpoint that is being written when the machine stops may have reached the disk.
    if (store.finish && random() < 0.5) await store.finish();
    store.finish = undefined;
    disk.crash();
  }
}

/** What a machine that stops while a checkpoint is being committed leaves of it. */
type Commit = 'lost' | 'kept';

/** The first life stops at the `point`-th operation on the disk, the second (its recovery) at the `again`-th. */
async function stopAt(point: number, again: number, commit: Commit): Promise<{ first: boolean; second: boolean }> {
  const random = randomFrom(1000 * point + again);
  const disk = new SimulatedDisk(random);
  const store = new CrashingStore();
  const hashes = ['genesis'];
  let certain = 0;
  const stopped = { first: false, second: false };
  disk.operationsLeft = point;
  try {
    const { state, durable, tree } = start(disk, store, random, 2);
    const routing = routingOf(state);
    // Nine batches with four checkpoints, each of which is there one batch after it was begun.
    for (let step = 0; step < 9; step++) {
      const batch = batchAfter(state, random);
      const synced = durable.append(batch, tree.tree.digest());
      synced.catch(() => {});
      const outcome = routing.executeBatch(batch);
      tree.update(state, outcome);
      hashes[batch.height] = toHex(tree.tree.digest());
      await synced;
      certain = batch.height;
      await store.finish?.();
      await new Promise((resolve) => setImmediate(resolve));
      durable.executed(state, outcome, tree.tree.digest(), 0);
    }
    // The last of them shall not have been: until that is done, it may be there or not.
    certain--;
    durable.takeBack();
    hashes.pop();
  } catch (error) {
    // Where the stop came within a checkpoint, the next append is what notices.
    if (!(error instanceof MachineStopped) && !(error instanceof StoreError && error.code === 'log_broken')) throw error;
    stopped.first = true;
  }
  if (commit === 'kept') await store.finish?.();
  store.finish = undefined;
  disk.crash();
  disk.operationsLeft = again;
  try {
    start(disk, store, random, 2);
  } catch (error) {
    if (!(error instanceof MachineStopped)) throw error;
    stopped.second = true;
  }
  disk.crash();
  const { state, tree } = start(disk, store, random, 2);
  const where = `point ${point}, ${again}, ${commit}`;
  if (state.height < certain) throw new Error(`${where}: batch ${certain} was synced, the state is at ${state.height}`);
  if (state.height > 0 && hashes[state.height] !== toHex(tree.tree.digest())) throw new Error(`${where}: another state at height ${state.height}`);
  return stopped;
}

describe('durable state', () => {
  test('D1 D4 hold for a stop at every single operation on the disk, and at every one of the recovery from it', async () => {
    let points = 0;
    for (const commit of ['lost', 'kept'] as const) {
      for (let point = 0, running = true; running; point++) {
        for (let again = 0, recovering = true; recovering; again++) {
          const stopped = await stopAt(point, again, commit);
          running = stopped.first;
          recovering = stopped.second;
          points++;
        }
      }
    }
    // Creating a file takes five operations, an append two, a checkpoint those of a file and of removing another.
    expect(points).toBeGreaterThan(200);
  });

  test(
    'D1 D4 D5 hold over thousands of crashes during appends and checkpoints, with full disks and torn writes',
    async () => {
      for (let seed = 1; seed <= CYCLES; seed++) await cycle(seed);
      expect(CYCLES).toBeGreaterThan(0);
    },
    60_000 + CYCLES * 200,
  );
});
