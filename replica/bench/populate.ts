/** Fills a replica with small canisters on its application subnets and calls each once. */
import { Caller, smallModule } from './canisters.ts';
import { NO_ARGUMENTS } from './envelopes.ts';
import type { ReplicaProcess } from './replica-process.ts';

const IN_FLIGHT = 64;

/** Returns how many there are. */
export async function populate({ ready }: ReplicaProcess, count: number): Promise<number> {
  const caller = new Caller(ready.url);
  const wasm = await smallModule();
  const subnets = ready.subnets.filter(({ kind }) => kind === 'application');
  let next = 0;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (next < count) {
        const subnet = subnets[next++ % subnets.length]!;
        const canister = await caller.createCanister(subnet.defaultEffectiveCanisterId);
        await caller.install(canister, wasm);
        await caller.call(canister, 'inc', NO_ARGUMENTS);
      }
    }),
  );
  return count;
}
