/**
 * Reads a .did file into a graph of types.
 *
 * The grammar is parsed by the Candid parser inside @icp-sdk/bindgen, which emits a JavaScript IDL
 * factory. That factory is evaluated here with constructors that record what they are given, so no
 * Candid grammar is written by hand. Type names survive as the factory's constants.
 *
 * The factory lists fields by hash. The order in which people wrote them, which constructors of
 * generated classes follow, is recovered by looking where the labels stand in the source text;
 * nothing but the order of constructor parameters depends on it.
 */
import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createRequire } from 'node:module';
import { BuildError } from '../builder/errors.ts';

export type Prim =
  | 'null' | 'bool' | 'nat' | 'int' | 'nat8' | 'nat16' | 'nat32' | 'nat64'
  | 'int8' | 'int16' | 'int32' | 'int64' | 'float32' | 'float64' | 'text' | 'reserved' | 'empty' | 'principal';

export interface Field { label: string; hash: number; type: Type }
export interface PrimType { kind: 'prim'; prim: Prim }
export interface OptType { kind: 'opt'; of: Type; name?: string }
export interface VecType { kind: 'vec'; of: Type; name?: string }
export interface RecordType { kind: 'record'; fields: Field[]; name?: string; tuple: boolean }
export interface VariantType { kind: 'variant'; fields: Field[]; name?: string }
export interface FuncType { kind: 'func'; args: Type[]; results: Type[]; modes: string[]; name?: string }
export interface ServiceType { kind: 'service'; methods: Map<string, Type>; name?: string }
/** A recursive type before it is tied; `is` is set once the factory has run. */
export interface RecType { kind: 'rec'; is?: Type; name?: string; fill(type: Type): void }
export type Type = PrimType | OptType | VecType | RecordType | VariantType | FuncType | ServiceType | RecType;

export interface Method { name: string; args: Type[]; results: Type[]; mode: 'update' | 'query' | 'composite_query' | 'oneway' }
export interface Did {
  source: string;
  methods: Method[];
  init: Type[];
  /** Named types in order of definition. */
  named: Map<string, Type>;
  /** The parser's JavaScript and TypeScript output, for client bindings. */
  js: string;
  ts: string;
}

/** Candid's field hash. */
export function fieldHash(label: string): number {
  let h = 0;
  for (const byte of new TextEncoder().encode(label)) h = (Math.imul(h, 223) + byte) >>> 0;
  return h;
}

/** `_123_` in a factory stands for the numeric label 123. */
function labelHash(label: string): number {
  const numeric = /^_(\d+)_$/.exec(label);
  return numeric ? Number(numeric[1]) : fieldHash(label);
}

/** The type behind any number of recursion knots. */
export function resolved(type: Type): Exclude<Type, RecType> {
  let t = type;
  for (let i = 0; t.kind === 'rec'; i++) {
    if (t.is === undefined || i > 1000) throw new Error('vacuous recursive type');
    t = t.is;
  }
  return t;
}

function fieldsOf(fields: Record<string, Type>): Field[] {
  return Object.entries(fields)
    .map(([label, type]) => ({ label, hash: labelHash(label), type }))
    .sort((a, b) => a.hash - b.hash);
}

const recording = {
  Rec(): RecType {
    const rec: RecType = { kind: 'rec', fill(type) { rec.is = type; } };
    return rec;
  },
  Opt: (of: Type): OptType => ({ kind: 'opt', of }),
  Vec: (of: Type): VecType => ({ kind: 'vec', of }),
  Record: (fields: Record<string, Type>): RecordType => ({ kind: 'record', fields: fieldsOf(fields), tuple: false }),
  Tuple: (...types: Type[]): RecordType => ({
    kind: 'record', tuple: true, fields: types.map((type, i) => ({ label: `_${i}_`, hash: i, type })),
  }),
  Variant: (fields: Record<string, Type>): VariantType => ({ kind: 'variant', fields: fieldsOf(fields) }),
  Func: (args: Type[], results: Type[], modes: string[] = []): FuncType => ({ kind: 'func', args, results, modes }),
  Service: (methods: Record<string, Type>): ServiceType => ({ kind: 'service', methods: new Map(Object.entries(methods)) }),
  ...Object.fromEntries(([
    'Null', 'Bool', 'Nat', 'Int', 'Nat8', 'Nat16', 'Nat32', 'Nat64', 'Int8', 'Int16', 'Int32', 'Int64',
    'Float32', 'Float64', 'Text', 'Reserved', 'Empty', 'Principal',
  ] as const).map((name) => [name, { kind: 'prim', prim: name.toLowerCase() as Prim } satisfies PrimType])),
};

