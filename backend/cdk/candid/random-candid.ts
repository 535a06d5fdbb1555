/** Random Candid types with values, by seed, for the tests: as .did text and in @dfinity/candid. */
import { IDL } from '@dfinity/candid';
import { Principal } from '@dfinity/principal';

export class Random {
  private x: number;
  constructor(seed: number) { this.x = (seed * 2654435761) >>> 0 || 1; }

  /** 0 … n − 1. */
  below(n: number): number {
    this.x ^= this.x << 13;
    this.x ^= this.x >>> 17;
    this.x ^= this.x << 5;
    return (this.x >>> 0) % n;
  }

  pick<T>(list: readonly T[]): T { return list[this.below(list.length)] as T; }
  bytes(n: number): Uint8Array { return Uint8Array.from({ length: n }, () => this.below(256)); }

  /** Any size up to `bits`, small ones often. */
  big(bits: number): bigint {
    let v = 0n;
    for (let n = this.below(bits + 1); n > 0; n--) v = v * 2n + BigInt(this.below(2));
    return v;
  }
}

/** A type: its text, its IDL object, and how to make a value. */
export interface RandomType { text: string; idl: IDL.Type; value(r: Random): unknown; /** A type that a message of this type must decode at. */ evolved?: RandomType }

const LABELS = ['a', 'id', 'name', 'Ok', 'Err', 'long_label_here', 'x1', 'kind', 'owner', 'B', 'zeta', 'message_id'];
const TEXTS = ['', 'a', 'hello', 'ünïcödé', '☃ snow', '🐂🐂 astral', 'x'.repeat(200), 'tab\t"quote"\\'];

const PRIMS: [string, IDL.Type, (r: Random) => unknown][] = [
  ['bool', IDL.Bool, (r) => r.below(2) === 1],
  ['nat', IDL.Nat, (r) => r.big(200)],
  ['int', IDL.Int, (r) => (r.below(2) === 1 ? r.big(200) : -r.big(200))],
  ['nat8', IDL.Nat8, (r) => r.below(256)],
  ['nat16', IDL.Nat16, (r) => r.below(65536)],
  ['nat32', IDL.Nat32, (r) => r.below(2 ** 32)],
  ['nat64', IDL.Nat64, (r) => r.big(64)],
  ['int8', IDL.Int8, (r) => r.below(256) - 128],
  ['int16', IDL.Int16, (r) => r.below(65536) - 32768],
  ['int32', IDL.Int32, (r) => r.below(2 ** 32) - 2 ** 31],
  ['int64', IDL.Int64, (r) => r.big(63) * (r.below(2) === 1 ? 1n : -1n)],
  ['float32', IDL.Float32, (r) => r.below(1000) / 8],
  ['float64', IDL.Float64, (r) => (r.below(2 ** 32) - 2 ** 31) / 7],
  ['text', IDL.Text, (r) => r.pick(TEXTS)],
  ['null', IDL.Null, () => null],
  ['principal', IDL.Principal, (r) => Principal.fromUint8Array(r.bytes(r.below(30)))],
  ['vec nat8', IDL.Vec(IDL.Nat8), (r) => r.bytes(r.below(60))],
];

export function randomType(r: Random, depth: number): RandomType {
  const roll = depth <= 0 ? 0 : r.below(10);
  if (roll < 4) {
    const [text, idl, value] = r.pick(PRIMS);
    return { text, idl, value };
  }
  if (roll < 6) {
    const of = randomType(r, depth - 1);
    const wrap = (t: RandomType): RandomType => ({ text: `opt ${t.text}`, idl: IDL.Opt(t.idl), value: (q) => (q.below(3) === 0 ? [] : [t.value(q)]) });
    return { ...wrap(of), ...(of.evolved ? { evolved: wrap(of.evolved) } : {}) };
  }
  if (roll < 7) {
    const of = randomType(r, depth - 1);
    const wrap = (t: RandomType): RandomType => ({ text: `vec ${t.text}`, idl: IDL.Vec(t.idl), value: (q) => Array.from({ length: q.below(6) }, () => t.value(q)) });
    return { ...wrap(of), ...(of.evolved ? { evolved: wrap(of.evolved) } : {}) };
  }
  const labels = [...new Set(Array.from({ length: 1 + r.below(5) }, () => r.pick(LABELS)))];
  if (roll < 9) {
    const fields = labels.map((l) => [l, randomType(r, depth - 1)] as const);
    const make = (list: readonly (readonly [string, RandomType])[]): RandomType => ({
      text: `record { ${list.map(([l, t]) => `${l} : ${t.text}`).join('; ')} }`,
      idl: IDL.Record(Object.fromEntries(list.map(([l, t]) => [l, t.idl]))),
      value: (q) => Object.fromEntries(list.map(([l, t]) => [l, t.value(q)])),
    });
    // A later version: some fields dropped, some evolved, optional ones added.
    const kept = fields.filter(() => r.below(4) !== 0).map(([l, t]) => [l, t.evolved ?? t] as const);
    const added = r.below(2) === 0 ? [['added', { text: 'opt text', idl: IDL.Opt(IDL.Text), value: () => [] } satisfies RandomType] as const] : [];
    return { ...make(fields), evolved: make([...kept, ...added]) };
  }
  const cases = labels.map((l) => [l, r.below(3) === 0 ? { text: 'null', idl: IDL.Null, value: () => null } : randomType(r, depth - 1)] as const);
  const make = (list: readonly (readonly [string, RandomType])[], values = list): RandomType => ({
    text: `variant { ${list.map(([l, t]) => (t.text === 'null' ? l : `${l} : ${t.text}`)).join('; ')} }`,
    idl: IDL.Variant(Object.fromEntries(list.map(([l, t]) => [l, t.idl]))),
    value: (q) => {
      const [l, t] = q.pick(values);
      return { [l]: t.value(q) };
    },
  });
  return { ...make(cases), evolved: make([...cases.map(([l, t]) => [l, t.evolved ?? t] as const), ['later', { text: 'nat', idl: IDL.Nat, value: () => 0n }]]) };
}
