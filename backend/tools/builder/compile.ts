/**
 * Compiles one AssemblyScript entry file with asc and turns the result into a canister module.
 *
 * The same sources give the same bytes: asc and binaryen are deterministic, file names in abort
 * messages are relative to backend/, and nothing reads the clock or the environment.
 */
import { readFileSync } from 'node:fs';
import { relative, resolve, sep } from 'node:path';
import * as asc from 'assemblyscript/asc';
import { AbortLines } from './abort-lines.ts';
import { BuildError } from './errors.ts';
import { fitSourceMap } from './source-map.ts';
import { assemble, codeOffset, custom, customName, imports, renameExports, sections } from './wasm-module.ts';

export interface CompileOptions {
  /** Absolute path of backend/. */
  root: string;
  /** Entry file relative to root. */
  entry: string;
  /** Keep names, and put file and line into abort messages. */
  debug?: boolean;
  /** Further flags for asc. */
  flags?: string[];
}

export interface Compiled {
  module: Uint8Array;
  /** Of `module` as it is here. */
  sourceMap: string;
  sources: string[];
}

/** Turns `ascii("…")` into static data (see cdk/candid/ascii.ts); lines keep their numbers. */
function withStaticText(source: string): string {
  return source.replace(/\bascii\("([^"\\\n]*)"\)/g, (_, text: string) => `memory.data<u8>([${[...Buffer.from(text), 0].join(',')}])`);
}

/**
 * Puts the kit's memory management (cdk/runtime.ts) in the place of asc's `minimal`. A runtime given
 * by its path would be compiled as if it were incremental: with a shadow stack that ours does not
 * need and that costs a third more instructions.
 */
function useOwnRuntime(root: string): string {
  const path = 'cdk/runtime.ts';
  (asc.libraryFiles as Record<string, string>)['rt/index-minimal'] = readFileSync(resolve(root, path), 'utf8');
  return path;
}

/** Errors in generated entry points come from handlers that do not fit: says what the contract asks for. */
function withHandlers(root: string, diagnostics: string): string {
  const wanted = new Set<string>();
  for (const [, file = '', line = ''] of diagnostics.matchAll(/ in (generated\/[^/]+\/main\.ts)\((\d+),/g)) {
    const above = readFileSync(resolve(root, file), 'utf8').split('\n').slice(0, Number(line)).reverse();
    const [, handler] = /^\/\/ handler: (.*)$/.exec(above.find((l) => l.startsWith('// handler: ')) ?? '') ?? [];
    if (handler !== undefined) wanted.add(`The .did asks for: ${handler}\n`);
  }
  return diagnostics + [...wanted].join('');
}

/** What people mean who reach for the JavaScript host: a canister has none. */
const INSTEAD: Record<string, string> = {
  'env.seed': 'Math.random: use cdk/random.ts',
  'env.Date.now': 'Date.now: use time() of cdk/api.ts',
  'env.console.log': 'console.log: use print() of cdk/api.ts',
  'env.trace': 'trace: use print() of cdk/api.ts',
};

/** Runs asc. Rejects with its diagnostics. */
export async function compile({ root, entry, debug = false, flags = [] }: CompileOptions): Promise<Compiled> {
  const sources = new Set<string>([useOwnRuntime(root)]);
  const texts = new Map<string, string>();
  let module: Uint8Array | undefined;
  let sourceMap: string | undefined;
  const diagnostics: string[] = [];
  const abort = debug ? 'cdk/abort' : 'cdk/abort-short';
  const args = [
    entry,
    `${abort}.ts`,
    '--outFile', 'module.wasm',
    '--runtime', 'minimal',
    '--use', `abort=${abort}/abort`,
    '--exportTable',
    // Goes into a file of its own: the module's bytes are the same without it.
    '--sourceMap',
    // The optimizer inlines, and what is inlined has lost its caller's line.
    ...(debug ? ['--debug'] : ['-O3', '--shrinkLevel', '1', '--converge']),
    ...flags,
  ];
  const { error } = await asc.main(args, {
    transforms: [AbortLines],
    readFile(name: string, baseDir: string): string | null {
      const path = resolve(root, baseDir, name);
      try {
        const text = readFileSync(path, 'utf8');
        const source = relative(root, path).split(sep).join('/');
        sources.add(source);
        texts.set(source, text);
        return withStaticText(text);
      } catch {
        return null;
      }
    },
    writeFile(name: string, contents: unknown): void {
      if (name.endsWith('.wasm')) module = contents as Uint8Array;
      else if (name.endsWith('.map')) sourceMap = contents as string;
    },
    listFiles: () => [],
    stdout: { write: () => undefined },
    stderr: { write: (chunk: Uint8Array | string) => diagnostics.push(typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk)) },
  } as never);
  if (error !== null || module === undefined || sourceMap === undefined) {
    const said = withHandlers(root, diagnostics.join('')).trimEnd();
    const summary = error?.message ?? 'the compiler wrote no module';
    throw new BuildError(`${entry}\n${said}${said.includes(summary) ? '' : `\n${summary}`}`);
  }
  return { module, sourceMap: fitSourceMap(sourceMap, 0, (source) => texts.get(source)), sources: [...sources].filter((s) => !s.startsWith('~lib/')).sort() };
}

export interface FinishOptions {
  /** Export of the module → entry point name. */
  exports: Record<string, string>;
  did: string;
  metadata?: Record<string, string>;
  debug?: boolean;
}

export interface Finished {
  module: Uint8Array;
  /** How far its code has moved, in bytes. */
  moved: number;
}

/** Names the entry points, drops what is not needed, checks imports, adds public metadata. */
export function finishModule(module: Uint8Array, { exports, did, metadata = {}, debug = false }: FinishOptions): Finished {
  let parts = sections(module);
  const before = codeOffset(parts);
  const foreign = imports(parts).filter((i) => i.module !== 'ic0' || i.kind !== 0);
  if (foreign.length > 0) {
    const found = foreign.map((i) => `${i.module}.${i.name}`).map((name) => (INSTEAD[name] === undefined ? name : `${name} (${INSTEAD[name]})`));
    throw new BuildError(`only functions of ic0 may be imported, found ${found.join(', ')}`);
  }
  parts = renameExports(parts, (name, kind) => {
    if (kind === 0) return exports[name];
    return kind === 1 ? name : undefined;
  });
  parts = parts.filter((s) => {
    const name = customName(s);
    return name === undefined || (debug && name === 'name');
  });
  const text = new TextEncoder();
  parts.push(custom('icp:public candid:service', text.encode(did)));
  for (const [name, value] of Object.entries(metadata)) parts.push(custom(`icp:public ${name}`, text.encode(value)));
  return { module: assemble(parts), moved: codeOffset(parts) - before };
}
