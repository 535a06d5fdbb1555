/** Real modules, hand-written, on real subnets: what the scripted canisters cannot show. */
import { beforeAll, describe, expect, test } from 'vitest';
import wabtModule from 'wabt';
import { stateHash } from '../execution/state-hash.ts';
import { filterIngress } from '../execution/ingress-filter.ts';
import { executeQuery } from '../execution/query.ts';
import { executeEntryPoint } from '../execution/wasm/engine.ts';
import type { Principal } from '../types/principal.ts';
import { TestNetwork, USER } from './subnets.testing.ts';

let compile: (wat: string) => Uint8Array;

beforeAll(async () => {
  const wabt = await wabtModule();
  compile = (wat) => {
    const module = wabt.parseWat('test.wat', wat);
    const { buffer } = module.toBinary({});
    module.destroy();
    return buffer;
  };
});

/** WAT string literal of bytes. */
function data(bytes: Uint8Array | string): string {
  const raw = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  return [...raw].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('');
}

const IMPORTS = `
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i32 i32 i32)))
  (import "ic0" "call_new" (func $call_new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_on_cleanup" (func $on_cleanup (param i32 i32)))
  (import "ic0" "call_data_append" (func $call_data (param i32 i32)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (import "ic0" "trap" (func $trap (param i32 i32)))
  (import "ic0" "accept_message" (func $accept))
  (import "ic0" "data_certificate_present" (func $certificate_present (result i32)))
  (import "ic0" "stable64_grow" (func $stable_grow (param i64) (result i64)))
  (import "ic0" "stable64_write" (func $stable_write (param i64 i64 i64)))
  (import "ic0" "stable64_read" (func $stable_read (param i64 i64 i64)))`;

/** Counter at address 0; `inc` adds one, `get` reads, `fail` adds one and traps. Callee of `relay` at 64. */
function counter(callee: Uint8Array = new Uint8Array(0)): string {
  return `(module ${IMPORTS}
    (table funcref (elem $on_reply $on_reject $on_reply_trap $cleanup))
    (memory 1)
    (data (i32.const 64) "${data(callee)}")
    (data (i32.const 128) "inc")
    (data (i32.const 136) "get")
    (func $send_counter (call $append (i32.const 0) (i32.const 4)) (call $reply))
    (func $bump (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1))))
    (func (export "canister_update inc") (call $bump) (call $send_counter))
    (func (export "canister_query get") (call $send_counter))
    (func (export "canister_query bump_and_get") (call $bump) (call $send_counter))
    (func (export "canister_update fail") (call $bump) (call $trap (i32.const 128) (i32.const 3)))
    (func (export "canister_query certificate") (i32.store (i32.const 32) (call $certificate_present))
      (call $append (i32.const 32) (i32.const 4)) (call $reply))
    (func (export "canister_inspect_message")
      (if (i32.eq (call $arg_size) (i32.const 0)) (then (call $accept))))
    (func $call (param $name i32) (param $on_reply i32) (param $env i32)
      (call $call_new (i32.const 64) (i32.const ${callee.length}) (local.get $name) (i32.const 3)
        (local.get $on_reply) (local.get $env) (i32.const 1) (i32.const 0)))
    (func (export "canister_update relay") (call $call (i32.const 128) (i32.const 0) (i32.const 0)) (drop (call $perform)))
    (func (export "canister_update relay_trap") (call $call (i32.const 128) (i32.const 2) (i32.const 0))
      (call $on_cleanup (i32.const 3) (i32.const 40)) (drop (call $perform)))
    (func (export "canister_composite_query relay_query") (call $bump)
      (call $call (i32.const 136) (i32.const 0) (i32.const 0)) (drop (call $perform)))
    (func (export "canister_composite_query trap_then_reply") (call $bump)
      (drop (call $stable_grow (i64.const 1)))
      (call $stable_write (i64.const 0) (i64.const 128) (i64.const 3))
      (call $call (i32.const 136) (i32.const 2) (i32.const 0)) (drop (call $perform))
      (call $call (i32.const 136) (i32.const 0) (i32.const 1)) (drop (call $perform)))
    (func (export "canister_global_timer") (call $call (i32.const 128) (i32.const 0) (i32.const 0)) (drop (call $perform)))
    (func $on_reply (param $env i32)
      (call $arg_copy (i32.const 8) (i32.const 0) (i32.const 4))
      (if (local.get $env) (then
        (call $stable_read (i64.const 16) (i64.const 0) (i64.const 3))
        (call $append (i32.const 16) (i32.const 3))))
      (call $append (i32.const 0) (i32.const 4))
      (call $append (i32.const 8) (i32.const 4))
      (call $reply))
    (func $on_reply_trap (param i32) (call $bump)
      (if (i64.gt_u (call $stable_grow (i64.const 0)) (i64.const 0)) (then
        (call $stable_write (i64.const 0) (i64.const 136) (i64.const 3))))
      unreachable)
    (func $on_reject (param i32) unreachable)
    (func $cleanup (param i32) (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 100)))))`;
}

