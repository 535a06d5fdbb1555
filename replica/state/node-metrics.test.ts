/** Daily samples of who made how many blocks. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Principal } from '../types/principal.ts';
import { decodeSubnetState, encodeSubnetState } from './codec.ts';
import { MAX_SAMPLES, NodeMetrics } from './node-metrics.ts';
import { ReplicatedState } from './replicated-state.ts';

const DAY = 86_400_000_000_000n;
const START = 20_000n * DAY;
const NODES = [1n, 2n, 3n].map((index) => Principal.fromCanisterIndex(index));

function blocks(metrics: NodeMetrics, since = 0n): unknown[] {
  return metrics
    .since(since)
    .map(({ timeNanos, nodes }) => [
      timeNanos - START,
      [...nodes].map(([node, { proposed, failures }]) => [NODES.findIndex(({ key }) => key === node), proposed, failures]),
    ]);
}

const by = (maker: number, ...failed: number[]): { maker: Principal; failed: Principal[] } => ({
  maker: NODES[maker]!,
  failed: failed.map((node) => NODES[node]!),
});

describe('node metrics', () => {
  test('have one sample for each day that is over, at the time of its last block', () => {
    const metrics = new NodeMetrics();
    metrics.observe(START + 5n, by(0));
    metrics.observe(START + 9n, by(1, 0));
    expect(blocks(metrics)).toEqual([]);
    metrics.observe(START + DAY, by(0));
    expect(blocks(metrics)).toEqual([[9n, [[0, 1, 1], [1, 1, 0]]]]);
    metrics.observe(START + 5n * DAY + 7n, by(1));
    expect(blocks(metrics)).toEqual([
      [9n, [[0, 1, 1], [1, 1, 0]]],
      [DAY, [[0, 2, 1], [1, 1, 0]]],
    ]);
    expect(blocks(metrics, START + 9n).length).toBe(2);
    expect(blocks(metrics, START + 10n).length).toBe(1);
  });

  test('forget a node that has done nothing for a day, and count it anew when it comes back', () => {
    const metrics = new NodeMetrics();
    metrics.observe(START, by(0, 2));
    for (const day of [1n, 2n, 3n]) metrics.observe(START + day * DAY, by(0));
    metrics.observe(START + 4n * DAY, by(2));
    metrics.observe(START + 5n * DAY, by(0));
    expect(blocks(metrics).map((sample) => (sample as [bigint, unknown])[1])).toEqual([
      [[0, 1, 0], [2, 0, 1]],
      [[0, 2, 0], [2, 0, 1]],
      [[0, 3, 0]],
      [[0, 4, 0]],
      [[0, 4, 0], [2, 1, 0]],
    ]);
  });

  test('keep sixty samples, of different days, in which the numbers of a node at work never fall', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 2_000 }), fc.nat(2)), { maxLength: 400, size: 'max' }), (steps) => {
        const metrics = new NodeMetrics();
        let minutes = 0;
        for (const [more, maker] of steps) {
          minutes += more;
          metrics.observe(START + (BigInt(minutes) * DAY) / 1440n, by(maker));
        }
        const days = metrics.samples.map(({ timeNanos }) => timeNanos / DAY);
        expect([...new Set(days)].sort()).toEqual(days);
        expect(days.length).toBeLessThanOrEqual(MAX_SAMPLES);
        // The first two of sixty may follow ones that are gone, of which nothing is known.
        for (let at = days.length === MAX_SAMPLES ? 2 : 1; at < days.length; at++) {
          const [before, last, now] = [metrics.samples[at - 2], metrics.samples[at - 1], metrics.samples[at]];
          for (const [node, { proposed }] of now!.nodes) {
            const idle = last!.nodes.get(node)?.proposed === before?.nodes.get(node)?.proposed;
            // One that did nothing for a day is counted anew.
            if (!idle) expect(proposed).toBeGreaterThanOrEqual(last!.nodes.get(node)?.proposed ?? 0);
          }
        }
      }),
    );
  });

  test('are kept in the subnet’s record, which is still read without them', () => {
    const topology = { rootSubnetId: NODES[0]!, rootKey: new Uint8Array(0), subnets: [], registryVersion: 1n };
    const state = new ReplicatedState(NODES[0]!, 'application', topology, []);
    const without = encodeSubnetState(state);
    state.nodeMetrics.observe(START, by(0, 1));
    state.nodeMetrics.observe(START + DAY, by(1));
    const record = encodeSubnetState(state);
    expect(decodeSubnetState(record, topology).nodeMetrics).toEqual(state.nodeMetrics);
    // Version 1 ended before the list of samples, whose length is the last byte here.
    const old = without.slice(0, -1);
    old[0] = 1;
    expect(decodeSubnetState(old, topology).nodeMetrics.samples).toEqual([]);
  });
});
