/** RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017), only for WebAuthn keys. */
import { createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** Below this a key is weak; above, checking a signature is a way to keep a node busy. */
const MIN_MODULUS_BYTES = 256;
const MAX_MODULUS_BYTES = 1024;
const MAX_EXPONENT_BYTES = 5;

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

export function rsaKey(modulus: Uint8Array, exponent: Uint8Array): KeyObject | undefined {
  if (modulus.length < MIN_MODULUS_BYTES || modulus.length > MAX_MODULUS_BYTES) return undefined;
  if (exponent.length === 0 || exponent.length > MAX_EXPONENT_BYTES) return undefined;
  try {
    return createPublicKey({ key: { kty: 'RSA', n: base64url(modulus), e: base64url(exponent) }, format: 'jwk' });
  } catch {
    return undefined;
  }
}

export function verifyRsa(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify('sha256', message, key, signature);
  } catch {
    return false;
  }
}
