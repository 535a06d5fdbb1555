/**
 * Random call graphs over two subnets: no cycles appear or vanish but as fees, nothing stays open, and a replay of the
 * batches gives the same state at every height.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stateHash } from '../execution/state-hash.ts';
import type { ScriptedState } from '../execution/scripted-engine.testing.ts';
import { type Op } from '../execution/scripted-engine.testing.ts';
import { decodeBatch, encodeBatch } from '../state/message-codec.ts';
import { decodeCanister, decodeSubnetState, encodeCanister, encodeSubnetState } from '../state/codec.ts';
import type { ReplicatedState } from '../state/replicated-state.ts';
import { RESPONSE_RESERVATION_BYTES } from '../state/queues.ts';
import { Principal } from '../types/principal.ts';
import { APPLICATION_SUBNET, type SubnetConfig } from '../types/subnet-config.ts';
import { MessageRouting } from './message-routing.ts';
import { RICH, SECOND, TestNetwork, type TestSubnet } from './subnets.testing.ts';

/** Thousands of messages a test: generous for a busy machine. */
const TIMEOUT_MS = 120_000;

const CANISTERS_PER_SUBNET = 3;
/** Ids do not depend on the run: the first of each subnet's range, and one that does not exist. */
const CALLEES = [
  ...[0n, 1n, 2n, 0x10_0000n, 0x10_0001n, 0x10_0002n, 0xf_0000n].map((index) =>
    Principal.fromCanisterIndex(index).toText(),
  ),
];

const leaf: fc.Arbitrary<Op> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Op>({ op: 'reply' }) },
  fc.constant<Op>({ op: 'reject', text: 'no' }),
  fc.constant<Op>({ op: 'replySize', bytes: 4000 }),
  fc.constant<Op>({ op: 'trap' }),
  fc.record({ op: fc.constant('accept' as const), cycles: fc.integer({ min: 0, max: 2_000_000 }) }),
  fc.record({ op: fc.constant('burn' as const), cycles: fc.integer({ min: 0, max: 1_000_000 }) }),
  fc.record({ op: fc.constant('spend' as const), instructions: fc.integer({ min: 0, max: 1_000_000_000 }) }),
  fc.constant<Op>({ op: 'append', text: 'x' }),
);

const { program } = fc.letrec<{ program: readonly Op[]; call: Op }>((tie) => ({
  program: fc.array(fc.oneof({ maxDepth: 3, withCrossShrink: true }, leaf, tie('call')), { maxLength: 4 }),
  call: fc.record({
    op: fc.constant('call' as const),
    callee: fc.constantFrom(...CALLEES),
    method: fc.constantFrom('run', 'run', 'run', 'ask', 'none'),
    program: tie('program'),
    cycles: fc.integer({ min: 0, max: 3_000_000 }),
    timeoutSeconds: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
    padBytes: fc.constantFrom(0, 0, 1000, 5000),
    onReply: tie('program'),
    onReject: tie('program'),
    onCleanup: fc.option(tie('program').map(withoutAnswers), { nil: undefined }),
  }),
}));

/** Cleanup may neither answer nor call. */
function withoutAnswers(ops: readonly Op[]): readonly Op[] {
  return ops.filter(({ op }) => op !== 'reply' && op !== 'reject' && op !== 'call' && op !== 'accept');
}

interface Step {
  readonly subnet: number;
  readonly canister: number;
  readonly program: readonly Op[];
  readonly advanceMillis: number;
}

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    subnet: fc.integer({ min: 0, max: 1 }),
    canister: fc.integer({ min: 0, max: CANISTERS_PER_SUBNET - 1 }),
    program,
    advanceMillis: fc.constantFrom(0, 0, 300, 2000, 30_000),
  }),
  { minLength: 1, maxLength: 8 },
);

/**
 * Short of message memory: best-effort messages are dropped, guaranteed-response calls refused. Rounds of few messages, so
 * that many wait.
 */
