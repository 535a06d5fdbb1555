import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { label, leaf, mapOf, treeOf } from '../codec/hash-tree.ts';
import type { HashTree } from '../codec/hash-tree.ts';
import { initBls } from '../crypto/bls.ts';
import { NodeSigningKey } from '../crypto/keys.ts';
import { certificate, delegationCertificate, testSubnet } from '../crypto/test-network.ts';
import { STREAM_HEADER, STREAM_MESSAGES, streamIndexLabel } from '../state/certified-tree.ts';
import { encodeCanisterMessage, encodeStreamHeader } from '../state/message-codec.ts';
import { ReplicatedState } from '../state/replicated-state.ts';
import type { StreamSlice } from '../types/batch.ts';
import type { CanisterRequest } from '../types/messages.ts';
import { Principal } from '../types/principal.ts';
import { decodeSlice, encodeSlice, SliceError, slicePayload } from './certified-slice.ts';
import type { SliceSender } from './certified-slice.ts';
import { SlicePool } from './slice-pool.ts';

await initBls();
const ROOT = testSubnet(1);
const SENDING = testSubnet(2);
const SENDER = Principal.fromBytes(SENDING.id);
const RECEIVER = Principal.fromCanisterIndex(2n);
const ROOM = 4 * 1024 * 1024;
const NODES = [3, 4, 5, 6].map((seed) => NodeSigningKey.fromSeed(new Uint8Array(32).fill(seed)));
const [NODE] = NODES as [NodeSigningKey];
const DELEGATION = {
  subnetId: SENDING.id,
  certificate: delegationCertificate(ROOT, SENDING, { ranges: [[Uint8Array.of(1), Uint8Array.of(2)]], timeNanos: 1n }),
};

/** As `signer` certifies it: the keys of `nodes` as nodes of the sending subnet. */
function keysCertificate(nodes: readonly NodeSigningKey[], signer = SENDING, delegation: typeof DELEGATION | 'none' = DELEGATION): Uint8Array {
  const keys = new Map(nodes.map((node) => [node.nodeId, { public_key: node.publicKeyDer }]));
  return certificate(signer, { time: Uint8Array.of(1), subnet: new Map([[SENDING.id, { node: keys }]]) }, delegation === 'none' ? undefined : delegation);
}

const senderWith = (nodes: readonly NodeSigningKey[], subnetId = SENDER): SliceSender => ({
  subnetId,
  nodeIds: nodes.map((node) => Principal.fromBytes(node.nodeId)),
  rootKey: ROOT.keyDer,
});
const OF_ONE = senderWith([NODE]);

function request(index: number): CanisterRequest {
  return {
    kind: 'request',
    sender: SENDER,
    receiver: RECEIVER,
    callbackId: index,
    methodName: 'm',
    payload: Uint8Array.of(index),
    payment: 0n,
    deadlineNanos: 0n,
    senderVersion: 1n,
  };
}

function treeWith(begin: number, end: number): HashTree {
  const messages: [Uint8Array, HashTree][] = [];
  for (let index = begin; index < end; index++) messages.push([streamIndexLabel(index), leaf(encodeCanisterMessage(request(index)))]);
  const header = leaf(encodeStreamHeader({ begin, end, signalsEnd: 0, rejectSignals: [] }));
  const stream = mapOf([
    [STREAM_HEADER, header],
    [STREAM_MESSAGES, mapOf(messages)],
  ]);
  return mapOf([
    [label('time'), leaf(Uint8Array.of(1))],
    [label('streams'), mapOf([[RECEIVER.bytes, stream]])],
    [label('subnet'), treeOf({ other: Uint8Array.of(5) })],
  ]);
}

function signedBy(signers: readonly NodeSigningKey[], certificateBytes: Uint8Array, from = 0, end = 2): Uint8Array {
  const tree = treeWith(0, end);
  const signatures = signers.map((node) => ({ nodeId: node.nodeId, signature: node.sign(slicePayload(tree)) }));
  return encodeSlice(tree, RECEIVER, from, end, signatures, certificateBytes);
}

const OF_ONE_CERTIFICATE = keysCertificate([NODE]);