interface Parser {
  wasmInit(): Promise<void>;
  wasmGenerate(options: { did_file_path: string; service_name: string; declarations: { root_exports: boolean; typescript: boolean } }): {
    declarations_js: string; declarations_ts: string; free(): void;
  };
}

let parser: Promise<Parser> | undefined;

/** The parser is an inner module of the package, reached by path because only whole-file commands are exported. */
function loadParser(): Promise<Parser> {
  parser ??= (async () => {
    const entry = createRequire(import.meta.url).resolve('@icp-sdk/bindgen/core');
    const inner = resolve(dirname(entry), '../../esm/core/generate/rs.js');
    const loaded = (await import(pathToFileURL(inner).href)) as Parser;
    await loaded.wasmInit();
    return loaded;
  })();
  return parser;
}

/** The parser's complaint with the place that it means: it counts bytes, people count lines. */
function explained(file: string, source: string, complaint: string): BuildError {
  const text = complaint.replace(/^Candid parser error: /, '');
  const place = /\b(?:found )?at (\d+)(?::|\.\.)\d+/.exec(text);
  const name = relative(process.cwd(), file);
  // With imports, nobody knows which file the place is in.
  if (place === null || /^\s*import\s/m.test(source)) return new BuildError(`${name}: ${text}`);
  const before = Buffer.from(source).subarray(0, Number(place[1])).toString().split('\n');
  const column = before.at(-1)?.length ?? 0;
  const line = source.split('\n')[before.length - 1] ?? '';
  return new BuildError(`${name}:${before.length}:${column + 1}: ${text.replace(place[0], '').replace(/ +$/m, '').trim()}\n  ${line}\n  ${' '.repeat(column)}^`);
}

/** Parses a .did file. What is wrong with it rejects with a `BuildError`. */
export async function readDid(path: string | URL): Promise<Did> {
  const file = typeof path === 'string' ? path : fileURLToPath(path);
  const source = readFileSync(file, 'utf8');
  const { wasmGenerate } = await loadParser();
  const generate: Parser['wasmGenerate'] = (options) => {
    try {
      return wasmGenerate(options);
    } catch (error) {
      throw explained(file, source, error instanceof Error ? error.message : String(error));
    }
  };
  const run = (rootExports: boolean): { js: string; ts: string } => {
    const out = generate({ did_file_path: file, service_name: 'service', declarations: { root_exports: rootExports, typescript: false } });
    const result = { js: out.declarations_js, ts: out.declarations_ts };
    out.free();
    return result;
  };
  const { js, ts } = run(false);
  const rooted = run(true).js;
  if (!/^export const idlService\b/m.test(rooted)) throw new BuildError(`${relative(process.cwd(), file)}: it has no \`service : { … }\``);
  const body = rooted
    .replace(/^import .*$/m, '')
    .replace(/export const idlFactory =[\s\S]*$/, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim().replace(/^export const (\w+) = ([\s\S]*)$/, (_, name: string, type: string) => `const ${name} = $name(${JSON.stringify(name)})(${type})`))
    .join(';\n');
  const named = new Map<string, Type>();
  const note = (name: string) => (type: Type): Type => {
    if (name === 'idlService' || name === 'idlInitArgs') return type;
    const existing = [...named.values()].includes(type);
    if (type.kind !== 'prim' && !existing) type.name = name;
    named.set(name, type);
    return type;
  };
  let service: unknown;
  let init: unknown;
  try {
    [service, init] = new Function('IDL', '$name', `${body}\nreturn [idlService, idlInitArgs];`)(recording, note) as [unknown, unknown];
  } catch (cause) {
    throw new Error(`cannot evaluate the factory for ${file}:\n${body}`, { cause });
  }
  const methods = [...(service as ServiceType).methods].map(([name, type]): Method => {
    const func = resolved(type) as FuncType;
    const mode = func.modes.includes('composite_query') ? 'composite_query'
      : func.modes.includes('query') ? 'query' : func.modes.includes('oneway') ? 'oneway' : 'update';
    return { name, args: func.args, results: func.results, mode };
  });
  return { source, methods, init: init as Type[], named, js, ts };
}
