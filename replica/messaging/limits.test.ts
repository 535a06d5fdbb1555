/** What happens at the limits of memory, callbacks, depth and instructions. */
import { describe, expect, test } from 'vitest';
import { executeQuery } from '../execution/query.ts';
import { systemView } from '../execution/system-view.ts';
import { filterIngress } from '../execution/ingress-filter.ts';
import { encodeProgram, textOf, type Op } from '../execution/scripted-engine.testing.ts';
import { RESPONSE_RESERVATION_BYTES } from '../state/queues.ts';
import type { CanisterState } from '../state/canister-state.ts';
import { Principal } from '../types/principal.ts';
import { APPLICATION_SUBNET, SYSTEM_SUBNET } from '../types/subnet-config.ts';
import { RICH, SECOND, TestNetwork, USER } from './subnets.testing.ts';

const reply: Op = { op: 'reply' };

function calls(callee: CanisterState, times: number, more: Partial<Extract<Op, { op: 'call' }>> = {}): Op {
  return {
    op: 'call',
    callee: callee.id.toText(),
    program: [reply],
    times,
    onFailure: [{ op: 'append', text: 'f' }],
    onReply: [{ op: 'append', text: 'r' }],
    ...more,
  };
}

describe('calls', () => {
  test('guaranteed responses reserve memory; best-effort calls go on without', () => {
    const { subnet } = new TestNetwork({ config: { guaranteedResponseMemoryBytes: 3 * RESPONSE_RESERVATION_BYTES } });
    const [a, b] = [subnet.addCanister(), subnet.addCanister()];
    subnet.call(subnet.ingress(a.id, [calls(b, 5, { onReject: [{ op: 'append', text: 'o' }] }), reply]));
    // Three fit for the caller; for the callee, who would reserve as well, there is nothing left.
    expect(textOf(a)).toBe('ffooo');
    subnet.call(subnet.ingress(a.id, [calls(b, 5, { timeoutSeconds: 10 }), reply]));
    expect(textOf(a)).toBe('ffooo' + 'rrrrr');
  });

  test('above the subnet’s soft limit a canister keeps its guaranteed callbacks', () => {
    const { subnet } = new TestNetwork({ config: { callbacksSoftLimit: 1, callbacksGuaranteedPerCanister: 4 } });
    const [a, b] = [subnet.addCanister(), subnet.addCanister()];
    subnet.call(subnet.ingress(a.id, [calls(b, 6), reply]));
    expect(textOf(a)).toBe('ffrrrr');
  });

  test('a pair of canisters has at most its queues’ capacity of calls open, across subnets too', () => {
    const net = new TestNetwork({ subnets: 2, config: { queueCapacity: 3 } });
    const [here, there] = net.subnets as [TestNetwork['subnet'], TestNetwork['subnet']];
    const a = here.addCanister();
    const b = there.addCanister();
    const call = calls(b, 1, { cycles: 10 ** 12, onReject: [{ op: 'append', text: 'q' }] });
    // Three fit a's output queue at a time; b takes nothing in between, as it is never run.
    for (let round = 0; round < 2; round++) here.batch({ ingress: [here.ingress(a.id, [call, call, call, reply])] });
    expect(textOf(a)).toBe('fff');
    net.settle();
    expect(textOf(a)).toBe('fffrrr');
    expect(a.balance).toBeGreaterThan(RICH - 10n ** 10n);
  });

  test('a call needs its prepayment above the freezing limit', () => {
    const { subnet } = new TestNetwork();
    const a = subnet.addCanister({ cycles: 80_000_000_000n });
    const b = subnet.addCanister();
    subnet.call(subnet.ingress(a.id, [calls(b, 1), reply]));
    expect(textOf(a)).toBe('f');
    expect(a.balance).toBeGreaterThan(79_990_000_000n);
  });

  test('too few cycles for the callee are refused, its own calls and users excepted', () => {
    const { subnet } = new TestNetwork();
    const [a, b] = [subnet.addCanister(), subnet.addCanister()];
    b.settings.minimumIncomingCanisterCallCycles = 100n;
    const call = (cycles: number, from: CanisterState): string =>
      subnet.call(
        subnet.ingress(from.id, [calls(b, 1, { cycles, onReply: [reply], onReject: [{ op: 'replyRejection' }] })]),
      )[0]!;
    expect(call(99, a)).toMatch(/^replied 5: /);
    expect(call(100, a)).toBe('replied ok');
    expect(call(0, b)).toBe('replied ok');
  });
});

