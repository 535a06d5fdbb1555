// HMAC-SHA-256 (RFC 2104).

import { Sha256, sha256 } from "./sha256";

/** 32 bytes. */
export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  const block = key.length > 64 ? sha256(key) : key;
  const inner = new Uint8Array(64);
  const outer = new Uint8Array(64);
  for (let i = 0; i < 64; i++) {
    const k = i < block.length ? block[i] : 0;
    inner[i] = k ^ 0x36;
    outer[i] = k ^ 0x5c;
  }
  const digest = new Sha256().update(inner).update(message).digest();
  return new Sha256().update(outer).update(digest).digest();
}
