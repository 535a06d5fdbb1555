/**
 * Writes the entry points of a canister, its deferred replies, and clients for calling it.
 *
 * An entry point opens the argument, decodes it, calls the one handler that belongs to the
 * method's name, encodes the result and replies. Handlers are found by file name:
 * `updates/<method>.ts` for updates and oneways, `queries/<method>.ts` for queries, and
 * `lifecycle/<hook>.ts`; a method without its handler is an error of the generator.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { BuildError } from '../builder/errors.ts';
import type { Did, Method, Type } from './did.ts';
import { fileName, identifier } from './names.ts';
import { TypeEmitter } from './emit-types.ts';
import { KIT_NAMES, kitImports } from './kit-imports.ts';

export interface Entry { exports: Record<string, string>; files: Map<string, string> }

const HOOKS = [
  { file: 'pre-upgrade', func: 'pre_upgrade', entry: 'canister_pre_upgrade' },
  { file: 'heartbeat', func: 'heartbeat', entry: 'canister_heartbeat' },
  { file: 'on-low-wasm-memory', func: 'on_low_wasm_memory', entry: 'canister_on_low_wasm_memory' },
] as const;

function handlerFile(canister: string, method: Method): string {
  const folder = method.mode === 'query' || method.mode === 'composite_query' ? 'queries' : 'updates';
  return join(canister, folder, `${fileName(method.name)}.ts`);
}

function importPath(from: string, file: string): string {
  const path = relative(from, file).split(sep).join('/').replace(/\.ts$/, '');
  return path.startsWith('.') ? path : `./${path}`;
}

/** Does the handler declare that it answers later? */
function answersLater(file: string, func: string): boolean {
  return new RegExp(`export\\s+function\\s+${literally(func)}\\s*\\([^)]*\\)\\s*:\\s*Later\\b`).test(readFileSync(file, 'utf8'));
}

/** An exported function of this name in the file? */
function exportsFunction(file: string, func: string): boolean {
  return new RegExp(`export\\s+function\\s+${literally(func)}\\s*\\(`).test(readFileSync(file, 'utf8'));
}

/** A name inside a regular expression. */
const literally = (name: string): string => name.replaceAll('$', '\\$');

/** Do these sources import, directly or not, a module whose path (without .ts) matches? */
function reaches(files: string[], wanted: RegExp): boolean {
  const seen = new Set<string>();
  const queue = [...files];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (seen.has(file) || !existsSync(file)) continue;
    seen.add(file);
    if (wanted.test(file.split(sep).join('/').replace(/\.ts$/, ''))) return true;
    for (const [, path] of readFileSync(file, 'utf8').matchAll(/from\s+["'](\.[^"']+)["']/g)) {
      queue.push(`${resolve(dirname(file), path ?? '')}.ts`);
    }
  }
  return false;
}

class Codec {
  readonly types: TypeEmitter;
  readonly used = new Set<string>();
  /** Results classes by method: several results travel in one class. */
  readonly #classes = new Map<string, string>();
  constructor(types: TypeEmitter) { this.types = types; }

