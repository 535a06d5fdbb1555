/** Management calls in rounds: waiting answers, open calls, and canisters that run dry. */
import { IDL } from '@dfinity/candid';
import { describe, expect, test } from 'vitest';
import { textOf, type Op } from '../execution/scripted-engine.testing.ts';
import * as candid from '../execution/management/candid-types.ts';
import { NO_SETTINGS } from '../execution/management/testing.ts';
import { toWire } from '../execution/management/wire.ts';
import type { CanisterState } from '../state/canister-state.ts';
import type { IngressMessage } from '../types/messages.ts';
import { Principal } from '../types/principal.ts';
import { RICH, SECOND, TestNetwork, type TestSubnet } from './subnets.testing.ts';

const MANAGEMENT = Principal.management().toText();
const reply: Op = { op: 'reply' };

function encode(type: IDL.Type, value: unknown): Uint8Array {
  return new Uint8Array(IDL.encode([type], [value]));
}

function idArgument(canister: CanisterState): Uint8Array {
  return encode(candid.CanisterIdArgs, { canister_id: toWire(canister.id) });
}

function managementIngress(
  subnet: TestSubnet,
  method: string,
  canister: CanisterState,
  arg = idArgument(canister),
): IngressMessage {
  return subnet.message(Principal.management(), canister.id, method, arg);
}

/** The caller's op for a management call. */
function managementCall(method: string, arg: Uint8Array, more: Partial<Extract<Op, { op: 'call' }>> = {}): Op {
  const argHex = Buffer.from(arg).toString('hex');
  return {
    op: 'call',
    callee: MANAGEMENT,
    method,
    program: [],
    argHex,
    onReply: [{ op: 'replyArg' }],
    onReject: [{ op: 'replyRejection' }],
    ...more,
  };
}

/** `caller` on one subnet has an open call to `callee` on the other; nothing has been delivered yet. */
function openCall(): {
  net: TestNetwork;
  here: TestSubnet;
  there: TestSubnet;
  caller: CanisterState;
  callee: CanisterState;
  message: IngressMessage;
} {
  const net = new TestNetwork({ subnets: 2 });
  const [here, there] = net.subnets as [TestSubnet, TestSubnet];
  const [caller, callee] = [here.addCanister(), there.addCanister()];
  const call: Op = {
    op: 'call',
    callee: callee.id.toText(),
    program: [reply],
    cycles: 5_000_000,
    onReply: [{ op: 'append', text: 'back' }, reply],
  };
  const message = here.ingress(caller.id, [call]);
  here.batch({ ingress: [message] });
  return { net, here, there, caller, callee, message };
}

describe('stopping', () => {
  test('waits for open calls, lets their callbacks run, refuses new calls', () => {
    const { net, here, caller, message } = openCall();
    const stop = managementIngress(here, 'stop_canister', caller);
    here.batch({ ingress: [stop] });
    expect(here.status(stop)).toBe('processing');
    const refused = here.ingress(caller.id, [reply]);
    here.batch({ ingress: [refused] });
    expect(here.status(refused)).toBe(`rejected 509 Canister ${caller.id.toText()} is stopping`);
    const { version } = caller;
    net.settle();
    expect(here.status(message)).toBe('replied ok');
    expect(here.status(stop)).toMatch(/^replied DIDL/);
    expect(caller.status.kind).toBe('stopped');
    expect(caller.version).toBe(version + 2n);
    expect(here.call(here.ingress(caller.id, [reply]))).toEqual([
      `rejected 508 Canister ${caller.id.toText()} is stopped`,
    ]);
  });

  test('is given up after five minutes, the canister stays stopping', () => {
    const { net, here, caller } = openCall();
    const stop = managementIngress(here, 'stop_canister', caller);
    here.batch({ ingress: [stop] });
    expect(here.outcomes.at(-1)!.nextWakeNanos).toBe(net.now + 300n * SECOND);
    net.now += 301n * SECOND;
    here.batch();
    expect(here.status(stop)).toBe('rejected 206 Stop canister request timed out');
    expect(caller.status.kind).toBe('stopping');
  });

  test('is cancelled by starting', () => {
    const { here, caller } = openCall();
    const stop = managementIngress(here, 'stop_canister', caller);
    here.batch({ ingress: [stop] });
    const start = managementIngress(here, 'start_canister', caller);
    here.batch({ ingress: [start] });
    expect(here.status(stop)).toMatch(/^rejected 511 /);
    expect(here.status(start)).toMatch(/^replied/);
    expect(caller.status.kind).toBe('running');
  });

  test('an idle canister stops in the same batch', () => {
    const { subnet } = new TestNetwork();
    const canister = subnet.addCanister();
    const stop = managementIngress(subnet, 'stop_canister', canister);
    subnet.batch({ ingress: [stop] });
    expect(subnet.status(stop)).toMatch(/^replied/);
  });
});

