/** p50 of an update that calls a canister on another subnet; beside it (`floor`) three times the plain update's, the bar. */
import { Caller, smallModule } from './canisters.ts';
import { NO_ARGUMENTS } from './envelopes.ts';
import { percentile } from './figure.ts';
import type { Figure } from './figure.ts';
import { runLoad } from './load.ts';
import { withReplica } from './replica-process.ts';
import { Principal } from '../types/principal.ts';

const ROUNDS = 4;
const CALLS = 150;

export async function measure(): Promise<Figure> {
  return withReplica(async ({ ready }) => {
    const caller = new Caller(ready.url);
    const wasm = await smallModule();
    const near = await caller.createCanister(ready.subnets[1]!.defaultEffectiveCanisterId);
    const far = await caller.createCanister(ready.subnets[2]!.defaultEffectiveCanisterId);
    await caller.install(near, wasm);
    await caller.install(far, wasm);
    const path = `/api/v3/canister/${near}/call`;
    const samples = { inc: [] as number[], relay: [] as number[] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const method of ['inc', 'relay'] as const) {
        const arg = method === 'inc' ? NO_ARGUMENTS : Principal.fromText(far).bytes;
        const bodies = Array.from({ length: CALLS }, () => caller.user.request('call', near, method, arg));
        const { latencies, statuses } = await runLoad({ port: ready.port, path, bodies, inFlight: 1 });
        if (statuses['200'] !== CALLS) throw new Error(`statuses ${JSON.stringify(statuses)}`);
        if (round > 0) samples[method].push(...latencies);
      }
    }
    return { value: percentile(samples.relay, 0.5), unit: 'ms', floor: 3 * percentile(samples.inc, 0.5) };
  });
}
