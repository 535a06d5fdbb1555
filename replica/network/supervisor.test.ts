import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Caller, smallModule } from '../bench/canisters.ts';
import { NO_ARGUMENTS } from '../bench/envelopes.ts';
import { Principal } from '../types/principal.ts';
import { startSupervisor } from './supervisor.ts';
import type { Supervisor } from './supervisor.ts';
import type { WorkerThread } from './worker-node.ts';

/** Threads start for real, on a machine that others use too. */
const TIMEOUT_MILLIS = 90_000;

/** A network whose threads can be taken down, and come back when they are let. */
class Trial {
  readonly #stateDir = mkdtempSync(join(tmpdir(), 'parley-supervisor-'));
  readonly #threads: WorkerThread[] = [];
  readonly #pauses: (() => void)[] = [];
  readonly #events: { readonly event: string; readonly subnet: unknown }[] = [];
  #onEvent = (): void => {};
  #supervisor!: Supervisor;

  async start(): Promise<void> {
    this.#supervisor = await startSupervisor({
      stateDir: this.#stateDir,
      clean: false,
      kinds: ['system', 'application', 'application'],
      port: 0,
      bind: '127.0.0.1',
      hostAliases: {},
      logLevel: 'error',
      log: (_level, event, fields) => {
        this.#events.push({ event, subnet: fields?.['subnet'] });
        this.#onEvent();
      },
      later: (_millis, callback) => {
        this.#pauses.push(callback);
        return () => {};
      },
      onThread: (at, thread) => (this.#threads[at] = thread),
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#supervisor.port}`;
  }

  idOf(at: number): string {
    return this.#supervisor.network.registry.subnets[at]!.id.toText();
  }

  firstCanisterOf(at: number): string {
    return this.#supervisor.network.registry.subnets[at]!.allocationRanges[0]!.start.toText();
  }

  threadOf(at: number): WorkerThread {
    return this.#threads[at]!;
  }

  /** Resolves when this was logged of the subnet, `times` times by now. */
  async logged(event: string, subnet: number, times = 1): Promise<void> {
    while (this.#events.filter((one) => one.event === event && one.subnet === subnet).length < times) {
      await new Promise<void>((resolve) => (this.#onEvent = resolve));
    }
  }

  /** Ends the pause before a restart, once it has begun. */
  async resume(): Promise<void> {
    while (this.#pauses.length === 0) await new Promise((resolve) => setImmediate(resolve));
    this.#pauses.shift()!();
  }

  async text(path: string): Promise<string> {
    return (await fetch(this.url + path)).text();
  }

  async end(): Promise<void> {
    await this.#supervisor?.stop();
    rmSync(this.#stateDir, { recursive: true });
  }
}

let trial: Trial;

afterEach(() => trial.end());

const counterOf = (reply: Uint8Array): number => reply[0]!;

/** A canister on each application subnet, called once each. */
async function withCanisters(): Promise<{ caller: Caller; near: string; far: string }> {
  trial = new Trial();
  await trial.start();
  const caller = new Caller(trial.url);
  const wasm = await smallModule();
  const [near, far] = [await caller.createCanister(trial.firstCanisterOf(1)), await caller.createCanister(trial.firstCanisterOf(2))];
  for (const canister of [near, far]) {
    await caller.install(canister, wasm);
    await caller.call(canister, 'inc', NO_ARGUMENTS);
  }
  return { caller, near, far };
}

const WAYS: readonly (readonly [string, (thread: WorkerThread) => unknown])[] = [
  ['is killed', (thread) => thread.thread.terminate()],
  // There is no such method: it throws in the thread's event loop, where nobody catches it.
  ['throws where nobody catches it', (thread) => thread.thread.postMessage({ kind: 'call', id: -1, method: 'nothing', args: [] })],
];

describe('a worker', () => {
  test.each(WAYS)(
    'that %s is started again and has all it answered for; the other subnets go on meanwhile, and the broken one is named',
    async (_, takeDown) => {
      const { caller, near, far } = await withCanisters();
      takeDown(trial.threadOf(1));
      await trial.logged('subnet.failed', 1);
      await expect(caller.call(near, 'inc', NO_ARGUMENTS)).rejects.toThrow(new RegExp(`503 Subnet ${trial.idOf(1)} is not available`));
      expect(counterOf(await caller.call(far, 'inc', NO_ARGUMENTS))).toBe(2);
      expect(await trial.text('/metrics')).toContain(`parley_subnet_up{subnet="${trial.idOf(1)}",kind="application"} 0`);
      expect(JSON.parse(await trial.text('/_/dashboard/data.json'))).toMatchObject({
        subnets: [{ subnetId: trial.idOf(0) }, { subnetId: trial.idOf(2) }],
        subnetHealth: [{ state: 'running' }, { state: 'restarting' }, { state: 'running' }],
      });
      await trial.resume();
      await trial.logged('subnet.restarted', 1);
      expect(counterOf(await caller.call(near, 'inc', NO_ARGUMENTS))).toBe(2);
      const metrics = await trial.text('/metrics');
      expect(metrics).toContain(`parley_subnet_up{subnet="${trial.idOf(1)}",kind="application"} 1`);
      expect(metrics).toContain(`parley_subnet_restarts_total{subnet="${trial.idOf(1)}",kind="application"} 1`);
      // Streams go both ways again.
      await caller.call(far, 'relay', Principal.fromText(near).bytes);
      await caller.call(near, 'relay', Principal.fromText(far).bytes);
      expect([counterOf(await caller.call(near, 'inc', NO_ARGUMENTS)), counterOf(await caller.call(far, 'inc', NO_ARGUMENTS))]).toEqual([4, 4]);
    },
    TIMEOUT_MILLIS,
  );

  test(
    'of the root subnet that is killed stops nobody else, and others can be started again without it',
    async () => {
      const { caller, near, far } = await withCanisters();
      // A block of its own, so that no checkpoint of quiet times is being written when it ends.
      await caller.createCanister(trial.firstCanisterOf(0));
      await trial.threadOf(0).thread.terminate();
      await trial.logged('subnet.failed', 0);
      expect(counterOf(await caller.call(near, 'inc', NO_ARGUMENTS))).toBe(2);
      const resumeRoot = trial.resume();
      await trial.logged('subnet.restarted', 0);
      await resumeRoot;
      await caller.createCanister(trial.firstCanisterOf(0));
      for (const times of [1, 2]) {
        await trial.threadOf(2).thread.terminate();
        await trial.logged('subnet.failed', 2, times);
        await trial.resume();
        await trial.logged('subnet.restarted', 2, times);
      }
      expect(counterOf(await caller.call(far, 'inc', NO_ARGUMENTS))).toBe(2);
    },
    TIMEOUT_MILLIS,
  );
});