describe('uninstalling', () => {
  test('rejects open calls and later only takes the cycles back', () => {
    const { net, here, caller, message } = openCall();
    const before = caller.balance;
    const uninstall = managementIngress(
      here,
      'uninstall_code',
      caller,
      encode(candid.VersionedCanisterIdArgs, { canister_id: toWire(caller.id), sender_canister_version: [] }),
    );
    here.batch({ ingress: [uninstall] });
    expect(here.status(uninstall)).toMatch(/^replied/);
    expect(here.status(message)).toBe('rejected 406 Canister has been uninstalled.');
    expect(caller.code).toBeUndefined();
    net.settle();
    expect(caller.callContexts.size + caller.callbacks.size).toBe(0);
    expect(caller.balance).toBeGreaterThan(before);
    expect(here.call(here.ingress(caller.id, [reply]))[0]).toMatch(/^rejected 537 /);
  });

  test('an uninstalled callee gives the caller its cycles back', () => {
    const net = new TestNetwork({ subnets: 2 });
    const [here, there] = net.subnets as [TestSubnet, TestSubnet];
    const caller = here.addCanister();
    const middle = here.addCanister();
    const far = there.addCanister();
    const inner: Op = { op: 'call', callee: far.id.toText(), program: [reply], onReply: [reply] };
    const outer: Op = {
      op: 'call',
      callee: middle.id.toText(),
      program: [inner],
      cycles: 400_000_000_000_000,
      onReject: [{ op: 'replyRejection' }],
    };
    const message = here.ingress(caller.id, [outer]);
    here.batch({ ingress: [message] });
    const uninstall = managementIngress(
      here,
      'uninstall_code',
      middle,
      encode(candid.VersionedCanisterIdArgs, { canister_id: toWire(middle.id), sender_canister_version: [] }),
    );
    here.batch({ ingress: [uninstall] });
    expect(here.status(message)).toBe('replied 4: Canister has been uninstalled.');
    expect(caller.balance).toBeGreaterThan(RICH - 1_000_000_000_000n);
  });
});

describe('calls by canisters', () => {
  test('raw_rand is answered in the next batch, differently each time', () => {
    const { subnet } = new TestNetwork();
    const canister = subnet.addCanister();
    const arg = new Uint8Array(IDL.encode([], []));
    const [one, two] = [0, 1].map(() => subnet.ingress(canister.id, [managementCall('raw_rand', arg)])) as [
      IngressMessage,
      IngressMessage,
    ];
    expect(subnet.batch({ ingress: [one, two] }).moreWork).toBe(true);
    expect(subnet.status(one)).toBe('processing');
    subnet.batch();
    const replies = [one, two].map(({ messageId }) => {
      const { status } = subnet.state.ingressHistory.get(messageId)!;
      return status.kind === 'replied'
        ? Buffer.from(IDL.decode([IDL.Vec(IDL.Nat8)], status.reply)[0] as unknown as Uint8Array)
        : Buffer.of();
    });
    expect(replies.map((bytes) => bytes.length)).toEqual([32, 32]);
    expect(replies[0]!.equals(replies[1]!)).toBe(false);
  });

  test('go to the subnet of the canister they are about', () => {
    const net = new TestNetwork({ subnets: 2 });
    const [here, there] = net.subnets as [TestSubnet, TestSubnet];
    const caller = here.addCanister();
    const target = there.addCanister({ controllers: [caller.id] });
    const stop = managementCall('stop_canister', idArgument(target), {
      onReply: [{ op: 'append', text: 'stopped' }, { op: 'replyState' }],
    });
    expect(here.call(here.ingress(caller.id, [stop]))).toEqual(['replied stopped']);
    expect(target.status.kind).toBe('stopped');
  });

  test('deposit_cycles moves cycles across subnets', () => {
    const net = new TestNetwork({ subnets: 2 });
    const [here, there] = net.subnets as [TestSubnet, TestSubnet];
    const caller = here.addCanister();
    const target = there.addCanister();
    const before = target.balance;
    here.call(here.ingress(caller.id, [managementCall('deposit_cycles', idArgument(target), { cycles: 777 })]));
    expect(target.balance).toBe(before + 777n);
  });

  test('create_canister takes the fee from the attached cycles', () => {
    const { subnet } = new TestNetwork();
    const caller = subnet.addCanister();
    const arg = encode(candid.CreateCanisterArgs, { settings: [], sender_canister_version: [] });
    subnet.call(subnet.ingress(caller.id, [managementCall('create_canister', arg, { cycles: 600_000_000_000 })]));
    const created = subnet.state.canistersInOrder().at(-1)!;
    expect(created.balance).toBe(100_000_000_000n);
    expect(created.settings.controllers.map(String)).toEqual([caller.id.toText()]);
  });

  test('a method that does not exist is rejected with its cycles', () => {
    const { subnet } = new TestNetwork();
    const caller = subnet.addCanister();
    const before = caller.balance;
    const [status] = subnet.call(
      subnet.ingress(caller.id, [managementCall('no_such_method', new Uint8Array(0), { cycles: 10 ** 14 })]),
    );
    expect(status).toContain("has no method 'no_such_method'");
    expect(caller.balance).toBeGreaterThan(before - 10n ** 12n);
  });
});