  resultsClass(method: string): string {
    const known = this.#classes.get(method);
    if (known !== undefined) return known;
    const taken = new Set([...this.types.exported(), ...KIT_NAMES, ...this.#classes.values()]);
    const wish = `${identifier(method).replace(/(^|_)([a-z])/g, (_, _u, c: string) => c.toUpperCase())}Results`;
    const name = freeName(wish, taken);
    this.#classes.set(method, name);
    return name;
  }

  read(type: Type): string { return this.note(this.types.read(type)); }
  write(type: Type, v: string): string { return this.note(this.types.write(type, v)); }
  as(type: Type): string { return this.note(this.types.asType(type)); }

  private note(code: string): string {
    for (const word of code.match(/[A-Za-z_$][\w$]*/g) ?? []) this.used.add(word);
    return code;
  }

  imports(): string[] {
    const own = new Set(this.types.exported());
    const names = [...this.used].filter((n) => own.has(n)).sort();
    return names.length > 0 ? [`import { ${names.join(', ')} } from "./types";`] : [];
  }
}

/** `wish`, or something like it that is not taken. */
function freeName(wish: string, taken: ReadonlySet<string>): string {
  let name = wish;
  while (taken.has(name)) name += '_';
  return name;
}

/** What a handler returns: several results travel in one class. */
function resultType(codec: Codec, m: { name: string; results: Type[] }): string {
  if (m.results.length === 0) return 'void';
  return m.results.length === 1 ? codec.as(m.results[0] as Type) : codec.resultsClass(m.name);
}

function resultsDeclaration(codec: Codec, m: { name: string; results: Type[] }): string[] {
  return m.results.length < 2 ? [] : [
    `export class ${codec.resultsClass(m.name)} {`,
    `  constructor(${m.results.map((t, i) => `public _${i}: ${codec.as(t)}`).join(', ')}) {}`,
    '}', '',
  ];
}

function writeResults(codec: Codec, m: { results: Type[] }): string[] {
  return [
    `  writer.begin(${codec.types.header(m.results)});`,
    ...m.results.map((t, i) => `  ${codec.write(t, m.results.length === 1 ? 'result' : `result._${i}`)}`),
    '  sendReply();',
  ];
}

function openArgs(codec: Codec, args: Type[]): string[] {
  return [
    `  openArgument(${codec.types.header(args)});`,
    ...args.map((t, i) => `  const a${i} = ${codec.read(t)};`),
    '  reader.close();',
  ];
}

/** Writes replies.ts: `reply_<method>(result)` for handlers that answer later. */
function replies(types: TypeEmitter, did: Did, root: string): string {
  const codec = new Codec(types);
  const out: string[] = [];
  for (const m of did.methods) {
    const type = resultType(codec, m);
    out.push(
      ...resultsDeclaration(codec, m),
      `export function reply_${identifier(m.name)}(${type === 'void' ? '' : `result: ${type}`}): void {`,
      ...writeResults(codec, m), '}', '',
    );
  }
  return [...kitImports(root, out), ...codec.imports(), '', ...out].join('\n');
}

/** Writes client.ts: one function per method that starts a call, one that decodes its reply. */
export function client(types: TypeEmitter, did: Did, root: string): string {
  const codec = new Codec(types);
  const out: string[] = [];
  const taken = new Set([...KIT_NAMES, ...types.exported(), ...did.methods.filter((m) => m.results.length > 1).map((m) => codec.resultsClass(m.name))]);
  const free = (wish: string): string => {
    const name = freeName(wish, taken);
    taken.add(name);
    return name;
  };
  // The calls first: they keep their methods' names.
  const names = new Map(did.methods.map((m) => [m.name, free(identifier(m.name))]));
  for (const m of did.methods) {
    const name = names.get(m.name) ?? '';
    const bytes = [...new TextEncoder().encode(m.name)];
    out.push(
      `/** ${m.mode === 'update' ? 'Update' : m.mode} \`${m.name}\`. */`,
      `export function ${name}(callee: Principal${m.args.map((t, i) => `, a${i}: ${codec.as(t)}`).join('')}): Call {`,
      `  writer.begin(${types.header(m.args)});`,
      ...m.args.map((t, i) => `  ${codec.write(t, `a${i}`)}`),
      `  return startCall(callee, memory.data<u8>([${bytes.join(', ')}]), ${bytes.length});`,
      '}', '',
    );
    if (m.mode === 'oneway') continue;
    const type = resultType(codec, m);
    out.push(
      ...resultsDeclaration(codec, m),
      `/** In the reply continuation of \`${m.name}\`: its result. */`,
      `export function ${free(`${name}_reply`)}(): ${type} {`,
      `  openArgument(${types.header(m.results)});`,
      ...m.results.map((t, i) => `  const a${i} = ${codec.read(t)};`),
      '  reader.close();',
      ...(m.results.length === 0 ? [] : [`  return ${m.results.length === 1 ? 'a0' : `new ${type}(${m.results.map((_, i) => `a${i}`).join(', ')})`};`]),
      '}', '',
    );
  }
  return [...kitImports(root, out), ...codec.imports(), '', ...out].join('\n');
}

/** All generated AssemblyScript files of one canister; `outDir` is where they will be. */
export function entryFiles(did: Did, canister: string, outDir: string, root: string): Entry {
  const types = new TypeEmitter(did);
  const codec = new Codec(types);
  const imports: string[] = [];
  const out: string[] = [];
  const exports: Record<string, string> = {};
  const handlerFiles: string[] = [];
  let n = 0;

  const entry = (wasmName: string, body: string[], keepsState: boolean): void => {
    const name = `entry_${n++}`;
    exports[name] = wasmName;
    out.push(`// ${wasmName}`, `export function ${name}(): void {`, ...body, ...(keepsState ? ['  finish();'] : []), '}', '');
  };

  const handler = (file: string, func: string, what: string): string => {
    if (!existsSync(file)) throw new BuildError(`${what} has no handler: expected ${relative(process.cwd(), file)} with "export function ${func}"`);
    if (!exportsFunction(file, func)) throw new BuildError(`${relative(process.cwd(), file)} does not export function ${func}, the handler of ${what}`);
    handlerFiles.push(file);
    const alias = `handler_${handlerFiles.length}_${func}`;
    imports.push(`import { ${func} as ${alias} } from "${importPath(outDir, file)}";`);
    return alias;
  };

  for (const m of did.methods) {
    const file = handlerFile(canister, m);
    const func = identifier(m.name);
    const call = `${handler(file, func, `method ${m.name}`)}(${m.args.map((_, i) => `a${i}`).join(', ')})`;
    const later = answersLater(file, func);
    const query = m.mode === 'query' || m.mode === 'composite_query';
    const prefix = m.mode === 'query' ? 'canister_query' : m.mode === 'composite_query' ? 'canister_composite_query' : 'canister_update';
    // What the build says when the handler does not fit (compile.ts).
    out.push(`// handler: export function ${func}(${m.args.map((t, i) => `a${i}: ${codec.as(t)}`).join(', ')}): ${resultType(codec, m)} in ${relative(resolve(outDir, root), file).split(sep).join('/')}`);
    if (m.results.length > 1) imports.push(`import { ${codec.resultsClass(m.name)} } from "./replies";`);
    entry(`${prefix} ${m.name}`, [
      ...openArgs(codec, m.args),
      ...(later || m.results.length === 0 ? [`  ${call};`] : [`  const result: ${resultType(codec, m)} = ${call};`]),
      ...(later ? [] : writeResults(codec, m)),
    ], !query || later);
  }

  const lifecycle = (name: string): string | undefined => {
    const file = join(canister, 'lifecycle', `${name}.ts`);
    return existsSync(file) ? file : undefined;
  };
  const init = lifecycle('init');
  if (init !== undefined) {
    const call = `${handler(init, 'init', 'init')}(${did.init.map((_, i) => `a${i}`).join(', ')})`;
    entry('canister_init', [...openArgs(codec, did.init), `  ${call};`], true);
  } else if (did.init.length > 0) {
    throw new BuildError(`the service has init arguments but ${join(canister, 'lifecycle', 'init.ts')} is missing`);
  }
  const post = lifecycle('post-upgrade');
  const postBody: string[] = ['  upgraded();'];
  if (post !== undefined) {
    const takesArgs = new RegExp(`function\\s+post_upgrade\\s*\\(\\s*\\w`).test(readFileSync(post, 'utf8'));
    const call = handler(post, 'post_upgrade', 'post_upgrade');
    postBody.push(...(takesArgs ? openArgs(codec, did.init) : []), `  ${call}(${takesArgs ? did.init.map((_, i) => `a${i}`).join(', ') : ''});`);
  }
  entry('canister_post_upgrade', postBody, true);
  for (const hook of HOOKS) {
    const file = lifecycle(hook.file);
    if (file !== undefined) entry(hook.entry, [`  ${handler(file, hook.func, hook.func)}();`], true);
  }
  const inspect = lifecycle('inspect-message');
  if (inspect !== undefined) {
    entry('canister_inspect_message', [`  if (${handler(inspect, 'inspect_message', 'inspect_message')}(methodName())) acceptMessage();`], false);
  }
  const timers = reaches(handlerFiles, /(^|\/)cdk\/timers$/);
  if (timers) {
    entry('canister_global_timer', ['  fireTimers();'], true);
    entry('canister_update <kit> timer', ['  runTimer();'], true);
  }

  const main = [
    ...kitImports(root, out),
    ...imports,
    ...codec.imports(),
    '',
    ...out,
  ].join('\n');
  const repliesFile = replies(types, did, root);
  const clientFile = client(types, did, root);
  return {
    exports,
    files: new Map([['types.ts', types.file(root)], ['main.ts', main], ['replies.ts', repliesFile], ['client.ts', clientFile]]),
  };
}

/** types.ts and client.ts for a .did that no canister of ours implements (management, ledgers). */
export function clientFiles(did: Did, root: string): Map<string, string> {
  const types = new TypeEmitter(did);
  const clientFile = client(types, did, root);
  return new Map([['types.ts', types.file(root)], ['client.ts', clientFile]]);
}