const SHORT_OF_MEMORY: Partial<SubnetConfig> = {
  bestEffortMemoryBytes: 1500,
  guaranteedResponseMemoryBytes: 6 * RESPONSE_RESERVATION_BYTES,
  instructions: { ...APPLICATION_SUBNET.instructions, round: 4_000_000 },
};

function network(config?: Partial<SubnetConfig>): TestNetwork {
  const net = new TestNetwork({ subnets: 2, config });
  for (const subnet of net.subnets) for (let index = 0; index < CANISTERS_PER_SUBNET; index++) subnet.addCanister();
  // What was added by hand counts as changed until the first batch has taken note of it.
  for (const subnet of net.subnets) subnet.batch();
  return net;
}

/** Cycles in balances, in open call contexts, in messages, and consumed. */
function cyclesOf({ state }: TestSubnet): bigint {
  let sum = state.metrics.consumedCycles;
  for (const canister of state.canistersInOrder()) {
    sum += canister.balance + canister.reservedBalance;
    for (const context of canister.callContexts.values()) sum += context.availableCycles;
    for (const queues of [canister.queues.inputs, canister.queues.outputs]) {
      for (const queue of queues.values()) for (const message of queue.messages) sum += cyclesIn(message);
    }
  }
  for (const stream of state.streams.values()) for (const message of stream.messages) sum += cyclesIn(message);
  return sum;
}

function cyclesIn(message: { kind: string; payment?: bigint; refund?: bigint }): bigint {
  return message.payment ?? message.refund ?? 0n;
}

/** Copies of messages in a stream count until they are collected, though the other side has them already. */
function received(net: TestNetwork): bigint {
  let sum = 0n;
  for (const to of net.subnets) {
    for (const from of net.subnets) {
      const stream = from.state.streams.get(to.id.key);
      const signalsEnd = to.state.streams.get(from.id.key)?.signalsEnd ?? 0;
      if (from === to || stream === undefined) continue;
      const refused = new Set((to.state.streams.get(from.id.key)?.rejectSignals ?? []).map(({ index }) => index));
      stream.messages.forEach((message, offset) => {
        if (stream.begin + offset < signalsEnd && !refused.has(stream.begin + offset)) sum += cyclesIn(message);
      });
    }
  }
  return sum;
}

function totalCycles(net: TestNetwork): bigint {
  return net.subnets.reduce((sum, subnet) => sum + cyclesOf(subnet), 0n) - received(net);
}

function play(net: TestNetwork, script: readonly Step[], afterEach: () => void): void {
  for (const step of script) {
    const subnet = net.subnets[step.subnet]!;
    const canister = subnet.state.canistersInOrder()[step.canister]!;
    subnet.batch({ ingress: [subnet.ingress(canister.id, step.program)], xnet: net.slicesFor(subnet) });
    afterEach();
    if (step.advanceMillis > 0) net.now += BigInt(step.advanceMillis) * 1_000_000n;
    for (const other of net.subnets) {
      other.batch({ xnet: net.slicesFor(other) });
      afterEach();
    }
  }
  net.settle();
  net.now += 10n * SECOND;
  for (const subnet of net.subnets) subnet.batch({ xnet: net.slicesFor(subnet) });
  net.settle();
  afterEach();
}

test.each([
  ['with plenty of memory', {}],
  ['short of message memory', SHORT_OF_MEMORY],
])(
  'random call graphs conserve cycles, answer every call and leave nothing open: %s',
  (_, config) => {
    fc.assert(
      fc.property(steps, (script) => {
        const net = network(config);
        const before = totalCycles(net);
        expect(before).toBe(RICH * BigInt(2 * CANISTERS_PER_SUBNET));
        play(net, script, () => expect(totalCycles(net)).toBe(before));
        for (const { state } of net.subnets) {
          for (const canister of state.canistersInOrder()) {
            expect(canister.callContexts.size).toBe(0);
            expect(canister.callbacks.size).toBe(0);
            expect(canister.queues.isEmpty()).toBe(true);
            expect(canister.queues.guaranteedReservations).toBe(0);
          }
          for (const entry of state.ingressHistory.values()) expect(entry.status.kind).toMatch(/replied|rejected/);
          for (const stream of state.streams.values()) expect(stream.messages).toEqual([]);
        }
      }),
      { numRuns: 150 },
    );
  },
  TIMEOUT_MS,
);

