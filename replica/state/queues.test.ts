/** Queues of a canister against a naive model. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CanisterRequest, CanisterResponse } from '../types/messages.ts';
import { Principal } from '../types/principal.ts';
import { CanisterQueues, RESPONSE_RESERVATION_BYTES } from './queues.ts';

const CAPACITY = 3;
const OWN = Principal.fromCanisterIndex(0n);
const PEERS = [1n, 2n, 3n].map((index) => Principal.fromCanisterIndex(index));

function request(sender: Principal, receiver: Principal, callbackId: number, deadlineNanos = 0n): CanisterRequest {
  return {
    kind: 'request',
    sender,
    receiver,
    callbackId,
    methodName: 'm',
    payload: new Uint8Array(1),
    payment: 0n,
    deadlineNanos,
    senderVersion: 0n,
  };
}

function response(
  originator: Principal,
  respondent: Principal,
  callbackId: number,
  deadlineNanos = 0n,
): CanisterResponse {
  return {
    kind: 'response',
    originator,
    respondent,
    callbackId,
    refund: 0n,
    payload: { kind: 'reply', data: new Uint8Array(0) },
    deadlineNanos,
  };
}

type Action = {
  readonly kind: 'send' | 'receive' | 'answer' | 'answered' | 'pop' | 'deliver';
  readonly peer: number;
  readonly bestEffort: boolean;
};

const action: fc.Arbitrary<Action> = fc.record({
  kind: fc.constantFrom('send', 'receive', 'answer', 'answered', 'pop', 'deliver'),
  peer: fc.nat(2),
  bestEffort: fc.boolean(),
});

test('a response always finds its slot, queues keep their order and their bounds', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
      const queues = new CanisterQueues();
      const sent: CanisterRequest[] = [];
      const taken: CanisterRequest[] = [];
      const lastFrom = new Map<string, number>();
      let next = 0;
      for (const { kind, peer, bestEffort } of actions) {
        const other = PEERS[peer]!;
        const deadline = bestEffort ? 5n : 0n;
        if (kind === 'send' && queues.canSendRequest(other.key, CAPACITY)) {
          const message = request(OWN, other, next++, deadline);
          queues.pushOutputRequest(message);
          sent.push(message);
        } else if (kind === 'receive' && queues.canReceiveRequest(other.key, CAPACITY)) {
          queues.pushInputRequest(request(other, OWN, next++, deadline));
        } else if (kind === 'answer') {
          const message = taken.shift();
          if (message !== undefined)
            queues.pushOutputResponse(response(message.sender, OWN, message.callbackId, message.deadlineNanos));
        } else if (kind === 'answered') {
          const index = sent.findIndex(({ receiver }) => receiver.equals(other));
          const [message] = index < 0 ? [] : sent.splice(index, 1);
          if (message !== undefined) {
            queues.removeOutputs((output) => output === message);
            queues.pushInputResponse(response(OWN, other, message.callbackId, message.deadlineNanos));
          }
        } else if (kind === 'pop') {
          const message = queues.popInput();
          if (message?.kind === 'request') {
            expect(message.callbackId).toBeGreaterThan(lastFrom.get(message.sender.key) ?? -1);
            lastFrom.set(message.sender.key, message.callbackId);
            taken.push(message);
          }
        } else if (kind === 'deliver') {
          queues.popOutput(other.key);
        }
        check(queues);
      }
      expect(queues.guaranteedBytes()).toBeGreaterThanOrEqual(queues.guaranteedReservations * RESPONSE_RESERVATION_BYTES);
    }),
  );
});

function check(queues: CanisterQueues): void {
  for (const [map, total] of [
    [queues.inputs, queues.inputMessages],
    [queues.outputs, queues.outputMessages],
  ] as const) {
    let messages = 0;
    for (const queue of map.values()) {
      const requests = queue.messages.filter((message) => message.kind === 'request').length;
      expect(queue.requests).toBe(requests);
      expect(requests).toBeLessThanOrEqual(CAPACITY);
      expect(queue.messages.length - requests + queue.reserved).toBeLessThanOrEqual(CAPACITY);
      expect(queue.reserved).toBeGreaterThanOrEqual(0);
      messages += queue.messages.length;
    }
    expect(total).toBe(messages);
  }
  const waiting = (map: CanisterQueues['inputs']): string[] =>
    [...map]
      .filter(([, queue]) => queue.messages.length > 0)
      .map(([peer]) => peer)
      .sort();
  expect([...queues.inputSchedule].sort()).toEqual(waiting(queues.inputs));
  expect([...queues.outputSchedule].sort()).toEqual(waiting(queues.outputs));
}

test('senders take turns', () => {
  const queues = new CanisterQueues();
  for (const callbackId of [0, 1]) for (const peer of PEERS) queues.pushInputRequest(request(peer, OWN, callbackId));
  const order = Array.from({ length: 6 }, () => queues.popInput() as CanisterRequest).map(({ sender }) =>
    sender.canisterIndex(),
  );
  expect(order).toEqual([1n, 2n, 3n, 1n, 2n, 3n]);
});

test('a response without a reserved slot is a broken invariant', () => {
  const queues = new CanisterQueues();
  expect(() => queues.pushInputResponse(response(OWN, PEERS[0]!, 1))).toThrow(/no slot reserved/);
  expect(() => queues.pushOutputResponse(response(PEERS[0]!, OWN, 1))).toThrow(/no slot reserved/);
});
