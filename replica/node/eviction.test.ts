import { describe, expect, test } from 'vitest';
import type { PrincipalKey } from '../types/principal.ts';
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

const key = (index: number): PrincipalKey => String(index).padStart(8, '0') as PrincipalKey;

describe('eviction', () => {
  test('evicts the least recently used when there are too many', () => {
    const eviction = new Eviction();
    const executions = Array.from({ length: 5000 }, () => new FakeExecution(1000));
    for (const [at, execution] of executions.entries()) {
      eviction.touch(key(at), execution);
      eviction.touch(key(0), executions[0]);
      eviction.evictExcess();
    }
    expect(executions[0]!.isLive).toBe(true);
    expect(executions.at(-1)!.isLive).toBe(true);
    expect(executions[1]!.isLive).toBe(false);
    expect(executions.filter(({ isLive }) => isLive).length).toBeLessThanOrEqual(700);
  });

  test('evicts by size, but never the one used last', () => {
    const eviction = new Eviction();
    const executions = Array.from({ length: 3 }, () => new FakeExecution(2 * 1024 ** 3));
    for (const [at, execution] of executions.entries()) eviction.touch(key(at), execution);
    for (let call = 0; call < 100; call++) eviction.evictExcess();
    expect(executions.map(({ isLive }) => isLive)).toEqual([false, false, true]);
  });
});
