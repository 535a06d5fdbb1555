/**
 * The Candid header (type table and argument types) of a list of types, byte for byte as
 * @dfinity/candid 3.x writes it, so that messages from our clients meet the decoders' fast path.
 * Any other table for the same types is decoded too, by way of the coercion.
 */
import { IDL } from '@dfinity/candid';
import { BuildError } from '../builder/errors.ts';
import type { Type } from './did.ts';
import { resolved } from './did.ts';

const idlOf = new Map<Type, IDL.Type>();

const PRIMS = {
  null: IDL.Null, bool: IDL.Bool, nat: IDL.Nat, int: IDL.Int, nat8: IDL.Nat8, nat16: IDL.Nat16, nat32: IDL.Nat32,
  nat64: IDL.Nat64, int8: IDL.Int8, int16: IDL.Int16, int32: IDL.Int32, int64: IDL.Int64, float32: IDL.Float32,
  float64: IDL.Float64, text: IDL.Text, reserved: IDL.Reserved, empty: IDL.Empty, principal: IDL.Principal,
} as const;

/** The same type in @dfinity/candid. */
export function toIdl(type: Type): IDL.Type {
  const known = idlOf.get(type);
  if (known !== undefined) return known;
  if (type.kind === 'rec') {
    const rec = IDL.Rec();
    idlOf.set(type, rec);
    rec.fill(toIdl(resolved(type)) as IDL.ConstructType);
    return rec;
  }
  const made = makeIdl(type);
  idlOf.set(type, made);
  return made;
}

function makeIdl(type: Exclude<Type, { kind: 'rec' }>): IDL.Type {
  switch (type.kind) {
    case 'prim': return PRIMS[type.prim];
    case 'opt': return IDL.Opt(toIdl(type.of));
    case 'vec': return IDL.Vec(toIdl(type.of));
    case 'record':
      if (type.tuple) return IDL.Tuple(...type.fields.map((f) => toIdl(f.type)));
      return IDL.Record(Object.fromEntries(type.fields.map((f) => [f.label, toIdl(f.type)])));
    case 'variant': return IDL.Variant(Object.fromEntries(type.fields.map((f) => [f.label, toIdl(f.type)])));
    case 'func': return IDL.Func(type.args.map(toIdl) as [IDL.Type], type.results.map(toIdl) as [IDL.Type], type.modes);
    case 'service':
      return IDL.Service(Object.fromEntries([...type.methods].map(([name, func]) => [name, toIdl(resolved(func)) as IDL.FuncClass])));
  }
}

/** Structure of @dfinity/candid's inner table, rebuilt because the class is not exported. */
class Table {
  private readonly entries: Uint8Array[] = [];
  private readonly index = new Map<string, number>();
  private readonly uses = new Map<number, number>();

  has(type: { name: string }): boolean { return this.index.has(type.name); }

  add(type: { name: string }, bytes: Uint8Array): void {
    const i = this.entries.length;
    this.index.set(type.name, i);
    this.uses.set(i, 1);
    this.entries.push(bytes);
  }

  /** Ties a recursion knot: both names mean the placeholder's entry from now on. */
  merge(placeholder: { name: string }, target: string): void {
    const i = this.index.get(placeholder.name);
    const j = this.index.get(target);
    if (i === undefined || j === undefined) throw new Error('recursive type was never added');
    const bytes = this.entries[j];
    if (bytes === undefined) throw new Error('recursive type was dropped');
    this.entries[i] = bytes;
    this.uses.set(i, (this.uses.get(i) ?? 0) + (this.uses.get(j) ?? 0));
    this.index.set(target, i);
    this.uses.set(j, 0);
    while (this.entries.length > 0 && (this.uses.get(this.entries.length - 1) ?? 0) === 0) {
      this.entries.pop();
      this.uses.delete(this.entries.length);
    }
  }

  encode(): number[] { return [...leb(this.entries.length), ...this.entries.flatMap((e) => [...e])]; }

  indexOf(name: string): Uint8Array {
    const i = this.index.get(name);
    if (i === undefined) throw new Error(`type ${name} is not in the table`);
    return Uint8Array.from(sleb(i));
  }
}

function leb(n: number): number[] {
  const out: number[] = [];
  while (n >= 0x80) {
    out.push((n & 0x7f) | 0x80);
    n >>>= 7;
  }
  out.push(n);
  return out;
}

function sleb(n: number): number[] {
  const out: number[] = [];
  for (;;) {
    const byte = n & 0x7f;
    n >>= 7;
    if ((n === 0 && (byte & 0x40) === 0) || (n === -1 && (byte & 0x40) !== 0)) {
      out.push(byte);
      return out;
    }
    out.push(byte | 0x80);
  }
}

/** "DIDL", the type table, the argument types. */
export function header(types: Type[]): Uint8Array {
  const idl = types.map(toIdl);
  const table = new Table();
  try {
    for (const t of idl) t.buildTypeTable(table as never);
  } catch (error) {
    // The library tells types apart by their definitions written out, which may double at each level.
    if (error instanceof RangeError) throw new BuildError('the types of the .did contain one another too often for @dfinity/candid');
    throw error;
  }
  const args = idl.flatMap((t) => [...t.encodeType(table as never)]);
  return Uint8Array.from([0x44, 0x49, 0x44, 0x4c, ...table.encode(), ...leb(idl.length), ...args]);
}
