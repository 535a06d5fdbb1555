/** For tests of durability: a subnet without canisters, and batches whose messages it remembers and rejects. */
import { toHex } from '../codec/bytes.ts';
import { MessageRouting } from '../messaging/message-routing.ts';
import { ReplicatedState } from '../state/replicated-state.ts';
import type { CodeLoader } from '../state/store/state-records.ts';
import type { Batch } from '../types/batch.ts';
import { Principal } from '../types/principal.ts';
import { APPLICATION_SUBNET } from '../types/subnet-config.ts';

const SUBNET = Principal.fromCanisterIndex(77n);
const OWN = { id: SUBNET, kind: 'application' as const, publicKey: new Uint8Array(133), nodes: [], ranges: [] };
export const TOPOLOGY = { rootSubnetId: SUBNET, rootKey: new Uint8Array(133), subnets: [OWN], registryVersion: 1n };

export const genesis = (): ReplicatedState => new ReplicatedState(SUBNET, 'application', TOPOLOGY, []);

const noCode = (): never => {
  throw new Error('no code');
};
export const NO_CODE: CodeLoader = { install: noCode, memoryOf: noCode };

/** A message to a canister that does not exist: the state remembers its id and the reject. */
export function batchAfter(state: ReplicatedState, random: () => number): Batch {
  const height = state.height + 1;
  const timeNanos = state.timeNanos + 1n + BigInt(Math.floor(random() * 1e9));
  const ingress = Array.from({ length: Math.floor(random() * 4) }, () => ({
    messageId: toHex(Uint8Array.from({ length: 32 }, () => Math.floor(random() * 256))),
    sender: Principal.anonymous(),
    receiver: Principal.fromCanisterIndex(1n),
    effectiveCanisterId: Principal.fromCanisterIndex(1n),
    methodName: 'm',
    arg: Uint8Array.from({ length: Math.floor(random() * 100) }, () => Math.floor(random() * 256)),
    expiryNanos: timeNanos + 1_000_000_000n,
    envelopeBytes: 100,
  }));
  return { height, timeNanos, randomness: new Uint8Array(32).fill(height), ingress, xnet: [], consensusResponses: [] };
}

export function routingOf(state: ReplicatedState): MessageRouting {
  const never = (): never => {
    throw new Error('no canister is ever run here');
  };
  return new MessageRouting({
    config: APPLICATION_SUBNET,
    state,
    management: { executeManagementCall: never, executeManagementQuery: never },
    engine: { executeEntryPoint: never },
  });
}
