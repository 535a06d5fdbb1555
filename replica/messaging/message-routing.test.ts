import { describe, expect, test } from 'vitest';
import { encodeProgram, textOf, type Op } from '../execution/scripted-engine.testing.ts';
import { Principal } from '../types/principal.ts';
import { RICH, SECOND, TestNetwork } from './subnets.testing.ts';

const reply: Op = { op: 'reply' };

describe('one subnet', () => {
  test('an update replies within its batch', () => {
    const { subnet } = new TestNetwork();
    const canister = subnet.addCanister();
    const message = subnet.ingress(canister.id, [
      { op: 'append', text: 'a' },
      { op: 'reply', text: 'hello' },
    ]);
    const outcome = subnet.batch({ ingress: [message] });
    expect(subnet.status(message)).toBe('replied hello');
    expect(outcome.changedIngress).toEqual([message.messageId]);
    expect(outcome.changedCanisters).toEqual([canister.key]);
    expect(outcome.moreWork).toBe(false);
    expect(textOf(canister)).toBe('a');
    expect(canister.version).toBe(1n);
  });

  test('the entry of a message, kept for minutes, shares the id of the canister it names', () => {
    const { subnet } = new TestNetwork();
    const canister = subnet.addCanister();
    const named = Principal.fromBytes(canister.id.bytes);
    const message = subnet.message(named, Principal.fromBytes(canister.id.bytes), 'run', encodeProgram([reply]));
    subnet.batch({ ingress: [message] });
    const entry = subnet.state.ingressHistory.get(message.messageId)!;
    expect(entry.receiver).toBe(canister.id);
    expect(entry.effectiveCanisterId).toBe(canister.id);
  });

  test('a trap undoes the message and is told to the caller', () => {
    const { subnet } = new TestNetwork();
    const canister = subnet.addCanister();
    const [status] = subnet.call(subnet.ingress(canister.id, [{ op: 'append', text: 'a' }, reply, { op: 'trap' }]));
    expect(status).toBe(
      `rejected 503 Error from Canister ${canister.id.toText()}: Canister called \`ic0.trap\` with message: 'on purpose'`,
    );
    expect(textOf(canister)).toBe('');
    expect(canister.version).toBe(0n);
    expect(new TextDecoder().decode(canister.log.records[0]!.content)).toBe('[TRAP]: on purpose');
  });

  test('a message that returns without reply or call is rejected with IC0506', () => {
    const { subnet } = new TestNetwork();
    const canister = subnet.addCanister();
    const [status] = subnet.call(subnet.ingress(canister.id, []));
    expect(status).toBe(`rejected 506 Canister ${canister.id.toText()} did not reply to the call`);
  });

  test('a call within the subnet completes in the same batch and its callback keeps state', () => {
    const { subnet } = new TestNetwork();
    const [a, b] = [subnet.addCanister(), subnet.addCanister()];
    const call: Op = {
      op: 'call',
      callee: b.id.toText(),
      cycles: 1000,
      program: [{ op: 'accept', cycles: 400 }, reply],
      onReply: [{ op: 'append', text: 'done' }, { op: 'replyState' }],
    };
    const message = subnet.ingress(a.id, [call]);
    subnet.batch({ ingress: [message] });
    expect(subnet.status(message)).toBe('replied done');
    expect(a.callContexts.size + b.callContexts.size + a.callbacks.size).toBe(0);
    expect(a.queues.isEmpty() && b.queues.isEmpty()).toBe(true);
  });

  test('a canister may call itself', () => {
    const { subnet } = new TestNetwork();
    const a = subnet.addCanister();
    const call: Op = {
      op: 'call',
      callee: a.id.toText(),
      program: [{ op: 'append', text: 'x' }, reply],
      onReply: [{ op: 'replyState' }],
    };
    expect(subnet.call(subnet.ingress(a.id, [call]))).toEqual(['replied x']);
  });

  test.each([
    [
      'a missing canister',
      'rdmx6-jaaaa-aaaaa-aaadq-cai',
      'run',
      'replied 3: Canister rdmx6-jaaaa-aaaaa-aaadq-cai not found',
    ],
    ['a place without route', '2vxsx-fae', 'run', 'replied 3: No route to canister 2vxsx-fae'],
  ])('a call to %s is rejected', (_, callee, method, expected) => {
    const { subnet } = new TestNetwork();
    const a = subnet.addCanister();
    const call: Op = { op: 'call', callee, method, program: [], cycles: 5000, onReject: [{ op: 'replyRejection' }] };
    const before = a.balance;
    expect(subnet.call(subnet.ingress(a.id, [call]))).toEqual([expected]);
    expect(a.balance).toBeGreaterThan(before - 100_000_000n);
  });

  test('trap in a callback runs the cleanup and rejects with the trap', () => {
    const { subnet } = new TestNetwork();
    const [a, b] = [subnet.addCanister(), subnet.addCanister()];
    const call: Op = {
      op: 'call',
      callee: b.id.toText(),
      program: [reply],
      onReply: [{ op: 'append', text: 'lost' }, { op: 'trap' }],
      onCleanup: [{ op: 'append', text: 'cleaned' }],
    };
    const [status] = subnet.call(subnet.ingress(a.id, [call]));
    expect(status).toMatch(/^rejected 503 .*on purpose/);
    expect(textOf(a)).toBe('cleaned');
  });

  test('a failing cleanup is added to the error', () => {
    const { subnet } = new TestNetwork();
    const [a, b] = [subnet.addCanister(), subnet.addCanister()];
    const call: Op = {
      op: 'call',
      callee: b.id.toText(),
      program: [reply],
      onReply: [{ op: 'trap' }],
      onCleanup: [{ op: 'trap' }],
    };
    const [status] = subnet.call(subnet.ingress(a.id, [call]));
    expect(status).toContain('\n\ncall_on_cleanup also failed:\n\n');
  });

  test('with calls still open, a trapped callback rejects nothing until the last one is back', () => {
    const { subnet } = new TestNetwork();
    const [a, b] = [subnet.addCanister(), subnet.addCanister()];
    const trapping: Op = { op: 'call', callee: b.id.toText(), program: [reply], onReply: [{ op: 'trap' }] };
    const replying: Op = { op: 'call', callee: b.id.toText(), program: [reply], onReply: [reply] };
    expect(subnet.call(subnet.ingress(a.id, [trapping, replying]))).toEqual(['replied ok']);
    expect(subnet.call(subnet.ingress(a.id, [replying, trapping]))).toEqual(['replied ok']);
    expect(subnet.call(subnet.ingress(a.id, [trapping, trapping]))[0]).toMatch(/^rejected 503/);
  });

  test('a query method called as update leaves no state but may accept cycles', () => {
    const { subnet } = new TestNetwork();
    const [a, b] = [subnet.addCanister(), subnet.addCanister()];
    const call: Op = {
      op: 'call',
      callee: b.id.toText(),
      method: 'ask',
      cycles: 50_000_000,
      program: [{ op: 'append', text: 'x' }, { op: 'accept', cycles: 50_000_000 }, { op: 'replyState' }],
      onReply: [reply],
    };
    const before = b.balance;
    expect(subnet.call(subnet.ingress(a.id, [call]))).toEqual(['replied ok']);
    expect(textOf(b)).toBe('');
    expect(b.version).toBe(0n);
    expect(b.balance).toBeGreaterThan(before);
  });

  test('at most 500 calls per callee are open at once', () => {
    const { subnet } = new TestNetwork();
    const [a, b] = [subnet.addCanister({ cycles: RICH * 100n }), subnet.addCanister()];
    const call: Op = {
      op: 'call',
      callee: b.id.toText(),
      program: [reply],
      times: 510,
      onFailure: [{ op: 'append', text: 'f' }],
      onReply: [{ op: 'append', text: 'r' }],
    };
    subnet.call(subnet.ingress(a.id, [call, reply]));
    expect(textOf(a).replaceAll('r', '')).toBe('f'.repeat(10));
    expect(textOf(a).replaceAll('f', '')).toBe('r'.repeat(500));
  });

  test('the same message id is executed once', () => {
    const { subnet } = new TestNetwork();
    const a = subnet.addCanister();
    const message = subnet.ingress(a.id, [{ op: 'append', text: 'x' }, reply]);
    subnet.batch({ ingress: [message, message] });
    subnet.batch({ ingress: [message] });
    expect(textOf(a)).toBe('x');
  });

  test('expired and too far future messages are not taken in', () => {
    const net = new TestNetwork();
    const { subnet } = net;
    const a = subnet.addCanister();
    const message = subnet.ingress(a.id, [reply]);
    const late = { ...message, expiryNanos: net.now - 1n };
    const early = { ...message, expiryNanos: net.now + 400n * SECOND };
    subnet.batch({ ingress: [late, early] });
    expect(subnet.status(message)).toBe('unknown');
  });

  test('answers are forgotten after expiry and five minutes', () => {
    const net = new TestNetwork();
    const { subnet } = net;
    const a = subnet.addCanister();
    const message = subnet.ingress(a.id, [reply]);
    subnet.call(message);
    net.advance(299n * SECOND);
    expect(subnet.status(message)).toBe('replied ok');
    net.advance(20n * SECOND);
    expect(subnet.status(message)).toBe('unknown');
  });

  test('a frozen canister rejects calls with IC0207 but runs its callbacks', () => {
    const net = new TestNetwork();
    const { subnet } = net;
    const [a, b] = [subnet.addCanister({ cycles: 90_000_000_000n }), subnet.addCanister()];
    const call: Op = {
      op: 'call',
      callee: b.id.toText(),
      program: [reply],
      onReply: [{ op: 'append', text: 'back' }, reply],
    };
    const message = subnet.ingress(a.id, [call]);
    a.settings.freezingThresholdSeconds = 2_592_000n;
    expect(subnet.call(message)).toEqual(['replied ok']);
    a.balance = 1_000_000_000n;
    const [status] = subnet.call(subnet.ingress(a.id, [reply]));
    expect(status).toMatch(
      /^rejected 207 Canister .* is out of cycles: please top up the canister with at least \d+ additional cycles/,
    );
  });

  test('a round ends when its instructions are spent and the next goes on', () => {
    const { subnet } = new TestNetwork({ config: {} });
    const canisters = Array.from({ length: 6 }, () => subnet.addCanister());
    const heavy = canisters.map((canister) =>
      subnet.ingress(canister.id, [{ op: 'spend', instructions: 3_000_000_000 }, reply]),
    );
    const first = subnet.batch({ ingress: heavy });
    expect(first.moreWork).toBe(true);
    expect(first.messagesExecuted).toBe(3);
    subnet.batch();
    expect(heavy.map((message) => subnet.status(message))).toEqual(Array(6).fill('replied ok'));
  });

  test('a timer fires once when its time has come', () => {
    const net = new TestNetwork();
    const { subnet } = net;
    const a = subnet.addCanister({ timer: [{ op: 'append', text: 't' }] });
    const at = net.now + 10n * SECOND;
    subnet.call(subnet.ingress(a.id, [{ op: 'timer', atNanos: String(at) }, reply]));
    expect(subnet.outcomes.at(-1)!.nextWakeNanos).toBe(at);
    net.advance(9n * SECOND);
    expect(textOf(a)).toBe('');
    net.advance(1n * SECOND);
    expect(textOf(a)).toBe('t');
    net.advance(50n * SECOND);
    expect(textOf(a)).toBe('t');
    expect(subnet.outcomes.at(-1)!.nextWakeNanos).toBeUndefined();
  });

  test('a heartbeat runs once a round, not while frozen', () => {
    const { subnet } = new TestNetwork();
    const a = subnet.addCanister({ heartbeat: [{ op: 'append', text: 'h' }] });
    subnet.batch();
    expect(subnet.batch().nextWakeNanos).toBe(0n);
    expect(textOf(a)).toBe('hh');
    a.balance = 0n;
    a.markDirty();
    subnet.batch();
    expect(textOf(a)).toBe('hh');
    expect(subnet.outcomes.at(-1)!.nextWakeNanos).toBeUndefined();
  });

  test('the low-memory hook runs once, before other messages', () => {
    const { subnet } = new TestNetwork();
    const a = subnet.addCanister({ hook: [{ op: 'append', text: 'low ' }] });
    a.settings.wasmMemoryLimit = 1_000_000;
    a.settings.wasmMemoryThreshold = 500_000;
    const grow = subnet.ingress(a.id, [{ op: 'grow', bytes: 458_752 }, { op: 'append', text: 'grown ' }, reply]);
    const after = subnet.ingress(a.id, [{ op: 'append', text: 'after ' }, reply]);
    subnet.call(grow, after);
    expect(textOf(a)).toBe('grown low after ');
  });

  test('a best-effort call whose deadline passes is answered with SYS_UNKNOWN; the late answer only returns cycles', () => {
    const net = new TestNetwork({ subnets: 2 });
    const [here, there] = net.subnets as [TestNetwork['subnet'], TestNetwork['subnet']];
    const a = here.addCanister();
    const b = there.addCanister();
    const call: Op = {
      op: 'call',
      callee: b.id.toText(),
      program: [reply],
      cycles: 1_000_000,
      timeoutSeconds: 5,
      onReply: [{ op: 'reply', text: 'too late' }],
      onReject: [{ op: 'replyRejection' }],
    };
    const message = here.ingress(a.id, [call]);
    here.batch({ ingress: [message] });
    expect(here.status(message)).toBe('processing');
    net.now += 6n * SECOND;
    here.batch();
    expect(here.status(message)).toBe('replied 6: Call deadline has expired.');
    const before = a.balance;
    net.settle();
    expect(a.balance).toBe(before + 1_000_000n);
    expect(a.queues.isEmpty() && b.queues.isEmpty()).toBe(true);
  });
});

