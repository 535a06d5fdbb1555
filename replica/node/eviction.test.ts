import { describe, expect, test } from 'vitest';
import type { PrincipalKey } from '../types/principal.ts';
import type { ReplicatedState } from '../state/replicated-state.ts';
import { Eviction } from './eviction.ts';
import type { Evictable } from './eviction.ts';

class FakeExecution implements Evictable {
  isLive = true;
  readonly residentBytes: number;
  constructor(residentBytes: number) {
    this.residentBytes = residentBytes;
  }
  evict(): void {
    this.isLive = false;
  }
}

/** As far as eviction looks at a state: executions by canister. */
function evictionOf(executions: readonly FakeExecution[]): { eviction: Eviction; touch: (at: number) => void } {
  const canisters = new Map(executions.map((execution, at) => [key(at), { execution }]));
  const state = { canisters } as unknown as ReplicatedState;
  const eviction = new Eviction((canister) => (canister as unknown as { execution: FakeExecution }).execution);
  return { eviction, touch: (at) => eviction.touch(state, key(at)) };
}

const key = (index: number): PrincipalKey => String(index).padStart(8, '0') as PrincipalKey;

describe('eviction', () => {
  test('evicts the least recently used when there are too many', () => {
    const executions = Array.from({ length: 5000 }, () => new FakeExecution(1000));
    const { eviction, touch } = evictionOf(executions);
    for (const at of executions.keys()) {
      touch(at);
      touch(0);
      eviction.evictExcess();
    }
    expect(executions[0]!.isLive).toBe(true);
    expect(executions.at(-1)!.isLive).toBe(true);
    expect(executions[1]!.isLive).toBe(false);
    expect(executions.filter(({ isLive }) => isLive).length).toBeLessThanOrEqual(700);
  });

  test('evicts by size, but never the one used last', () => {
    const executions = Array.from({ length: 3 }, () => new FakeExecution(2 * 1024 ** 3));
    const { eviction, touch } = evictionOf(executions);
    for (const at of executions.keys()) touch(at);
    for (let call = 0; call < 100; call++) eviction.evictExcess();
    expect(executions.map(({ isLive }) => isLive)).toEqual([false, false, true]);
  });
});