function encoded(begin: number, end: number, from = begin): Uint8Array {
  const tree = treeWith(begin, end);
  const signature = { nodeId: NODE.nodeId, signature: NODE.sign(slicePayload(tree)) };
  return encodeSlice(tree, RECEIVER, from, end, [signature], OF_ONE_CERTIFICATE);
}

/** Flips bits of `good` at random places of a range; whatever is still taken must say what the original says. */
function expectTamperProof(good: Uint8Array, from: number, to: number, numRuns: number): void {
  const expected = decodeSlice(good, OF_ONE, RECEIVER);
  fc.assert(
    fc.property(fc.integer({ min: from, max: to - 1 }), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const bad = good.slice();
      bad[at]! ^= mask;
      try {
        expect(decodeSlice(bad, OF_ONE, RECEIVER)).toEqual(expected);
      } catch (error) {
        expect(error).toBeInstanceOf(SliceError);
      }
    }),
    { numRuns },
  );
}

describe('certified slices', () => {
  test('carry the messages from an index on, with the header', () => {
    const slice = decodeSlice(encoded(3, 9, 5), OF_ONE, RECEIVER);
    expect(slice.header).toEqual({ begin: 3, end: 9, signalsEnd: 0, rejectSignals: [] });
    expect(slice.messagesBegin).toBe(5);
    expect(slice.messages.map((message) => message.callbackId)).toEqual([5, 6, 7, 8]);
  });

  test('of an empty stream carry the header alone', () => {
    const slice = decodeSlice(encoded(4, 4), OF_ONE, RECEIVER);
    expect([slice.messagesBegin, slice.messages.length]).toEqual([4, 0]);
  });

  test('signed by a node that the registry does not list are refused', () => {
    expect(() => decodeSlice(encoded(0, 2), senderWith([NODES[1]!]), RECEIVER)).toThrow(/signed by 0 of/);
    expect(() => decodeSlice(encoded(0, 2), senderWith([]), RECEIVER)).toThrow(SliceError);
  });

  test('signed by a node that the subnet does not certify are refused', () => {
    const stranger = NODES[1]!;
    expect(() => decodeSlice(signedBy([stranger], OF_ONE_CERTIFICATE), senderWith([stranger]), RECEIVER)).toThrow(/signed by 0 of/);
  });

  test('whose certificate another subnet made, or nobody whom the root key knows, are refused', () => {
    const other = testSubnet(7);
    const forOther = { subnetId: other.id, certificate: delegationCertificate(ROOT, other, { ranges: [[Uint8Array.of(1), Uint8Array.of(2)]], timeNanos: 1n }) };
    for (const bad of [keysCertificate([NODE], other, forOther), keysCertificate([NODE], other), keysCertificate([NODE], SENDING, 'none'), new Uint8Array(5)]) {
      expect(() => decodeSlice(signedBy([NODE], bad), OF_ONE, RECEIVER)).toThrow(SliceError);
    }
    expect(decodeSlice(signedBy([NODE], OF_ONE_CERTIFICATE), OF_ONE, RECEIVER).messages.length).toBe(2);
  });

  test('of the root subnet are certified by the root key itself', () => {
    const root = Principal.fromBytes(ROOT.id);
    const keys = new Map([[NODE.nodeId, { public_key: NODE.publicKeyDer }]]);
    const own = certificate(ROOT, { time: Uint8Array.of(1), subnet: new Map([[ROOT.id, { node: keys }]]) });
    expect(decodeSlice(signedBy([NODE], own), senderWith([NODE], root), RECEIVER).messages.length).toBe(2);
    expect(() => decodeSlice(signedBy([NODE], own), OF_ONE, RECEIVER)).toThrow(/signed by 0 of/);
  });

  test('of four nodes need three different ones', () => {
    const all = keysCertificate(NODES);
    const sender = senderWith(NODES);
    expect(decodeSlice(signedBy(NODES.slice(1), all), sender, RECEIVER).messages.length).toBe(2);
    expect(() => decodeSlice(signedBy(NODES.slice(2), all), sender, RECEIVER)).toThrow(/signed by 2 of the sender's nodes, 3 are needed/);
    expect(() => decodeSlice(signedBy([NODE, NODE, NODE], all), sender, RECEIVER)).toThrow(/signed by 1 of/);
  });

  test('for another subnet are refused', () => {
    expect(() => decodeSlice(encoded(0, 2), OF_ONE, SENDER)).toThrow(SliceError);
  });

  test('with any byte changed are refused or say the same', () => {
    const good = encoded(0, 5);
    const certificateAt = good.length - OF_ONE_CERTIFICATE.length;
    expectTamperProof(good, 0, certificateAt, 3000);
    // A pairing for each that is still a certificate.
    expectTamperProof(good, certificateAt, good.length, 200);
  });
});

function stateOf(): ReplicatedState {
  const sender = { id: SENDER, publicKey: SENDING.keyDer, kind: 'application' as const, ranges: [], nodes: [] };
  const topology = { rootSubnetId: RECEIVER, rootKey: new Uint8Array(0), subnets: [sender], registryVersion: 1n };
  return new ReplicatedState(RECEIVER, 'application', topology, []);
}

function slice(begin: number, from: number, end: number, signalsEnd = 0): StreamSlice {
  const messages = Array.from({ length: end - from }, (_, at) => request(from + at));
  return { header: { begin, end, signalsEnd, rejectSignals: [] }, messagesBegin: from, messages };
}

describe('slice pool', () => {
  test('gives every message once and in order, however slices overlap, repeat and are taken', () => {
    const arrival = fc.record({ from: fc.nat(30), length: fc.nat(10), take: fc.boolean() });
    fc.assert(
      fc.property(fc.array(arrival, { maxLength: 40 }), (arrivals) => {
        const state = stateOf();
        const pool = new SlicePool();
        const got: number[] = [];
        let end = 0;
        for (const { from, length, take } of arrivals) {
          const upTo = Math.max(end, from + length);
          // A sender never goes back: later slices end later, and what they hold reaches the end.
          const begin = Math.min(from, end);
          pool.add(state, SENDER, slice(0, begin, upTo));
          end = upTo;
          if (!take || !pool.hasNews(state, 0n)) continue;
          const [taken] = pool.take(state, ROOM, 0).slices;
          expect(taken!.slice.messagesBegin).toBe(got.length);
          got.push(...taken!.slice.messages.map((message) => message.callbackId));
          state.streamTo(SENDER).signalsEnd = got.length;
        }
        expect(got).toEqual(got.map((_, at) => at));
      }),
    );
  });

  test('signals alone wait a second for a block that takes them along', () => {
    const state = stateOf();
    const pool = new SlicePool();
    state.streamTo(SENDER).messages.push(request(0));
    pool.add(state, SENDER, slice(0, 0, 0, 1));
    expect(pool.hasNews(state, 5n)).toBe(false);
    expect(pool.wakeNanos).toBe(1_000_000_005n);
    expect(pool.hasNews(state, 1_000_000_005n)).toBe(true);
    expect(pool.take(state, ROOM, 0).slices.length).toBe(1);
  });

  test('what no honest subnet sends is refused with the reason, and never reaches a block', () => {
    const good = slice(0, 0, 2);
    const bad: [StreamSlice, RegExp][] = [
      [slice(0, 0, 2, 1), /signals for messages that were never sent/],
      [{ ...good, header: { ...good.header, begin: 5 } }, /begins after its end/],
      [slice(3, 3, 3), /dropped before we received them/],
    ];
    for (const [each, reason] of bad) {
      const state = stateOf();
      const pool = new SlicePool();
      expect(pool.add(state, SENDER, each)).toMatch(reason);
      expect(pool.hasNews(state, 0n)).toBe(false);
      expect(pool.add(state, SENDER, good)).toBeUndefined();
      expect(pool.take(state, ROOM, 0).slices).toEqual([{ from: SENDER, slice: good }]);
    }
    expect(new SlicePool().add(stateOf(), RECEIVER, good)).toMatch(/from ourselves/);
  });

  test('the reject of one of our messages does not wait', () => {
    const state = stateOf();
    const pool = new SlicePool();
    state.streamTo(SENDER).messages.push(request(0));
    const rejecting = { header: { begin: 0, end: 0, signalsEnd: 1, rejectSignals: [{ index: 0, reason: 'queue-full' as const }] }, messagesBegin: 0, messages: [] };
    pool.add(state, SENDER, rejecting);
    expect(pool.hasNews(state, 5n)).toBe(true);
  });
});