function numbers(text: Uint8Array): number[] {
  const view = new DataView(text.buffer, text.byteOffset, text.length);
  return Array.from({ length: text.length / 4 }, (_, index) => view.getUint32(index * 4, true));
}

function network(subnets = 1): TestNetwork {
  return new TestNetwork({ subnets, engine: { executeEntryPoint } });
}

function update(
  net: TestNetwork,
  index: number,
  canister: Principal,
  method: string,
): { reply?: number[]; error?: string } {
  const subnet = net.subnets[index]!;
  const message = subnet.message(canister, canister, method, new Uint8Array(0));
  subnet.call(message);
  const { status } = subnet.state.ingressHistory.get(message.messageId)!;
  if (status.kind === 'replied') return { reply: numbers(status.reply) };
  if (status.kind === 'rejected') return { error: `${status.error.code} ${status.error.message}` };
  throw new Error(`still ${status.kind}`);
}

function query(net: TestNetwork, canister: Principal, methodName: string, certificate = false): Uint8Array | string {
  const { result } = executeQuery(net.subnet.routing.environment, {
    sender: USER,
    receiver: canister,
    methodName,
    arg: new Uint8Array(0),
    dataCertificate: certificate ? () => new Uint8Array(1) : undefined,
  });
  return result.kind === 'reply' ? result.data : `${result.errorCode} ${result.message}`;
}

describe('updates', () => {
  test('changes stay after a reply, and go after a trap', () => {
    const net = network();
    const { id } = net.subnet.addWasm(compile(counter()));
    expect(update(net, 0, id, 'inc')).toEqual({ reply: [1] });
    expect(update(net, 0, id, 'fail').error).toMatch(/^503 Error from Canister .* with message: 'inc'/);
    expect(update(net, 0, id, 'inc')).toEqual({ reply: [2] });
    expect(update(net, 0, id, 'bump_and_get')).toEqual({ reply: [3] });
    expect(update(net, 0, id, 'get')).toEqual({ reply: [2] });
    expect(update(net, 0, id, 'nothing').error).toMatch(/^536 Error from Canister .* has no update method 'nothing'/);
    expect(update(net, 0, id, 'relay_query').error).toMatch(/^527 /);
  });

  test.each([0, 1])('a call to a canister %i subnets away is answered', (away) => {
    const net = network(2);
    const callee = net.subnets[away]!.addWasm(compile(counter()));
    const caller = net.subnet.addWasm(compile(counter(callee.id.bytes)));
    expect(update(net, 0, caller.id, 'relay')).toEqual({ reply: [0, 1] });
    expect(update(net, 0, caller.id, 'relay')).toEqual({ reply: [0, 2] });
  });

  test('after a trap in a callback the cleanup keeps its own changes only', () => {
    const net = network();
    const callee = net.subnet.addWasm(compile(counter()));
    const caller = net.subnet.addWasm(compile(counter(callee.id.bytes)));
    expect(update(net, 0, caller.id, 'relay_trap').error).toMatch(/^502 .*Canister trapped: unreachable/);
    expect(update(net, 0, caller.id, 'get')).toEqual({ reply: [100] });
  });

  test('what is charged is the fixed fee and the instructions used', () => {
    const net = network();
    const canister = net.subnet.addWasm(compile(counter()));
    const message = net.subnet.message(canister.id, canister.id, 'inc', new Uint8Array(0));
    const before = canister.balance;
    const outcome = net.subnet.batch({ ingress: [message] });
    const ingress = 1_200_000n + 2_000n * BigInt(message.envelopeBytes);
    expect(before - canister.balance).toBe(ingress + 5_000_000n + BigInt(outcome.instructionsUsed));
  });
});

test('a callback of a timer has nobody to reply to: it traps, and the subnet goes on', () => {
  const net = network();
  const callee = net.subnet.addWasm(compile(counter()));
  const canister = net.subnet.addWasm(compile(counter(callee.id.bytes)));
  canister.globalTimer = 1n;
  canister.markDirty();
  net.subnet.batch();
  expect(canister.callContexts.size).toBe(0);
  // Only the timer itself succeeded, not the callback.
  expect(canister.version).toBe(1n);
  expect(update(net, 0, callee.id, 'inc')).toEqual({ reply: [2] });
});

