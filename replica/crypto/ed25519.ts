/** Ed25519 (RFC 8032) by node:crypto. */
import { createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { wrapPublicKey } from '../codec/der.ts';
import { BoundedCache } from './bounded-cache.ts';

/** Making a key object costs half as much as a verification, and clients send many requests under one key. */
const keys = new BoundedCache<KeyObject>(8192);

/** `key`: the raw 32 bytes. False for any malformed key or signature. */
export function verifyEd25519(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (key.length !== 32 || signature.length !== 64) return false;
  const name = Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
  let object = keys.get(name);
  try {
    if (object === undefined) {
      const der = Buffer.from(wrapPublicKey('ed25519', key));
      object = createPublicKey({ key: der, format: 'der', type: 'spki' });
      keys.set(name, object);
    }
    return verify(null, message, object, signature);
  } catch {
    return false;
  }
}
