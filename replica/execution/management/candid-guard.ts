/**
 * One linear walk over a Candid message before the Candid library sees it: it bounds the work, and
 * takes large blobs out of the way.
 *
 * The library decodes what it is told and trusts lengths: `vec null` with 2^60
 * elements, a million nested `opt`, a LEB128 number of a megabyte, all of them a
 * few bytes long, would occupy the subnet for hours. Every management call comes
 * from an untrusted sender, so the walk bounds the work first.
 *
 * The library also copies the rest of the message for every number it reads, which with a module
 * of two megabytes inside costs more than installing it. So blobs above a small size are lifted out
 * and replaced by markers, which `candid-codec.ts` turns back into the blobs after decoding.
 *
 * Always: terminates after at most MAX_STEPS steps; never throws; a message it accepts is decoded
 * by the library in time proportional to its length.
 * Never: judges types. A wrong type is the library's to report.
 *
 * Source: Candid specification, "Binary format".
 */

import { concatBytes } from '../../codec/bytes.ts';

/** Entries of the type table plus all their fields. The largest official client message has < 150. */
const MAX_TYPE_TABLE_ITEMS = 4_000;
/** Arguments. Management methods take one; more are legal and skipped. */
const MAX_ARGUMENTS = 16;
/** Nesting of values. Our deepest type nests 6; spare room for unknown fields. */
const MAX_DEPTH = 64;
/** Bytes of one LEB128 number: 2^128 needs 19. Unknown fields may be larger, not absurdly so. */
const MAX_LEB_BYTES = 64;
/** Values visited. `chunk_hashes_list` of 100 and 20 environment variables need < 1 000. */
const MAX_STEPS = 100_000;

const OPT = -18;
const VEC = -19;
const RECORD = -20;
const VARIANT = -21;
const FUNC = -22;
const SERVICE = -23;
const PRINCIPAL = -24;
const NAT8 = -5;

type TypeEntry =
  | { readonly kind: 'opt' | 'vec'; readonly inner: number }
  | { readonly kind: 'record' | 'variant'; readonly fields: readonly number[] }
  | { readonly kind: 'func' | 'service' };

class Malformed extends Error {}

class Reader {
  position = 0;
  readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  byte(): number {
    const value = this.bytes[this.position];
    if (value === undefined) throw new Malformed('unexpected end of message');
    this.position += 1;
    return value;
  }

  skip(count: number): void {
    if (count > this.bytes.length - this.position) throw new Malformed('unexpected end of message');
    this.position += count;
  }

  skipLeb(): void {
    for (let length = 1; ; length += 1) {
      if (length > MAX_LEB_BYTES) throw new Malformed('number too long');
      if ((this.byte() & 0x80) === 0) return;
    }
  }

  /** An unsigned number used as a length or index. More than 2^48 cannot be either. */
  leb(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if ((byte & 0x80) === 0) return value;
      scale *= 128;
      if (scale > 2 ** 48) throw new Malformed('length too large');
    }
  }

  /** A type reference: an index into the table, or a negative opcode. */
  typeRef(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if ((byte & 0x80) === 0) return (byte & 0x40) === 0 ? value : value - scale;
      if (scale > 2 ** 40) throw new Malformed('type reference too large');
    }
  }
}

/** Bytes of a value of a fixed-size primitive type, or undefined for the others. */
function fixedSize(type: number): number | undefined {
  switch (type) {
    case -1: // null
    case -16: // reserved
      return 0;
    case -2: // bool
    case -5: // nat8
    case -9: // int8
      return 1;
    case -6:
    case -10:
      return 2;
    case -7:
    case -11:
    case -13:
      return 4;
    case -8:
    case -12:
    case -14:
      return 8;
    default:
      return undefined;
  }
}

function readTable(reader: Reader): TypeEntry[] {
  let items = 0;
  const spend = (count: number): number => {
    items += count;
    if (items > MAX_TYPE_TABLE_ITEMS) throw new Malformed('type table too large');
    return count;
  };
  const table: TypeEntry[] = [];
  const length = spend(reader.leb());
  for (let index = 0; index < length; index += 1) {
    const opcode = reader.typeRef();
    if (opcode === OPT || opcode === VEC) {
      table.push({ kind: opcode === OPT ? 'opt' : 'vec', inner: reader.typeRef() });
    } else if (opcode === RECORD || opcode === VARIANT) {
      const count = spend(reader.leb());
      const fields: number[] = [];
      for (let field = 0; field < count; field += 1) {
        reader.leb();
        fields.push(reader.typeRef());
      }
      table.push({ kind: opcode === RECORD ? 'record' : 'variant', fields });
    } else if (opcode === FUNC) {
      for (let list = 0; list < 2; list += 1) {
        const count = spend(reader.leb());
        for (let item = 0; item < count; item += 1) reader.typeRef();
      }
      reader.skip(spend(reader.leb()));
      table.push({ kind: 'func' });
    } else if (opcode === SERVICE) {
      const count = spend(reader.leb());
      for (let method = 0; method < count; method += 1) {
        reader.skip(reader.leb());
        reader.typeRef();
      }
      table.push({ kind: 'service' });
    } else {
      throw new Malformed(`unknown type constructor ${opcode}`);
    }
  }
  return table;
}

