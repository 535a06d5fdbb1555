/** Principals of keys, and the Ed25519 keys of nodes. */
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { concatBytes, fromHex } from '../codec/bytes.ts';
import { sha224 } from '../codec/sha256.ts';

/** SHA-224 of the DER key, then 02: 29 bytes. */
export function selfAuthenticatingId(derPublicKey: Uint8Array): Uint8Array {
  return concatBytes(sha224(derPublicKey), Uint8Array.of(2));
}

/** PKCS #8 around a 32-byte Ed25519 seed (RFC 8410). */
const PKCS8_ED25519 = fromHex('302e020100300506032b657004220420');

/** Signs query responses. */
export class NodeSigningKey {
  readonly #key: KeyObject;
  /** DER, 44 bytes. */
  readonly publicKeyDer: Uint8Array;
  /** Self-authenticating principal of the key. */
  readonly nodeId: Uint8Array;

  private constructor(key: KeyObject) {
    this.#key = key;
    this.publicKeyDer = new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }));
    this.nodeId = selfAuthenticatingId(this.publicKeyDer);
  }

  /** `seed`: 32 secret bytes. */
  static fromSeed(seed: Uint8Array): NodeSigningKey {
    if (seed.length !== 32) throw new Error('a seed has 32 bytes');
    const der = Buffer.from(concatBytes(PKCS8_ED25519, seed));
    return new NodeSigningKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  }

  /** 64 bytes. */
  sign(message: Uint8Array): Uint8Array {
    return sign(null, message, this.#key);
  }
}
