/**
 * `npm run build -w backend [-- <canister>… | --debug | --force]`: generates, compiles and finishes
 * every canister below canisters/, two at a time, into build/<canister>.wasm, .wasm.gz, and .wasm.map, which says what
 * line of the source each instruction comes from.
 *
 * A canister whose inputs (every source file that the compiler read, generated ones included, the
 * kit's tools and the compiler's version) have not changed is not built again.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import { createRequire } from 'node:module';
import { BACKEND, canisterNames, generateAll } from '../bindgen/bindgen.ts';
import { compile, finishModule } from './compile.ts';
import { BuildError } from './errors.ts';
import { fitSourceMap } from './source-map.ts';
import { writeWhole } from './write-whole.ts';

const TOOLS = ['compile.ts', 'wasm-module.ts', 'source-map.ts', 'abort-lines.ts', 'build.ts'];
const WORKERS = 2;

export interface Task {
  name: string;
  root: string;
  debug: boolean;
  /** Folder of the .did relative to root, canisters/<name> if not given. */
  folder?: string;
}
export interface Built { name: string; size: number; gzipped: number; cached: boolean }
interface Stamp { sources: string[]; hash: string; size: number; gzipped: number }

function compilerVersion(): string {
  const path = createRequire(import.meta.url).resolve('assemblyscript/package.json');
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

/** Hash of everything that decides the module's bytes; undefined if a source has gone. */
function inputsHash({ root, name, debug, folder = `canisters/${name}` }: Task, sources: string[]): string | undefined {
  const hash = createHash('sha256').update(`${compilerVersion()} ${debug ? 'debug' : 'release'}\n`);
  const files = [
    ...sources.map((s) => join(root, s)),
    ...TOOLS.map((t) => fileURLToPath(new URL(t, import.meta.url))),
    join(root, folder, `${name}.did`),
    join(root, 'generated', name, 'exports.json'),
    join(root, 'package.json'),
  ];
  for (const file of files) {
    if (!existsSync(file)) return undefined;
    hash.update(`${file.slice(root.length)}\n`).update(readFileSync(file)).update('\n');
  }
  return hash.digest('hex');
}

/** Builds one canister whose generated files are current, unless nothing has changed. */
export async function buildCanister(task: Task, force = false): Promise<Built> {
  const { name, root, debug, folder = `canisters/${name}` } = task;
  const out = join(root, 'build');
  const base = join(out, debug ? `${name}.debug` : name);
  const stampFile = `${base}.stamp.json`;
  if (!force && existsSync(stampFile) && existsSync(`${base}.wasm`) && existsSync(`${base}.wasm.map`)) {
    const stamp = JSON.parse(readFileSync(stampFile, 'utf8')) as Stamp;
    if (inputsHash(task, stamp.sources) === stamp.hash) {
      return { name, size: stamp.size, gzipped: stamp.gzipped, cached: true };
    }
  }
  const { module, sourceMap, sources } = await compile({ root, entry: `generated/${name}/main.ts`, debug });
  const version = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
  const { module: finished, moved } = finishModule(module, {
    exports: JSON.parse(readFileSync(join(root, 'generated', name, 'exports.json'), 'utf8')) as Record<string, string>,
    did: readFileSync(join(root, folder, `${name}.did`), 'utf8'),
    metadata: { version },
    debug,
  });
  const gzipped = gzipSync(finished, { level: 9 });
  mkdirSync(out, { recursive: true });
  // Before the module: whoever reads a module finds its map.
  writeWhole(`${base}.wasm.map`, fitSourceMap(sourceMap, moved, () => undefined));
  writeWhole(`${base}.wasm`, finished);
  writeWhole(`${base}.wasm.gz`, gzipped);
  const stamp: Stamp = {
    sources, hash: inputsHash(task, sources) ?? '', size: finished.length, gzipped: gzipped.length,
  };
  writeWhole(stampFile, JSON.stringify(stamp));
  return { name, size: stamp.size, gzipped: stamp.gzipped, cached: false };
}

/** Runs tasks on at most two threads: the compiler is single-threaded and hungry. */
async function buildMany(tasks: Task[], force: boolean): Promise<{ built: Built[]; failed: Map<string, string> }> {
  const built: Built[] = [];
  const failed = new Map<string, string>();
  const queue = [...tasks];
  const lane = async (): Promise<void> => {
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
      const result = await new Promise<Built | string>((done) => {
        const worker = new Worker(new URL(import.meta.url), { workerData: { task, force } });
        worker.once('message', done);
        worker.once('error', (error: unknown) => { done(error instanceof Error ? error.message : String(error)); });
      });
      if (typeof result === 'string') failed.set(task.name, result);
      else built.push(result);
    }
  };
  await Promise.all(Array.from({ length: Math.min(WORKERS, tasks.length) }, lane));
  built.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { built, failed };
}

/** Generates and builds the named canisters, or all. Throws a BuildError that lists what failed. */
export async function buildAll({ names, debug = false, force = false, root = BACKEND }: { names?: string[]; debug?: boolean; force?: boolean; root?: string } = {}): Promise<Built[]> {
  const known = canisterNames(root);
  const unknown = names?.filter((name) => !known.includes(name)) ?? [];
  if (unknown.length > 0) throw new BuildError(`there is no canister ${unknown.join(' or ')} below ${join(root, 'canisters')}; there are ${known.join(', ')}`);
  const incomplete = await generateAll(root);
  const wanted = names !== undefined && names.length > 0 ? names : known;
  const { built, failed } = await buildMany(wanted.filter((n) => !incomplete.has(n)).map((name) => ({ name, root, debug })), force);
  for (const name of wanted) {
    const reason = incomplete.get(name);
    if (reason !== undefined) failed.set(name, reason);
  }
  print(built);
  if (failed.size > 0) throw new BuildError([...failed].map(([name, reason]) => `${name}: ${reason}`).join('\n'));
  return built;
}

function print(built: Built[]): void {
  const width = Math.max(8, ...built.map((b) => b.name.length));
  for (const { name, size, gzipped, cached } of built) {
    console.log(`${name.padEnd(width)} ${size.toLocaleString('en').padStart(9)} bytes ${gzipped.toLocaleString('en').padStart(9)} gzip${cached ? '  unchanged' : ''}`);
  }
}

if (!isMainThread && parentPort !== null) {
  const { task, force } = workerData as { task: Task; force: boolean };
  buildCanister(task, force).then(
    (built) => parentPort?.postMessage(built),
    (error: unknown) => parentPort?.postMessage(error instanceof Error ? error.message : String(error)),
  );
} else if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2);
  try {
    await buildAll({ names: args.filter((a) => !a.startsWith('--')), debug: args.includes('--debug'), force: args.includes('--force') });
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
