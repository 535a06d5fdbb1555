/** Candid vectors of our own: bytes, the types to read them at, and the bytes that come back or the refusal. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Echo } from '../../tools/testing/echo.ts';
import { compileEcho } from '../../tools/testing/echo.ts';

/** `DIDL` and the rest in hex; spaces are for the reader. */
const didl = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(`4449444c${hex.replace(/\s/g, '')}`, 'hex'));

const PREAMBLE = `
type Account = record { owner : principal; subaccount : opt blob };
type Status = variant { active; blocked; gone };
`;

/** [what, types, bytes in, bytes out | refusal] */
const VECTORS: [string, string, string, string | RegExp][] = [
  ['no arguments', '()', '00 00', '00 00'],
  ['a text', '(text)', '00 01 71 02 6869', '00 01 71 02 6869'],
  ['extra arguments are passed over', '(text)', '00 02 71 7d 02 6869 05', '00 01 71 02 6869'],
  ['missing optional arguments are null', '(text, opt nat)', '00 01 71 02 6869', '01 6e7d 02 71 00 02 6869 00'],
  ['a missing argument is refused', '(text, nat)', '00 01 71 02 6869', /missing argument/],
  ['nat reads as int', '(int)', '00 01 7d 40', '00 01 7c c000'],
  ['a padded nat is written without padding', '(nat)', '00 01 7d 818000', '00 01 7d 01'],
  ['int does not read as nat', '(nat)', '00 01 7c 40', /not of the expected type/],
  ['a nat of 2^64', '(nat)', '00 01 7d 80808080808080808002', '00 01 7d 80808080808080808002'],
  ['an int of -2^63', '(int)', '00 01 7c 8080808080808080807f', '00 01 7c 8080808080808080807f'],
  ['an int of -2^64', '(int)', '00 01 7c 8080808080808080807e', '00 01 7c 8080808080808080807e'],
  ['a value becomes an opt', '(opt text)', '00 01 71 02 6869', '01 6e71 01 00 01 02 6869'],
  ['an opt of another type becomes null', '(opt nat)', '01 6e71 01 00 01 02 6869', '01 6e7d 01 00 00'],
  ['an empty text inside an opt stays', '(opt text)', '01 6e71 01 00 01 00', '01 6e71 01 00 01 00'],
  ['a bad opt tag', '(opt text)', '01 6e71 01 00 02', /opt tag/],
  ['a lone surrogate in UTF-8', '(text)', '00 01 71 03 eda080', /UTF-8/],
  ['an overlong slash in UTF-8', '(text)', '00 01 71 02 c0af', /UTF-8/],
  ['a code point above 10FFFF', '(text)', '00 01 71 04 f4908080', /UTF-8/],
  ['a principal of 30 bytes', '(principal)', `00 01 68 01 1e ${'00'.repeat(30)}`, /29 bytes/],
  ['an opaque reference', '(principal)', '00 01 68 00 00', /opaque/],
  ['an account without its optional field', '(Account)', '01 6c01 b3b0dac303 68 01 00 01 01 04', '03 6d7b 6e00 6c02 b3b0dac303 68 ad86ca8305 01 01 02 01 01 04 00'],
  ['fields out of order', '(Account)', '01 6c02 01 7d 00 7d 01 00 05 05', /ascending/],
  ['a case that is not known is refused', '(Status)', '01 6b02 99da88e102 7f ffffffff0f 7f 01 00 00', /not of the expected type/],
  ['a case index out of range', '(Status)', '01 6b01 00 7f 01 00 01', /variant index/],
  ['bytes after the last argument', '(nat8)', '00 01 7b 05 06', /after the last/],
  ['no magic', '(nat8)', '', /input ends early|no DIDL magic|count exceeds/],
  ['a vec that claims more than there is', '(vec nat32)', '01 6d79 01 00 ffffff7f 00000000', /vec length/],
  ['a vec of nothing, a million long', '(vec null)', '01 6d7f 01 00 c0843d', /size zero|too long/],
  ['a type table that refers outside itself', '(nat)', '01 6e05 01 7d 05', /type out of range/],
  ['a function that is not one of ours', '(func (nat) -> (text) query)', '01 6a 01 7d 01 71 00 01 00 01 01 00 01 61', /not of the expected type/],
];

describe('Candid vectors of the project', () => {
  let echo: Echo;
  beforeAll(async () => { echo = await compileEcho('golden', PREAMBLE, VECTORS.map((v) => v[1])); });

  VECTORS.forEach(([what, , bytes, expected], i) => {
    it(what, () => {
      const run = (): string => Buffer.from(echo.fresh().call(`m${i}`, didl(bytes))).toString('hex');
      if (typeof expected === 'string') expect(run()).toBe(Buffer.from(didl(expected)).toString('hex'));
      else expect(run).toThrow(expected);
    });
  });

  it('a value of 400 levels reads, one of 2,000 is refused', async () => {
    const deep = (levels: number): Uint8Array => didl(`01 6e00 01 00 ${'01'.repeat(levels)}00`);
    const nested = await compileEcho('golden-nested', 'type Nested = opt Nested;', ['(Nested)']);
    expect(nested.fresh().call('m0', deep(400)).length).toBe(deep(400).length);
    expect(() => nested.fresh().call('m0', deep(2000))).toThrow('nested too deeply');
  });
});