describe('instructions', () => {
  test('replies of the management canister count by their bytes, so that a round does not make gigabytes of them', () => {
    const data = new Uint8Array(2_000_000);
    const management = {
      executeManagementCall: () => ({ kind: 'reply' as const, data, refund: 0n, instructionsUsed: 7_000_000 }),
      executeManagementQuery: () => ({ kind: 'reply' as const, data }),
    };
    const { subnet } = new TestNetwork({ management });
    const a = subnet.addCanister();
    const reads = Array.from({ length: 300 }, () =>
      subnet.message(Principal.management(), a.id, 'read_canister_snapshot_data', new Uint8Array(0)),
    );
    const answered = (): number => reads.filter((read) => subnet.status(read) !== 'received').length;
    subnet.batch({ ingress: reads });
    expect(answered() * data.length).toBeLessThan(300_000_000);
    while (subnet.outcomes.at(-1)!.moreWork) subnet.batch();
    expect(answered()).toBe(300);
  });

  test('a message beyond its limit is rejected with IC0522 and pays for the limit', () => {
    const { subnet } = new TestNetwork();
    const a = subnet.addCanister();
    const before = a.balance;
    const [status] = subnet.call(subnet.ingress(a.id, [{ op: 'spend', instructions: 10 ** 12 }, reply]));
    expect(status).toMatch(/^rejected 522 /);
    expect(before - a.balance).toBeGreaterThan(40_005_000_000n);
  });

  test('a flood of messages to one canister does not starve another', () => {
    const { subnet } = new TestNetwork();
    const [a, b] = [subnet.addCanister(), subnet.addCanister()];
    const heavy = (): ReturnType<typeof subnet.ingress> =>
      subnet.ingress(a.id, [{ op: 'spend', instructions: 4_000_000_000 }, reply]);
    const light = subnet.ingress(b.id, [reply]);
    subnet.batch({ ingress: [...Array.from({ length: 10 }, heavy), light] });
    expect(subnet.status(light)).toBe('received');
    subnet.batch({ ingress: Array.from({ length: 10 }, heavy) });
    expect(subnet.status(light)).toBe('replied ok');
  });

  test('a heartbeat that uses all it may does not starve messages', () => {
    const { subnet } = new TestNetwork();
    subnet.addCanister({ heartbeat: [{ op: 'spend', instructions: 30_000_000_000 }] });
    const b = subnet.addCanister();
    const message = subnet.ingress(b.id, [reply]);
    subnet.batch({ ingress: [message] });
    expect(subnet.status(message)).toBe('replied ok');
  });

  test('a message that waits beyond its expiry is rejected with IC0202', () => {
    const net = new TestNetwork();
    const { subnet } = net;
    const a = subnet.addCanister();
    const heavy = Array.from({ length: 3 }, () =>
      subnet.ingress(a.id, [{ op: 'spend', instructions: 8_000_000_000 }, reply]),
    );
    subnet.batch({ ingress: heavy });
    net.now += 300n * SECOND;
    subnet.batch();
    expect(subnet.status(heavy[2]!)).toBe(
      `rejected 202 Ingress message 0x${heavy[2]!.messageId} timed out waiting to start executing.`,
    );
  });
});