describe('queries', () => {
  test('leave no trace', () => {
    const net = network();
    const { id } = net.subnet.addWasm(compile(counter()));
    update(net, 0, id, 'inc');
    expect(numbers(query(net, id, 'bump_and_get') as Uint8Array)).toEqual([2]);
    expect(numbers(query(net, id, 'get') as Uint8Array)).toEqual([1]);
    expect(query(net, id, 'inc')).toMatch(/^536 Error from Canister .* has no query method 'inc'/);
  });

  test('see the certificate only as the target of the query', () => {
    const net = network();
    const { id } = net.subnet.addWasm(compile(counter()));
    expect(numbers(query(net, id, 'certificate', true) as Uint8Array)).toEqual([1]);
    expect(numbers(query(net, id, 'certificate') as Uint8Array)).toEqual([0]);
    expect(update(net, 0, id, 'certificate')).toEqual({ reply: [0] });
  });

  test('composite: a callback sees the heap of its context, the callee its committed state', () => {
    const net = network();
    const callee = net.subnet.addWasm(compile(counter()));
    const caller = net.subnet.addWasm(compile(counter(callee.id.bytes)));
    update(net, 0, callee.id, 'inc');
    expect(numbers(query(net, caller.id, 'relay_query') as Uint8Array)).toEqual([1, 1]);
    expect(numbers(query(net, caller.id, 'get') as Uint8Array)).toEqual([0]);
  });

  test('composite: a canister that calls itself finds its committed state', () => {
    const net = network();
    const probe = net.subnet.addWasm(compile(counter()));
    // Ids are given out in order, so the next canister can know its own id beforehand.
    const next = Uint8Array.from(probe.id.bytes);
    next[7] = probe.id.bytes[7]! + 1;
    const self = net.subnet.addWasm(compile(counter(next)));
    expect(self.id.bytes).toEqual(next);
    expect(numbers(query(net, self.id, 'relay_query') as Uint8Array)).toEqual([1, 0]);
  });

  test('composite: a trapped callback loses its own changes, heap and stable, and the next one goes on', () => {
    const net = network();
    const callee = net.subnet.addWasm(compile(counter()));
    const caller = net.subnet.addWasm(compile(counter(callee.id.bytes)));
    const answer = query(net, caller.id, 'trap_then_reply') as Uint8Array;
    expect(new TextDecoder().decode(answer.slice(0, 3))).toBe('inc');
    expect(numbers(answer.slice(3))).toEqual([1, 0]);
  });

  test('are refused by a missing, an empty, a stopped and a frozen canister', () => {
    const net = network();
    const canister = net.subnet.addWasm(compile(counter()));
    canister.settings.freezingThresholdSeconds = 10n ** 15n;
    expect(query(net, canister.id, 'get')).toMatch(/^207 /);
    canister.settings.freezingThresholdSeconds = 0n;
    canister.status = { kind: 'stopped' };
    expect(query(net, canister.id, 'get')).toMatch(/^508 /);
    canister.status = { kind: 'running' };
    canister.code = undefined;
    expect(query(net, canister.id, 'get')).toMatch(/^537 /);
    expect(query(net, USER, 'get')).toMatch(/^301 /);
  });
});

test('inspect_message decides about users’ messages', () => {
  const net = network();
  const { id } = net.subnet.addWasm(compile(counter()));
  const { environment } = net.subnet.routing;
  expect(filterIngress(environment, net.subnet.message(id, id, 'inc', new Uint8Array(0)))).toBeUndefined();
  const refused = filterIngress(environment, net.subnet.message(id, id, 'inc', new Uint8Array(1)));
  expect(refused?.code).toBe(406);
  expect(refused?.message).toContain('Canister rejected the message');
});

test('a replay of the batches on fresh modules gives the same state hash', () => {
  const run = (): [TestNetwork, Principal] => {
    const net = network();
    const callee = net.subnet.addWasm(compile(counter()));
    return [net, net.subnet.addWasm(compile(counter(callee.id.bytes))).id];
  };
  const [net, caller] = run();
  for (const method of ['relay', 'relay_trap', 'inc', 'fail', 'relay']) update(net, 0, caller, method);
  query(net, caller, 'relay_query');
  const [again] = run();
  for (const batch of net.subnet.log) again.subnet.batch(batch);
  expect(stateHash(again.subnet.state)).toEqual(stateHash(net.subnet.state));
});