describe('resources', () => {
  test('storage is paid for the time that passed', () => {
    const net = new TestNetwork();
    const canister = net.subnet.addCanister();
    const before = canister.balance;
    net.advance(86_400n * SECOND);
    const bytes = BigInt(canister.memoryUsage());
    expect(before - canister.balance).toBe((127_000n * bytes * 86_400n) >> 30n);
    expect(canister.consumed.memory).toBe(before - canister.balance);
  });

  test('a canister that cannot pay is emptied: code and history go, id and controllers stay', () => {
    const net = new TestNetwork();
    const canister = net.subnet.addCanister({ cycles: 1_000_000n });
    canister.recordChange({
      timeNanos: net.now,
      canisterVersion: 0n,
      origin: { kind: 'user', user: Principal.anonymous() },
      details: { kind: 'code-uninstall' },
    });
    net.advance(30n * 86_400n * SECOND);
    expect(canister.code).toBeUndefined();
    expect(canister.balance).toBe(0n);
    expect(canister.history.changes).toEqual([]);
    expect(canister.settings.controllers.length).toBe(1);
    expect(net.subnet.state.canister(canister.id)).toBe(canister);
  });

  test('a small update_settings unfreezes and is paid afterwards', () => {
    const net = new TestNetwork();
    const canister = net.subnet.addCanister({ cycles: 1_000_000_000n });
    canister.settings.freezingThresholdSeconds = 10n ** 12n;
    expect(net.subnet.call(net.subnet.ingress(canister.id, [reply]))[0]).toMatch(/^rejected 207 /);
    const arg = encode(candid.UpdateSettingsArgs, {
      canister_id: toWire(canister.id),
      settings: { ...NO_SETTINGS, freezing_threshold: [0n] },
      sender_canister_version: [],
    });
    const update = managementIngress(net.subnet, 'update_settings', canister, arg);
    expect(net.subnet.call(update)[0]).toMatch(/^replied/);
    expect(canister.consumed.ingressInduction).toBeGreaterThan(0n);
    expect(canister.balance).toBe(1_000_000_000n - canister.consumed.ingressInduction);
  });
});

test('a timer callback that calls keeps the canister stopping until its call is back', () => {
  const net = new TestNetwork({ subnets: 2 });
  const [here, there] = net.subnets as [TestSubnet, TestSubnet];
  const far = there.addCanister();
  const canister = here.addCanister({
    timer: [{ op: 'call', callee: far.id.toText(), program: [reply], onReply: [{ op: 'append', text: 'done' }] }],
  });
  canister.globalTimer = 1n;
  canister.markDirty();
  here.batch();
  const stop = managementIngress(here, 'stop_canister', canister);
  here.batch({ ingress: [stop] });
  expect(canister.status.kind).toBe('stopping');
  net.settle();
  expect(here.status(stop)).toMatch(/^replied/);
  expect(textOf(canister)).toBe('done');
});
