/**
 * Writes the AssemblyScript types of a .did and their codecs.
 *
 * Record → class with a constructor in the .did's field order; variant → class with a tag, or an
 * enum if no case has a content; opt, vec, text, … → see `asType`. For each type there is one
 * `read_…` and one `write_…` function for exactly the layout that the type's own header describes.
 */
import type { Did, Field, Prim, RecordType, Type, VariantType } from './did.ts';
import { resolved } from './did.ts';
import type { Names } from './names.ts';
import { assignNames, isEnum, isNull, propertyName, identifier, TAKEN } from './names.ts';
import { header } from './type-table.ts';
import { kitImports } from './kit-imports.ts';

const PRIM_TYPE: Record<Prim, string> = {
  null: 'u8', reserved: 'u8', empty: 'u8', bool: 'bool', nat: 'Nat', int: 'Int', nat8: 'u8', nat16: 'u16', nat32: 'u32', nat64: 'u64',
  int8: 'i8', int16: 'i16', int32: 'i32', int64: 'i64', float32: 'f32', float64: 'f64', text: 'string', principal: 'Principal',
};
const PRIM_CODEC: Partial<Record<Prim, string>> = {
  bool: 'Bool', nat8: 'U8', nat16: 'U16', nat32: 'U32', nat64: 'U64', int8: 'I8', int16: 'I16', int32: 'I32', int64: 'I64',
  float32: 'F32', float64: 'F64', text: 'Text',
};
const FIXED: Partial<Record<Prim, number>> = {
  nat8: 1, nat16: 2, nat32: 4, nat64: 8, int8: 1, int16: 2, int32: 4, int64: 8, float32: 4, float64: 8,
};

export class TypeEmitter {
  readonly names: Names;
  private readonly did: Did;
  private readonly out: string[] = [];
  /** Helper codecs of opts and vecs, by the AssemblyScript type they handle plus the wire type. */
  private readonly helpers = new Map<string, string>();
  private readonly recursive = new Map<Type, boolean>();
  private readonly minSizes = new Map<Type, number>();

  constructor(did: Did) {
    this.did = did;
    this.names = assignNames(did);
  }

  private nameOf(t: Type): string {
    const name = this.names.nameOf.get(t);
    if (name === undefined) throw new Error(`unnamed ${t.kind}`);
    return name;
  }

  /** Does AssemblyScript hold values of this type by reference, non-null? */
  private isReference(type: Type): boolean {
    const t = resolved(type);
    if (this.names.wrapped.has(t)) return true;
    if (t.kind === 'opt') return false;
    if (t.kind === 'prim') return !['null', 'reserved', 'empty', 'bool'].includes(t.prim) && FIXED[t.prim] === undefined;
    return !isEnum(t);
  }

  /** The AssemblyScript type. */
  asType(type: Type): string {
    const t = resolved(type);
    return this.names.wrapped.has(t) ? this.nameOf(t) : this.bareType(t);
  }

  private bareType(t: Exclude<Type, { kind: 'rec' }>): string {
    switch (t.kind) {
      case 'prim': return PRIM_TYPE[t.prim];
      case 'opt': return this.isReference(t.of) ? `${this.asType(t.of)} | null` : `Opt<${this.asType(t.of)}> | null`;
      case 'vec': return this.isBlob(t) ? 'Uint8Array' : `Array<${this.asType(t.of)}>`;
      case 'record': case 'variant': return this.nameOf(t);
      case 'func': return 'Func';
      case 'service': return 'Principal';
    }
  }

  private isBlob(t: Type): boolean {
    if (t.kind !== 'vec') return false;
    const of = resolved(t.of);
    return of.kind === 'prim' && of.prim === 'nat8';
  }

  /** Fewest bytes of an encoded value. */
  private minSize(type: Type, path: Set<Type> = new Set()): number {
    const t = resolved(type);
    const known = this.minSizes.get(t);
    if (known !== undefined) return known;
    switch (t.kind) {
      case 'prim': return FIXED[t.prim] ?? { null: 0, reserved: 0, empty: 0, principal: 2 }[t.prim as 'null'] ?? 1;
      case 'func': return 4;
      case 'service': return 2;
      case 'record': {
        if (path.has(t)) return 0;
        path.add(t);
        const sum = t.fields.reduce((n, f) => n + this.minSize(f.type, path), 0);
        path.delete(t);
        const size = Math.min(sum, 1 << 20);
        // Inside a recursion the size depends on where one came from.
        if (path.size === 0 || !this.isRecursive(t)) this.minSizes.set(t, size);
        return size;
      }
      default: return 1;
    }
  }

