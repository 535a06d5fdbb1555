import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { pollDelayMs } from './pace.ts';

const MINUTE = 60_000;

describe('how often the network is asked', () => {
  it('is quick while somebody is there', () => {
    expect(pollDelayMs({ visible: true, activeAt: 0, failures: 0 }, 10_000)).toBeLessThanOrEqual(500);
  });

  it('asks at most twelve times a minute of an idle visible tab', () => {
    expect(pollDelayMs({ visible: true, activeAt: 0, failures: 0 }, 6 * MINUTE)).toBeGreaterThanOrEqual(5_000);
  });

  it('is slower when nobody looks than when somebody does', () => {
    fc.assert(
      fc.property(fc.nat(3_600_000), fc.nat(50), (since, failures) => {
        const hidden = pollDelayMs({ visible: false, activeAt: 0, failures }, since);
        expect(hidden).toBeGreaterThanOrEqual(pollDelayMs({ visible: true, activeAt: 0, failures }, since));
        expect(hidden).toBeLessThanOrEqual(MINUTE);
      }),
    );
  });

  it('backs off from a failing network', () => {
    const delay = (failures: number): number => pollDelayMs({ visible: true, activeAt: 0, failures }, 0);
    expect([delay(1), delay(3), delay(20)]).toEqual([1_000, 4_000, 30_000]);
  });
});
