/**
 * Creating a canister and installing a module of 0.5 MB that the replica has not seen: validate, instrument, compile,
 * init. Median over modules that differ.
 */
import wabtInit from 'wabt';
import { Caller } from './canisters.ts';
import { percentile } from './figure.ts';
import type { Figure } from './figure.ts';
import { withReplica } from './replica-process.ts';

const MODULE_BYTES = 500_000;
const TIMES = 7;

/** Functions of the usual mix: arithmetic, loads, stores, a loop, branches, calls. */
function functionText(index: number, marker: number): string {
  const rotated = '(i64.rotl (local.get $sum) (i64.const 7))';
  const called = index === 0 ? `(i32.wrap_i64 ${rotated})` : `(call $f${index - 1} (i32.shr_u (local.get $a) (i32.const 1)) ${rotated})`;
  return `(func $f${index} (param $a i32) (param $b i64) (result i32) (local $i i32) (local $sum i64)
    (local.set $sum (i64.const ${marker * 1_000_003 + index}))
    (block $out
      (loop $again
        (br_if $out (i32.ge_u (local.get $i) (i32.and (local.get $a) (i32.const 15))))
        (local.set $sum (i64.add (local.get $sum) (i64.mul (local.get $b) (i64.load offset=${(index * 8) % 4096} (i32.and (local.get $i) (i32.const 4088))))))
        (i32.store offset=${(index * 4) % 8192} (i32.and (local.get $a) (i32.const 4092)) (i32.wrap_i64 (local.get $sum)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $again)))
    (if (i64.gt_u (local.get $sum) (i64.const ${index * 77}))
      (then (local.set $i ${called}))
      (else (local.set $i (i32.xor (local.get $i) (i32.const ${index})))))
    (select (local.get $i) (i32.wrap_i64 (local.get $sum)) (i32.eqz (local.get $a))))`;
}

async function moduleOf(functions: number, marker: number): Promise<Uint8Array> {
  const wabt = await wabtInit();
  const text = `(module (memory 2) ${Array.from({ length: functions }, (_, index) => functionText(index, marker)).join('\n')}
    (func (export "canister_init") (drop (call $f0 (i32.const 1) (i64.const 2)))))`;
  const parsed = wabt.parseWat('large.wat', text);
  const bytes = parsed.toBinary({}).buffer;
  parsed.destroy();
  return bytes;
}

export async function measure(): Promise<Figure> {
  const sample = await moduleOf(200, 0);
  const functions = Math.ceil(MODULE_BYTES / (sample.length / 200));
  return withReplica(async ({ ready }) => {
    const caller = new Caller(ready.url);
    const samples: number[] = [];
    for (let time = 1; time <= TIMES; time++) {
      const wasm = await moduleOf(functions, time);
      const began = performance.now();
      await caller.install(await caller.createCanister(ready.subnets[1]!.defaultEffectiveCanisterId), wasm);
      samples.push(performance.now() - began);
    }
    return { value: percentile(samples, 0.5), unit: 'ms' };
  });
}