describe('composite queries', () => {
  function run(net: TestNetwork, canister: Principal, program: readonly Op[]): string {
    const { result } = executeQuery(net.subnet.routing.environment, {
      sender: USER,
      receiver: canister,
      methodName: 'compose',
      arg: encodeProgram(program),
    });
    return result.kind === 'reply' ? new TextDecoder().decode(result.data) : `${result.errorCode} ${result.message}`;
  }

  function nested(canister: CanisterState, depth: number): readonly Op[] {
    if (depth === 0) return [{ op: 'reply', text: 'deep' }];
    return [
      {
        op: 'call',
        callee: canister.id.toText(),
        method: 'compose',
        program: nested(canister, depth - 1),
        onReply: [{ op: 'replyArg' }],
        onReject: [{ op: 'replyRejection' }],
      },
    ];
  }

  test('of many calls end after ten seconds, where there is a clock', () => {
    const net = new TestNetwork();
    const a = net.subnet.addCanister();
    let now = 5_000;
    const query = (stepMillis: number) =>
      executeQuery(net.subnet.routing.environment, {
        sender: USER,
        receiver: a.id,
        methodName: 'compose',
        arg: encodeProgram(nested(a, 5)),
        clockMillis: () => (now += stepMillis),
      }).result;
    expect(query(2_000)).toMatchObject({ kind: 'reply' });
    expect(query(2_001)).toMatchObject({ kind: 'reject', errorCode: 528, code: 5 });
  });

  test('stay on their subnet', () => {
    const net = new TestNetwork({ subnets: 2 });
    const a = net.subnet.addCanister();
    const far = net.subnets[1]!.addCanister();
    const call = (callee: string): Op => ({ op: 'call', callee, method: 'ask', program: [reply], onReject: [{ op: 'replyRejection' }] });
    expect(run(net, a.id, [call(far.id.toText())])).toMatch(/^5: Canister .* violated contract: .* on another subnet$/);
    const nobody = Principal.fromCanisterIndex(0xf_0000n).toText();
    expect(run(net, a.id, [call(nobody)])).toBe(`3: Canister ${nobody} not found`);
  });

  test('go six calls deep and no further', () => {
    const net = new TestNetwork();
    const a = net.subnet.addCanister();
    expect(run(net, a.id, nested(a, 6))).toBe('deep');
    expect(run(net, a.id, nested(a, 7))).toMatch(/^525 /);
  });

  test('share one budget of instructions', () => {
    const net = new TestNetwork();
    const a = net.subnet.addCanister();
    const costly: Op = {
      op: 'call',
      callee: a.id.toText(),
      method: 'compose',
      program: [{ op: 'spend', instructions: 2_000_000_000 }, reply],
    };
    expect(run(net, a.id, [costly, costly, costly])).toMatch(/^526 /);
    expect(run(net, a.id, [costly, { ...costly, onReply: [reply] }])).toBe('ok');
  });

  test('end without an answer as IC0506, with a trap as the trap', () => {
    const net = new TestNetwork();
    const a = net.subnet.addCanister();
    const call: Op = { op: 'call', callee: a.id.toText(), method: 'ask', program: [reply] };
    expect(run(net, a.id, [call])).toBe(`506 Canister ${a.id.toText()} did not produce a response`);
    expect(run(net, a.id, [{ ...call, onReply: [{ op: 'trap' }] }])).toMatch(/^503 /);
  });

  test('cannot be reached as an update, nor call one', () => {
    const net = new TestNetwork();
    const a = net.subnet.addCanister();
    expect(net.subnet.call(net.subnet.ingress(a.id, [reply], 'compose'))[0]).toMatch(/^rejected 527 /);
    const call: Op = {
      op: 'call',
      callee: a.id.toText(),
      method: 'run',
      program: [reply],
      onReject: [{ op: 'replyRejection' }],
    };
    expect(run(net, a.id, [call])).toMatch(/^5: .* has no query method 'run'/);
  });
});

describe('the ingress filter', () => {
  function filter(net: TestNetwork, canister: Principal, method = 'run', sender = USER): number | undefined {
    const message = net.subnet.message(canister, canister, method, encodeProgram([reply]), sender);
    return filterIngress(net.subnet.routing.environment, message)?.code;
  }

  test('lets a good message and an unknown method through', () => {
    const net = new TestNetwork();
    const a = net.subnet.addCanister();
    expect(filter(net, a.id)).toBeUndefined();
    expect(filter(net, a.id, 'nothing')).toBeUndefined();
  });

  test('refuses what cannot be executed or paid', () => {
    const net = new TestNetwork();
    const a = net.subnet.addCanister();
    expect(filter(net, a.id, 'compose')).toBe(527);
    expect(filter(net, USER)).toBe(301);
    a.status = { kind: 'stopping', stopRequests: [] };
    expect(filter(net, a.id)).toBe(509);
    a.status = { kind: 'stopped' };
    expect(filter(net, a.id)).toBe(508);
    a.status = { kind: 'running' };
    a.code = undefined;
    expect(filter(net, a.id)).toBe(537);
    a.balance = 0n;
    expect(filter(net, a.id)).toBe(207);
  });

  test('asks canister_inspect_message', () => {
    const net = new TestNetwork();
    expect(filter(net, net.subnet.addCanister({ inspect: [{ op: 'acceptMessage' }] }).id)).toBeUndefined();
    expect(filter(net, net.subnet.addCanister({ inspect: [] }).id)).toBe(406);
    expect(filter(net, net.subnet.addCanister({ inspect: [{ op: 'trap' }] }).id)).toBe(503);
    expect(filter(net, net.subnet.addCanister({ inspect: [{ op: 'spend', instructions: 300_000_000 }] }).id)).toBe(522);
  });

  test('lets only controllers manage a canister', () => {
    const net = new TestNetwork();
    const a = net.subnet.addCanister();
    const stop = (sender: Principal): number | undefined => {
      const arg = Uint8Array.from(Buffer.from('4449444c016c01b3c4b1f204680100010a' + a.id.key, 'hex'));
      const message = net.subnet.message(Principal.management(), a.id, 'stop_canister', arg, sender);
      return filterIngress(net.subnet.routing.environment, message)?.code;
    };
    expect(stop(USER)).toBeUndefined();
    expect(stop(Principal.anonymous())).toBe(512);
  });
});

