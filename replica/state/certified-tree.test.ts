import { describe, expect, test } from 'vitest';
import { utf8 } from '../codec/bytes.ts';
import { children, getPath, label, treeOf } from '../codec/hash-tree.ts';
import type { HashTree, TreeSource } from '../codec/hash-tree.ts';
import type { BatchOutcome } from '../types/batch.ts';
import { Principal } from '../types/principal.ts';
import { CertifiedTree } from './certified-tree.ts';
import { ReplicatedState } from './replicated-state.ts';
import type { IngressStatus } from './replicated-state.ts';

const SUBNET = Principal.fromCanisterIndex(77n);
const OWN = { id: SUBNET, kind: 'application' as const, publicKey: new Uint8Array(133), nodes: [], ranges: [] };
const TOPOLOGY = { rootSubnetId: SUBNET, rootKey: new Uint8Array(133), subnets: [OWN], registryVersion: 1n };

/** With the leaves that the Interface Spec names for each ("/request_status/<request_id>"). */
const STATUSES: readonly (readonly [IngressStatus, TreeSource])[] = [
  [{ kind: 'received' }, { status: utf8('received') }],
  [{ kind: 'processing' }, { status: utf8('processing') }],
  [{ kind: 'done' }, { status: utf8('done') }],
  [{ kind: 'replied', reply: Uint8Array.of(1, 2) }, { status: utf8('replied'), reply: Uint8Array.of(1, 2) }],
  [{ kind: 'replied', reply: new Uint8Array(5000) }, { status: utf8('replied'), reply: new Uint8Array(5000) }],
  [
    { kind: 'rejected', error: { code: 503, message: 'trapped' } },
    { status: utf8('rejected'), reject_code: Uint8Array.of(5), reject_message: utf8('trapped'), error_code: utf8('IC0503') },
  ],
];

const idOf = (at: number): string => at.toString(16).padStart(64, '0');

function stateWith(statuses: readonly IngressStatus[]): ReplicatedState {
  const state = new ReplicatedState(SUBNET, 'application', TOPOLOGY, []);
  const receiver = Principal.fromCanisterIndex(1n);
  for (const [at, status] of statuses.entries()) {
    state.setIngress({ messageId: idOf(at), sender: receiver, receiver, effectiveCanisterId: receiver, methodName: 'm', status, forgetAtNanos: 0n });
  }
  return state;
}

function statusAt(tree: HashTree, at: number): HashTree {
  return getPath(tree, [label('request_status'), Uint8Array.from(Buffer.from(idOf(at), 'hex'))])!;
}

function leafCount(tree: HashTree): number {
  return [...children(tree)].length;
}

describe('the status of messages in the certified tree', () => {
  test('has the leaves that the specification names', () => {
    const { tree } = new CertifiedTree(stateWith(STATUSES.map(([status]) => status)));
    for (const [at, [, expected]] of STATUSES.entries()) {
      expect(statusAt(tree, at).digest(), String(at)).toEqual(treeOf(expected).digest());
      expect(leafCount(statusAt(tree, at)), String(at)).toBe(Object.keys(expected).length);
    }
  });

  test('changed batch by batch is the same as built at once', () => {
    const state = stateWith(STATUSES.map(() => ({ kind: 'received' })));
    const kept = new CertifiedTree(state);
    for (const [at, [status]] of STATUSES.entries()) {
      state.setIngressStatus(idOf(at), status);
      kept.update(state, { changedIngress: [idOf(at)], changedCanisters: [], removedCanisters: [], changedStreams: [] } as unknown as BatchOutcome);
    }
    expect(kept.tree.digest()).toEqual(new CertifiedTree(state).tree.digest());
  });

  test('shares what all messages have in common', () => {
    const { tree } = new CertifiedTree(stateWith([1, 2].map((reply) => ({ kind: 'replied', reply: Uint8Array.of(reply) }))));
    const [first, second] = [0, 1].map((at) => getPath(statusAt(tree, at), [label('status')]));
    expect(first).toBe(second);
  });
});
