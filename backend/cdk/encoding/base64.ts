// Base64 and base64url of RFC 4648.

function letter(value: u32, url: bool): u8 {
  if (value < 26) return <u8>(65 + value);
  if (value < 52) return <u8>(71 + value);
  if (value < 62) return <u8>(value - 4);
  if (value == 62) return url ? 45 : 43;
  return url ? 95 : 47;
}

function encode(data: Uint8Array, url: bool): string {
  const n = data.length;
  const out = new ArrayBuffer(url ? (n * 4 + 2) / 3 : ((n + 2) / 3) * 4);
  let at = changetype<usize>(out);
  let i = 0;
  for (; i + 2 < n; i += 3) {
    const v = (<u32>data[i] << 16) | (<u32>data[i + 1] << 8) | data[i + 2];
    store<u8>(at, letter(v >> 18, url));
    store<u8>(at + 1, letter((v >> 12) & 63, url));
    store<u8>(at + 2, letter((v >> 6) & 63, url));
    store<u8>(at + 3, letter(v & 63, url));
    at += 4;
  }
  if (i < n) {
    const two = i + 1 < n;
    const v = (<u32>data[i] << 16) | (two ? <u32>data[i + 1] << 8 : 0);
    store<u8>(at, letter(v >> 18, url));
    store<u8>(at + 1, letter((v >> 12) & 63, url));
    if (two) store<u8>(at + 2, letter((v >> 6) & 63, url));
    else if (!url) store<u8>(at + 2, 61);
    if (!url) store<u8>(at + 3, 61);
  }
  return String.UTF8.decode(out);
}

/** With padding. */
export function toBase64(data: Uint8Array): string {
  return encode(data, false);
}

/** URL-safe alphabet, without padding. */
export function toBase64Url(data: Uint8Array): string {
  return encode(data, true);
}

/** 0 … 63, or -1. */
function valueOf(c: i32, url: bool): i32 {
  if (c >= 65 && c <= 90) return c - 65;
  if (c >= 97 && c <= 122) return c - 71;
  if (c >= 48 && c <= 57) return c + 4;
  if (c == (url ? 45 : 43)) return 62;
  if (c == (url ? 95 : 47)) return 63;
  return -1;
}

function decode(text: string, n: i32, url: bool): Uint8Array | null {
  if ((n & 3) == 1) return null;
  const out = new Uint8Array((n * 3) >> 2);
  let held: u32 = 0;
  let bits: u32 = 0;
  let at = 0;
  for (let i = 0; i < n; i++) {
    const value = valueOf(text.charCodeAt(i), url);
    if (value < 0) return null;
    held = (held << 6) | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[at++] = <u8>(held >> bits);
    }
  }
  return (held & ((1 << bits) - 1)) == 0 ? out : null;
}

/** Null unless padded, of the standard alphabet and with zero bits left over. */
export function fromBase64(text: string): Uint8Array | null {
  let n = text.length;
  if (n & 3) return null;
  if (n > 0 && text.charCodeAt(n - 1) == 61) n--;
  if (n > 1 && text.charCodeAt(n - 1) == 61) n--;
  return decode(text, n, false);
}

/** Null unless unpadded, of the URL-safe alphabet and with zero bits left over. */
export function fromBase64Url(text: string): Uint8Array | null {
  return decode(text, text.length, true);
}