describe('two subnets', () => {
  function pair(): [TestNetwork, TestNetwork['subnet'], TestNetwork['subnet']] {
    const net = new TestNetwork({ subnets: 2 });
    return [net, net.subnets[0]!, net.subnets[1]!];
  }

  test('a call crosses, its answer comes back, and the streams are collected', () => {
    const [net, here, there] = pair();
    const a = here.addCanister();
    const b = there.addCanister();
    const call: Op = {
      op: 'call',
      callee: b.id.toText(),
      cycles: 70_000_000,
      program: [{ op: 'accept', cycles: 70_000_000 }, { op: 'append', text: 'x' }, reply],
      onReply: [{ op: 'append', text: 'back' }, { op: 'replyState' }],
    };
    expect(here.call(here.ingress(a.id, [call]))).toEqual(['replied back']);
    expect(textOf(b)).toBe('x');
    net.settle();
    for (const subnet of [here, there]) {
      for (const stream of subnet.state.streams.values()) expect(stream.messages).toEqual([]);
    }
  });

  test('a request that is refused comes back by reject signal with its cycles', () => {
    const [, here, there] = pair();
    const a = here.addCanister();
    const gone = there.addCanister();
    there.state.removeCanister(gone.id);
    const call: Op = {
      op: 'call',
      callee: gone.id.toText(),
      cycles: 9_000_000_000_000,
      program: [],
      onReject: [{ op: 'replyRejection' }],
    };
    const before = a.balance;
    expect(here.call(here.ingress(a.id, [call]))).toEqual([`replied 3: Canister ${gone.id.toText()} not found`]);
    expect(a.balance).toBeGreaterThan(before - 1_000_000_000n);
    expect(here.state.streams.get(there.id.key)!.rejectSignals).toEqual([]);
    expect(there.state.streams.get(here.id.key)!.rejectSignals.length).toBeLessThanOrEqual(1);
  });

  test('messages of one pair stay in order', () => {
    const [, here, there] = pair();
    const a = here.addCanister();
    const b = there.addCanister();
    const calls: Op[] = Array.from({ length: 40 }, (_, index) => ({
      op: 'call',
      callee: b.id.toText(),
      program: [{ op: 'append', text: `${index},` }, reply],
    }));
    here.call(here.ingress(a.id, [...calls, reply]));
    expect(textOf(b)).toBe(Array.from({ length: 40 }, (_, index) => `${index},`).join(''));
  });

  test('a request above 2 MiB to another subnet is rejected, on the same subnet it arrives', () => {
    const [, here, there] = pair();
    const a = here.addCanister({ cycles: RICH * 10n });
    const b = there.addCanister();
    const c = here.addCanister();
    const big: Op[] = [{ op: 'append', text: 'x'.repeat(2_200_000) }, reply];
    const to = (callee: string): Op => ({
      op: 'call',
      callee,
      program: big,
      onReply: [reply],
      onReject: [{ op: 'reject', text: 'no' }],
    });
    expect(here.call(here.ingress(a.id, [to(b.id.toText())]))).toEqual(['rejected 406 no']);
    expect(here.call(here.ingress(a.id, [to(c.id.toText())]))).toEqual(['replied ok']);
  });
});
