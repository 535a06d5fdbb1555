import { IDL } from '@dfinity/candid';
import { beforeAll, describe, expect, it } from 'vitest';
import type { TestModule } from '../../tools/testing/module.ts';
import { compileForTest, instantiate } from '../../tools/testing/module.ts';
import { Random } from './random-candid.ts';

describe('numbers of any size', () => {
  let module: TestModule;
  const run = (name: string, types: IDL.Type[], results: IDL.Type[], ...args: bigint[]): unknown[] =>
    IDL.decode(results, module.call(name, new Uint8Array(IDL.encode(types, args))));

  beforeAll(async () => {
    const { bytes, sourceMap } = await compileForTest('cdk/candid/nat.fixture.ts');
    module = instantiate(bytes, undefined, sourceMap);
  });

  /** Around every power of two where a representation changes, and random ones. */
  const interesting = (): bigint[] => {
    const list = [0n, 1n, 9n, 10n, 999_999_999n, 1_000_000_000n];
    for (const bits of [6n, 7n, 13n, 14n, 31n, 32n, 56n, 62n, 63n, 64n, 69n, 70n, 95n, 96n, 127n, 128n, 160n, 200n]) {
      for (const d of [-1n, 0n, 1n]) list.push((1n << bits) + d);
    }
    return list;
  };
  const pairs = (): [bigint, bigint][] => {
    const list: [bigint, bigint][] = [];
    const numbers = interesting();
    for (const a of numbers) for (const b of numbers) if ((a * 31n + b) % 5n === 0n) list.push([a, b]);
    const r = new Random(5);
    for (let i = 0; i < 3000; i++) list.push([r.big(300), r.big(r.below(2) === 0 ? 300 : 130)]);
    // Quotient digits that algorithm D guesses too high.
    for (let i = 0; i < 500; i++) {
      const b = (0x8000_0000n << 64n) + r.big(64);
      list.push([b * ((1n << 64n) - 1n) + r.big(60), b]);
    }
    return list;
  };

  it('adds, multiplies, subtracts and compares nats as BigInt does', () => {
    for (const [a, b] of pairs()) {
      expect(run('natArithmetic', [IDL.Nat, IDL.Nat], [IDL.Nat, IDL.Nat, IDL.Nat, IDL.Nat8], a, b))
        .toEqual([a + b, a * b, a >= b ? a - b : b - a, a < b ? 0 : a === b ? 1 : 2]);
    }
  });

  it('divides as BigInt does, and traps on zero with the source line', () => {
    for (const [a, b] of pairs()) {
      if (b === 0n) expect(() => run('natDivision', [IDL.Nat, IDL.Nat], [IDL.Nat, IDL.Nat], a, b)).toThrow(/division by zero \(.*cdk\/candid\/nat\.ts:\d+\)/);
      else expect({ a, b, r: run('natDivision', [IDL.Nat, IDL.Nat], [IDL.Nat, IDL.Nat], a, b) }).toEqual({ a, b, r: [a / b, a % b] });
    }
  });

  it('adds, subtracts, multiplies and compares ints as BigInt does', () => {
    const r = new Random(9);
    for (const [x, y] of pairs()) {
      const a = r.below(2) === 0 ? x : -x;
      const b = r.below(2) === 0 ? y : -y;
      expect(run('intArithmetic', [IDL.Int, IDL.Int], [IDL.Int, IDL.Int, IDL.Int, IDL.Nat8], a, b))
        .toEqual([a + b, a - b, a * b, a < b ? 0 : a === b ? 1 : 2]);
    }
  });

  it('writes and reads digits, and passes through 128 and 64 bits', () => {
    for (const n of [...interesting(), ...pairs().slice(0, 500).map(([a]) => a)]) {
      expect(run('natText', [IDL.Nat], [IDL.Text, IDL.Nat, IDL.Nat], n)).toEqual([n.toString(), n, n]);
      for (const i of [n, -n]) expect(run('intText', [IDL.Int], [IDL.Text, IDL.Int], i)).toEqual([i.toString(), i]);
    }
  });
});
