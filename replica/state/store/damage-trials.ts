/**
 * Damages a subnet's checkpoint in random ways and opens it, many times; run by damage.test.ts in a process of its own,
 * because the worst that can happen is that LMDB ends the process.
 *
 *     node state/store/damage-trials.ts <first seed> <count>
 *
 * Prints one JSON line a trial before it opens the damaged files (so that the last line names the one that ended the
 * process) and a summary at the end. Each trial must either be refused with words that say what to do, or give the
 * newest checkpoint with every record as it was written, and take further checkpoints.
 */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBatchLog } from './batch-log.ts';
import type { CheckpointInfo, RecordChange } from './checkpoint-store.ts';
import { DAMAGES, randomFrom } from './damages.ts';
import type { Random } from './damages.ts';
import { StoreError } from './errors.ts';
import { nodeFileSystem } from './file-system.ts';
import { LmdbCheckpointStore } from './lmdb-checkpoint-store.ts';

const COMMITS = 14;

type Records = Map<string, Uint8Array>;

const textOf = (key: Uint8Array): string => Buffer.from(key).toString('latin1');

/** Applies them to the model as well. */
function randomChanges(random: Random, model: Records): RecordChange[] {
  return Array.from({ length: 1 + random(80) }, (): RecordChange => {
    const key = Uint8Array.of(1 + random(5), random(4), random(30));
    const choice = random(40);
    if (choice < 30) {
      // Small ones, pages of canister memory, and some that take pages of LMDB of their own.
      const length = [random(100), 4096, 4096, random(12) === 0 ? random(60_000) : 300][random(4)]!;
      const value = new Uint8Array(length).map(() => random(256));
      model.set(textOf(key), value);
      return { kind: 'put', key, value };
    }
    if (choice < 39) {
      model.delete(textOf(key));
      return { kind: 'remove', key };
    }
    const prefix = key.subarray(0, 2);
    for (const text of [...model.keys()]) if (text.startsWith(textOf(prefix))) model.delete(text);
    return { kind: 'remove-prefix', prefix };
  });
}

const infoAt = (height: number): CheckpointInfo => ({ height, stateHash: new Uint8Array(32).fill(height) });

interface Made {
  /** The data file after each commit. */
  readonly versions: readonly Buffer[];
  readonly log: { readonly name: string; readonly bytes: Buffer };
  readonly model: Records;
}

async function make(folder: string, random: Random): Promise<Made> {
  const model: Records = new Map();
  const versions: Buffer[] = [];
  const store = new LmdbCheckpointStore(join(folder, 'checkpoint'));
  const logFolder = join(folder, 'log');
  const { log } = openBatchLog({ fileSystem: nodeFileSystem, folder: logFolder, afterHeight: 0, randomBytes: (length) => new Uint8Array(length) });
  for (let height = 1; height <= COMMITS; height++) {
    log.append(height, Uint8Array.of(height));
    await log.sync();
    log.rotate();
    await store.commit(infoAt(height), randomChanges(random, model));
    log.dropThrough(height);
    versions.push(fs.readFileSync(join(folder, 'checkpoint', 'data.mdb')));
  }
  await store.close();
  log.close();
  const [name] = fs.readdirSync(logFolder) as [string];
  return { versions, log: { name, bytes: fs.readFileSync(join(logFolder, name)) }, model };
}

type Ending = 'refused' | 'same';

/** Throws when the promise is broken. */
async function open(folder: string, model: Records, random: Random): Promise<Ending> {
  let store: LmdbCheckpointStore | undefined;
  try {
    store = new LmdbCheckpointStore(join(folder, 'checkpoint'));
    const { log } = openBatchLog({ fileSystem: nodeFileSystem, folder: join(folder, 'log'), afterHeight: store.latest()?.height ?? 0, randomBytes: (length) => new Uint8Array(length) });
    log.close();
  } catch (error) {
    await store?.close();
    if (!(error instanceof StoreError) || !/--clean/.test(error.message)) throw error;
    return 'refused';
  }
  if (store.latest()?.height !== COMMITS) throw new Error(`opened at ${store.latest()?.height}`);
  compare(store, model);
  const after = new Map(model);
  await store.commit(infoAt(COMMITS + 1), randomChanges(random, after));
  await store.commit(infoAt(COMMITS + 2), randomChanges(random, after));
  await store.close();
  const again = new LmdbCheckpointStore(join(folder, 'checkpoint'));
  if (again.latest()?.height !== COMMITS + 2) throw new Error('later checkpoints are lost');
  compare(again, after);
  await again.close();
  return 'same';
}

function compare(store: LmdbCheckpointStore, model: Records): void {
  let count = 0;
  for (const { key, value } of store.entries(new Uint8Array(0))) {
    const expected = model.get(textOf(key));
    if (!expected || Buffer.compare(expected, value) !== 0) throw new Error(`record ${Buffer.from(key).toString('hex')} is not what was written`);
    count++;
  }
  if (count !== model.size) throw new Error(`${count} records instead of ${model.size}`);
  for (const [text, expected] of model) {
    const found = store.get(Uint8Array.from(Buffer.from(text, 'latin1')));
    if (!found || Buffer.compare(expected, found) !== 0) throw new Error(`record ${Buffer.from(text, 'latin1').toString('hex')} is not found`);
  }
}

async function main(firstSeed: number, count: number): Promise<void> {
  const folder = fs.mkdtempSync(join(tmpdir(), 'parley-damage-'));
  try {
    const made = await make(folder, randomFrom(firstSeed));
    const endings: Record<string, Record<Ending, number>> = {};
    for (let seed = firstSeed; seed < firstSeed + count; seed++) {
      const random = randomFrom(seed);
      const [name, apply] = DAMAGES[seed % DAMAGES.length]!;
      console.log(JSON.stringify({ seed, name }));
      // A folder of its own: within a process LMDB goes by the file, and an earlier trial may have left it open.
      const trial = join(folder, String(seed));
      fs.mkdirSync(join(trial, 'checkpoint'), { recursive: true });
      fs.mkdirSync(join(trial, 'log'));
      const bytes = Buffer.from(made.versions.at(-1)!);
      fs.writeFileSync(join(trial, 'checkpoint', 'data.mdb'), apply(bytes, random, made.versions[random(COMMITS - 1)]!) ?? bytes);
      fs.writeFileSync(join(trial, 'checkpoint', 'lock.mdb'), Buffer.alloc(8272).map(() => (random(2) === 0 ? 0 : random(256))));
      fs.writeFileSync(join(trial, 'log', made.log.name), made.log.bytes);
      const ending = await open(trial, made.model, random);
      (endings[name] ??= { refused: 0, same: 0 })[ending]++;
      fs.rmSync(trial, { recursive: true });
    }
    console.log(JSON.stringify(endings));
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

await main(Number(process.argv[2]), Number(process.argv[3]));
