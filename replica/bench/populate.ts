/**
 * A replica filled with small canisters on its application subnets, each called once. Two figures look at it, so it is
 * made once in a run of the bench.
 */
import { Caller, smallModule } from './canisters.ts';
import { NO_ARGUMENTS } from './envelopes.ts';
import { ReplicaProcess } from './replica-process.ts';

export const CANISTERS = 10_000;
const IN_FLIGHT = 64;

export interface Populated {
  readonly replica: ReplicaProcess;
  /** Of the process, before the first canister. */
  readonly emptyBytes: number;
  /** With all of them. */
  readonly fullBytes: number;
}

let populated: Promise<Populated> | undefined;

export function populatedReplica(): Promise<Populated> {
  return (populated ??= populate());
}

async function populate(): Promise<Populated> {
  const replica = new ReplicaProcess();
  process.once('exit', () => replica.removeNow());
  await replica.start();
  const emptyBytes = replica.residentBytes();
  const caller = new Caller(replica.ready.url);
  const wasm = await smallModule();
  const subnets = replica.ready.subnets.filter(({ kind }) => kind === 'application');
  let next = 0;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (next < CANISTERS) {
        const subnet = subnets[next++ % subnets.length]!;
        const canister = await caller.createCanister(subnet.defaultEffectiveCanisterId);
        await caller.install(canister, wasm);
        await caller.call(canister, 'inc', NO_ARGUMENTS);
      }
    }),
  );
  return { replica, emptyBytes, fullBytes: replica.residentBytes() };
}