  private isRecursive(type: Type): boolean {
    const start = resolved(type);
    const known = this.recursive.get(start);
    if (known !== undefined) return known;
    const seen = new Set<Type>();
    const walk = (x: Type): boolean => {
      const t = resolved(x);
      if (t === start && seen.size > 0) return true;
      if (seen.has(t)) return false;
      seen.add(t);
      if (t.kind === 'opt' || t.kind === 'vec') return walk(t.of);
      if (t.kind === 'record' || t.kind === 'variant') return t.fields.some((f) => walk(f.type));
      return false;
    };
    const is = walk(start);
    this.recursive.set(start, is);
    return is;
  }

  /** Wire identity of a type, to share helper functions. */
  private key(type: Type): string {
    const t = resolved(type);
    const name = this.names.nameOf.get(t);
    if (name !== undefined) return name;
    if (t.kind === 'opt' || t.kind === 'vec') return `${t.kind}_${this.key(t.of)}`;
    return t.kind === 'prim' ? t.prim : t.kind;
  }

  /** An expression that decodes one value. */
  read(type: Type): string {
    const t = resolved(type);
    switch (t.kind) {
      case 'prim':
        if (t.prim === 'null' || t.prim === 'reserved') return '<u8>0';
        if (t.prim === 'empty') return 'readEmpty()';
        if (t.prim === 'nat' || t.prim === 'int') return `read${PRIM_TYPE[t.prim]}()`;
        if (t.prim === 'principal') return 'new Principal(reader.readPrincipalBytes())';
        return `reader.read${PRIM_CODEC[t.prim] ?? ''}()`;
      case 'func': return 'readFunc()';
      case 'service': return 'new Principal(reader.readPrincipalBytes())';
      case 'vec': if (this.isBlob(t)) return 'reader.readBlob()';
    }
    return `read_${this.helper(t)}()`;
  }

  /** A statement that encodes the value of expression `v`. */
  write(type: Type, v: string): string {
    const t = resolved(type);
    switch (t.kind) {
      case 'prim':
        if (t.prim === 'null' || t.prim === 'reserved') return `${v};`;
        if (t.prim === 'empty') return `${v}; unreachable();`;
        if (t.prim === 'nat' || t.prim === 'int') return `write${PRIM_TYPE[t.prim]}(${v});`;
        if (t.prim === 'principal') return `writer.writePrincipalBytes(${v}.bytes);`;
        return `writer.write${PRIM_CODEC[t.prim] ?? ''}(${v});`;
      case 'func': return `writeFunc(${v});`;
      case 'service': return `writer.writePrincipalBytes(${v}.bytes);`;
      case 'vec': if (this.isBlob(t)) return `writer.writeBlob(${v});`;
    }
    return `write_${this.helper(t)}(${v});`;
  }

  /** Name of the pair of codec functions of a composite type, emitting them on first use. */
  private helper(t: Exclude<Type, { kind: 'rec' }>): string {
    const key = this.key(t);
    const known = this.helpers.get(key);
    if (known !== undefined) return known;
    const name = identifier(key);
    this.helpers.set(key, name);
    const type = this.asType(t);
    const deep = this.isRecursive(t);
    const body = this.codecBody(t, type);
    this.out.push(
      `export function read_${name}(): ${type} {`,
      ...(deep ? ['  reader.enter();'] : []),
      ...body.read.map((l) => `  ${l}`),
      ...(deep ? ['  reader.leave();'] : []),
      `  return value;`,
      '}',
      '',
      `export function write_${name}(value: ${type}): void {`,
      ...body.write.map((l) => `  ${l}`),
      '}',
      '',
    );
    return name;
  }

