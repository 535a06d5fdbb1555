import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stateHash } from '../execution/state-hash.ts';
import { textOf, type Op } from '../execution/scripted-engine.testing.ts';
import { decodeStreamSlice, encodeStreamSlice } from '../state/message-codec.ts';
import type { StreamSlice } from '../types/batch.ts';
import { inductSlice, OutgoingStreams, sliceFault, sliceHasNews, sliceOf, StreamError } from './streams.ts';
import { TestNetwork, type TestSubnet } from './subnets.testing.ts';

/** `here` has sent 12 numbered requests to a canister on `there`. */
function sent(): {
  net: TestNetwork;
  here: TestSubnet;
  there: TestSubnet;
  slice: (from: number, maxBytes?: number) => StreamSlice;
} {
  const net = new TestNetwork({ subnets: 2 });
  const [here, there] = net.subnets as [TestSubnet, TestSubnet];
  const [a, b] = [here.addCanister(), there.addCanister()];
  there.batch();
  const calls: Op[] = Array.from({ length: 12 }, (_, index) => ({
    op: 'call',
    callee: b.id.toText(),
    program: [{ op: 'append', text: String.fromCharCode(97 + index) }, { op: 'reply' }],
  }));
  here.batch({ ingress: [here.ingress(a.id, [...calls, { op: 'reply' }])] });
  const slice = (from: number, maxBytes = 1e9): StreamSlice =>
    sliceOf(here.state.streams.get(there.id.key)!, from, maxBytes);
  return { net, here, there, slice };
}

test('slices of any size deliver every message once and in order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 30 }), (sizes) => {
      const { here, there, slice } = sent();
      let at = 0;
      for (const size of [...sizes, 1e9]) {
        const part = slice(at, size);
        if (part.messages.length === 0) break;
        there.batch({ xnet: [{ from: here.id, slice: part }] });
        at += part.messages.length;
      }
      expect(textOf(there.state.canistersInOrder()[0]!)).toBe('abcdefghijkl');
    }),
    { numRuns: 30 },
  );
});

test('messages stay in the stream until signals cover them', () => {
  const { here, there, slice } = sent();
  const stream = here.state.streams.get(there.id.key)!;
  there.batch({ xnet: [{ from: here.id, slice: slice(0) }] });
  expect(stream.messages.length).toBe(12);
  const back = sliceOf(there.state.streams.get(here.id.key)!, 0, 1e9);
  expect(back.header.signalsEnd).toBe(12);
  here.batch({ xnet: [{ from: there.id, slice: back }] });
  expect(stream.messages).toEqual([]);
  expect(stream.begin).toBe(12);
});

test('a slice survives its encoding', () => {
  const { slice } = sent();
  expect(decodeStreamSlice(encodeStreamSlice(slice(3)))).toEqual(slice(3));
});

test('a full stream takes no more, and takes again when collected', () => {
  const { here, there } = sent();
  const outgoing = new OutgoingStreams(here.state);
  const { messages } = here.state.streams.get(there.id.key)!;
  const message = messages[0]!;
  let count = messages.length;
  while (outgoing.emit(message, there.id)) count++;
  expect(count).toBe(10_000);
  outgoing.collect(there.id, 5);
  expect(outgoing.emit(message, there.id)).toBe(true);
});

test('a stream takes no more than 10 MiB, and the rest waits in order in the senders’ queues', () => {
  const net = new TestNetwork({ subnets: 2 });
  const [here, there] = net.subnets as [TestSubnet, TestSubnet];
  const [a, b] = [here.addCanister(), there.addCanister()];
  const letters = Array.from({ length: 12 }, (_, index) => String.fromCharCode(97 + index));
  const calls: Op[] = letters.map((text) => ({
    op: 'call',
    callee: b.id.toText(),
    program: [{ op: 'append', text }, { op: 'reply' }],
    padBytes: 2 * 1024 * 1024 - 10,
  }));
  here.batch({ ingress: [here.ingress(a.id, [...calls, { op: 'reply' }])] });
  expect(here.state.streams.get(there.id.key)!.messages.length).toBe(5);
  expect(a.queues.outputMessages).toBe(7);
  net.settle();
  expect(textOf(b)).toBe(letters.join(''));
});

test('a stream to a system subnet takes 200 messages', () => {
  const { here, there } = sent();
  const { state } = here;
  const [message] = state.streams.get(there.id.key)!.messages;
  state.topology = {
    ...state.topology,
    subnets: state.topology.subnets.map((subnet) => ({ ...subnet, kind: subnet.id.equals(there.id) ? 'system' : 'application' })),
  };
  const outgoing = new OutgoingStreams(state);
  let count = state.streams.get(there.id.key)!.messages.length;
  while (outgoing.emit(message!, there.id)) count++;
  expect(count).toBe(200);
});

describe('a wrong slice', () => {
  const wrong: readonly (readonly [string, (slice: StreamSlice) => StreamSlice])[] = [
    [
      'that is longer than a stream',
      (slice) => ({
        header: { ...slice.header, end: 10_001 },
        messagesBegin: 0,
        messages: Array<StreamSlice['messages'][number]>(10_001).fill(slice.messages[0]!),
      }),
    ],
    ['with a gap', (slice) => ({ ...slice, messagesBegin: 1, messages: slice.messages.slice(1) })],
    ['past its end', (slice) => ({ ...slice, header: { ...slice.header, end: 5 } })],
    ['with begin after end', (slice) => ({ ...slice, header: { ...slice.header, begin: 13 } })],
    [
      'that dropped messages',
      (slice) => ({ ...slice, messagesBegin: 2, messages: [], header: { ...slice.header, begin: 2 } }),
    ],
    ['with signals for what was never sent', (slice) => ({ ...slice, header: { ...slice.header, signalsEnd: 1 } })],
    [
      'with reject signals out of order',
      (slice) => ({ ...slice, header: { ...slice.header, rejectSignals: [{ index: 0, reason: 'unknown' }] } }),
    ],
  ];

  test.each(wrong)('%s is refused and changes nothing', (_, change) => {
    const { here, there, slice } = sent();
    const bad = change(slice(0));
    const before = stateHash(there.state);
    expect(sliceFault(there.state, here.id, bad)).toBeTypeOf('string');
    const { environment } = there.routing;
    expect(() => inductSlice(environment, new OutgoingStreams(there.state), here.id, bad)).toThrow(StreamError);
    expect(stateHash(there.state)).toEqual(before);
  });

  test('from ourselves or from nowhere is refused', () => {
    const { there, slice } = sent();
    expect(sliceFault(there.state, there.id, slice(0))).toBe('a slice from ourselves');
    expect(sliceFault(there.state, there.state.canistersInOrder()[0]!.id, slice(0))).toBe(
      'a slice from an unknown subnet',
    );
  });

  test('taken in twice is refused the second time', () => {
    const { here, there, slice } = sent();
    there.batch({ xnet: [{ from: here.id, slice: slice(0) }] });
    const hash = stateHash(there.state);
    expect(sliceFault(there.state, here.id, slice(0))).toMatch(/^expected messages from 12/);
    expect(sliceHasNews(there.state, here.id, slice(12))).toBe(false);
    expect(stateHash(there.state)).toEqual(hash);
  });
});
