/**
 * Reads the official Candid test data (`*.test.did`): type definitions, then assertions.
 *
 *   assert <input> : <types> ["text"];            decodes
 *   assert <input> !: <types>;                    does not decode
 *   assert <input> ==|!= <input> : <types>;       decode to the same / different values
 *
 * An input is `blob "…"` (binary) or `"…"` (textual). The textual form is outside the kit, which
 * has no text format; the small reader below serves the tests only.
 */
import { IDL } from '@dfinity/candid';
import { Principal } from '@dfinity/principal';

export type Input = { blob: Uint8Array } | { text: string };
export interface Assertion { left: Input; right: Input | undefined; decodes: boolean; same: boolean; types: string; name: string; line: number }
export interface VectorFile { preamble: string; assertions: Assertion[] }

export function withoutComments(source: string): string {
  let out = '';
  for (let i = 0; i < source.length;) {
    if (source[i] === '"') {
      const end = stringEnd(source, i);
      out += source.slice(i, end);
      i = end;
    } else if (source.startsWith('//', i)) {
      while (i < source.length && source[i] !== '\n') i++;
    } else if (source.startsWith('/*', i)) {
      const end = source.indexOf('*/', i) + 2;
      out += source.slice(i, end).replace(/[^\n]/g, '');
      i = end;
    } else out += source[i++];
  }
  return out;
}

function stringEnd(source: string, start: number): number {
  let i = start + 1;
  while (source[i] !== '"') i += source[i] === '\\' ? 2 : 1;
  return i + 1;
}

/** Bytes of a string literal's inside. */
function literalBytes(inside: string): Uint8Array {
  const out: number[] = [];
  const encoder = new TextEncoder();
  const chars = [...inside];
  for (let i = 0; i < chars.length; i++) {
    const c = chars[i] ?? '';
    if (c !== '\\') {
      out.push(...encoder.encode(c));
      continue;
    }
    const next = chars[++i] ?? '';
    const simple = { n: 10, r: 13, t: 9, '"': 34, "'": 39, '\\': 92 }[next];
    if (next === 'u') {
      const close = chars.indexOf('}', i);
      if (close < 0) throw new Error('unclosed Unicode escape');
      out.push(...encoder.encode(String.fromCodePoint(Number.parseInt(chars.slice(i + 2, close).join('').replaceAll('_', ''), 16))));
      i = close;
    } else if (simple !== undefined) out.push(simple);
    else {
      const hex = next + (chars[++i] ?? '');
      if (!/^[0-9a-fA-F]{2}$/.test(hex)) throw new Error(`bad escape \\${hex}`);
      out.push(Number.parseInt(hex, 16));
    }
  }
  return Uint8Array.from(out);
}

export function parseVectors(source: string): VectorFile {
  const text = withoutComments(source);
  const assertions: Assertion[] = [];
  const preamble: string[] = [];
  let i = 0;
  const space = (): void => { while (/\s/.test(text[i] ?? '')) i++; };
  const statement = (): string => {
    const start = i;
    while (i < text.length && text[i] !== ';') {
      if (text[i] === '{' || text[i] === '(') {
        // Semicolons inside brackets do not end the statement.
        let depth = 0;
        do {
          if (text[i] === '"') i = stringEnd(text, i) - 1;
          else if (text[i] === '{' || text[i] === '(') depth++;
          else if (text[i] === '}' || text[i] === ')') depth--;
          i++;
        } while (depth > 0);
      } else i = text[i] === '"' ? stringEnd(text, i) : i + 1;
    }
    return text.slice(start, i++);
  };
  const input = (): Input => {
    space();
    const blob = text.startsWith('blob', i);
    if (blob) i = text.indexOf('"', i);
    const end = stringEnd(text, i);
    const inside = text.slice(i + 1, end - 1);
    i = end;
    // A text input is Candid text inside a Candid string.
    return blob ? { blob: literalBytes(inside) } : { text: new TextDecoder().decode(literalBytes(inside)) };
  };
  for (space(); i < text.length; space()) {
    if (!text.startsWith('assert', i)) {
      preamble.push(`${statement().trim()};`);
      continue;
    }
    const line = text.slice(0, i).split('\n').length;
    i += 'assert'.length;
    const left = input();
    space();
    let right: Input | undefined;
    let same = true;
    if (text.startsWith('==', i) || text.startsWith('!=', i)) {
      same = text[i] === '=';
      i += 2;
      right = input();
      space();
    }
    const decodes = text[i] === ':';
    i += decodes ? 1 : 2;
    const rest = statement().trim();
    const name = /"((?:[^"\\]|\\.)*)"$/.exec(rest);
    assertions.push({ left, right, decodes, same, types: name ? rest.slice(0, -name[0].length).trim() : rest, name: name?.[1] ?? '', line });
  }
  return { preamble: preamble.join('\n'), assertions };
}