describe('memory', () => {
  test('beyond a Wasm memory limit lowered since, updates are refused with IC0539, queries and callbacks are not', () => {
    const { subnet } = new TestNetwork();
    const [a, b] = [subnet.addCanister(), subnet.addCanister()];
    a.settings.wasmMemoryLimit = 65_535;
    const [update, query] = subnet.call(subnet.ingress(a.id, [reply]), subnet.ingress(a.id, [reply], 'ask'));
    expect(update).toMatch(/^rejected 539 Error from Canister .* memory limit of 65535 bytes. The peak Wasm memory usage was 65536 bytes/);
    expect(query).toBe('replied ok');
    a.settings.wasmMemoryLimit = 0;
    const before = a.balance;
    subnet.batch({ ingress: [subnet.ingress(a.id, [calls(b, 1, { program: [{ op: 'spend', instructions: 9e9 }, reply] }), reply])] });
    a.settings.wasmMemoryLimit = 65_535;
    subnet.batch();
    expect(textOf(a)).toBe('r');
    expect(before - a.balance).toBeLessThan(10n ** 10n);
  });

  test('that is allocated is the canister’s own, also on a full subnet', () => {
    const { subnet } = new TestNetwork({ config: { memoryCapacityBytes: 10 * 2 ** 20, storageReservationThresholdBytes: 2 ** 40 } });
    const [a, b] = [subnet.addCanister(), subnet.addCanister()];
    a.settings.memoryAllocation = 10 * 2 ** 20 - 100_000;
    for (const canister of [a, b]) canister.markDirty();
    subnet.batch();
    const available = (canister: CanisterState): bigint =>
      systemView(subnet.routing.environment, 0n, canister).subnetMemoryAvailableBytes;
    expect(available(b)).toBeLessThan(100_000n);
    expect(available(a)).toBeGreaterThan(9n * 2n ** 20n);
  });
});

describe('running out of cycles', () => {
  test('empties the canister: code, state, snapshots, history; id, controllers and settings stay', () => {
    const net = new TestNetwork({ subnets: 2 });
    const { subnet } = net;
    const poor = subnet.addCanister({ cycles: 100_000_000_000n });
    const rich = subnet.addCanister();
    const far = net.subnets[1]!.addCanister();
    poor.settings = { ...poor.settings, computeAllocation: 10, memoryAllocation: 2 ** 20, freezingThresholdSeconds: 0n };
    poor.recordChange({ timeNanos: 0n, canisterVersion: 0n, origin: { kind: 'user', user: USER }, details: { kind: 'code-uninstall' } });
    poor.setChunk('00', new Uint8Array(1));
    poor.log = { nextIndex: 4, records: [{ index: 3, timeNanos: 0n, content: new Uint8Array(1) }] };
    poor.certifiedData = Uint8Array.of(1);
    poor.globalTimer = 1n << 63n;
    // A call whose answer is still owed, since that of another subnet is awaited.
    const asked = subnet.ingress(rich.id, [calls(poor, 1, { program: [calls(far, 1)], onReject: [{ op: 'replyRejection' }] })]);
    subnet.batch({ ingress: [asked] });
    const left = poor.balance;
    const version = poor.version;
    net.now += 3_700n * SECOND;
    subnet.batch();
    subnet.batch();
    expect(subnet.status(asked)).toBe('replied 4: Canister has been uninstalled.');
    expect([poor.code, poor.balance, poor.globalTimer, poor.chunks.size, poor.log.records.length]).toEqual([undefined, 0n, 0n, 0, 0]);
    expect([poor.history, poor.certifiedData.length]).toEqual([{ totalChanges: 1, changes: [] }, 0]);
    expect([poor.settings.computeAllocation, poor.settings.memoryAllocation]).toEqual([0, 0]);
    expect(poor.isController(USER)).toBe(true);
    expect(poor.version).toBeGreaterThan(version);
    const { memory, computeAllocation, uninstall } = poor.consumed;
    expect(memory + computeAllocation + uninstall).toBe(left);
    // The late answer only brings back what was prepaid for it.
    net.settle();
    expect([poor.callbacks.size, poor.callContexts.size, textOf(rich)]).toEqual([0, 0, '']);
    expect(poor.balance).toBeGreaterThan(0n);
    expect(subnet.call(subnet.ingress(poor.id, [reply]))[0]).toMatch(/^rejected 537 /);
  });
});

