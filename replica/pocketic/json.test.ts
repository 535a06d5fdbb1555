import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson, writeJson } from './json.ts';

describe('lossless JSON', () => {
  it('keeps integers of any size', () => {
    const text = '{"amount":1000000000000000000000,"small":7,"negative":-99999999999999999999,"float":1.5}';
    expect(parseJson(text)).toEqual({
      amount: 1_000_000_000_000_000_000_000n,
      small: 7,
      negative: -99_999_999_999_999_999_999n,
      float: 1.5,
    });
    expect(writeJson(parseJson(text))).toBe(text);
  });

  it('round-trips any bigint', () => {
    fc.assert(
      fc.property(fc.bigInt(), (value) => {
        const [back] = parseJson(writeJson([value])) as [number | bigint];
        expect(BigInt(back)).toBe(value);
      }),
    );
  });

  it('throws for what is not JSON', () => {
    expect(() => parseJson('{')).toThrow(SyntaxError);
  });
});
