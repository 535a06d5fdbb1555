/**
 * Reading requests: each function takes what the JSON parser gave and returns a checked value,
 * or throws BadRequest with a text that names the field.
 */
import { Principal } from '../types/principal.ts';
import type { JsonValue } from './json.ts';

/** The client's mistake; becomes a 400 with `{message}`. */
export class BadRequest extends Error {
  readonly status: number;
  constructor(message: string, status = 400) {
    super(message);
    this.name = 'BadRequest';
    this.status = status;
  }
}

export type JsonObject = { readonly [key: string]: JsonValue | undefined };

export function object(value: JsonValue | undefined, name: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new BadRequest(`${name} must be an object`);
}

export function text(value: JsonValue | undefined, name: string): string {
  if (typeof value === 'string') return value;
  throw new BadRequest(`${name} must be a string`);
}

export function list(value: JsonValue | undefined, name: string): readonly JsonValue[] {
  if (Array.isArray(value)) return value;
  throw new BadRequest(`${name} must be an array`);
}

/** A non-negative integer below 2^bits. */
export function natural(value: JsonValue | undefined, name: string, bits = 64): bigint {
  if ((typeof value === 'number' && Number.isSafeInteger(value)) || typeof value === 'bigint') {
    const result = BigInt(value);
    if (result >= 0n && result < 1n << BigInt(bits)) return result;
  }
  throw new BadRequest(`${name} must be an integer of at most ${bits} bits`);
}

export function bytes(value: JsonValue | undefined, name: string): Uint8Array {
  const encoded = text(value, name);
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) throw new BadRequest(`${name} must be base64`);
  return new Uint8Array(Buffer.from(encoded, 'base64'));
}

export function principal(value: JsonValue | undefined, name: string): Principal {
  const result = Principal.tryFromBytes(bytes(value, name));
  if (result === undefined) throw new BadRequest(`${name} must be a principal of at most 29 bytes`);
  return result;
}

export function base64(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64');
}
