// Hexadecimal, lower case when written.

// @ts-ignore: decorator
@inline function digit(value: u32): u8 {
  return <u8>(value < 10 ? 48 + value : 87 + value);
}

export function toHex(data: Uint8Array): string {
  const n = data.length;
  const out = new ArrayBuffer(2 * n);
  const at = changetype<usize>(out);
  for (let i = 0; i < n; i++) {
    const byte = <u32>data[i];
    store<u8>(at + 2 * i, digit(byte >> 4));
    store<u8>(at + 2 * i + 1, digit(byte & 15));
  }
  return String.UTF8.decode(out);
}

/** 0 … 15, or -1. */
function valueOf(c: i32): i32 {
  if (c >= 48 && c <= 57) return c - 48;
  if (c >= 97 && c <= 102) return c - 87;
  if (c >= 65 && c <= 70) return c - 55;
  return -1;
}

/** Null for an odd length or a character that is no digit. */
export function fromHex(text: string): Uint8Array | null {
  const n = text.length;
  if (n & 1) return null;
  const out = new Uint8Array(n >> 1);
  for (let i = 0; i < n; i += 2) {
    const high = valueOf(text.charCodeAt(i));
    const low = valueOf(text.charCodeAt(i + 1));
    if (high < 0 || low < 0) return null;
    out[i >> 1] = <u8>((high << 4) | low);
  }
  return out;
}
