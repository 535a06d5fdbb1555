/**
 * Every signature scheme that may sign requests and delegations, behind one function.
 * Source: Interface Spec, "Signatures".
 */
import { DerError, parsePublicKey } from '../codec/der.ts';
import { canisterSignatureProblem, parseCanisterSignatureKey } from './canister-signature.ts';
import { isP256Point, isSecp256k1Point, verifyP256, verifySecp256k1 } from './ecdsa.ts';
import { verifyEd25519 } from './ed25519.ts';
import { parseCoseKey, webauthnProblem } from './webauthn.ts';

export interface SignatureProblem {
  readonly kind: 'public-key' | 'basic' | 'webauthn' | 'canister';
  readonly detail: string;
}

/** undefined if `signature` over `payload` (with its domain separator) holds under the DER key. */
export function signatureProblem(
  publicKeyDer: Uint8Array,
  payload: Uint8Array,
  signature: Uint8Array,
  rootKeyDer: Uint8Array,
): SignatureProblem | undefined {
  let parsed;
  try {
    parsed = parsePublicKey(publicKeyDer);
  } catch (error) {
    if (error instanceof DerError) return { kind: 'public-key', detail: error.message };
    throw error;
  }
  const { algorithm, key } = parsed;
  switch (algorithm) {
    case 'ed25519':
      if (key.length !== 32) return { kind: 'public-key', detail: 'an Ed25519 key has 32 bytes' };
      return basic(verifyEd25519(key, payload, signature), 'Ed25519');
    case 'p256':
      if (!isP256Point(key)) return { kind: 'public-key', detail: 'not an uncompressed point of P-256' };
      return basic(verifyP256(key, payload, signature, 'raw'), 'ECDSA P-256');
    case 'secp256k1':
      if (!isSecp256k1Point(key)) return { kind: 'public-key', detail: 'not an uncompressed point of secp256k1' };
      return basic(verifySecp256k1(key, payload, signature), 'ECDSA secp256k1');
    case 'cose': {
      const verifier = parseCoseKey(key);
      if (verifier === undefined) return { kind: 'public-key', detail: 'not a supported COSE key' };
      const detail = webauthnProblem(verifier, payload, signature);
      return detail === undefined ? undefined : { kind: 'webauthn', detail };
    }
    case 'canisterSignature': {
      const canisterKey = parseCanisterSignatureKey(key);
      if (canisterKey === undefined) return { kind: 'public-key', detail: 'not a canister signature key' };
      const detail = canisterSignatureProblem(canisterKey, payload, signature, rootKeyDer);
      return detail === undefined ? undefined : { kind: 'canister', detail };
    }
    case 'rsa':
    case 'bls':
      return { kind: 'public-key', detail: `keys of algorithm ${algorithm} may not sign requests` };
  }
}

function basic(good: boolean, scheme: string): SignatureProblem | undefined {
  return good ? undefined : { kind: 'basic', detail: `${scheme} signature could not be verified` };
}
