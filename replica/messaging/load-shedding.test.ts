/** Message memory: what guaranteed-response calls may take, and which best-effort messages go when it runs short. */
import { describe, expect, test } from 'vitest';
import { textOf, type Op } from '../execution/scripted-engine.testing.ts';
import { MESSAGE_OVERHEAD_BYTES, RESPONSE_RESERVATION_BYTES } from '../state/queues.ts';
import type { CanisterState } from '../state/canister-state.ts';
import type { CanisterMessage } from '../types/messages.ts';
import { Principal } from '../types/principal.ts';
import { RICH, SECOND, TestNetwork, type TestSubnet } from './subnets.testing.ts';

const KIB = 1024;
const reply: Op = { op: 'reply' };
const slow: Op = { op: 'spend', instructions: 30_000_000_000 };

type Call = Extract<Op, { op: 'call' }>;

function call(callee: CanisterState, more: Partial<Call>): Op {
  return {
    op: 'call',
    callee: callee.id.toText(),
    program: [reply],
    onReply: [{ op: 'append', text: 'r' }],
    onReject: [{ op: 'appendRejection' }],
    onFailure: [{ op: 'append', text: 'f' }],
    ...more,
  };
}

/** A subnet on which `b` is busy for a round, so that what is sent to it stays in its queue. */
function busy(bestEffortMemoryBytes: number): { subnet: TestSubnet; a: CanisterState; b: CanisterState } {
  const { subnet } = new TestNetwork({ config: { bestEffortMemoryBytes } });
  const [a, b] = [subnet.addCanister(), subnet.addCanister()];
  return { subnet, a, b };
}

function sizes(queues: CanisterState['queues']): number[] {
  const sizeOf = (message: CanisterMessage): number => (message.kind === 'request' ? message.payload.length : -1);
  return [...queues.inputs.values()].flatMap(({ messages }) => messages.map(sizeOf));
}

/** Makes the stream full: nothing leaves. */
function fill(from: TestSubnet, to: TestSubnet): void {
  const [nobody, payload] = [Principal.anonymous(), { kind: 'reply' as const, data: new Uint8Array(0) }];
  const ids = { originator: nobody, respondent: nobody, callbackId: 1 };
  const message: CanisterMessage = { kind: 'response', ...ids, refund: 0n, payload, deadlineNanos: 0n };
  const { messages } = from.state.streamTo(to.id);
  while (messages.length < 10_000) messages.push(message);
}

describe('best-effort messages beyond the memory of the subnet', () => {
  test('go largest first, only as many as needed, and their callers are told SYS_UNKNOWN with the cycles back', () => {
    const { subnet, a, b } = busy(40 * KIB);
    const sent = [10, 30, 20].map((kib) => call(b, { timeoutSeconds: 100, padBytes: kib * KIB, cycles: kib }));
    const guaranteed = call(b, { padBytes: 900 * KIB });
    subnet.batch({ ingress: [subnet.ingress(a.id, [call(b, { program: [slow] }), ...sent, guaranteed, reply])] });
    expect(sizes(b.queues)).toEqual([10 * KIB, 20 * KIB, 900 * KIB]);
    expect(b.queues.bestEffortBytes).toBe(30 * KIB + 2 * (MESSAGE_OVERHEAD_BYTES + 'run'.length));
    subnet.batch();
    expect(textOf(a)).toContain('<6 Response was dropped. 30>');
  });

  test('are taken from the canister that holds most of them', () => {
    const { subnet, a, b } = busy(100 * KIB);
    const c = subnet.addCanister();
    const to = (callee: CanisterState, kib: number): Op => call(callee, { timeoutSeconds: 100, padBytes: kib * KIB });
    const program = [call(b, { program: [slow] }), to(b, 20), to(b, 21), to(b, 22), to(c, 50), reply];
    subnet.batch({ ingress: [subnet.ingress(a.id, program)] });
    // c has the largest message, but b has more of them: 63 KiB against 50.
    expect(sizes(b.queues)).toEqual([20 * KIB, 21 * KIB]);
    expect(sizes(c.queues)).toEqual([50 * KIB]);
  });

  test('that never left their caller come back as SYS_TRANSIENT with the cycles', () => {
    const net = new TestNetwork({ subnets: 2, config: { bestEffortMemoryBytes: 50 * KIB } });
    const [here, there] = net.subnets as [TestSubnet, TestSubnet];
    const [a, b] = [here.addCanister(), there.addCanister()];
    fill(here, there);
    const before = a.balance;
    const sent = [30, 40].map((kib) => call(b, { timeoutSeconds: 100, padBytes: kib * KIB, cycles: 10 ** 12 }));
    here.batch({ ingress: [here.ingress(a.id, [...sent, reply])] });
    here.batch();
    expect(textOf(a)).toBe('<2 Request was dropped before it was sent: out of message memory. 1000000000000>');
    expect(before - a.balance).toBeLessThan(2n * 10n ** 12n);
    expect([...a.callbacks.values()].map(({ cyclesSent }) => cyclesSent)).toEqual([10n ** 12n]);
  });

  test('that are answers become a short reject which carries the refund', () => {
    const { subnet, a, b } = busy(50 * KIB);
    const program: readonly Op[] = [slow, { op: 'replySize', bytes: 60 * KIB }];
    // The round ends with b, so its answer waits for a.
    subnet.batch({ ingress: [subnet.ingress(a.id, [call(b, { program, timeoutSeconds: 100, cycles: 5 }), reply])] });
    expect(a.queues.inputMessages).toBe(1);
    expect(a.queues.bestEffortBytes).toBeLessThan(KIB);
    subnet.batch();
    expect(textOf(a)).toBe('<6 Response was dropped. 5>');
  });

  test('of a few hundred bytes are not worth it', () => {
    const { subnet, a, b } = busy(0);
    const program = [call(b, { program: [slow] }), call(b, { timeoutSeconds: 100 }), reply];
    subnet.batch({ ingress: [subnet.ingress(a.id, program)] });
    expect(sizes(b.queues).length).toBe(1);
  });
});

