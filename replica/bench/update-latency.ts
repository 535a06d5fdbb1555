/** p50 of one client's synchronous update call, in turn with the floor. */
import { Caller, smallModule } from './canisters.ts';
import { NO_ARGUMENTS } from './envelopes.ts';
import { percentile } from './figure.ts';
import type { Figure } from './figure.ts';
import { FloorProcess } from './floor-server.ts';
import { runLoad } from './load.ts';
import { withReplica } from './replica-process.ts';

const ROUNDS = 4;
const CALLS = 200;

export async function measure(): Promise<Figure> {
  const floor = await FloorProcess.start();
  try {
    return await withReplica(async ({ ready }) => {
      const caller = new Caller(ready.url);
      const canister = await caller.createCanister(ready.subnets[1]!.defaultEffectiveCanisterId);
      await caller.install(canister, await smallModule());
      const path = `/api/v3/canister/${canister}/call`;
      const samples = { ours: [] as number[], floor: [] as number[] };
      for (let round = 0; round < ROUNDS; round++) {
        for (const side of ['floor', 'ours'] as const) {
          const bodies = Array.from({ length: CALLS }, () => caller.user.request('call', canister, 'inc', NO_ARGUMENTS));
          const { latencies, statuses } = await runLoad({ port: side === 'ours' ? ready.port : floor.port, path, bodies, inFlight: 1 });
          if (statuses['200'] !== CALLS) throw new Error(`statuses ${JSON.stringify(statuses)}`);
          // The first round warms up.
          if (round > 0) samples[side].push(...latencies);
        }
      }
      return { value: percentile(samples.ours, 0.5), unit: 'ms', floor: percentile(samples.floor, 0.5) };
    });
  } finally {
    await floor.stop();
  }
}
