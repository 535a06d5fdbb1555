/** The figures of the kit: what is measured, and the bar. Other parts add theirs in bench/*.figures.ts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { IDL } from '@dfinity/candid';
import { Principal } from '@dfinity/principal';
import { BACKEND, generateCanister } from '../bindgen/bindgen.ts';
import { buildCanister } from '../builder/build.ts';
import { Metered } from './meter.ts';

/** One line of the table. Smaller is better. `note` says what a reader must know. */
export interface Figure { name: string; value: number; unit: string; bar?: number; note?: string }

async function module(name: string, folder: string): Promise<Uint8Array> {
  await generateCanister(join(BACKEND, folder), name);
  await buildCanister({ name, root: BACKEND, debug: false, folder });
  return readFileSync(join(BACKEND, 'build', `${name}.wasm`));
}

const nat32 = (...n: number[]): Uint8Array => IDL.encode(n.map(() => IDL.Nat32), n);
const count = (reply: Uint8Array): number => Number((IDL.decode([IDL.Nat64], reply) as [bigint])[0]);

/** Instructions of one operation, averaged over `n`. */
function each(canister: Metered, method: string, n: number): number {
  return Math.round(count(canister.update(method, nat32(n)).reply) / n);
}

export async function hello(): Promise<Figure[]> {
  const wasm = await module('hello', 'canisters/hello');
  const canister = Metered.install(wasm);
  const run = canister.update('greet', IDL.encode([IDL.Text], ['World']));
  const [text] = IDL.decode([IDL.Text], run.reply);
  if (text !== 'Hello, World!') throw new Error(`greet answered ${String(text)}`);
  // A second call: the first one also touches fresh pages.
  const second = canister.update('greet', IDL.encode([IDL.Text], ['World']));
  return [
    { name: 'hello-size', value: wasm.length, unit: 'bytes', bar: 12_000 },
    { name: 'hello-update', value: Number(run.instructions > second.instructions ? run.instructions : second.instructions), unit: 'instructions', bar: 25_000 },
  ];
}

const Wide = IDL.Record({
  id: IDL.Nat64, kind: IDL.Nat8, name: IDL.Text, amount: IDL.Nat, owner: IDL.Principal,
  flag: IDL.Bool, ratio: IDL.Float64, parent: IDL.Opt(IDL.Nat64), tags: IDL.Vec(IDL.Text), body: IDL.Vec(IDL.Nat8),
});
const wide = {
  id: 7n, kind: 3, name: 'A name of ordinary length, with an umlaut: ü', amount: 1_000_000_000_000n, owner: Principal.anonymous(),
  flag: true, ratio: 0.5, parent: [42n], tags: ['one', 'two', 'three'], body: new Uint8Array(1000).fill(9),
};

export async function kit(): Promise<Figure[]> {
  const wasm = await module('bench', 'bench/assembly');
  const fresh = (): Metered => Metered.install(wasm);
  const n = 10_000;
  const map = fresh();
  const figures: Figure[] = [
    { name: 'btree-insert', value: each(map, 'btree_insert', n), unit: 'instructions', bar: 43_400, note: 'u64 to u64, 10,000 random keys' },
    { name: 'btree-get', value: each(map, 'btree_get', n), unit: 'instructions', bar: 21_400 },
    { name: 'btree-remove', value: each(map, 'btree_remove', n), unit: 'instructions', bar: 66_000 },
    { name: 'btree-insert-large', value: each(fresh(), 'btree_insert_large', n), unit: 'instructions', bar: 64_000, note: '32 to 1,024 bytes, 10,000 random keys' },
  ];
  const vector = fresh();
  figures.push(
    { name: 'vec-push', value: each(vector, 'vec_push', n), unit: 'instructions', bar: 500 },
    { name: 'vec-get', value: each(vector, 'vec_get', n), unit: 'instructions', bar: 353 },
  );
  const codec = fresh();
  const argument = IDL.encode([Wide], [wide]);
  figures.push(
    { name: 'candid-decode', value: count(codec.update('candid_decode', argument).reply), unit: 'instructions', bar: 60_000, note: '10 fields, text, 1 kB vec nat8' },
    { name: 'candid-encode', value: count(codec.update('candid_encode', argument).reply), unit: 'instructions' },
  );
  const decodeOther = IDL.encode([IDL.Record({ ...Object.fromEntries((Wide as unknown as { _fields: [string, IDL.Type][] })._fields), extra: IDL.Bool })], [{ ...wide, extra: true }]);
  const fast = codec.update('candid_encode', argument).instructions;
  const coerced = codec.update('candid_encode', decodeOther).instructions;
  figures.push({ name: 'candid-coerce', value: Number(coerced - fast), unit: 'instructions', note: 'extra cost when the sender has another version of the same record' });
  const box = fresh();
  figures.push({ name: 'outbox', value: Math.round(count(box.update('outbox_enqueue', nat32(200, 100)).reply) / 100), unit: 'instructions', bar: 30_000, note: 'enqueue 200 bytes' });
  figures.push({ name: 'sha256', value: Math.round((count(fresh().update('sha256', nat32(65_536)).reply) / 65_536) * 10) / 10, unit: 'instructions/byte', bar: 120 });
  return figures;
}

/** An upgrade with few and with a million entries must cost the same. */
export async function upgrade(): Promise<Figure[]> {
  const wasm = await module('bench', 'bench/assembly');
  const cost = (entries: number): number => {
    const canister = Metered.install(wasm);
    for (let from = 0; from < entries; from += 100_000) {
      canister.update('btree_fill', IDL.encode([IDL.Nat64, IDL.Nat32], [BigInt(from), Math.min(100_000, entries - from)]));
    }
    const instructions = Number(canister.upgrade(wasm));
    canister.dispose();
    return instructions;
  };
  const few = cost(1_000);
  const many = cost(1_000_000);
  return [{ name: 'upgrade', value: many, unit: 'instructions', bar: Math.round(few * 1.25), note: `with 1,000,000 entries; ${few.toLocaleString('en')} with 1,000` }];
}