test(
  'replaying the log of batches gives the same state hash at every height',
  () => {
    fc.assert(
      fc.property(steps, (script) => {
        const net = network(SHORT_OF_MEMORY);
        const hashes = new Map<string, string>();
        const remember = (): void => {
          for (const { state } of net.subnets) hashes.set(key(state), hex(stateHash(state)));
        };
        play(net, script, remember);
        const again = network(SHORT_OF_MEMORY);
        net.subnets.forEach((subnet, index) => {
          const copy = again.subnets[index]!;
          for (const batch of subnet.log.slice(1)) {
            copy.batch(decodeBatch(encodeBatch(batch)));
            const expected = hashes.get(key(copy.state));
            if (expected !== undefined) expect(hex(stateHash(copy.state))).toBe(expected);
          }
          expect(hex(stateHash(copy.state))).toBe(hex(stateHash(subnet.state)));
        });
      }),
      { numRuns: 50 },
    );
  },
  TIMEOUT_MS,
);

test(
  'going on from the records of any height gives the same end as never having stopped',
  () => {
    fc.assert(
      fc.property(steps, fc.nat(), (script, at) => {
        const net = network(SHORT_OF_MEMORY);
        const kept: Array<() => void> = [];
        const restart = at % (3 * script.length);
        let events = 0;
        play(net, script, () => {
          if (events++ !== restart) return;
          for (const subnet of net.subnets) {
            const copy = restarted(subnet);
            const batchesBefore = subnet.log.length;
            kept.push(() => {
              for (const batch of subnet.log.slice(batchesBefore)) copy.executeBatch(batch);
              expect(hex(stateHash(copy.state))).toBe(hex(stateHash(subnet.state)));
            });
          }
        });
        expect(kept.length).toBe(2);
        for (const check of kept) check();
      }),
      { numRuns: 60 },
    );
  },
  TIMEOUT_MS,
);

/** A routing on a state that went through its records, as after a restart. */
function restarted({ state, routing }: TestSubnet): MessageRouting {
  const copy = decodeSubnetState(encodeSubnetState(state), state.topology);
  for (const canister of state.canistersInOrder()) {
    const code = canister.code!;
    const execution = (code.execution as ScriptedState).copy();
    copy.restoreCanister(
      decodeCanister(encodeCanister(canister), {
        code: () => ({ ...code, execution }),
        chunk: () => new Uint8Array(0),
        snapshot: () => {
          throw new Error('no snapshots here');
        },
      }),
    );
  }
  return new MessageRouting({ ...routing.environment, state: copy });
}

test(
  'records of a state in the middle of its work decode to the same records',
  () => {
    fc.assert(
      fc.property(steps, (script) => {
        const net = network();
        play(net, script, () => {
          for (const { state } of net.subnets) {
            const copy = decodeSubnetState(encodeSubnetState(state), state.topology);
            expect(encodeSubnetState(copy)).toEqual(encodeSubnetState(state));
            for (const canister of state.canistersInOrder()) {
              const bytes = encodeCanister(canister);
              const decoded = decodeCanister(bytes, {
                code: () => canister.code!,
                chunk: (_, hash) => canister.chunks.get(hash)!,
                snapshot: (_, id) => canister.snapshots.get(id)!,
              });
              expect(encodeCanister(decoded)).toEqual(bytes);
            }
          }
        });
      }),
      { numRuns: 30 },
    );
  },
  TIMEOUT_MS,
);

function key(state: ReplicatedState): string {
  return `${state.subnetId.key} ${state.height}`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
