// Unsigned LEB128 into bytes, as representation-independent hashes use it.

/** 1 … 10 bytes. */
export function leb128(value: u64): Uint8Array {
  let len = 1;
  for (let v = value >> 7; v != 0; v >>= 7) len++;
  const out = new Uint8Array(len);
  for (let i = 0; i < len; i++) {
    out[i] = (<u8>value & 0x7f) | (i + 1 < len ? 0x80 : 0);
    value >>= 7;
  }
  return out;
}
