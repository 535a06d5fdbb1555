import { describe, expect, test } from 'vitest';
import type { CheckpointInfo, RecordChange } from '../state/store/checkpoint-store.ts';
import { StoreError } from '../state/store/errors.ts';
import { MemoryCheckpointStore } from '../state/store/memory-checkpoint-store.ts';
import { SimulatedDisk } from '../state/store/simulated-disk.ts';
import type { Batch, BatchOutcome } from '../types/batch.ts';
import { recover } from './durable-state.ts';
import type { DurabilityOptions, Recovered } from './durable-state.ts';
import { batchAfter, genesis, NO_CODE, routingOf, TOPOLOGY } from './message-batches.ts';

const random = (): number => 0.5;

/** Commits when it is let. */
class HeldStore extends MemoryCheckpointStore {
  held = false;
  fail = false;
  release: () => void = () => {};
  override async commit(info: CheckpointInfo, changes: Iterable<RecordChange>): Promise<void> {
    if (this.held) await new Promise<void>((resolve) => (this.release = resolve));
    if (this.fail) throw new StoreError('disk_full', 'no space left');
    await super.commit(info, changes);
  }
}

/** Time that passes when it is told to. */
class Timers {
  now = 0;
  #timers = new Set<{ readonly due: number; readonly callback: () => void }>();

  readonly later = (millis: number, callback: () => void): (() => void) => {
    const timer = { due: this.now + millis, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  async pass(millis: number): Promise<void> {
    this.now += millis;
    for (const timer of this.#timers) {
      if (timer.due > this.now || !this.#timers.delete(timer)) continue;
      timer.callback();
    }
    await settled();
  }
}

/** Whatever continuations are ready have run. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class Subnet {
  readonly disk = new SimulatedDisk(random);
  readonly store = new HeldStore();
  readonly timers = new Timers();
  #recovered!: Recovered;
  #executeBatch!: (batch: Batch) => BatchOutcome;

  start(executor = routingOf): Recovered {
    const options: DurabilityOptions = {
      store: this.store,
      fileSystem: this.disk.boot(),
      logFolder: 'log',
      topology: TOPOLOGY,
      loader: NO_CODE,
      randomBytes: (length) => new Uint8Array(length),
      log: () => {},
      later: this.timers.later,
      monotonicMillis: () => this.timers.now,
      checkpointBatches: 3,
    };
    this.#recovered = recover(options, genesis, executor);
    const routing = routingOf(this.#recovered.state);
    this.#executeBatch = (batch) => routing.executeBatch(batch);
    return this.#recovered;
  }

  async batch(): Promise<void> {
    const { durable, state, tree } = this.#recovered;
    const batch = batchAfter(state, random);
    const synced = durable.append(batch, tree.tree.digest());
    const outcome = this.#executeBatch(batch);
    tree.update(state, outcome);
    await synced;
    durable.executed(state, outcome, tree.tree.digest(), 0);
    await settled();
  }

  get checkpointHeight(): number {
    return this.store.latest()?.height ?? 0;
  }
}

describe('checkpoints in quiet times', () => {
  test('come some seconds after the last batch', async () => {
    const subnet = new Subnet();
    subnet.start();
    await subnet.batch();
    await subnet.timers.pass(9_999);
    expect(subnet.checkpointHeight).toBe(0);
    await subnet.timers.pass(1);
    expect(subnet.checkpointHeight).toBe(1);
  });

  test('take along the batches that came while one was being written', async () => {
    const subnet = new Subnet();
    subnet.start();
    subnet.store.held = true;
    for (let count = 0; count < 5; count++) await subnet.batch();
    subnet.store.held = false;
    subnet.store.release();
    await settled();
    expect(subnet.checkpointHeight).toBe(3);
    await subnet.timers.pass(10_000);
    expect(subnet.checkpointHeight).toBe(5);
  });

  test('are tried again after a failure', async () => {
    const subnet = new Subnet();
    subnet.start();
    subnet.store.fail = true;
    await subnet.batch();
    await subnet.timers.pass(10_000);
    subnet.store.fail = false;
    await subnet.timers.pass(10_000);
    expect(subnet.checkpointHeight).toBe(1);
  });

  test('come after a restart as well, so that the next one has nothing to execute again', async () => {
    const subnet = new Subnet();
    subnet.start();
    await subnet.batch();
    subnet.disk.crash();
    expect(subnet.start().replayed).toBe(1);
    await subnet.timers.pass(10_000);
    subnet.disk.crash();
    expect(subnet.start().replayed).toBe(0);
  });

  test('do not come when nothing happened', async () => {
    const subnet = new Subnet();
    subnet.start();
    await subnet.batch();
    await subnet.timers.pass(10_000);
    subnet.store.held = true;
    await subnet.timers.pass(100_000);
    expect([subnet.checkpointHeight, subnet.start().durable.checkpoints]).toEqual([1, 0]);
  });
});

describe('a batch that cannot be executed', () => {
  const failing = (): { executeBatch(): never } => ({
    executeBatch: () => {
      throw new Error('stream out of order');
    },
  });

  test('in the log is refused with its height, the reason and what to do', async () => {
    const subnet = new Subnet();
    subnet.start();
    await subnet.batch();
    subnet.disk.crash();
    expect(() => subnet.start(failing as unknown as typeof routingOf)).toThrow(
      expect.objectContaining({ code: 'replay_failed', message: expect.stringMatching(/batch 1 in log.*stream out of order.*--clean/) }),
    );
  });

  test('can be taken back, and the next start goes on before it', async () => {
    const subnet = new Subnet();
    const { durable, state, tree } = subnet.start();
    await subnet.batch();
    await durable.append(batchAfter(state, random), tree.tree.digest());
    durable.takeBack();
    subnet.disk.crash();
    const again = subnet.start();
    expect(again.state.height).toBe(1);
    await subnet.batch();
    expect(again.state.height).toBe(2);
  });
});
