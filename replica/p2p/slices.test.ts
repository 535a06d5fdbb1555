import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { label, leaf, mapOf, treeOf } from '../codec/hash-tree.ts';
import type { HashTree } from '../codec/hash-tree.ts';
import { NodeSigningKey } from '../crypto/keys.ts';
import { STREAM_HEADER, STREAM_MESSAGES, streamIndexLabel } from '../state/certified-tree.ts';
import { encodeCanisterMessage, encodeStreamHeader } from '../state/message-codec.ts';
import { ReplicatedState } from '../state/replicated-state.ts';
import type { StreamSlice } from '../types/batch.ts';
import type { CanisterRequest } from '../types/messages.ts';
import { Principal } from '../types/principal.ts';
import { decodeSlice, encodeSlice, SliceError } from './certified-slice.ts';
import { SlicePool } from './slice-pool.ts';

const SENDER = Principal.fromCanisterIndex(1n);
const RECEIVER = Principal.fromCanisterIndex(2n);
const KEY = NodeSigningKey.fromSeed(new Uint8Array(32).fill(3));

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

function encoded(begin: number, end: number, from = begin): Uint8Array {
  return encodeSlice(treeWith(begin, end), RECEIVER, from, end, (payload) => KEY.sign(payload));
}

describe('certified slices', () => {
  test('carry the messages from an index on, with the header', () => {
    const slice = decodeSlice(encoded(3, 9, 5), [KEY.publicKeyDer], RECEIVER);
    expect(slice.header).toEqual({ begin: 3, end: 9, signalsEnd: 0, rejectSignals: [] });
    expect(slice.messagesBegin).toBe(5);
    expect(slice.messages.map((message) => message.callbackId)).toEqual([5, 6, 7, 8]);
  });

  test('of an empty stream carry the header alone', () => {
    const slice = decodeSlice(encoded(4, 4), [KEY.publicKeyDer], RECEIVER);
    expect([slice.messagesBegin, slice.messages.length]).toEqual([4, 0]);
  });

  test('signed by anybody but a node of the sender are refused', () => {
    const other = NodeSigningKey.fromSeed(new Uint8Array(32).fill(4));
    expect(() => decodeSlice(encoded(0, 2), [other.publicKeyDer], RECEIVER)).toThrow(SliceError);
    expect(() => decodeSlice(encoded(0, 2), [], RECEIVER)).toThrow(SliceError);
  });

  test('for another subnet are refused', () => {
    expect(() => decodeSlice(encoded(0, 2), [KEY.publicKeyDer], SENDER)).toThrow(SliceError);
  });

  test('with any byte changed are refused or say the same', () => {
    const good = encoded(0, 5);
    const expected = decodeSlice(good, [KEY.publicKeyDer], RECEIVER);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const bad = good.slice();
        bad[at]! ^= mask;
        try {
          expect(decodeSlice(bad, [KEY.publicKeyDer], RECEIVER)).toEqual(expected);
        } catch (error) {
          expect(error).toBeInstanceOf(SliceError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

function stateOf(): ReplicatedState {
  const topology = { rootSubnetId: RECEIVER, rootKey: new Uint8Array(0), subnets: [], registryVersion: 1n };
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
          const [taken] = pool.take(state);
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
    expect(pool.take(state).length).toBe(1);
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
