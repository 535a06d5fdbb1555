/**
 * Names of generated AssemblyScript types: a named Candid type keeps its name, an anonymous record
 * or variant is called after the place where it stands (`SendMessageArgs`, `ProfileAvatar`).
 */
import type { Did, Field, RecordType, Type, VariantType } from './did.ts';
import { fieldHash, resolved } from './did.ts';

export const TAKEN = new Set([
  'Array', 'ArrayBuffer', 'Uint8Array', 'StaticArray', 'String', 'Map', 'Set', 'Error', 'Object', 'Date', 'Math', 'Symbol',
  'Opt', 'Nat', 'Int', 'Func', 'Principal', 'Number', 'Function', 'Boolean', 'RegExp', 'DataView', 'Call', 'Later',
]);

const KEYWORDS = new Set([
  'abstract', 'as', 'async', 'await', 'bool', 'boolean', 'break', 'case', 'catch', 'class', 'const', 'constructor', 'continue',
  'debugger', 'declare', 'default', 'delete', 'do', 'else', 'enum', 'export', 'extends', 'f32', 'f64', 'false', 'finally', 'for', 'from',
  'function', 'i16', 'i32', 'i64', 'i8', 'if', 'implements', 'import', 'in', 'instanceof', 'interface', 'isize',
  'keyof', 'let', 'namespace', 'new', 'null', 'number', 'of', 'operator', 'override', 'package', 'private', 'protected', 'public',
  'readonly', 'return', 'select', 'static', 'string', 'super', 'switch', 'symbol', 'this', 'throw', 'true', 'try', 'type',
  'typeof', 'u16', 'u32', 'u64', 'u8', 'undefined', 'usize', 'v128', 'var', 'void', 'while', 'with', 'yield',
]);
/** Legal as property names in AssemblyScript although they are words of the language. */
const PROPERTY_OK = new Set([
  'name', 'length', 'from', 'type', 'is', 'as', 'get', 'set', 'any', 'number', 'string', 'boolean', 'bool', 'symbol', 'module',
  'namespace', 'operator', 'require', 'auto', 'select', 'unique', 'infer', 'keyof', 'declare', 'abstract', 'readonly',
  'undefined', 'i8', 'i16', 'i32', 'i64', 'u8', 'u16', 'u32', 'u64', 'f32', 'f64', 'v128', 'usize', 'isize',
]);

const escaped = (c: string): string => `$${c.codePointAt(0)?.toString(16) ?? ''}$`;

/** A legal identifier that resembles `label`; distinct labels give distinct identifiers. */
export function identifier(label: string): string {
  // `_1` is what the field with number 1 is called.
  const plain = label.replace(/[^A-Za-z0-9_]/gu, escaped).replace(/^(?:\d|_(?=\d+$))/, escaped);
  if (plain === '') return '$';
  return KEYWORDS.has(plain.replace(/_+$/, '')) ? `${plain}_` : plain;
}

export function propertyName(label: string): string {
  const numeric = /^_(\d+)_$/.exec(label);
  if (numeric) return `_${numeric[1] ?? ''}`;
  return PROPERTY_OK.has(label) ? label : identifier(label);
}

function pascal(label: string): string {
  return identifier(label).split(/_+/).filter((w) => w !== '').map((w) => (w[0] ?? '').toUpperCase() + w.slice(1)).join('') || 'T';
}

/** Longer names of files are cut: not every file system takes them. */
const MAX_FILE_NAME = 100;

/** `send_message` → `send-message`: the file of a handler. */
export function fileName(method: string): string {
  const words = method.replace(/([a-z0-9])([A-Z])/g, '$1-$2').replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '').toLowerCase();
  const name = words === '' ? identifier(method).replace(/\$+/g, '-').replace(/^-|-$/g, '') || 'unnamed' : words;
  return name.length <= MAX_FILE_NAME ? name : `${name.slice(0, MAX_FILE_NAME - 9)}-${fieldHash(method).toString(16).padStart(8, '0')}`;
}

/** All cases null: becomes an AssemblyScript enum. */
export function isEnum(type: Type): boolean {
  const t = resolved(type);
  return t.kind === 'variant' && t.fields.length > 0 && t.fields.every((f) => isNull(f.type));
}

export function isNull(type: Type): boolean {
  const t = resolved(type);
  return t.kind === 'prim' && (t.prim === 'null' || t.prim === 'reserved' || t.prim === 'empty');
}

export type Defined = RecordType | VariantType;

