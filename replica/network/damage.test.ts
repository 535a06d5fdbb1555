import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import wabtInit from 'wabt';
import { Caller } from '../bench/canisters.ts';
import { NO_ARGUMENTS } from '../bench/envelopes.ts';
import { ReplicaProcess } from '../bench/replica-process.ts';
import { DAMAGES, randomFrom } from '../state/store/damages.ts';

const CLI = fileURLToPath(new URL('./cli.ts', import.meta.url));
/** Each a start of the real process; `PARLEY_DAMAGED_STARTS=200` for a long run. */
const STARTS = Number(process.env['PARLEY_DAMAGED_STARTS'] ?? 2 * DAMAGES.length);

/** Fills a megabyte; `sum` replies with a checksum over all of it, as an update so that it is certified. */
const FILLED = `(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (memory 17)
  (func (export "canister_init") (local $at i32) (local $value i32)
    (local.set $at (i32.const 65536)) (local.set $value (i32.const 1))
    (loop $next
      (local.set $value (i32.add (i32.mul (local.get $value) (i32.const 1664525)) (i32.const 1013904223)))
      (i32.store (local.get $at) (local.get $value))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 1114112)))))
  (func (export "canister_update sum") (local $at i32) (local $sum i32)
    (local.set $at (i32.const 65536))
    (loop $next
      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (i32.load (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 1114112))))
    (i32.store (i32.const 0) (local.get $sum))
    (call $append (i32.const 0) (i32.const 4)) (call $reply)))`;

const folders: string[] = [];
let replica: ReplicaProcess | undefined;

afterEach(async () => {
  await replica?.stop('SIGKILL');
  await replica?.remove();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'parley-damaged-'));
  folders.push(folder);
  return folder;
}

/** Starts on the folder; what the canister says, or the words that the process ended with. */
async function start(state: string, canister: string): Promise<{ sum: string } | { refusal: string }> {
  const readyFile = join(state, '..', 'ready.json');
  rmSync(readyFile, { force: true });
  const child = spawn(process.execPath, [CLI, '--port', '0', '--state-dir', state, '--ready-file', readyFile], { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const ended = new Promise<string>((resolve) => child.once('close', (code, signal) => resolve(signal ?? `code ${code}`)));
  let ending: string | undefined;
  void ended.then((how) => (ending = how));
  while (ending === undefined && !existsSync(readyFile)) await new Promise((resolve) => setTimeout(resolve, 5));
  if (ending !== undefined) {
    expect(ending, errors).toBe('code 1');
    return { refusal: errors };
  }
  const { url } = JSON.parse(readFileSync(readyFile, 'utf8')) as { url: string };
  const sum = Buffer.from(await new Caller(url).call(canister, 'sum', NO_ARGUMENTS)).toString('hex');
  child.kill('SIGKILL');
  await ended;
  return { sum };
}

test(
  'C2 the real process refuses a damaged checkpoint with what to do, or reads every page of a canister as it was; it never just ends',
  async () => {
    const wabt = await wabtInit();
    const made = (replica = new ReplicaProcess(['--system', '1', '--application', '0', '--checkpoint-batches', '2']));
    await made.start();
    const caller = new Caller(made.ready.url);
    const canister = await caller.createCanister(made.ready.subnets[0]!.defaultEffectiveCanisterId);
    await caller.install(canister, wabt.parseWat('filled.wat', FILLED).toBinary({}).buffer);
    const sum = Buffer.from(await caller.call(canister, 'sum', NO_ARGUMENTS)).toString('hex');
    const source = join(made.stateDir, 'state');
    const data = join('subnet-0', 'checkpoint', 'data.mdb');
    await made.stop('SIGTERM');
    const older = readFileSync(join(source, data));
    // Another commit, so that there is an earlier one to confuse it with.
    await made.start();
    await new Caller(made.ready.url).call(canister, 'sum', NO_ARGUMENTS);
    await made.stop('SIGTERM');
    const newest = readFileSync(join(source, data));

    let refused = 0;
    for (let seed = 0; seed < STARTS; seed++) {
      const [name, damage] = DAMAGES[seed % DAMAGES.length]!;
      const state = join(newFolder(), 'state');
      cpSync(source, state, { recursive: true });
      const bytes = Buffer.from(newest);
      writeFileSync(join(state, data), damage(bytes, randomFrom(seed), older) ?? bytes);
      const outcome = await start(state, canister);
      if ('sum' in outcome) {
        expect(outcome.sum, `seed ${seed}, ${name}`).toBe(sum);
      } else {
        expect(outcome.refusal, `seed ${seed}, ${name}`).toMatch(/damaged.*--clean/);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(STARTS / 4);
  },
  60_000 + STARTS * 15_000,
);
