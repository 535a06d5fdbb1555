/**
 * Mixed load for so many minutes, then `kill -9` and a restart: memory must have been flat and the state hashes the same.
 *
 *     node bench/soak.ts 20
 *
 * Prints one JSON line every half minute and one at the end; exits with 1 if a promise was broken.
 */
import { Principal } from '../types/principal.ts';
import { Caller, smallModule } from './canisters.ts';
import { NO_ARGUMENTS } from './envelopes.ts';
import { withReplica } from './replica-process.ts';
import type { ReplicaProcess } from './replica-process.ts';

const CLIENTS = 12;
const REPORT_MILLIS = 30_000;
const CANISTERS = 40;
/** Every so many calls of a client one is an upgrade of a canister. */
const UPGRADE_EVERY = 200;
/** Statuses of ended messages are kept for minutes; memory is flat only after the first have been forgotten. */
const SETTLING_SHARE = 0.5;
const MAX_GROWTH = 1.15;

const minutes = Number(process.argv[2] ?? 20);

interface Shown {
  readonly subnets: readonly { readonly height: number; readonly stateHash: string }[];
}

async function hashes(replica: ReplicaProcess): Promise<string[]> {
  const shown = (await (await fetch(`${replica.ready.url}/_/dashboard/data.json`)).json()) as Shown;
  // The root subnet makes a block at every start, to sign delegations.
  return shown.subnets.slice(1).map(({ height, stateHash }) => `${height} ${stateHash}`);
}

async function query(replica: ReplicaProcess, caller: Caller, canister: string): Promise<void> {
  const body = caller.user.request('query', canister, 'get', NO_ARGUMENTS);
  const response = await fetch(`${replica.ready.url}/api/v3/canister/${canister}/query`, { method: 'POST', headers: { 'content-type': 'application/cbor' }, body });
  if (response.status !== 200) throw new Error(`query: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}

await withReplica(async (replica) => {
  const owner = new Caller(replica.ready.url);
  const wasm = await smallModule();
  const canisters: string[] = [];
  for (let at = 0; at < CANISTERS; at++) {
    const canister = await owner.createCanister(replica.ready.subnets[1 + (at % 2)]!.defaultEffectiveCanisterId);
    await owner.install(canister, wasm);
    canisters.push(canister);
  }
  const end = performance.now() + minutes * 60_000;
  const resident: number[] = [];
  let calls = 0;
  const report = setInterval(() => {
    resident.push(replica.residentBytes());
    console.log(JSON.stringify({ minutesLeft: Math.round((end - performance.now()) / 6000) / 10, calls, residentMegabytes: Math.round(resident.at(-1)! / 1e6) }));
  }, REPORT_MILLIS);
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      const caller = new Caller(replica.ready.url);
      for (let turn = 0; performance.now() < end; turn++) {
        const canister = canisters[(client * 7 + turn) % CANISTERS]!;
        const other = canisters[(client * 7 + turn * 3 + 1) % CANISTERS]!;
        if (turn % UPGRADE_EVERY === UPGRADE_EVERY - 1) await owner.install(canister, wasm, { mode: 'upgrade' });
        else if (turn % 3 === 0) await caller.call(canister, 'relay', Principal.fromText(other).bytes);
        else if (turn % 3 === 1) await query(replica, caller, canister);
        else await caller.call(canister, 'inc', NO_ARGUMENTS);
        calls++;
      }
    }),
  );
  clearInterval(report);
  // What is still on its way between subnets arrives within a second or two.
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  const before = await hashes(replica);
  await replica.stop('SIGKILL');
  await replica.start();
  const after = await hashes(replica);
  const settled = resident.slice(Math.floor(resident.length * SETTLING_SHARE));
  const growth = settled.length > 1 ? settled.at(-1)! / settled[0]! : 1;
  const sameHashes = before.join() === after.join();
  console.log(JSON.stringify({ calls, growth: Math.round(growth * 1000) / 1000, sameHashes, before, after }));
  if (!sameHashes || growth > MAX_GROWTH) process.exitCode = 1;
});
