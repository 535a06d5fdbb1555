/**
 * WebAuthn signatures: a COSE key signs authenticator data and the hash of client data, whose `challenge` is what was
 * to be signed. Origin, type and flags are not checked: the principal belongs to the key, wherever it was made.
 * Source: Interface Spec, "Web Authentication"; W3C Web Authentication; RFC 9053.
 */
import { concatBytes, equalBytes } from '../codec/bytes.ts';
import type { CborValue } from '../codec/cbor.ts';
import { asMap, CborError, decodeCbor, decodeIntegerKeyedMap } from '../codec/cbor.ts';
import { sha256 } from '../codec/sha256.ts';
import { isP256Point, verifyP256 } from './ecdsa.ts';
import { verifyEd25519 } from './ed25519.ts';
import { rsaKey, verifyRsa } from './rsa.ts';

/** COSE labels and values (RFC 9053, RFC 8230). */
const KTY = 1;
const ALG = 3;
const KTY_OKP = 1;
const KTY_EC2 = 2;
const KTY_RSA = 3;
const ES256 = -7;
const EDDSA = -8;
const RS256 = -257;
const CURVE_P256 = 1;
const CURVE_ED25519 = 6;

/** Checks a signature over the bytes that the authenticator signed. */
type Verifier = (message: Uint8Array, signature: Uint8Array) => boolean;

/** undefined if this is no key that the interface knows. Labels beyond those of the key type are refused, as on the IC. */
export function parseCoseKey(cose: Uint8Array): Verifier | undefined {
  let fields: ReadonlyMap<number, CborValue>;
  try {
    fields = decodeIntegerKeyedMap(cose);
  } catch (error) {
    if (error instanceof CborError) return undefined;
    throw error;
  }
  const kty = fields.get(KTY);
  const alg = fields.get(ALG);
  const [a, b, c] = [fields.get(-1), fields.get(-2), fields.get(-3)];
  if (kty === KTY_EC2 && alg === ES256 && a === CURVE_P256 && fields.size === 5) {
    if (!(b instanceof Uint8Array) || !(c instanceof Uint8Array) || b.length !== 32 || c.length !== 32) return undefined;
    const point = concatBytes(Uint8Array.of(4), b, c);
    return isP256Point(point) ? (message, signature) => verifyP256(point, message, signature, 'der') : undefined;
  }
  if (kty === KTY_OKP && alg === EDDSA && a === CURVE_ED25519 && fields.size === 4) {
    if (!(b instanceof Uint8Array) || b.length !== 32) return undefined;
    return (message, signature) => verifyEd25519(b, message, signature);
  }
  if (kty === KTY_RSA && alg === RS256 && a instanceof Uint8Array && b instanceof Uint8Array && fields.size === 4) {
    const key = rsaKey(a, b);
    return key && ((message, signature) => verifyRsa(key, message, signature));
  }
  return undefined;
}

/** A reason, or undefined if the signature holds. `payload` includes the domain separator. */
export function webauthnProblem(verifier: Verifier, payload: Uint8Array, signature: Uint8Array): string | undefined {
  let fields: { readonly [key: string]: CborValue } | undefined;
  try {
    fields = asMap(decodeCbor(signature));
  } catch (error) {
    if (!(error instanceof CborError)) throw error;
    return `Failed to parse WebAuthn signature: ${error.message}`;
  }
  const authenticatorData = fields?.['authenticator_data'];
  const clientDataJson = fields?.['client_data_json'];
  const inner = fields?.['signature'];
  if (!(authenticatorData instanceof Uint8Array) || typeof clientDataJson !== 'string' || !(inner instanceof Uint8Array)) {
    return 'Failed to parse WebAuthn signature: authenticator_data, client_data_json and signature are needed';
  }
  const challenge = challengeOf(clientDataJson);
  if (challenge === undefined) return 'Failed to parse client data: no challenge';
  if (!equalBytes(challenge, payload)) return 'Challenge in webauthn signature does not match the signed message';
  const clientData = new TextEncoder().encode(clientDataJson);
  if (!verifier(concatBytes(authenticatorData, sha256(clientData)), inner)) return 'Verifying signature failed';
  return undefined;
}

function challengeOf(clientDataJson: string): Uint8Array | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(clientDataJson);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || !('challenge' in parsed)) return undefined;
  const { challenge } = parsed;
  if (typeof challenge !== 'string' || !/^[A-Za-z0-9_-]*=*$/.test(challenge)) return undefined;
  return new Uint8Array(Buffer.from(challenge, 'base64url'));
}
