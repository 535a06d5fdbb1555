// Base32 of RFC 4648 in lower case and without padding, as principals are written.

/** Lower-case letters and 2…7, no padding. */
export function toBase32(data: Uint8Array): string {
  const n = data.length;
  const chars = (n * 8 + 4) / 5;
  const out = new ArrayBuffer(chars);
  let at = changetype<usize>(out);
  let bits: u32 = 0;
  let held: u32 = 0;
  for (let i = 0; i < n; i++) {
    held = (held << 8) | data[i];
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      store<u8>(at++, letter((held >> bits) & 31));
    }
  }
  if (bits > 0) store<u8>(at, letter((held << (5 - bits)) & 31));
  return String.UTF8.decode(out);
}

// @ts-ignore: decorator
@inline function letter(value: u32): u8 {
  return <u8>(value < 26 ? 97 + value : 24 + value);
}

/** The bytes, or null for a foreign character, an impossible length or bits left over that are not zero. */
export function fromBase32(text: string): Uint8Array | null {
  const n = text.length;
  const rest = n & 7;
  if (rest == 1 || rest == 3 || rest == 6) return null;
  const out = new Uint8Array((n * 5) >> 3);
  let at = 0;
  let bits: u32 = 0;
  let held: u32 = 0;
  for (let i = 0; i < n; i++) {
    const c = text.charCodeAt(i);
    let value: u32;
    if (c >= 97 && c <= 122) value = c - 97;
    else if (c >= 65 && c <= 90) value = c - 65;
    else if (c >= 50 && c <= 55) value = c - 24;
    else return null;
    held = (held << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out[at++] = <u8>(held >> bits);
    }
  }
  return (held & ((1 << bits) - 1)) == 0 ? out : null;
}
