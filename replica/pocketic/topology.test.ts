import { describe, expect, it } from 'vitest';
import { Principal } from '../types/principal.ts';
import { defaultSubnet, subnetsOf } from './topology.ts';

const spec = { state_config: 'New', instruction_config: 'Production', cost_schedule: 'Normal' };

describe('topology of an instance', () => {
  it('puts named subnets first, with mainnet ranges and a block of their own for new canisters', () => {
    const subnets = subnetsOf({ nns: spec, ii: spec, system: [], application: [spec, spec] });
    expect(subnets.map(({ pocketKind, kind, size }) => [pocketKind, kind, size])).toEqual([
      ['NNS', 'system', 40],
      ['II', 'system', 34],
      ['Application', 'application', 13],
      ['Application', 'application', 13],
    ]);
    expect(subnets[1]!.ranges[0]).toEqual(['rdmx6-jaaaa-aaaaa-aaadq-cai', 'rdmx6-jaaaa-aaaaa-aaadq-cai']);
    expect(defaultSubnet(subnets)).toBe(2);
  });

  it('gives every subnet another block, aligned and of 2^20 ids', () => {
    const subnets = subnetsOf({ system: [spec], application: [spec, spec] });
    const starts = subnets.map(({ allocationRanges }) => {
      const [first, last] = allocationRanges[0]!.map((text) => Principal.fromText(text).canisterIndex()!);
      expect(last! - first!).toBe(2n ** 20n - 1n);
      expect(first! % 2n ** 20n).toBe(0n);
      return first;
    });
    expect(new Set(starts).size).toBe(3);
  });

  it('lifts limits for benchmarking and fees for free subnets', () => {
    const [subnet] = subnetsOf({
      application: [{ ...spec, instruction_config: 'Benchmarking', cost_schedule: 'Free' }],
    });
    expect(subnet!.config.instructions!.message).toBe(99_999_999_999_999);
    expect(subnet!.config.fees!.canisterCreation).toBe(0n);
  });

  it.each<[string, object]>([
    ['no subnet', { application: [] }],
    ['a state directory', { application: [{ ...spec, state_config: { FromPath: '/x' } }] }],
    ['a free system subnet', { system: [{ ...spec, cost_schedule: 'Free' }] }],
    ['a cloud engine', { cloud_engine: [spec] }],
  ])('refuses %s', (_title, set) => {
    expect(() => subnetsOf(set as never)).toThrow();
  });
});
