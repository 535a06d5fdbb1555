import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import type { Batch, BatchOutcome } from '../types/batch.ts';
import type { IngressMessage } from '../types/messages.ts';
import { Principal } from '../types/principal.ts';
import { keyedRandomness, SoloConsensus } from './solo.ts';
import type { ConsensusAction, PayloadSource } from './types.ts';

const SECRET = new Uint8Array(32).fill(9);

class Pool implements PayloadSource {
  waiting: IngressMessage[] = [];
  hasPayload(): boolean {
    return this.waiting.length > 0;
  }
  wakeNanos(): undefined {
    return undefined;
  }
  take(): { ingress: IngressMessage[]; xnet: [] } {
    const ingress = this.waiting;
    this.waiting = [];
    return { ingress, xnet: [] };
  }
}

function message(id: number): IngressMessage {
  const anyone = Principal.anonymous();
  return {
    messageId: String(id),
    sender: anyone,
    receiver: anyone,
    effectiveCanisterId: anyone,
    methodName: '',
    arg: new Uint8Array(0),
    expiryNanos: 0n,
    envelopeBytes: 0,
  };
}

function outcome(batch: Batch, waits: Partial<BatchOutcome> = {}): BatchOutcome {
  return {
    height: batch.height,
    timeNanos: batch.timeNanos,
    changedCanisters: [],
    removedCanisters: [],
    changedIngress: [],
    changedStreams: [],
    instructionsUsed: 0,
    messagesExecuted: 0,
    moreWork: false,
    nextWakeNanos: undefined,
    ...waits,
  };
}

function make(pool: Pool, nextWakeNanos?: bigint): SoloConsensus {
  return new SoloConsensus({ height: 0, timeNanos: 0n, moreWork: false, nextWakeNanos, payload: pool, nodeId: Principal.anonymous(), randomness: keyedRandomness(SECRET) });
}

function delivered(actions: readonly ConsensusAction[]): Batch | undefined {
  return actions.find((action) => action.kind === 'deliver')?.batch;
}

describe('consensus of one node', () => {
  test('N3 makes a block the moment there is work and none while there is not', () => {
    const pool = new Pool();
    const consensus = make(pool);
    expect(consensus.handle({ kind: 'clock' }, 10n)).toEqual([{ kind: 'wake-at', timeNanos: undefined }]);
    pool.waiting.push(message(1));
    const batch = delivered(consensus.handle({ kind: 'work' }, 11n))!;
    expect([batch.height, batch.timeNanos, batch.ingress.length]).toEqual([1, 11n, 1]);
    expect(delivered(consensus.handle({ kind: 'executed', outcome: outcome(batch) }, 12n))).toBeUndefined();
  });

  test('N2 what arrives during execution goes into one next block', () => {
    const pool = new Pool();
    const consensus = make(pool);
    pool.waiting.push(message(1));
    const first = delivered(consensus.handle({ kind: 'work' }, 1n))!;
    for (let id = 2; id <= 6; id++) {
      pool.waiting.push(message(id));
      expect(consensus.handle({ kind: 'work' }, 2n)).toEqual([]);
    }
    expect(delivered(consensus.handle({ kind: 'executed', outcome: outcome(first) }, 3n))!.ingress.length).toBe(5);
  });

  test('N3 wakes for a due timer, and not before', () => {
    const consensus = make(new Pool(), 100n);
    expect(consensus.handle({ kind: 'clock' }, 50n)).toEqual([{ kind: 'wake-at', timeNanos: 100n }]);
    expect(delivered(consensus.handle({ kind: 'clock' }, 100n))?.timeNanos).toBe(100n);
  });

  test('N3 heartbeats make blocks, but not without a pause', () => {
    const consensus = make(new Pool(), 0n);
    const [action] = consensus.handle({ kind: 'clock' }, 1n);
    expect(action).toMatchObject({ kind: 'wake-at' });
    const wake = (action as { timeNanos: bigint }).timeNanos;
    expect(delivered(consensus.handle({ kind: 'clock' }, wake))).toBeDefined();
  });

  test('a batch that the disk refused does not count, and the next attempt waits', () => {
    const pool = new Pool();
    const consensus = make(pool);
    pool.waiting.push(message(1));
    expect(delivered(consensus.handle({ kind: 'work' }, 5n))?.height).toBe(1);
    expect(consensus.handle({ kind: 'refused' }, 6n)).toEqual([{ kind: 'wake-at', timeNanos: 1_000_000_006n }]);
    pool.waiting.push(message(2));
    expect(delivered(consensus.handle({ kind: 'work' }, 7n))?.height).toBe(1);
  });

  test('N1 heights are consecutive and times strictly increase, whatever the clock does', () => {
    const step = fc.record({ now: fc.bigInt(0n, 1000n), work: fc.boolean(), more: fc.boolean(), force: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const pool = new Pool();
        const consensus = make(pool);
        let last = { height: 0, timeNanos: -1n };
        let running: Batch | undefined;
        for (const { now, work, more, force } of steps) {
          if (work) pool.waiting.push(message(1));
          const event = running ? ({ kind: 'executed', outcome: outcome(running, { moreWork: more }) } as const) : ({ kind: force ? 'force' : 'work' } as const);
          running = delivered(consensus.handle(event, now));
          if (!running) continue;
          expect(running.height).toBe(last.height + 1);
          expect(running.timeNanos > last.timeNanos).toBe(true);
          last = running;
        }
      }),
    );
  });

  test('N4 randomness depends on secret and height alone', () => {
    const randomness = keyedRandomness(SECRET);
    expect(randomness(7)).toEqual(keyedRandomness(SECRET)(7));
    expect(randomness(7)).not.toEqual(randomness(8));
    expect(randomness(7)).not.toEqual(keyedRandomness(new Uint8Array(32))(7));
    expect(randomness(1).length).toBe(32);
  });
});