describe('storage reservation', () => {
  /** All growth is above the threshold. */
  const config = { storageReservationThresholdBytes: 0, memoryCapacityBytes: 2 ** 30 };

  test('growth moves cycles to the reserved balance, from which storage is paid first', () => {
    const net = new TestNetwork({ config });
    const a = net.subnet.addCanister();
    net.subnet.batch();
    const before = a.balance;
    net.subnet.call(net.subnet.ingress(a.id, [{ op: 'grow', bytes: 100 * 65_536 }, reply]));
    expect(a.reservedBalance).toBeGreaterThan(0n);
    expect(before - a.balance).toBeGreaterThan(a.reservedBalance);
    const { balance, reservedBalance } = a;
    net.advance(3600n * SECOND);
    expect(a.balance).toBe(balance);
    expect(a.reservedBalance).toBeLessThan(reservedBalance);
  });

  test('growth beyond the limit of reserved cycles is refused with IC0534', () => {
    const net = new TestNetwork({ config });
    const a = net.subnet.addCanister();
    a.settings.reservedCyclesLimit = 1000n;
    net.subnet.batch();
    const [status] = net.subnet.call(net.subnet.ingress(a.id, [{ op: 'grow', bytes: 100 * 65_536 }, reply]));
    expect(status).toMatch(/^rejected 534 .*due to its reserved cycles limit/);
    expect(a.reservedBalance).toBe(0n);
  });

  test('what the memory allocation covers reserves nothing', () => {
    const net = new TestNetwork({ config });
    const a = net.subnet.addCanister();
    a.settings.memoryAllocation = 200 * 65_536;
    net.subnet.batch();
    net.subnet.call(net.subnet.ingress(a.id, [{ op: 'grow', bytes: 100 * 65_536 }, reply]));
    expect(a.reservedBalance).toBe(0n);
  });
});

describe('the history of users’ messages', () => {
  const run = (kind: 'application' | 'system') => {
    const limits = kind === 'system' ? SYSTEM_SUBNET : { ...APPLICATION_SUBNET, maxIngressHistoryMessages: 3 };
    const net = new TestNetwork({ config: limits });
    const canister = net.subnet.addCanister();
    const send = (count: number) => net.subnet.call(...Array.from({ length: count }, () => net.subnet.ingress(canister.id, [{ op: 'append', text: 'x' }, reply])));
    return { net, canister, send };
  };

  test('rejects new messages while it is full, free of charge, and takes them again when old ones are forgotten', () => {
    const { net, canister, send } = run('application');
    expect(send(2)).not.toContainEqual(expect.stringContaining('rejected'));
    const [third, fourth] = send(2);
    expect(third).toMatch(/^replied/);
    expect(fourth).toMatch(/^rejected 204/);
    const before = canister.balance;
    expect(send(1)).toEqual([expect.stringMatching(/^rejected 204/)]);
    expect(canister.balance).toBe(before);
    expect(textOf(canister)).toBe('xxx');
    net.now += 400n * SECOND;
    net.subnet.batch();
    expect(send(1)).toEqual([expect.stringMatching(/^replied/)]);
    expect(textOf(canister)).toBe('xxxx');
  });

  test('has no limit on a system subnet', () => {
    expect(SYSTEM_SUBNET.maxIngressHistoryMessages).toBeUndefined();
    expect(APPLICATION_SUBNET.maxIngressHistoryMessages).toBe(600_000);
    const { send } = run('system');
    expect(send(20)).not.toContainEqual(expect.stringContaining('rejected'));
  });
});
