import { afterEach, describe, expect, test } from 'vitest';
import { Caller, smallModule } from '../bench/canisters.ts';
import { NO_ARGUMENTS } from '../bench/envelopes.ts';
import { ReplicaProcess } from '../bench/replica-process.ts';
import { Principal } from '../types/principal.ts';

/** Each takes a start of the real process; `PARLEY_KILL_CYCLES=50` for a long run. */
const CYCLES = Number(process.env['PARLEY_KILL_CYCLES'] ?? 4);
const CLIENTS = 6;
const MAX_RUN_MILLIS = 400;

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
async function callUntilKilled(caller: Caller, canister: string, method: string, arg: Uint8Array): Promise<{ sent: number; certified: number }> {
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

describe('the real process', () => {
  test(
    'D1 every reply certified before kill -9 has its effect after the restart, also across subnets',
    async () => {
      const process = (replica = new ReplicaProcess());
      await process.start();
      const { subnets } = process.ready;
      const wasm = await smallModule();
      const owner = new Caller(process.ready.url);
      const near = await owner.createCanister(subnets[1]!.defaultEffectiveCanisterId);
      const far = await owner.createCanister(subnets[2]!.defaultEffectiveCanisterId);
      await owner.install(near, wasm);
      await owner.install(far, wasm);
      const relayed = Principal.fromText(far).bytes;

      const totals = { near: { sent: 0, certified: 0 }, far: { sent: 0, certified: 0 } };
      let seen = { near: 0, far: 0 };
      for (let cycle = 0; cycle < CYCLES; cycle++) {
        const clients = Array.from({ length: CLIENTS }, (_, at) => {
          const caller = new Caller(process.ready.url);
          return at % 2 === 0
            ? callUntilKilled(caller, near, 'inc', NO_ARGUMENTS).then((counts) => ['near', counts] as const)
            : callUntilKilled(caller, near, 'relay', relayed).then((counts) => ['far', counts] as const);
        });
        // Not the clock that is tested, only where the kill comes; any moment must do.
        await new Promise((resolve) => setTimeout(resolve, Math.random() * MAX_RUN_MILLIS));
        await process.stop('SIGKILL');
        for (const [canister, counts] of await Promise.all(clients)) {
          totals[canister].sent += counts.sent;
          totals[canister].certified += counts.certified;
        }
        await process.start();
        const caller = new Caller(process.ready.url);
        const now = { near: counterOf(await caller.call(near, 'inc', NO_ARGUMENTS)) - 1, far: counterOf(await caller.call(far, 'inc', NO_ARGUMENTS)) - 1 };
        for (const canister of ['near', 'far'] as const) {
          expect(now[canister], `cycle ${cycle}, ${canister}`).toBeGreaterThanOrEqual(Math.max(totals[canister].certified, seen[canister]));
          expect(now[canister], `cycle ${cycle}, ${canister}`).toBeLessThanOrEqual(totals[canister].sent);
          // The two calls above count as well.
          totals[canister].sent++;
          totals[canister].certified++;
        }
        seen = now;
      }
      expect(totals.near.certified).toBeGreaterThan(CYCLES);
    },
    60_000 + CYCLES * 15_000,
  );
});