/**
 * Every record, variant and self-containing opt or vec that needs a class, by name, in order of
 * appearance. Also sorts each record's constructor order into `declared`.
 */
export interface Names {
  nameOf: Map<Type, string>;
  defined: Defined[];
  /** Opts and vecs that contain themselves without a record between: wrapped in a class. */
  wrapped: Set<Type>;
  declared: Map<RecordType, Field[]>;
}

export function assignNames(did: Did): Names {
  const nameOf = new Map<Type, string>();
  const used = new Set<string>();
  const defined: Defined[] = [];
  const wrapped = new Set<Type>();
  const declared = new Map<RecordType, Field[]>();
  const plain = did.source.replace(/\/\*[\s\S]*?\*\//g, (c) => ' '.repeat(c.length)).replace(/\/\/.*$/gm, (c) => ' '.repeat(c.length));

  const free = (wish: string): string => {
    let name = TAKEN.has(wish) ? `${wish}_` : wish;
    for (let i = 2; used.has(name); i++) name = `${wish}${i}`;
    used.add(name);
    return name;
  };

  const seen = new Set<Type>();

  function position(label: string, from: number): number {
    const word = /^_\d+_$/.test(label) ? label.slice(1, -1) : label;
    const escaped = word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const found = new RegExp(`(?<![A-Za-z0-9_"])"?${escaped}"?\\s*[:;}]`, 'g');
    found.lastIndex = from;
    return found.exec(plain)?.index ?? plain.length;
  }

  function visit(type: Type, wish: string, at: number): void {
    const t = resolved(type);
    if (seen.has(t)) return;
    seen.add(t);
    switch (t.kind) {
      case 'opt': case 'vec':
        if (containsItself(t)) {
          wrapped.add(t);
          nameOf.set(t, nameOf.get(t) ?? free(t.name ?? wish));
        }
        visit(t.of, t.kind === 'vec' ? `${wish}Item` : wish, at);
        break;
      case 'record': case 'variant': {
        const name = nameOf.get(t) ?? free(wish);
        nameOf.set(t, name);
        defined.push(t);
        if (t.kind === 'record') {
          declared.set(t, t.tuple ? t.fields : [...t.fields].map((f) => ({ f, p: position(f.label, at) })).sort((a, b) => a.p - b.p).map((x) => x.f));
        }
        for (const f of t.fields) visit(f.type, name + pascal(f.label), Math.min(position(f.label, at), plain.length - 1));
        break;
      }
      case 'func': break;
      case 'service': break;
      case 'prim': break;
    }
  }

  const typeAt = (name: string): number => {
    const m = new RegExp(`\\btype\\s+${name.replace(/_$/, '_?')}\\s*=`).exec(plain);
    return m ? m.index + m[0].length : 0;
  };
  // Names first, so that a type keeps its own name wherever it is met first.
  for (const [name, type] of did.named) {
    const t = resolved(type);
    if ((t.kind === 'record' || t.kind === 'variant' || ((t.kind === 'opt' || t.kind === 'vec') && containsItself(t))) && !nameOf.has(t)) {
      nameOf.set(t, free(name.replace(/^./, (c) => c.toUpperCase())));
    }
  }
  for (const [name, type] of did.named) visit(type, nameOf.get(resolved(type)) ?? `${pascal(name)}Content`, typeAt(name));
  for (const m of did.methods) {
    const at = plain.search(new RegExp(`(?<![A-Za-z0-9_])"?${m.name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}"?\\s*:\\s*\\(`));
    m.args.forEach((t, i) => visit(t, `${pascal(m.name)}Args${m.args.length > 1 ? i : ''}`, Math.max(at, 0)));
    m.results.forEach((t, i) => visit(t, `${pascal(m.name)}Result${m.results.length > 1 ? i : ''}`, Math.max(at, 0)));
  }
  did.init.forEach((t, i) => visit(t, `InitArgs${did.init.length > 1 ? i : ''}`, Math.max(plain.search(/\bservice\b[^{]*:\s*\(/), 0)));
  return { nameOf, defined, wrapped, declared };
}

/** Does an opt or vec reach itself through opts and vecs alone? */
function containsItself(type: Type): boolean {
  const path = new Set<Type>();
  let t = resolved(type);
  const start = t;
  while (t.kind === 'opt' || t.kind === 'vec') {
    if (path.has(t)) return t === start;
    path.add(t);
    t = resolved(t.of);
  }
  return false;
}