/** Values of a textual argument list at the given types; throws if it does not fit. */
export function parseArguments(text: string, types: IDL.Type[]): unknown[] {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[-+]?(?:0x[0-9a-fA-F_]+|\d[\d_]*\.?\d*(?:[eE][-+]?\d+)?)|[A-Za-z_]\w*|[(){};,=.:]/g) ?? [];
  let at = 0;
  const peek = (): string | undefined => tokens[at];
  const take = (expected?: string): string => {
    const t = tokens[at++];
    if (t === undefined || (expected !== undefined && t !== expected)) throw new Error(`expected ${expected ?? 'a token'}, found ${t ?? 'end'} in ${text}`);
    return t;
  };
  type Node = { kind: 'number' | 'text' | 'word'; value: string } | { kind: 'opt'; of: Node } | { kind: 'vec'; of: Node[] }
    | { kind: 'record' | 'variant'; of: [number, Node | undefined][] } | { kind: 'blob' | 'principal' | 'service'; value: string } | { kind: 'func'; value: string; method: string };
  const str = (token: string): string => new TextDecoder('utf-8', { fatal: true }).decode(literalBytes(token.slice(1, -1)));
  const label = (token: string): number => (/^\d/.test(token) ? Number(token.replaceAll('_', '')) : hash(token.startsWith('"') ? str(token) : token));
  const value = (): Node => {
    const t = take();
    if (t.startsWith('"')) return { kind: 'text', value: str(t) };
    if (/^[-+\d]/.test(t)) return { kind: 'number', value: t.replaceAll('_', '') };
    if (t === 'opt') return { kind: 'opt', of: value() };
    if (t === 'blob') return { kind: 'blob', value: take() };
    if (t === 'principal' || t === 'service') return { kind: t, value: str(take()) };
    if (t === 'func') {
      const value = str(take());
      take('.');
      const m = take();
      return { kind: 'func', value, method: m.startsWith('"') ? str(m) : m };
    }
    if (t === 'vec') {
      const of: Node[] = [];
      take('{');
      while (peek() !== '}') {
        of.push(value());
        if (peek() === ';') take();
      }
      take('}');
      return { kind: 'vec', of };
    }
    if (t === 'record' || t === 'variant') {
      const of: [number, Node | undefined][] = [];
      take('{');
      let position = 0;
      while (peek() !== '}') {
        if (tokens[at + 1] === '=') {
          const id = label(take());
          take('=');
          of.push([id, value()]);
          position = id + 1;
        } else if (t === 'variant') of.push([label(take()), undefined]);
        else of.push([position++, value()]);
        if (peek() === ';') take();
      }
      take('}');
      return { kind: t, of };
    }
    return { kind: 'word', value: t };
  };
  const nodes: Node[] = [];
  take('(');
  while (peek() !== ')') {
    nodes.push(value());
    if (peek() === ',') take();
  }
  take(')');
  if (at !== tokens.length || tokens.join('').length !== text.replace(/\s(?=(?:[^"]*"[^"]*")*[^"]*$)/g, '').length) throw new Error(`cannot read ${text}`);
  return types.map((t, i) => fit(nodes[i], t));

  function fit(node: Node | undefined, type: IDL.Type): unknown {
    const t = type instanceof IDL.RecClass ? (type.getType() as IDL.Type) : type;
    if (t instanceof IDL.ReservedClass) return null;
    const isNull = node === undefined || (node.kind === 'word' && node.value === 'null');
    if (t instanceof IDL.NullClass) {
      if (!isNull) throw new Error('not null');
      return null;
    }
    if (t instanceof IDL.OptClass) {
      const inner = (t as unknown as { _type: IDL.Type })._type;
      if (isNull) return [];
      return node.kind === 'opt' ? [fit(node.of, inner)] : [fit(node, inner)];
    }
    if (node === undefined) throw new Error('missing');
    if (t instanceof IDL.BoolClass && node.kind === 'word') return node.value === 'true';
    if (node.kind === 'number') {
      if (t instanceof IDL.FloatClass) return Number(node.value);
      const big = BigInt(node.value.replace(/^\+/, ''));
      if (t instanceof IDL.NatClass && big < 0n) throw new Error('negative');
      if (t instanceof IDL.NatClass || t instanceof IDL.IntClass) return big;
      if ((t instanceof IDL.FixedNatClass || t instanceof IDL.FixedIntClass) && !node.value.includes('.')) return t._bits === 64 ? big : Number(big);
    }
    if (t instanceof IDL.TextClass && node.kind === 'text') return node.value;
    if (t instanceof IDL.PrincipalClass && node.kind === 'principal') return Principal.fromText(node.value);
    if (t instanceof IDL.ServiceClass && node.kind === 'service') return Principal.fromText(node.value);
    if (t instanceof IDL.FuncClass && node.kind === 'func') return [Principal.fromText(node.value), node.method];
    if (t instanceof IDL.VecClass) {
      if (node.kind === 'blob') return literalBytes(node.value.slice(1, -1));
      if (node.kind === 'vec') return node.of.map((n) => fit(n, (t as unknown as { _type: IDL.Type })._type));
    }
    const fields = (t as unknown as { _fields?: [string, IDL.Type][] })._fields;
    if (fields !== undefined && node.kind === 'record' && !(t instanceof IDL.VariantClass)) {
      const given = new Map(node.of);
      const values = fields.map(([name, f]) => [name, fit(given.get(hash(name)), f)] as const);
      return t instanceof IDL.TupleClass ? values.map((v) => v[1]) : Object.fromEntries(values);
    }
    if (fields !== undefined && node.kind === 'variant' && t instanceof IDL.VariantClass) {
      const [id, content] = node.of[0] ?? [];
      const field = fields.find(([name]) => hash(name) === id);
      if (field) return { [field[0]]: fit(content, field[1]) };
    }
    throw new Error(`${text} does not fit`);
  }
}

function hash(name: string): number {
  const numeric = /^_(\d+)_$/.exec(name);
  if (numeric) return Number(numeric[1]);
  let h = 0;
  for (const byte of new TextEncoder().encode(name)) h = (Math.imul(h, 223) + byte) >>> 0;
  return h;
}