  private codecBody(t: Exclude<Type, { kind: 'rec' }>, type: string): { read: string[]; write: string[] } {
    const wrap = this.names.wrapped.has(t);
    const inner = wrap ? 'value.value' : 'value';
    switch (t.kind) {
      case 'record': return this.recordBody(t);
      case 'variant': return isEnum(t) ? {
        read: [`const value = <${type}>reader.readTag(${t.fields.length});`],
        write: [t.fields.length > 128 ? 'writer.writeLeb(<u64>value);' : 'writer.writeU8(<u8>value);'],
      } : this.variantBody(t);
      case 'opt': {
        const ref = this.isReference(t.of);
        const bare = this.bareType(t);
        const content = ref ? this.read(t.of) : `new Opt<${this.asType(t.of)}>(${this.read(t.of)})`;
        return {
          read: wrap
            ? [`const value = new ${type}(reader.readBool() ? ${content} : null);`]
            : [`let value: ${bare} = null;`, `if (reader.readBool()) value = ${content};`],
          // By address: "" and overloaded == must not count as null.
          write: [
            `const content = changetype<usize>(${inner});`,
            'if (content == 0) {', '  writer.writeU8(0);', '} else {', '  writer.writeU8(1);',
            `  ${this.write(t.of, ref ? `changetype<${this.asType(t.of)}>(content)` : `changetype<Opt<${this.asType(t.of)}>>(content).value`)}`, '}',
          ],
        };
      }
      case 'vec': {
        const of = this.asType(t.of);
        const element = resolved(t.of);
        const size = element.kind === 'prim' ? FIXED[element.prim] : undefined;
        const readAll = size === undefined
          ? [`for (let i = 0; i < count; i++) unchecked(items[i] = ${this.read(t.of)});`]
          : [`reader.readRaw(items.dataStart, <usize>count * ${size});`];
        const writeAll = size === undefined
          ? [`for (let i = 0; i < count; i++) {`, `  ${this.write(t.of, 'unchecked(items[i])')}`, '}']
          : [`writer.writeRaw(items.dataStart, <usize>count * ${size});`];
        return {
          read: [
            `const count = reader.readCount(${this.minSize(t.of)});`,
            `const items = new Array<${of}>(count);`,
            ...readAll,
            wrap ? `const value = new ${type}(items);` : 'const value = items;',
          ],
          write: [`const items = ${inner};`, 'const count = items.length;', 'writer.writeLeb(<u64>count);', ...writeAll],
        };
      }
      default: throw new Error(`no codec body for ${t.kind}`);
    }
  }

  private recordBody(t: RecordType): { read: string[]; write: string[] } {
    const name = this.nameOf(t);
    const order = this.names.declared.get(t) ?? t.fields;
    const local = new Map(t.fields.map((f, i) => [f, `f${i}`]));
    return {
      read: [
        ...t.fields.map((f) => `const ${local.get(f) ?? ''} = ${this.read(f.type)};`),
        `const value = new ${name}(${order.map((f) => local.get(f)).join(', ')});`,
      ],
      write: t.fields.map((f) => this.write(f.type, `value.${propertyName(f.label)}`)),
    };
  }

  private variantBody(t: VariantType): { read: string[]; write: string[] } {
    const name = this.nameOf(t);
    return {
      read: [
        `let value: ${name};`,
        `switch (reader.readTag(${t.fields.length})) {`,
        ...t.fields.map((f, i) => {
          const make = isNull(f.type) && resolved(f.type).kind === 'prim' && (resolved(f.type) as { prim: Prim }).prim !== 'empty'
            ? `value = ${name}.${caseName(f)}();` : `value = ${name}.${caseName(f)}(${this.read(f.type)});`;
          return `  ${i === t.fields.length - 1 ? 'default' : `case ${i}`}: { ${make} break; }`;
        }),
        ...(t.fields.length === 0 ? [`  default: { unreachable(); value = changetype<${name}>(0); }`] : []),
        '}',
      ],
      write: [
        t.fields.length > 128 ? 'writer.writeLeb(<u64>value.tag);' : 'writer.writeU8(<u8>value.tag);',
        ...(t.fields.some((f) => !isNull(f.type)) ? [
          'switch (value.tag) {',
          ...t.fields.filter((f) => !isNull(f.type)).map((f) => `  case ${name}Tag.${caseName(f)}: { ${this.write(f.type, `value.as_${caseName(f)}`)} break; }`),
          '  default: {}',
          '}',
        ] : []),
      ],
    };
  }

  private emitClass(t: RecordType | VariantType): void {
    const name = this.nameOf(t);
    if (t.kind === 'record') {
      const order = this.names.declared.get(t) ?? t.fields;
      this.out.push(`export class ${name} {`, '  constructor(');
      for (const f of order) this.out.push(`    public ${propertyName(f.label)}: ${this.asType(f.type)},`);
      this.out.push('  ) {}', '}', '');
      return;
    }
    if (isEnum(t)) {
      this.out.push(`export enum ${name} {`, ...t.fields.map((f, i) => `  ${caseName(f)} = ${i},`), '}', '');
      return;
    }
    this.out.push(`export enum ${name}Tag {`, ...t.fields.map((f, i) => `  ${caseName(f)} = ${i},`), '}', '');
    const anyRef = t.fields.some((f) => !isNull(f.type) && this.holdsReference(f.type));
    const anyBits = t.fields.some((f) => !isNull(f.type) && !this.holdsReference(f.type));
    this.out.push(
      `export class ${name} {`,
      `  private constructor(`,
      `    readonly tag: ${name}Tag,`,
      ...(anyRef ? ['    private readonly ref: Object | null = null,'] : []),
      ...(anyBits ? ['    private readonly bits: u64 = 0,'] : []),
      '  ) {}',
    );
    for (const f of t.fields) {
      const c = caseName(f);
      const type = this.asType(f.type);
      if (isNull(f.type) && (resolved(f.type) as { prim: Prim }).prim !== 'empty') {
        this.out.push('', `  static ${c}(): ${name} { return new ${name}(${name}Tag.${c}); }`);
        continue;
      }
      const ref = this.holdsReference(f.type);
      const store = isNull(f.type) ? '' : ref ? `, value` : `${anyRef ? ', null' : ''}, ${this.toBits(f.type, 'value')}`;
      this.out.push('', `  static ${c}(value: ${type}): ${name} { return new ${name}(${name}Tag.${c}${store}); }`);
      if (isNull(f.type)) continue;
      const get = ref ? `changetype<${type}>(this.ref)` : this.fromBits(f.type, 'this.bits');
      this.out.push(
        `  /** The content of ${f.label}; traps if this is another case. */`,
        `  get as_${c}(): ${type} {`,
        `    if (this.tag != ${name}Tag.${c}) wrongCase();`,
        `    return ${get};`,
        '  }',
      );
    }
    this.out.push('}', '');
  }

