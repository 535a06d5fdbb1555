/** Requests a second, 64 in flight from another process, in turn with the floor. */
import { Caller, smallModule } from './canisters.ts';
import { NO_ARGUMENTS } from './envelopes.ts';
import { percentile } from './figure.ts';
import type { Figure } from './figure.ts';
import { FloorProcess } from './floor-server.ts';
import { runLoad } from './load.ts';
import { withReplica } from './replica-process.ts';

const ROUNDS = 4;
const IN_FLIGHT = 64;

export async function measureThroughput(type: 'call' | 'query', requests: number): Promise<Figure> {
  const floor = await FloorProcess.start();
  try {
    return await withReplica(async ({ ready }) => {
      const caller = new Caller(ready.url);
      const canister = await caller.createCanister(ready.subnets[1]!.defaultEffectiveCanisterId);
      await caller.install(canister, await smallModule());
      const path = `/api/v3/canister/${canister}/${type}`;
      const samples = { ours: [] as number[], floor: [] as number[] };
      for (let round = 0; round < ROUNDS; round++) {
        for (const side of ['floor', 'ours'] as const) {
          const method = type === 'call' ? 'inc' : 'get';
          const bodies = Array.from({ length: requests }, () => caller.user.request(type, canister, method, NO_ARGUMENTS));
          const { total, statuses } = await runLoad({ port: side === 'ours' ? ready.port : floor.port, path, bodies, inFlight: IN_FLIGHT });
          if (statuses['200'] !== requests) throw new Error(`statuses ${JSON.stringify(statuses)}`);
          if (round > 0) samples[side].push((requests / total) * 1000);
        }
      }
      return { value: percentile(samples.ours, 0.5), unit: '/s', floor: percentile(samples.floor, 0.5) };
    });
  } finally {
    await floor.stop();
  }
}
