/**
 * ECDSA over P-256 (node:crypto) and secp256k1 (libsecp256k1), SHA-256 of the message, keys as uncompressed points,
 * signatures as r ‖ s, 32 bytes each. High-S signatures are taken: the interface has no rule against them.
 */
import { createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import * as secp256k1 from 'tiny-secp256k1';
import { wrapPublicKey } from '../codec/der.ts';
import { sha256 } from '../codec/sha256.ts';
import { BoundedCache } from './bounded-cache.ts';

const UNCOMPRESSED_BYTES = 65;
const UNCOMPRESSED = 0x04;
const p256Keys = new BoundedCache<KeyObject>(8192);

function isUncompressed(point: Uint8Array): boolean {
  return point.length === UNCOMPRESSED_BYTES && point[0] === UNCOMPRESSED;
}

/** The key object, or undefined if this is not a point of the curve. */
function p256Key(point: Uint8Array): KeyObject | undefined {
  if (!isUncompressed(point)) return undefined;
  const name = Buffer.from(point.buffer, point.byteOffset, point.length).toString('latin1');
  let key = p256Keys.get(name);
  if (key === undefined) {
    try {
      key = createPublicKey({ key: Buffer.from(wrapPublicKey('p256', point)), format: 'der', type: 'spki' });
    } catch {
      return undefined;
    }
    p256Keys.set(name, key);
  }
  return key;
}

export function isP256Point(point: Uint8Array): boolean {
  return p256Key(point) !== undefined;
}

export function isSecp256k1Point(point: Uint8Array): boolean {
  return isUncompressed(point) && secp256k1.isPoint(point);
}

/** `encoding`: `raw` is r ‖ s; `der` is ASN.1, as WebAuthn has it. */
export function verifyP256(point: Uint8Array, message: Uint8Array, signature: Uint8Array, encoding: 'raw' | 'der'): boolean {
  const key = p256Key(point);
  if (key === undefined || (encoding === 'raw' && signature.length !== 64)) return false;
  try {
    return verify('sha256', message, { key, dsaEncoding: encoding === 'raw' ? 'ieee-p1363' : 'der' }, signature);
  } catch {
    return false;
  }
}

export function verifySecp256k1(point: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!isSecp256k1Point(point) || signature.length !== 64) return false;
  try {
    return secp256k1.verify(sha256(message), point, signature);
  } catch {
    return false; // r or s out of range
  }
}
