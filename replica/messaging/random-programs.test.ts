/**
 * Random programs of stores, grows, calls, traps, endless loops and queries, run by real modules on two subnets, against
 * a model that copies all memory before every message and puts the copy back when the message fails.
 */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import wabtModule from 'wabt';
import { executionOf } from '../execution/management-port.ts';
import { executeQuery } from '../execution/query.ts';
import { stateHash } from '../execution/state-hash.ts';
import { executeEntryPoint } from '../execution/wasm/engine.ts';
import { APPLICATION_SUBNET } from '../types/subnet-config.ts';
import { TestNetwork, USER } from './subnets.testing.ts';

const PAGE = 65_536;
/** Programs store into page 0 and into pages from here on; in between the interpreter keeps its own data. */
const FIRST_GROWN_PAGE = 16;
/** So that endless loops end soon. */
const MESSAGE_INSTRUCTIONS = 2_000_000;
const CANISTERS = 2;

/**
 * Interprets its argument: 0 end · 1 store u32 u8 · 2 grow · 3 stable grow · 4 stable store u32 u8 · 5 unreachable ·
 * 6 call (u8 subnet, u8 canister, u16 lengths of program, of reply program, of reject program; the three programs) ·
 * 7 reply u8 · 8 loop for ever. Arguments are kept at $bump: callbacks find their program there.
 */
const INTERPRETER = `(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i32 i32 i32)))
  (import "ic0" "call_new" (func $call_new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_data_append" (func $call_data (param i32 i32)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (import "ic0" "stable64_grow" (func $stable_grow (param i64) (result i64)))
  (import "ic0" "stable64_write" (func $stable_write (param i64 i64 i64)))
  (table funcref (elem $on_reply $on_reject))
  (memory ${FIRST_GROWN_PAGE})
  (global $bump (mut i32) (i32.const ${8 * PAGE}))
  (data (i32.const ${PAGE}) "\\00\\00\\00\\00\\00\\00\\00\\00\\01\\01")
  (data (i32.const ${PAGE + 16}) "run")
  (func $run (param $at i32)
    (local $op i32) (local $program i32)
    (loop $next
      (local.set $op (i32.load8_u (local.get $at)))
      (if (i32.eq (local.get $op) (i32.const 0)) (then (return)))
      (if (i32.eq (local.get $op) (i32.const 1)) (then
        (i32.store8 (i32.load offset=1 (local.get $at)) (i32.load8_u offset=5 (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 6))) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 2)) (then
        (drop (memory.grow (i32.const 1)))
        (local.set $at (i32.add (local.get $at) (i32.const 1))) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 3)) (then
        (drop (call $stable_grow (i64.const 1)))
        (local.set $at (i32.add (local.get $at) (i32.const 1))) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 4)) (then
        (call $stable_write (i64.extend_i32_u (i32.load offset=1 (local.get $at)))
          (i64.extend_i32_u (i32.add (local.get $at) (i32.const 5))) (i64.const 1))
        (local.set $at (i32.add (local.get $at) (i32.const 6))) (br $next)))
      (if (i32.eq (local.get $op) (i32.const 5)) (then unreachable))
      (if (i32.eq (local.get $op) (i32.const 6)) (then
        (i32.store8 (i32.const ${PAGE + 5}) (i32.mul (i32.load8_u offset=1 (local.get $at)) (i32.const 16)))
        (i32.store8 (i32.const ${PAGE + 7}) (i32.load8_u offset=2 (local.get $at)))
        (local.set $program (i32.add (local.get $at) (i32.const 9)))
        (call $call_new (i32.const ${PAGE}) (i32.const 10) (i32.const ${PAGE + 16}) (i32.const 3)
          (i32.const 0) (local.get $at) (i32.const 1) (local.get $at))
        (call $call_data (local.get $program) (i32.load16_u offset=3 (local.get $at)))
        (if (call $perform) (then unreachable))
        (return)))
      (if (i32.eq (local.get $op) (i32.const 7)) (then
        (call $append (i32.add (local.get $at) (i32.const 1)) (i32.const 1)) (call $reply)
        (local.set $at (i32.add (local.get $at) (i32.const 2))) (br $next)))
      (loop $forever (br $forever))))
  (func $start_run
    (local $at i32)
    (local.set $at (global.get $bump))
    (global.set $bump (i32.add (global.get $bump) (call $arg_size)))
    (call $arg_copy (local.get $at) (i32.const 0) (call $arg_size))
    (call $run (local.get $at)))
  (func (export "canister_update run") (call $start_run))
  (func (export "canister_query ask") (call $start_run))
  (func $on_reply (param $call i32)
    (call $run (i32.add (i32.add (local.get $call) (i32.const 9)) (i32.load16_u offset=3 (local.get $call)))))
  (func $on_reject (param $call i32)
    (call $run (i32.add (i32.add (i32.add (local.get $call) (i32.const 9)) (i32.load16_u offset=3 (local.get $call)))
      (i32.load16_u offset=5 (local.get $call))))))`;

