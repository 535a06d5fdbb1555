/**
 * LEB128, unsigned and signed, of any size, shortest form on output.
 * Source: Interface Spec, "Hash trees" (leaf values) and "Representation-independent hashing".
 */

/** Thrown for input that is cut short, too long, or negative where it must not be. */
export class Leb128Error extends Error {}

export function encodeUleb128(value: bigint | number): Uint8Array {
  let v = BigInt(value);
  if (v < 0n) throw new Leb128Error('unsigned LEB128 of a negative number');
  const out: number[] = [];
  while (v >= 0x80n) {
    out.push(Number(v & 0x7fn) | 0x80);
    v >>= 7n;
  }
  out.push(Number(v));
  return Uint8Array.from(out);
}

export function encodeSleb128(value: bigint | number): Uint8Array {
  let v = BigInt(value);
  const out: number[] = [];
  for (;;) {
    const byte = Number(v & 0x7fn);
    v >>= 7n;
    if ((v === 0n && (byte & 0x40) === 0) || (v === -1n && (byte & 0x40) !== 0)) {
      out.push(byte);
      return Uint8Array.from(out);
    }
    out.push(byte | 0x80);
  }
}

/**
 * Decodes one number at `offset`; `next` is the offset behind it. At most `maxBytes` bytes are read, so that a hostile
 * run of continuation bytes costs nothing (19 bytes hold a u128).
 */
export function decodeUleb128(bytes: Uint8Array, offset = 0, maxBytes = 19): { value: bigint; next: number } {
  let value = 0n;
  let shift = 0n;
  for (let i = offset; i < bytes.length && i - offset < maxBytes; i++) {
    const byte = bytes[i]!;
    value |= BigInt(byte & 0x7f) << shift;
    if ((byte & 0x80) === 0) return { value, next: i + 1 };
    shift += 7n;
  }
  throw new Leb128Error('LEB128 number is cut short or too long');
}
