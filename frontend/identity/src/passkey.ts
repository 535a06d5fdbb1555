// The two ceremonies of WebAuthn: making a passkey, and signing with one.

import { Cbor, SignIdentity, type DerEncodedPublicKey, type PublicKey, type Signature } from '@dfinity/agent';
import { coseKeyOf, derOfCose } from './cose.ts';

const CEREMONY_TIMEOUT_MS = 120_000;

/** EdDSA, ECDSA with P-256, RSA: what the network verifies, best liked first. */
const ALGORITHMS = [-7, -8, -257];

export type CeremonyFailure = 'cancelled' | 'already-there' | 'unsupported' | 'failed';

export class CeremonyError extends Error {
  readonly reason: CeremonyFailure;

  constructor(reason: CeremonyFailure, cause: unknown) {
    super(`passkey ceremony: ${reason}`, { cause });
    this.name = 'CeremonyError';
    this.reason = reason;
  }
}

/** The browser's errors say little on purpose: cancelled, timed out and "no such passkey" are one. */
function ceremonyError(error: unknown): CeremonyError {
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError' || name === 'AbortError') return new CeremonyError('cancelled', error);
  if (name === 'InvalidStateError') return new CeremonyError('already-there', error);
  if (name === 'NotSupportedError' || name === 'SecurityError') return new CeremonyError('unsupported', error);
  return new CeremonyError('failed', error);
}

export const passkeysSupported = (): boolean => typeof PublicKeyCredential === 'function' && 'credentials' in navigator;

export interface NewPasskey {
  credentialId: Uint8Array;
  /** DER-wrapped COSE key. */
  publicKey: Uint8Array;
  attachment: 'platform' | 'cross_platform' | null;
}

const random = (length: number): Uint8Array<ArrayBuffer> => crypto.getRandomValues(new Uint8Array(length));

export async function createPasskey(name: string, exclude: readonly Uint8Array[]): Promise<NewPasskey> {
  let credential: Credential | null;
  try {
    credential = await navigator.credentials.create({
      publicKey: {
        rp: { name: 'Parley' },
        // The user handle must tell nothing about the person.
        user: { id: random(16), name, displayName: name },
        // Making a key proves nothing by itself, so nobody checks this challenge; the key is proved by use.
        challenge: random(32),
        pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
        authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
        excludeCredentials: exclude.map((id) => ({ type: 'public-key', id: Uint8Array.from(id) })),
        attestation: 'none',
        timeout: CEREMONY_TIMEOUT_MS,
      },
    });
  } catch (error) {
    throw ceremonyError(error);
  }
  if (!(credential instanceof PublicKeyCredential) || !(credential.response instanceof AuthenticatorAttestationResponse)) {
    throw new CeremonyError('failed', credential);
  }
  const { authenticatorAttachment } = credential;
  return {
    credentialId: new Uint8Array(credential.rawId),
    publicKey: derOfCose(coseKeyOf(new Uint8Array(credential.response.getAuthenticatorData()))),
    attachment:
      authenticatorAttachment === 'platform' ? 'platform' : authenticatorAttachment === 'cross-platform' ? 'cross_platform' : null,
  };
}

/**
 * An identity that signs with whichever passkey the person picks. Its public key is known only after the
 * first signature, because the browser tells which passkey it was and not what its key is.
 */
export class DiscoveredPasskey extends SignIdentity {
  readonly #allowed: Uint8Array | null;
  readonly #lookup: (credentialId: Uint8Array) => Promise<Uint8Array>;
  #publicKey: Uint8Array | null = null;
  credentialId: Uint8Array | null = null;

  /** `lookup` answers the DER key of a credential, or throws. `allowed` spares the picker. */
  constructor(lookup: (credentialId: Uint8Array) => Promise<Uint8Array>, allowed: Uint8Array | null) {
    super();
    this.#lookup = lookup;
    this.#allowed = allowed;
  }

  override getPublicKey(): PublicKey {
    const key = this.#publicKey;
    if (!key) throw new Error('the passkey is known only after it signed');
    return { toDer: () => key as DerEncodedPublicKey };
  }

  override async sign(blob: Uint8Array): Promise<Signature> {
    let credential: Credential | null;
    try {
      credential = await navigator.credentials.get({
        publicKey: {
          challenge: Uint8Array.from(blob),
          allowCredentials: this.#allowed ? [{ type: 'public-key', id: Uint8Array.from(this.#allowed) }] : [],
          userVerification: 'required',
          timeout: CEREMONY_TIMEOUT_MS,
        },
      });
    } catch (error) {
      throw ceremonyError(error);
    }
    if (!(credential instanceof PublicKeyCredential) || !(credential.response instanceof AuthenticatorAssertionResponse)) {
      throw new CeremonyError('failed', credential);
    }
    const { authenticatorData, clientDataJSON, signature } = credential.response;
    this.credentialId = new Uint8Array(credential.rawId);
    this.#publicKey = await this.#lookup(this.credentialId);
    return Cbor.encode({
      authenticator_data: new Uint8Array(authenticatorData),
      client_data_json: new TextDecoder('utf-8', { fatal: true }).decode(clientDataJSON),
      signature: new Uint8Array(signature),
    }) as Signature;
  }
}
