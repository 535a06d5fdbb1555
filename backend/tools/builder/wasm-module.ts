/**
 * Reads and rewrites a Wasm module's sections: renames exports to the Internet Computer's entry
 * point names, lists imports, adds metadata sections, drops names. Function bodies are not touched.
 * Source: WebAssembly core specification 2.0, "Binary Format: Modules".
 */

export interface Section { id: number; body: Uint8Array }
export interface Import { module: string; name: string; kind: number }

const CUSTOM = 0;
const IMPORT = 2;
const EXPORT = 7;
const CODE = 10;

class Reader {
  at = 0;
  private readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) { this.bytes = bytes; }

  get done(): boolean { return this.at >= this.bytes.length; }

  byte(): number {
    const b = this.bytes[this.at++];
    if (b === undefined) throw new Error('module ends early');
    return b;
  }

  leb(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const b = this.byte();
      value += (b & 0x7f) * 2 ** shift;
      if (b < 0x80) return value;
    }
  }

  take(n: number): Uint8Array {
    const part = this.bytes.subarray(this.at, this.at + n);
    if (part.length !== n) throw new Error('module ends early');
    this.at += n;
    return part;
  }

  name(): string { return new TextDecoder().decode(this.take(this.leb())); }
}

export function leb(n: number): number[] {
  const out: number[] = [];
  while (n >= 0x80) {
    out.push((n & 0x7f) | 0x80);
    n = Math.floor(n / 128);
  }
  out.push(n);
  return out;
}

function nameBytes(text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  return [...leb(bytes.length), ...bytes];
}

export function sections(module: Uint8Array): Section[] {
  const reader = new Reader(module);
  reader.take(8);
  const out: Section[] = [];
  while (!reader.done) {
    const id = reader.byte();
    out.push({ id, body: reader.take(reader.leb()) });
  }
  return out;
}

/** Where the content of the code section begins in a module of these sections. */
export function codeOffset(parts: Section[]): number {
  let at = 8;
  for (const { id, body } of parts) {
    const start = at + 1 + leb(body.length).length;
    if (id === CODE) return start;
    at = start + body.length;
  }
  throw new Error('the module has no code');
}

export function assemble(parts: Section[]): Uint8Array {
  const chunks: Uint8Array[] = [Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)];
  for (const { id, body } of parts) chunks.push(Uint8Array.from([id, ...leb(body.length)]), body);
  const total = chunks.reduce((n, c) => n + c.length, 0);
  const module = new Uint8Array(total);
  let at = 0;
  for (const c of chunks) {
    module.set(c, at);
    at += c.length;
  }
  return module;
}

/** Name of a custom section. */
export function customName(section: Section): string | undefined {
  return section.id === CUSTOM ? new Reader(section.body).name() : undefined;
}

/** A custom section of this name and content. */
export function custom(name: string, content: Uint8Array): Section {
  const head = Uint8Array.from(nameBytes(name));
  const body = new Uint8Array(head.length + content.length);
  body.set(head);
  body.set(content, head.length);
  return { id: CUSTOM, body };
}

export function imports(parts: Section[]): Import[] {
  const section = parts.find((s) => s.id === IMPORT);
  if (section === undefined) return [];
  const reader = new Reader(section.body);
  const out: Import[] = [];
  for (let n = reader.leb(); n > 0; n--) {
    const entry = { module: reader.name(), name: reader.name(), kind: reader.byte() };
    out.push(entry);
    if (entry.kind === 0) reader.leb();
    else if (entry.kind === 1) {
      reader.byte();
      limits(reader);
    } else if (entry.kind === 2) limits(reader);
    else reader.take(2);
  }
  return out;
}

function limits(reader: Reader): void {
  const flags = reader.byte();
  reader.leb();
  if ((flags & 1) !== 0) reader.leb();
}

/** Renames exports; those that `rename` maps to undefined are dropped. */
export function renameExports(parts: Section[], rename: (name: string, kind: number) => string | undefined): Section[] {
  return parts.map((section) => {
    if (section.id !== EXPORT) return section;
    const reader = new Reader(section.body);
    const kept: number[] = [];
    let count = 0;
    for (let n = reader.leb(); n > 0; n--) {
      const name = reader.name();
      const kind = reader.byte();
      const index = reader.leb();
      const renamed = rename(name, kind);
      if (renamed === undefined) continue;
      count++;
      kept.push(...nameBytes(renamed), kind, ...leb(index));
    }
    return { id: EXPORT, body: Uint8Array.from([...leb(count), ...kept]) };
  });
}
