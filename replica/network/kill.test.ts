import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Caller, smallModule } from '../bench/canisters.ts';
import { NO_ARGUMENTS } from '../bench/envelopes.ts';
import { ReplicaProcess } from '../bench/replica-process.ts';
import { Principal } from '../types/principal.ts';

/** Kills; `PARLEY_KILL_CYCLES=200` for a long run. */
const CYCLES = Number(process.env['PARLEY_KILL_CYCLES'] ?? 24);
const CLIENTS = 6;
const MAX_RUN_MILLIS = 250;
/** With so few blocks between checkpoints, some checkpoint is written most of the time. */
const FLAGS = ['--system', '1', '--application', '1', '--checkpoint-batches', '3'];

let replica: ReplicaProcess | undefined;

afterEach(async () => {
  await replica?.stop('SIGKILL');
  await replica?.remove();
  replica = undefined;
});

function counterOf(reply: Uint8Array): number {
  return new DataView(reply.buffer, reply.byteOffset).getUint32(0, true);
}

/** Calls until the process is gone; returns how many were sent and how many answered with a certificate. */
async function callUntilKilled(caller: Caller, canister: string, method: string, arg: Uint8Array): Promise<Counts> {
  let sent = 0;
  let certified = 0;
  for (;;) {
    sent++;
    try {
      await caller.call(canister, method, arg);
    } catch {
      return { sent, certified };
    }
    certified++;
  }
}

/** Not the clock that is tested, only where the kill comes; any moment must do. */
function wait(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

/** Or after a while, if none is. */
async function untilCheckpointBegins(logFolder: string): Promise<void> {
  const begun = performance.now();
  while (readdirSync(logFolder).length < 2 && performance.now() - begun < MAX_RUN_MILLIS) await new Promise((resolve) => setImmediate(resolve));
}

interface Counts {
  sent: number;
  certified: number;
}

/** Two counters, on the application subnet and, called through the first, on the system subnet. */
class Trial {
  readonly #process: ReplicaProcess;
  readonly #canisters: Record<'near' | 'far', string>;
  readonly #totals: Record<'near' | 'far', Counts> = { near: { sent: 0, certified: 0 }, far: { sent: 0, certified: 0 } };

  constructor(process: ReplicaProcess, near: string, far: string) {
    this.#process = process;
    this.#canisters = { near, far };
  }

  get certified(): number {
    return this.#totals.near.certified;
  }

  /** Clients call until the process is killed, which is when `moment` resolves. */
  async callAndKill(moment: () => Promise<void>): Promise<void> {
    const { near, far } = this.#canisters;
    const relayed = Principal.fromText(far).bytes;
    const clients = Array.from({ length: CLIENTS }, (_, at) => {
      const caller = new Caller(this.#process.ready.url);
      return at % 2 === 0
        ? callUntilKilled(caller, near, 'inc', NO_ARGUMENTS).then((counts) => ['near', counts] as const)
        : callUntilKilled(caller, near, 'relay', relayed).then((counts) => ['far', counts] as const);
    });
    await moment();
    await this.#process.stop('SIGKILL');
    for (const [canister, counts] of await Promise.all(clients)) {
      this.#totals[canister].sent += counts.sent;
      this.#totals[canister].certified += counts.certified;
    }
  }

  /** Nothing certified is gone, and nothing has happened twice. */
  async check(cycle: number): Promise<void> {
    const caller = new Caller(this.#process.ready.url);
    for (const name of ['near', 'far'] as const) {
      const totals = this.#totals[name];
      // This call counts as well; what was sent and lost stays possible, what is there now stays for ever.
      const before = counterOf(await caller.call(this.#canisters[name], 'inc', NO_ARGUMENTS)) - 1;
      expect(before, `cycle ${cycle}, ${name}`).toBeGreaterThanOrEqual(totals.certified);
      expect(before, `cycle ${cycle}, ${name}`).toBeLessThanOrEqual(totals.sent);
      totals.sent++;
      totals.certified = before + 1;
    }
  }
}

describe('the real process', () => {
  test(
    'D1 every reply certified before kill -9 has its effect after the restart, also across subnets, whenever the kill comes',
    async () => {
      const process = (replica = new ReplicaProcess(FLAGS));
      let startMillis = await process.start();
      const { subnets } = process.ready;
      const wasm = await smallModule();
      const owner = new Caller(process.ready.url);
      const near = await owner.createCanister(subnets[1]!.defaultEffectiveCanisterId);
      const far = await owner.createCanister(subnets[0]!.defaultEffectiveCanisterId);
      await owner.install(near, wasm);
      await owner.install(far, wasm);
      const trial = new Trial(process, near, far);
      const logFolder = join(process.stateDir, 'state', `subnet-1`, 'log');
      for (let cycle = 0; cycle < CYCLES; ) {
        await trial.callAndKill(() => (cycle % 2 === 0 ? wait(Math.random() * MAX_RUN_MILLIS) : untilCheckpointBegins(logFolder)));
        cycle++;
        // Half of them while it starts: opening, executing the log again, joining the subnets.
        if (cycle < CYCLES) {
          process.launch();
          await wait(Math.random() * startMillis);
          await process.stop('SIGKILL');
          cycle++;
        }
        startMillis = await process.start();
        await trial.check(cycle);
      }
      expect(trial.certified).toBeGreaterThan(CYCLES);
    },
    60_000 + CYCLES * 15_000,
  );
});
