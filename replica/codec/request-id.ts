/**
 * Representation-independent hashing: the same id however a map was encoded.
 * Source: Interface Spec, "Representation-independent hashing of structured data" and "Request ids".
 */
import { compareBytes, concatBytes, utf8 } from './bytes.ts';
import type { CborValue } from './cbor.ts';
import { encodeSleb128, encodeUleb128 } from './leb128.ts';
import { sha256, sha256Of } from './sha256.ts';

/** Thrown for values that have no hash: null, booleans, floats. */
export class UnhashableError extends Error {}

/** Field names repeat in every request; hashing each once saves a third of the work. Bounded: only names seen in code. */
const KNOWN_NAMES = new Map<string, Uint8Array>(
  [
    ...['request_type', 'sender', 'ingress_expiry', 'nonce', 'canister_id', 'method_name', 'arg', 'paths', 'sender_info'],
    ...['info', 'signer', 'sig', 'pubkey', 'expiration', 'targets', 'permissions'],
    ...['status', 'reply', 'timestamp', 'request_id', 'reject_code', 'reject_message', 'error_code'],
  ].map((name) => [name, sha256(utf8(name))]),
);

function hashName(name: string): Uint8Array {
  return KNOWN_NAMES.get(name) ?? sha256(utf8(name));
}

/** More arguments than this may not fit the stack. */
const MAX_ARGUMENTS = 1000;

function hashOfParts(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length > MAX_ARGUMENTS ? sha256(Buffer.concat(parts)) : sha256Of(...parts);
}

export function hashValue(value: CborValue): Uint8Array {
  if (value instanceof Uint8Array) return sha256(value);
  switch (typeof value) {
    case 'string':
      return sha256(utf8(value));
    case 'bigint':
      return sha256(value >= 0n ? encodeUleb128(value) : encodeSleb128(value));
    case 'number':
      if (!Number.isSafeInteger(value)) throw new UnhashableError('only integers have a representation-independent hash');
      return sha256(value >= 0 ? encodeUleb128(value) : encodeSleb128(value));
    case 'object':
      if (value === null) break;
      if (Array.isArray(value)) return hashOfParts((value as readonly CborValue[]).map(hashValue));
      return hashOfMap(value as { readonly [key: string]: CborValue });
    default:
  }
  throw new UnhashableError('null, booleans and undefined have no representation-independent hash');
}

/** Undefined fields count as absent. 32 bytes. */
export function hashOfMap(map: { readonly [key: string]: CborValue }): Uint8Array {
  return hashOfPairs(Object.entries(map));
}

/** The same for a list in which a name may occur several times, as HTTP headers do. */
export function hashOfPairs(pairs: readonly (readonly [string, CborValue])[]): Uint8Array {
  const fields: [name: Uint8Array, value: Uint8Array][] = [];
  for (const [name, value] of pairs) {
    if (value !== undefined) fields.push([hashName(name), hashValue(value)]);
  }
  fields.sort((a, b) => compareBytes(a[0], b[0]) || compareBytes(a[1], b[1]));
  return hashOfParts(fields.flat());
}

/** The bytes that a key signs: length byte, tag, payload. */
export function domainSeparated(separator: string, payload: Uint8Array): Uint8Array {
  const tag = utf8(separator);
  return concatBytes(Uint8Array.of(tag.length), tag, payload);
}
