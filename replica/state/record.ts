/**
 * Compact binary records for what the replica stores and for what it hashes.
 *
 * Always: one value has one encoding. Integers are unsigned LEB128, bytes and texts carry their length.
 * Reading is strict: a record cut short, an integer out of range, or trailing bytes throw {@link RecordError};
 * stored bytes are our own, so that is a damaged store and not a caller's mistake.
 */
import { Principal } from '../types/principal.ts';

export class RecordError extends Error {
  override readonly name = 'RecordError';
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });
/** Longest integer accepted: 2^128 - 1 has 19 LEB128 bytes; the state holds nothing larger. */
const MAX_INTEGER_BYTES = 20;

export class RecordWriter {
  #buffer = new Uint8Array(256);
  #length = 0;

  #room(bytes: number): number {
    const at = this.#length;
    if (at + bytes > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(at + bytes, this.#buffer.length * 2));
      larger.set(this.#buffer.subarray(0, at));
      this.#buffer = larger;
    }
    this.#length = at + bytes;
    return at;
  }

  byte(value: number): void {
    const at = this.#room(1);
    this.#buffer[at] = value;
  }

  bool(value: boolean): void {
    this.byte(value ? 1 : 0);
  }

  /** A non-negative safe integer. */
  uint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not an unsigned integer: ${value}`);
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  big(value: bigint): void {
    if (value < 0n) throw new RangeError(`not an unsigned integer: ${value}`);
    let rest = value;
    while (rest > 0xffff_ffffn) {
      this.byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.uint(Number(rest));
  }

  bytes(value: Uint8Array): void {
    this.uint(value.length);
    const at = this.#room(value.length);
    this.#buffer.set(value, at);
  }

  text(value: string): void {
    this.bytes(encoder.encode(value));
  }

  principal(value: Principal): void {
    this.bytes(value.bytes);
  }

  list<T>(items: Iterable<T>, write: (item: T) => void): void {
    const all = [...items];
    this.uint(all.length);
    for (const item of all) write(item);
  }

  optional<T>(value: T | undefined, write: (value: T) => void): void {
    this.bool(value !== undefined);
    if (value !== undefined) write(value);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }
}

export class RecordReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new RecordError('record is cut short');
    this.#at++;
    return value;
  }

  bool(): boolean {
    const value = this.byte();
    if (value > 1) throw new RecordError(`not a boolean: ${value}`);
    return value === 1;
  }

  uint(): number {
    const value = this.big();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RecordError(`integer too large: ${value}`);
    return Number(value);
  }

  big(): bigint {
    // Fast path: nearly all integers here fit four groups of seven bits.
    let small = 0;
    for (let index = 0; index < 4; index++) {
      const byte = this.byte();
      small += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) {
        if (byte === 0 && index > 0) throw new RecordError('integer is not in its shortest form');
        return BigInt(small);
      }
    }
    let value = BigInt(small);
    for (let index = 4; index < MAX_INTEGER_BYTES; index++) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < 0x80) {
        if (byte === 0) throw new RecordError('integer is not in its shortest form');
        return value;
      }
    }
    throw new RecordError('integer too long');
  }

  /** A copy. */
  bytes(): Uint8Array {
    const length = this.uint();
    if (this.#at + length > this.#bytes.length) throw new RecordError('record is cut short');
    const value = this.#bytes.slice(this.#at, this.#at + length);
    this.#at += length;
    return value;
  }

  text(): string {
    return decoder.decode(this.bytes());
  }

  principal(): Principal {
    const principal = Principal.tryFromBytes(this.bytes());
    if (principal === undefined) throw new RecordError('principal too long');
    return principal;
  }

  list<T>(read: () => T): T[] {
    const length = this.uint();
    if (length > this.#bytes.length - this.#at) throw new RecordError('list longer than its record');
    const items: T[] = [];
    for (let index = 0; index < length; index++) items.push(read());
    return items;
  }

  optional<T>(read: () => T): T | undefined {
    return this.bool() ? read() : undefined;
  }

  /** One of a closed list of names, written as its index. */
  oneOf<const T extends readonly unknown[]>(names: T): T[number] {
    const index = this.byte();
    if (index >= names.length) throw new RecordError(`unknown tag ${index}`);
    return names[index];
  }

  finish(): void {
    if (this.#at !== this.#bytes.length) throw new RecordError('bytes after the end of a record');
  }
}

/** Writes the index of `value` in the closed list `names`; see {@link RecordReader.oneOf}. */
export function writeOneOf<T>(writer: RecordWriter, names: readonly T[], value: T): void {
  const index = names.indexOf(value);
  if (index < 0) throw new Error(`${String(value)} is not in the list`);
  writer.byte(index);
}
