/** Ways in which a disk, or a person, can damage LMDB's data file; for tests. */

const PAGE_BYTES = 16 * 1024;

/** Uniform among the whole numbers from 0 to below the given one. */
export type Random = (below: number) => number;

/** Mulberry32. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** Changes the bytes in place, or gives others. `older`: the file as an earlier commit left it. */
export type Damage = readonly [name: string, apply: (bytes: Buffer, random: Random, older: Buffer) => Buffer | void];

function flip(bytes: Buffer, at: number, random: Random): void {
  bytes[at]! ^= 1 << random(8);
}

const pageOf = (bytes: Buffer, page: number): Buffer => bytes.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
const pagesOf = (bytes: Buffer): number => Math.floor(bytes.length / PAGE_BYTES);

export const DAMAGES: readonly Damage[] = [
  ['a bit', (bytes, random) => flip(bytes, random(bytes.length), random)],
  ['a bit of a page header', (bytes, random) => flip(bytes, random(pagesOf(bytes)) * PAGE_BYTES + random(80), random)],
  ['a bit of a meta page', (bytes, random) => flip(bytes, random(2) * PAGE_BYTES + random(176), random)],
  ['a byte near the end of a page', (bytes, random) => void (bytes[(1 + random(pagesOf(bytes))) * PAGE_BYTES - 1 - random(300)] = random(256))],
  [
    'a number in a page header',
    (bytes, random) => {
      const at = random(pagesOf(bytes)) * PAGE_BYTES + 2 * random(12);
      bytes.writeUInt16LE(random(0x10000), at);
    },
  ],
  [
    'a range',
    (bytes, random) => {
      const from = random(bytes.length);
      for (let at = from; at < Math.min(bytes.length, from + 1 + random(5000)); at++) bytes[at] = random(256);
    },
  ],
  [
    'a zeroed range',
    (bytes, random) => {
      const from = random(bytes.length);
      bytes.fill(0, from, Math.min(bytes.length, from + 1 + random(40_000)));
    },
  ],
  ['a zeroed page', (bytes, random) => void pageOf(bytes, random(pagesOf(bytes))).fill(0)],
  ['a cut', (bytes, random) => bytes.subarray(0, random(bytes.length))],
  ['a cut at a page', (bytes, random) => bytes.subarray(0, random(pagesOf(bytes)) * PAGE_BYTES)],
  [
    'two pages swapped',
    (bytes, random) => {
      const [left, right] = [pageOf(bytes, random(pagesOf(bytes))), pageOf(bytes, random(pagesOf(bytes)))];
      const kept = Buffer.from(left);
      right.copy(left);
      kept.copy(right);
    },
  ],
  ['a page of an earlier commit', (bytes, random, older) => {
      const page = random(Math.min(pagesOf(bytes), pagesOf(older)));
      pageOf(older, page).copy(pageOf(bytes, page));
    }],
  ['the whole file of an earlier commit', (_bytes, _random, older) => older],
  ['both meta pages of an earlier commit', (bytes, _random, older) => void older.copy(bytes, 0, 0, 2 * PAGE_BYTES)],
];