  private holdsReference(type: Type): boolean {
    return this.isReference(type) || (resolved(type).kind === 'opt');
  }

  private toBits(type: Type, v: string): string {
    const t = this.asType(type);
    if (t === 'f64') return `reinterpret<u64>(${v})`;
    if (t === 'f32') return `<u64>reinterpret<u32>(${v})`;
    return `<u64>${v}`;
  }

  private fromBits(type: Type, v: string): string {
    const t = this.asType(type);
    if (t === 'f64') return `reinterpret<f64>(${v})`;
    if (t === 'f32') return `reinterpret<f32>(<u32>${v})`;
    if (t === 'bool') return `${v} != 0`;
    return `<${t}>${v}`;
  }

  /** `memory.data<u8>([…]), size`: two arguments that name a header. */
  header(types: Type[]): string {
    const bytes = header(types);
    return `memory.data<u8>([${[...bytes].join(', ')}]), ${bytes.length}`;
  }

  /** The whole types.ts; call after every `read`/`write` that other files need. */
  file(root: string): string {
    for (const t of this.names.wrapped) {
      const w = t as Exclude<Type, { kind: 'rec' }>;
      this.out.push(`export class ${this.nameOf(t)} {`, `  constructor(public value: ${this.bareType(w)}) {}`, '}', '');
    }
    for (const t of this.names.defined) this.emitClass(t);
    const aliases = new Set<string>();
    for (const [name, type] of this.did.named) {
      const t = resolved(type);
      const own = this.names.nameOf.get(t);
      const wish = name.replace(/^./, (c) => c.toUpperCase());
      if (own === wish || TAKEN.has(wish) || aliases.has(wish) || this.exported().includes(wish)) continue;
      aliases.add(wish);
      this.out.push(`export type ${identifier(wish)} = ${this.asType(type)};`, '');
    }
    for (const t of [...this.names.defined, ...this.names.wrapped]) {
      const name = this.nameOf(t);
      const read = this.read(t);
      const write = this.write(t, 'value');
      if (!this.encodable(t)) continue;
      this.out.push(
        `/** A ${name} as a whole Candid message. */`,
        `export function encode${name}(value: ${name}): Uint8Array {`,
        `  writer.begin(${this.header([t])});`,
        `  ${write}`,
        '  return writer.toBytes();',
        '}',
        '',
        `/** Reads a Candid message of any subtype of ${name}; traps if it is none. */`,
        `export function decode${name}(bytes: Uint8Array): ${name} {`,
        `  openBytes(bytes, ${this.header([t])});`,
        `  const value = ${read};`,
        '  reader.close();',
        '  return value;',
        '}',
        '',
      );
    }
    return [
      ...kitImports(root, this.out),
      '',
      ...this.out,
    ].join('\n');
  }

  /** @dfinity/candid cannot build tables for a few degenerate types; those get no codec of their own. */
  private encodable(t: Type): boolean {
    try {
      header([t]);
      return true;
    } catch {
      return false;
    }
  }

  /** Names that other generated files import from types.ts. */
  exported(): string[] {
    return [
      ...[...this.names.wrapped].map((t) => this.nameOf(t)),
      ...this.names.defined.map((t) => this.nameOf(t)),
      ...[...this.helpers.values()].flatMap((n) => [`read_${n}`, `write_${n}`]),
    ];
  }
}

/** A variant's case as an identifier. */
export function caseName(f: Field): string { return f.label === 'readonly' ? 'readonly_' : propertyName(f.label); }
