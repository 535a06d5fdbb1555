/**
 * CBOR as the public interface uses it.
 *
 * Output: text keys in the order given, definite lengths, byte strings for blobs, self-describing tag 55799 on request.
 * Input: definite or indefinite arrays and maps, with or without the tag; every map becomes an object without prototype,
 * integers become numbers up to 2^53 and bigints beyond. Duplicate keys, other tags, trailing bytes, invalid UTF-8 and
 * nesting beyond `maxDepth` are refused, the last before any recursion, so hostile bytes cannot exhaust the stack.
 * Source: Interface Spec, "HTTPS interface"; RFC 8949.
 */
import { decode, encode, Token, Tokenizer, Type } from 'cborg';
import { utf8Decode } from './bytes.ts';

export const SELF_DESCRIBE_TAG = 55799;
const TAG_BYTES = Uint8Array.of(0xd9, 0xd9, 0xf7);

export type CborValue =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly CborValue[]
  | { readonly [key: string]: CborValue };

/** The one error of this module; the message says what is wrong with the bytes. */
export class CborError extends Error {}

/** Enough for a hash tree over 2^64 siblings at a few levels; far below V8's stack. */
export const DEFAULT_MAX_DEPTH = 512;

/** Counts open containers while cborg asks for tokens, and refuses the next one beyond the limit. */
class BoundedTokenizer {
  readonly #inner: Tokenizer;
  readonly #maxDepth: number;
  /** Items still missing in each open container; a map counts two for each entry, Infinity until a break. */
  readonly #open: number[] = [];

  constructor(data: Uint8Array, options: object, maxDepth: number) {
    this.#inner = new Tokenizer(data, options);
    this.#maxDepth = maxDepth;
  }

  done(): boolean {
    return this.#inner.done();
  }

  pos(): number {
    return this.#inner.pos();
  }

  next(): Token {
    const token = this.#inner.next();
    const open = this.#open;
    while (open.length > 0 && open[open.length - 1] === 0) open.pop();
    const type = token.type;
    if (type === Type.break) {
      open.pop();
      return token;
    }
    if (open.length > 0) open[open.length - 1]! -= 1;
    if (type === Type.array || type === Type.map || type === Type.tag) {
      if (open.length >= this.#maxDepth) throw new CborError(`nested deeper than ${this.#maxDepth}`);
      const items = type === Type.tag ? 1 : (token.value as number) * (type === Type.map ? 2 : 1);
      open.push(items);
    } else if (type === Type.string) {
      // cborg replaces bad sequences silently; two different byte strings must not read as one text.
      const raw = (token as { byteValue?: Uint8Array }).byteValue;
      if (raw !== undefined && utf8Decode(raw) === undefined) throw new CborError('text is not UTF-8');
    }
    return token;
  }
}

/** cborg's own defaults do not reach a tokenizer that is made by hand, so all are said. */
const STRICT = {
  strict: false,
  allowIndefinite: true,
  allowUndefined: true,
  allowBigInt: true,
  rejectDuplicateMapKeys: true,
  retainStringBytes: true,
};

export interface DecodeLimits {
  /** Levels of arrays, maps and tags. */
  readonly maxDepth?: number;
}

/** The whole input is one value. Byte strings are copies, never views of the input. */
export function decodeCbor(bytes: Uint8Array, limits: DecodeLimits = {}): CborValue {
  const maxDepth = limits.maxDepth ?? DEFAULT_MAX_DEPTH;
  const options = {
    ...STRICT,
    tags: {
      [SELF_DESCRIBE_TAG]: (content: () => unknown) => content(),
      2: (content: () => unknown) => bignum(content()),
    },
  };
  try {
    // A plain view: cborg slices it, and a Buffer's slice would share memory with the input.
    const data = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    return decode(data, { ...options, tokenizer: new BoundedTokenizer(data, options, maxDepth) }) as CborValue;
  } catch (error) {
    if (error instanceof CborError) throw error;
    throw new CborError(error instanceof Error ? error.message : String(error));
  }
}

/** A map with integer keys (COSE keys): labels to values. Same limits; throws CborError on anything else. */
export function decodeIntegerKeyedMap(bytes: Uint8Array): ReadonlyMap<number, CborValue> {
  const options = { ...STRICT, useMaps: true };
  let value: unknown;
  try {
    const data = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    value = decode(data, { ...options, tokenizer: new BoundedTokenizer(data, options, DEFAULT_MAX_DEPTH) });
  } catch (error) {
    throw error instanceof CborError ? error : new CborError(error instanceof Error ? error.message : String(error));
  }
  if (!(value instanceof Map)) throw new CborError('not a map');
  for (const key of value.keys()) if (typeof key !== 'number') throw new CborError('a key is not an integer');
  return value as Map<number, CborValue>;
}

/** Tag 2: unsigned integers beyond 64 bits; 64 bytes is more than any field of the interface can hold. */
function bignum(content: unknown): bigint {
  if (!(content instanceof Uint8Array) || content.length > 64) throw new CborError('bad bignum');
  let value = 0n;
  for (const byte of content) value = (value << 8n) | BigInt(byte);
  return value;
}

/** Keys keep their order: clients hash by name, and a stable order makes golden bytes readable. */
const keepOrder = { mapSorter: () => 0, ignoreUndefinedProperties: true };

/** Undefined fields are left out. */
export function encodeCbor(value: CborValue): Uint8Array {
  return encode(value, keepOrder);
}

/** With the self-describing tag in front, as all responses and certificates have it. */
export function encodeTagged(value: CborValue): Uint8Array {
  const body = encode(value, keepOrder);
  const out = new Uint8Array(TAG_BYTES.length + body.length);
  out.set(TAG_BYTES);
  out.set(body, TAG_BYTES.length);
  return out;
}

/** A value as a map, or undefined if it is something else. */
export function asMap(value: CborValue): { readonly [key: string]: CborValue } | undefined {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array || Array.isArray(value)) return undefined;
  return value as { readonly [key: string]: CborValue };
}

/** A natural number however it was encoded, or undefined. */
export function asNat(value: CborValue): bigint | undefined {
  if (typeof value === 'bigint') return value >= 0n ? value : undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  return undefined;
}
