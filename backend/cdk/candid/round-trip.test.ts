import { IDL } from '@dfinity/candid';
import { beforeAll, describe, expect, it } from 'vitest';
import { finishModule } from '../../tools/builder/compile.ts';
import { Metered } from '../../tools/bench/meter.ts';
import type { Echo } from '../../tools/testing/echo.ts';
import { compileEcho } from '../../tools/testing/echo.ts';
import { toIdl } from '../../tools/bindgen/type-table.ts';
import type { RandomType } from './random-candid.ts';
import { Random, randomType } from './random-candid.ts';

/** Compiling is the slow part: many argument lists per module, a few modules. */
const LISTS = 60;
const VALUES = 20;

describe('random types and values', () => {
  let echo: Echo;
  let lists: RandomType[][];

  beforeAll(async () => {
    lists = Array.from({ length: LISTS }, (_, i) => {
      const r = new Random(i + 1);
      return Array.from({ length: 1 + r.below(3) }, () => randomType(r, 4));
    });
    const all = [...lists, ...lists.map((list) => list.map((t) => t.evolved ?? t))];
    echo = await compileEcho('round-trip', '', all.map((list) => `(${list.map((t) => t.text).join(', ')})`));
  });

  it('what @dfinity/candid encodes, the kit decodes and encodes to the same bytes', () => {
    lists.forEach((list, i) => {
      const types = list.map((t) => t.idl);
      for (let k = 0; k < VALUES; k++) {
        const r = new Random(1000 * i + k + 7);
        const bytes = new Uint8Array(IDL.encode(types, list.map((t) => t.value(r))));
        const back = echo.module.call(`m${i}`, bytes);
        expect({ i, k, bytes: Buffer.from(back).toString('hex') }).toEqual({ i, k, bytes: Buffer.from(bytes).toString('hex') });
      }
    });
  });

  it('a message of an older version of the types reads as @dfinity/candid reads it', () => {
    lists.forEach((list, i) => {
      const later = list.map((t) => (t.evolved ?? t).idl);
      for (let k = 0; k < VALUES; k++) {
        const r = new Random(2000 * i + k + 3);
        const bytes = new Uint8Array(IDL.encode(list.map((t) => t.idl), list.map((t) => t.value(r))));
        const back = echo.module.call(`m${LISTS + i}`, bytes);
        expect({ i, k, value: IDL.decode(later, back) }).toEqual({ i, k, value: IDL.decode(later, bytes) });
      }
    });
  });

  it('what the kit encodes, @dfinity/candid decodes to the value that went in', () => {
    lists.forEach((list, i) => {
      const types = list.map((t) => t.idl);
      const r = new Random(i + 99);
      const bytes = new Uint8Array(IDL.encode(types, list.map((t) => t.value(r))));
      expect(IDL.decode(types, echo.module.call(`m${i}`, bytes))).toEqual(IDL.decode(types, bytes));
    });
  });

  it('recursive types have the table that @dfinity/candid writes, so they are read directly', { timeout: 60_000 }, async () => {
    const lists = await compileEcho('recursive', `
      type List = opt record { head : int; tail : List };
      type Tree = variant { leaf : text; node : Forest };
      type Forest = vec record { label : nat32; tree : Tree };
    `, ['(List)', '(Tree, List)', '(Forest, opt Tree)']);
    const List = IDL.Rec();
    List.fill(IDL.Opt(IDL.Record({ head: IDL.Int, tail: List })));
    const Forest = IDL.Rec();
    const Tree = IDL.Variant({ leaf: IDL.Text, node: Forest });
    Forest.fill(IDL.Vec(IDL.Record({ label: IDL.Nat32, tree: Tree })));
    const list = [{ head: 1n, tail: [{ head: -2n, tail: [] }] }];
    const forest = [{ label: 1, tree: { leaf: 'a' } }, { label: 2, tree: { node: [{ label: 3, tree: { leaf: '' } }] } }];
    const cases: [string, IDL.Type[], unknown[]][] = [
      ['m0', [List], [list]], ['m1', [Tree, List], [{ node: forest }, list]], ['m2', [Forest, IDL.Opt(Tree)], [forest, [{ leaf: 'x' }]]],
    ];
    cases.forEach(([name, types, values], i) => {
      // By hand: the same types, tied at another place, so another table.
      const bytes = new Uint8Array(IDL.encode(types, values));
      expect({ name, value: IDL.decode(types, lists.module.call(name, bytes)) }).toEqual({ name, value: IDL.decode(types, bytes) });
      // As the generated bindings have them.
      const own = new Uint8Array(IDL.encode((lists.types[i] ?? []).map(toIdl), values));
      expect({ name, bytes: Buffer.from(lists.module.call(name, own)).toString('hex') }).toEqual({ name, bytes: Buffer.from(own).toString('hex') });
    });
  });

  it('hostile bytes are refused clearly, at a cost in proportion to their size', () => {
    // Test modules export their start function instead of running it: here it is what init does.
    const exports = { _start: 'canister_init', ...Object.fromEntries(Array.from({ length: 2 * LISTS }, (_, i) => [`m${i}`, `canister_update m${i}`])) };
    const canister = Metered.install(finishModule(echo.bytes, { exports, did: '' }).module);
    const costs: number[] = [];
    const outcomes = { read: 0, refused: 0 };
    const attack = (method: number, bytes: Uint8Array): void => {
      const { error, instructionsUsed } = canister.attempt({ kind: 'update', method: `m${method}` }, bytes);
      if (error === null) outcomes.read++;
      else {
        outcomes.refused++;
        expect(error.message).toContain('Candid: ');
      }
      // Fixed part: header, type tables, the grant for values without bytes. Then per byte.
      const budget = 4_000_000 + 4_000 * bytes.length;
      costs.push(Number(instructionsUsed) / budget);
      expect(Number(instructionsUsed)).toBeLessThan(budget);
    };
    for (let i = 0; i < 2 * LISTS; i++) {
      const list = lists[i % LISTS] ?? [];
      for (let k = 0; k < 40; k++) {
        const r = new Random(5000 * i + k + 11);
        const valid = new Uint8Array(IDL.encode(list.map((t) => t.idl), list.map((t) => t.value(r))));
        const bytes = [...valid];
        for (let n = 1 + r.below(4); n > 0; n--) {
          const at = 4 + r.below(Math.max(1, bytes.length - 4));
          const how = r.below(5);
          if (how === 0) bytes[at] = r.below(256);
          else if (how === 1) bytes[at] = (bytes[at] ?? 0) ^ (1 << r.below(8));
          else if (how === 2) bytes.splice(at, 1 + r.below(8));
          else if (how === 3) bytes.splice(at, 0, ...r.bytes(1 + r.below(6)));
          else bytes.splice(at, 0, 0xff, 0xff, 0xff, 0xff, 0x7f);
        }
        attack(i, Uint8Array.from(bytes));
      }
    }
    const r = new Random(77);
    for (let k = 0; k < 2000; k++) attack(r.below(2 * LISTS), Uint8Array.from([0x44, 0x49, 0x44, 0x4c, ...r.bytes(r.below(60))]));
    // Bombs: a vec of nothing, tables that multiply, deep nesting, endless numbers.
    const didl = (...bytes: number[]): Uint8Array => Uint8Array.from([0x44, 0x49, 0x44, 0x4c, ...bytes]);
    const bombs = [
      didl(1, 0x6d, 0x7f, 1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f),
      didl(1, 0x6d, 0x70, 1, 0, 0x80, 0x94, 0xeb, 0xdc, 0x03),
      didl(1, 0x6e, 0, 1, 0, ...Array.from({ length: 100_000 }, () => 1)),
      didl(1, 0x6d, 0, 1, 0, ...Array.from({ length: 100_000 }, () => 1)),
      didl(0, 1, 0x7d, ...Array.from({ length: 100_000 }, () => 0xff)),
      didl(...Array.from({ length: 100_000 }, () => 0x80)),
      didl(40, ...Array.from({ length: 40 }, (_, i) => [0x6c, 2, 0, i === 39 ? 0x7f : i + 1, 1, i === 39 ? 0x7f : i + 1]).flat(), 1, 0),
    ];
    for (const bomb of bombs) for (let i = 0; i < 2 * LISTS; i += 7) attack(i, bomb);
    expect(outcomes.read).toBeGreaterThan(100);
    expect(outcomes.refused).toBeGreaterThan(1000);
    expect(Math.max(...costs)).toBeGreaterThan(0.01);
  });
});
