/** Signed requests made by hand, so that the client costs as little as possible while it measures. */
import { IDL } from '@dfinity/candid';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { encodeTagged } from '../codec/cbor.ts';
import { domainSeparated, hashOfMap } from '../codec/request-id.ts';
import { selfAuthenticatingId } from '../crypto/keys.ts';
import { Principal } from '../types/principal.ts';

const TTL_NANOS = 240_000_000_000n;

/** An Ed25519 user. */
export class User {
  readonly #key: KeyObject;
  readonly #publicKey: Uint8Array;
  readonly sender: Uint8Array;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    this.#key = privateKey;
    this.#publicKey = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
    this.sender = selfAuthenticatingId(this.#publicKey);
  }

  /** A signed envelope; its request id is unique. */
  request(type: 'call' | 'query', canister: string, method: string, arg: Uint8Array): Uint8Array {
    const content = {
      request_type: type,
      sender: this.sender,
      ingress_expiry: BigInt(Date.now()) * 1_000_000n + TTL_NANOS,
      nonce: new Uint8Array(randomBytes(16)),
      canister_id: Principal.fromText(canister).bytes,
      method_name: method,
      arg,
    };
    const signature = sign(null, domainSeparated('ic-request', hashOfMap(content)), this.#key);
    return encodeTagged({ content, sender_pubkey: this.#publicKey, sender_sig: new Uint8Array(signature) });
  }
}

export const NO_ARGUMENTS = new Uint8Array(IDL.encode([], []));