describe('guaranteed-response calls', () => {
  test('larger than a response take their whole size of the memory', () => {
    const config = { guaranteedResponseMemoryBytes: 8 * RESPONSE_RESERVATION_BYTES };
    const { subnet } = new TestNetwork({ config });
    const [a, b] = [subnet.addCanister(), subnet.addCanister()];
    const large = call(b, { padBytes: 3 * RESPONSE_RESERVATION_BYTES });
    subnet.call(subnet.ingress(a.id, [large, large, large, reply]));
    expect(textOf(a)).toMatch(/^f/);
    expect(textOf(a).replace('f', '')).toMatch(/^(r|<5[^>]*out of memory[^>]*>){2}$/);
  });

  test('that the receiver has no memory for are rejected with their cycles, on the same subnet and another', () => {
    for (const subnets of [1, 2]) {
      const net = new TestNetwork({ subnets });
      const [here, there] = [net.subnet, net.subnets.at(-1)!];
      const [a, b] = [here.addCanister(), there.addCanister()];
      const limited = there.routing.environment.config as { guaranteedResponseMemoryBytes: number };
      // Enough for the caller's own reservation on the same subnet, and for nothing on the other.
      limited.guaranteedResponseMemoryBytes = subnets === 1 ? RESPONSE_RESERVATION_BYTES : 0;
      here.call(here.ingress(a.id, [call(b, { cycles: 77 }), reply]));
      expect(textOf(a)).toMatch(/^<5 Cannot induct request to canister .*: out of memory 77>$/);
      expect(a.balance + 10n ** 10n).toBeGreaterThan(RICH);
    }
  });

  test('to the management canister hold memory only while they wait', () => {
    const net = new TestNetwork({ subnets: 2 });
    const [here, there] = net.subnets as [TestSubnet, TestSubnet];
    const a = here.addCanister();
    here.call(here.ingress(a.id, [{ ...call(a, {}), callee: there.id.toText(), method: 'raw_rand', argHex: '4449444c0000' } as Op, reply]));
    expect(textOf(a)).toBe('r');
    expect(there.routing.environment.work.guaranteedBytes).toBe(0);
  });

  test('that cannot be sent wait for five minutes and then come back with their cycles', () => {
    const net = new TestNetwork({ subnets: 2 });
    const [here, there] = net.subnets as [TestSubnet, TestSubnet];
    const [a, b] = [here.addCanister(), there.addCanister()];
    fill(here, there);
    here.batch({ ingress: [here.ingress(a.id, [call(b, { cycles: 7 }), reply])] });
    const dueAt = net.now + 300n * SECOND;
    expect(here.outcomes.at(-1)!.nextWakeNanos).toBe(dueAt);
    net.now = dueAt - 1n;
    here.batch();
    expect(textOf(a)).toBe('');
    net.now = dueAt;
    here.batch();
    expect(textOf(a)).toBe('<2 Request timed out. 7>');
    expect([a.callbacks.size, a.queues.isEmpty()]).toEqual([0, true]);
  });
});