/** Thousands of messages a test: generous for a busy machine. */
const TIMEOUT_MS = 120_000;

type Op =
  | { readonly op: 'store'; readonly at: number; readonly value: number }
  | { readonly op: 'grow' }
  | { readonly op: 'stableGrow' }
  | { readonly op: 'stableStore'; readonly at: number; readonly value: number }
  | { readonly op: 'trap' }
  | { readonly op: 'loop' }
  | { readonly op: 'reply'; readonly value: number }
  | {
      readonly op: 'call';
      readonly subnet: number;
      readonly canister: number;
      readonly program: readonly Op[];
      readonly onReply: readonly Op[];
      readonly onReject: readonly Op[];
    };

function u32(value: number): number[] {
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
}

function encode(program: readonly Op[]): number[] {
  const bytes: number[] = [];
  for (const op of program) {
    switch (op.op) {
      case 'store':
        bytes.push(1, ...u32(op.at), op.value);
        break;
      case 'grow':
        bytes.push(2);
        break;
      case 'stableGrow':
        bytes.push(3);
        break;
      case 'stableStore':
        bytes.push(4, ...u32(op.at), op.value);
        break;
      case 'trap':
        bytes.push(5);
        break;
      case 'call': {
        const parts = [op.program, op.onReply, op.onReject].map(encode);
        bytes.push(
          6,
          op.subnet,
          op.canister,
          ...parts.flatMap(({ length }) => [length & 255, length >>> 8]),
          ...parts.flat(),
        );
        break;
      }
      case 'reply':
        bytes.push(7, op.value);
        break;
      case 'loop':
        bytes.push(8);
        break;
    }
  }
  bytes.push(0);
  return bytes;
}

// The model ----------------------------------------------------------------------------------------------------

class Failed extends Error {}

class ModelCanister {
  heap = new Uint8Array(FIRST_GROWN_PAGE * PAGE);
  stable = new Uint8Array(0);

  copy(): ModelCanister {
    const copy = new ModelCanister();
    copy.heap = this.heap.slice();
    copy.stable = this.stable.slice();
    return copy;
  }

  restore(from: ModelCanister): void {
    this.heap = from.heap;
    this.stable = from.stable;
  }
}

type Call = Extract<Op, { op: 'call' }>;
type Model = readonly (readonly ModelCanister[])[];

/** The value replied, or undefined for a reject. */
function modelUpdate(model: Model, subnet: number, canister: number, program: readonly Op[]): number | undefined {
  const self = model[subnet]?.[canister];
  if (self === undefined) return undefined;
  let next: readonly Op[] | undefined = program;
  while (next !== undefined) {
    const outcome = modelMessage(self, next, true);
    if (outcome === undefined) return undefined;
    if (outcome.replied !== undefined || outcome.call === undefined) return outcome.replied;
    const { call }: { call?: Call } = outcome;
    const answer = modelUpdate(model, call!.subnet, call!.canister, call!.program);
    next = answer === undefined ? call!.onReject : call!.onReply;
  }
  return undefined;
}

/** Undefined: it failed, and nothing changed. */
function modelMessage(
  self: ModelCanister,
  program: readonly Op[],
  mayCall: boolean,
): { replied?: number; call?: Call } | undefined {
  const before = self.copy();
  try {
    return modelRun(self, program, mayCall);
  } catch (failure) {
    if (!(failure instanceof Failed)) throw failure;
    self.restore(before);
    return undefined;
  }
}

function modelRun(self: ModelCanister, program: readonly Op[], mayCall: boolean): { replied?: number; call?: Call } {
  let replied: number | undefined;
  for (const op of program) {
    switch (op.op) {
      case 'store':
        if (op.at >= self.heap.length) throw new Failed();
        self.heap[op.at] = op.value;
        break;
      case 'stableStore':
        if (op.at >= self.stable.length) throw new Failed();
        self.stable[op.at] = op.value;
        break;
      case 'grow':
        self.heap = grown(self.heap);
        break;
      case 'stableGrow':
        self.stable = grown(self.stable);
        break;
      case 'reply':
        if (replied !== undefined) throw new Failed();
        replied = op.value;
        break;
      case 'call':
        if (!mayCall) throw new Failed();
        return { replied, call: op };
      case 'trap':
      case 'loop':
        throw new Failed();
    }
  }
  return { replied };
}

function grown(memory: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(memory.length + PAGE);
  larger.set(memory);
  return larger;
}

// Programs -----------------------------------------------------------------------------------------------------

const byte = fc.integer({ min: 1, max: 255 });
const heapStore = (at: fc.Arbitrary<number>): fc.Arbitrary<Op> =>
  fc.record({ op: fc.constant('store' as const), at, value: byte });
