/** What fits a block, and that nobody waits for ever. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { messageBytes } from '../state/queues.ts';
import { ReplicatedState } from '../state/replicated-state.ts';
import { SlicePool } from '../p2p/slice-pool.ts';
import type { Batch, StreamSlice } from '../types/batch.ts';
import type { CanisterResponse, IngressMessage } from '../types/messages.ts';
import { Principal } from '../types/principal.ts';
import { APPLICATION_SUBNET } from '../types/subnet-config.ts';
import { blockPayload } from './block-payload.ts';
import { IngressPool } from './ingress-pool.ts';

const CANISTER = Principal.fromCanisterIndex(1n);
const MIB = 1024 * 1024;
const MAX_BYTES = APPLICATION_SUBNET.maxBlockPayloadBytes;
const [OWN, ...SENDERS] = [1, 2, 3].map((byte) => Principal.fromBytes(new Uint8Array(29).fill(byte))) as [Principal, ...Principal[]];

function ingressOf(at: number, envelopeBytes: number): IngressMessage {
  const ids = { sender: CANISTER, receiver: CANISTER, effectiveCanisterId: CANISTER };
  return { messageId: String(at), ...ids, methodName: 'm', arg: new Uint8Array(0), expiryNanos: 10n, envelopeBytes };
}

/** All messages of a size share their bytes: pools of many MiB cost nothing. */
const DATA = new Uint8Array(2 * MIB);

function responseOf(callbackId: number, bytes: number): CanisterResponse {
  const payload = { kind: 'reply' as const, data: DATA.subarray(0, bytes) };
  return { kind: 'response', originator: CANISTER, respondent: CANISTER, callbackId, refund: 0n, payload, deadlineNanos: 0n };
}

function node(): { state: ReplicatedState; ingress: IngressPool; slices: SlicePool; next: () => Pick<Batch, 'ingress' | 'xnet'> } {
  const subnets = [OWN, ...SENDERS].map((id) => ({ id, kind: 'application' as const, publicKey: DATA, nodes: [], ranges: [] }));
  const state = new ReplicatedState(OWN, 'application', { rootSubnetId: OWN, rootKey: DATA, subnets, registryVersion: 1n }, []);
  const [ingress, slices] = [new IngressPool(), new SlicePool()];
  const next = (): Pick<Batch, 'ingress' | 'xnet'> => {
    const payload = blockPayload({ config: APPLICATION_SUBNET, ingress, slices }, state, 5n);
    state.height++;
    for (const { from, slice } of payload.xnet) {
      const stream = state.streamTo(from);
      expect(slice.messages.length === 0 || slice.messagesBegin === stream.signalsEnd).toBe(true);
      stream.signalsEnd += slice.messages.length;
    }
    return payload;
  };
  return { state, ingress, slices, next };
}

function sliceOf(sizes: readonly number[]): StreamSlice {
  const header = { begin: 0, end: sizes.length, signalsEnd: 0, rejectSignals: [] };
  return { header, messagesBegin: 0, messages: sizes.map((bytes, at) => responseOf(at, bytes)) };
}

function bytesOf({ ingress, xnet }: Pick<Batch, 'ingress' | 'xnet'>): number {
  let bytes = 0;
  for (const { envelopeBytes } of ingress) bytes += envelopeBytes;
  for (const { slice } of xnet) for (const message of slice.messages) bytes += messageBytes(message);
  return bytes;
}

const sizes = (most: number): fc.Arbitrary<number[]> => fc.array(fc.constantFrom(100, 900_000, 1_900_000, 2 * MIB), { maxLength: most });

describe('a block', () => {
  test('never holds more than 4 MiB, and blocks in a row hold everything, in order, in as few as can be', () => {
    fc.assert(
      fc.property(sizes(30), sizes(30), sizes(30), (users, left, right) => {
        const { ingress, slices, state, next } = node();
        users.forEach((bytes, at) => ingress.add(ingressOf(at, bytes)));
        SENDERS.forEach((from, at) => slices.add(state, from, sliceOf([left, right][at]!)));
        const total = [...users, ...left, ...right].reduce((sum, bytes) => sum + bytes, 0);
        // A block that leaves more than half of its room empty leaves nothing behind but what the next section needs.
        const mostBlocks = 2 + Math.ceil(total / (MAX_BYTES / 4));
        const got: number[] = [];
        let blocks = 0;
        while (ingress.size > 0 || slices.hasNews(state, 5n)) {
          const payload = next();
          expect(bytesOf(payload)).toBeLessThanOrEqual(MAX_BYTES);
          got.push(...payload.ingress.map(({ messageId }) => Number(messageId)));
          expect(++blocks).toBeLessThanOrEqual(mostBlocks);
        }
        expect(got).toEqual(users.map((_, at) => at));
        expect(SENDERS.map((from) => state.streams.get(from.key)?.signalsEnd ?? 0)).toEqual([left.length, right.length]);
      }),
      { numRuns: 200 },
    );
  });

  test('takes from users and from every subnet within a few blocks, however much the others send', () => {
    const { ingress, slices, state, next } = node();
    for (let at = 0; at < 40; at++) ingress.add(ingressOf(at, 2 * MIB));
    for (const from of SENDERS) slices.add(state, from, sliceOf(Array<number>(40).fill(2 * MIB - 300)));
    const taken = new Map<string, number>();
    for (let block = 0; block < 12; block++) {
      const { ingress: users, xnet } = next();
      taken.set('users', (taken.get('users') ?? 0) + users.length);
      for (const { from, slice } of xnet) taken.set(from.key, (taken.get(from.key) ?? 0) + slice.messages.length);
    }
    expect([...taken.values()].reduce((sum, count) => sum + count, 0)).toBe(24);
    expect(Math.min(...taken.values())).toBeGreaterThanOrEqual(4);
  });

  test('carries signals even when it is full of messages', () => {
    const { ingress, slices, state, next } = node();
    for (let at = 0; at < 4; at++) ingress.add(ingressOf(at, 2 * MIB));
    state.height = 1;
    state.streamTo(SENDERS[0]!).messages.push(responseOf(0, 1));
    slices.add(state, SENDERS[0]!, { header: { begin: 0, end: 0, signalsEnd: 1, rejectSignals: [] }, messagesBegin: 0, messages: [] });
    const { ingress: users, xnet } = next();
    expect([users.length, xnet.map(({ slice }) => slice.header.signalsEnd)]).toEqual([2, [1]]);
  });
});