/** Blobs longer than this are lifted; a marker has one byte more, so no blob left in place looks like one. */
const MAX_INLINE_BLOB_BYTES = 64;
export const MARKER_BYTES = MAX_INLINE_BLOB_BYTES + 1;

interface Blob {
  /** Of the length in front of the content. */
  readonly lengthAt: number;
  readonly start: number;
  readonly end: number;
}

function walk(
  reader: Reader,
  table: readonly TypeEntry[],
  argumentTypes: readonly number[],
  blobs: Blob[],
): void {
  let steps = 0;

  const principal = (): void => {
    if (reader.byte() !== 1) throw new Malformed('opaque reference');
    const length = reader.leb();
    if (length > 29) throw new Malformed('principal longer than 29 bytes');
    reader.skip(length);
  };

  const value = (type: number, depth: number): void => {
    steps += 1;
    if (steps > MAX_STEPS) throw new Malformed('too many values');
    if (depth > MAX_DEPTH) throw new Malformed('nested too deeply');
    if (type < 0) {
      const size = fixedSize(type);
      if (size !== undefined) return reader.skip(size);
      if (type === -3 || type === -4) return reader.skipLeb();
      if (type === -15) return reader.skip(reader.leb());
      if (type === PRINCIPAL) return principal();
      throw new Malformed('value of an uninhabited or unknown type');
    }
    const entry = table[type];
    if (entry === undefined) throw new Malformed('type reference out of range');
    switch (entry.kind) {
      case 'opt':
        if (reader.byte() !== 0) value(entry.inner, depth + 1);
        return;
      case 'vec': {
        const lengthAt = reader.position;
        const count = reader.leb();
        const size = fixedSize(entry.inner);
        if (size !== undefined && size > 0) {
          const start = reader.position;
          reader.skip(count * size);
          if (entry.inner === NAT8) {
            if (count > MAX_INLINE_BLOB_BYTES) blobs.push({ lengthAt, start, end: reader.position });
            return;
          }
          // Only blobs are decoded in one piece; other elements are values each.
          steps += count;
          if (steps > MAX_STEPS) throw new Malformed('too many values');
          return;
        }
        for (let index = 0; index < count; index += 1) value(entry.inner, depth + 1);
        return;
      }
      case 'record':
        for (const field of entry.fields) value(field, depth + 1);
        return;
      case 'variant': {
        const field = entry.fields[reader.leb()];
        if (field === undefined) throw new Malformed('variant index out of range');
        return value(field, depth + 1);
      }
      case 'func':
        if (reader.byte() !== 1) throw new Malformed('opaque reference');
        principal();
        return reader.skip(reader.leb());
      case 'service':
        return principal();
    }
  };

  for (const type of argumentTypes) value(type, 0);
}

export interface GuardedMessage {
  /** A Candid message of its own buffer, with markers in place of large blobs. */
  readonly message: Uint8Array;
  /** The blobs, by the number in the first four bytes (little endian) of their markers. Copies. */
  readonly blobs: readonly Uint8Array[];
}

function withoutBlobs(bytes: Uint8Array, blobs: readonly Blob[]): GuardedMessage {
  const parts: Uint8Array[] = [];
  let copied = 0;
  for (const [index, { lengthAt, end }] of blobs.entries()) {
    const marker = new Uint8Array(1 + MARKER_BYTES);
    marker[0] = MARKER_BYTES;
    new DataView(marker.buffer).setUint32(1, index, true);
    parts.push(bytes.subarray(copied, lengthAt), marker);
    copied = end;
  }
  parts.push(bytes.subarray(copied));
  return {
    message: concatBytes(...parts),
    blobs: blobs.map(({ start, end }) => new Uint8Array(bytes.subarray(start, end))),
  };
}

/**
 * Checks that `bytes` is a complete Candid message that can be decoded in bounded work, and gives it
 * in the form to decode; or says what is wrong with it.
 */
export function guardCandid(bytes: Uint8Array): GuardedMessage | { readonly fault: string } {
  try {
    const reader = new Reader(bytes);
    for (const expected of [0x44, 0x49, 0x44, 0x4c]) {
      if (reader.byte() !== expected) throw new Malformed('does not start with DIDL');
    }
    const table = readTable(reader);
    const count = reader.leb();
    if (count > MAX_ARGUMENTS) throw new Malformed('too many arguments');
    const types = Array.from({ length: count }, () => reader.typeRef());
    const blobs: Blob[] = [];
    walk(reader, table, types, blobs);
    if (reader.position !== bytes.length) return { fault: 'bytes left over after the last value' };
    return withoutBlobs(bytes, blobs);
  } catch (error) {
    if (error instanceof Malformed) return { fault: error.message };
    throw error;
  }
}