const stableStore: fc.Arbitrary<Op> = fc.record({
  op: fc.constant('stableStore' as const),
  at: fc.nat(2 * PAGE),
  value: byte,
});
const beyondFirstPages = fc.nat(2 * PAGE).map((offset) => FIRST_GROWN_PAGE * PAGE + offset);

/** Most succeed; stores beyond the memories' ends are the failures. */
const plain: fc.Arbitrary<readonly Op[]> = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(heapStore(fc.nat(PAGE - 1))) },
  { weight: 3, arbitrary: fc.tuple(fc.constant<Op>({ op: 'grow' }), heapStore(beyondFirstPages)) },
  { weight: 3, arbitrary: fc.tuple(fc.constant<Op>({ op: 'stableGrow' }), stableStore) },
  { weight: 1, arbitrary: fc.tuple(stableStore) },
  { weight: 1, arbitrary: fc.tuple(heapStore(beyondFirstPages)) },
);
const ending: fc.Arbitrary<Op> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ op: fc.constant('reply' as const), value: byte }) },
  fc.constant<Op>({ op: 'trap' }),
  fc.constant<Op>({ op: 'loop' }),
);

/**
 * A program ends by a reply, a failure or one call: with at most one call open per context, every schedule gives the
 * same result and the model needs none.
 */
const { program } = fc.letrec<{ program: readonly Op[]; call: Op }>((tie) => ({
  program: fc
    .tuple(fc.array(plain, { maxLength: 4 }), fc.oneof({ maxDepth: 3 }, ending, tie('call')))
    .map(([ops, end]) => [...ops.flat(), end]),
  call: fc.record({
    op: fc.constant('call' as const),
    subnet: fc.nat(1),
    canister: fc.nat(CANISTERS),
    program: tie('program'),
    onReply: tie('program'),
    onReject: tie('program'),
  }),
}));

const step = fc.record({ subnet: fc.nat(1), canister: fc.nat(CANISTERS - 1), isQuery: fc.boolean(), program });

let wasm: Uint8Array;

beforeAll(async () => {
  const wabt = await wabtModule();
  const module = wabt.parseWat('interpreter.wat', INTERPRETER);
  wasm = module.toBinary({}).buffer;
  module.destroy();
});

function network(): TestNetwork {
  const instructions = {
    ...APPLICATION_SUBNET.instructions,
    message: MESSAGE_INSTRUCTIONS,
    query: MESSAGE_INSTRUCTIONS,
  };
  const net = new TestNetwork({ subnets: 2, engine: { executeEntryPoint }, config: { instructions } });
  for (const subnet of net.subnets) {
    for (let index = 0; index < CANISTERS; index++) subnet.addWasm(wasm);
    subnet.batch();
  }
  return net;
}

function expectMemories(net: TestNetwork, model: Model): void {
  net.subnets.forEach(({ state }, subnet) => {
    state.canistersInOrder().forEach((canister, index) => {
      const { heap, stable } = model[subnet]![index]!;
      const execution = executionOf(canister);
      expect([execution.heapBytes, execution.stableBytes]).toEqual([heap.length, stable.length]);
      for (const [from, to] of [
        [0, PAGE],
        [FIRST_GROWN_PAGE * PAGE, heap.length],
      ] as const) {
        expect(Buffer.compare(execution.readHeap(from, to - from), heap.subarray(from, to))).toBe(0);
      }
      expect(Buffer.compare(execution.readStable(0, stable.length), stable)).toBe(0);
    });
  });
}

test(
  'memories, replies and replays are those of a model that copies everything',
  () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
        const net = network();
        const model: Model = [0, 1].map(() => Array.from({ length: CANISTERS }, () => new ModelCanister()));
        for (const { subnet, canister, isQuery, program } of steps) {
          const here = net.subnets[subnet]!;
          const { id } = here.state.canistersInOrder()[canister]!;
          const arg = Uint8Array.from(encode(program));
          if (isQuery) {
            const expected = modelMessage(model[subnet]![canister]!.copy(), program, false)?.replied;
            const { result } = executeQuery(here.routing.environment, {
              sender: USER,
              receiver: id,
              methodName: 'ask',
              arg,
            });
            expect(result.kind === 'reply' ? result.data[0] : undefined).toBe(expected);
          } else {
            const expected = modelUpdate(model, subnet, canister, program);
            const message = here.message(id, id, 'run', arg);
            here.call(message);
            const { status } = here.state.ingressHistory.get(message.messageId)!;
            expect(status.kind).toMatch(/replied|rejected/);
            expect(status.kind === 'replied' ? status.reply[0] : undefined).toBe(expected);
          }
          expectMemories(net, model);
        }
        const again = network();
        net.subnets.forEach((subnet, index) => {
          for (const batch of subnet.log.slice(1)) again.subnets[index]!.batch(batch);
          expect(stateHash(again.subnets[index]!.state)).toEqual(stateHash(subnet.state));
        });
      }),
      { numRuns: 40 },
    );
  },
  TIMEOUT_MS,
);
