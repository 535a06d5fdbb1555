/**
 * Canister signatures: a canister "signs" by certifying a leaf in its own hash tree.
 * The age of the certificate is not checked; delegations made by identity canisters outlive it by far.
 * Source: Interface Spec, "Canister signatures".
 */
import { concatBytes, equalBytes, utf8 } from '../codec/bytes.ts';
import type { CborValue } from '../codec/cbor.ts';
import { asMap, CborError, decodeCbor } from '../codec/cbor.ts';
import { DerError, parsePublicKey, wrapPublicKey } from '../codec/der.ts';
import type { HashTree } from '../codec/hash-tree.ts';
import { HashTreeError, hashTreeFromCbor, isWellFormed, lookup, lookupLeaf } from '../codec/hash-tree.ts';
import { sha256 } from '../codec/sha256.ts';
import { CertificateError, checkCanisterInRange, delegatedSubnetType, verifyCertificate } from './certificate.ts';

export interface CanisterSignatureKey {
  readonly canisterId: Uint8Array;
  readonly seed: Uint8Array;
}

/** From the content of the DER bit string: length, canister id, seed. */
export function parseCanisterSignatureKey(raw: Uint8Array): CanisterSignatureKey | undefined {
  const length = raw[0];
  if (length === undefined || length > 29 || raw.length < 1 + length) return undefined;
  return { canisterId: raw.slice(1, 1 + length), seed: raw.slice(1 + length) };
}

/** undefined if the DER key is of another kind or malformed. */
export function canisterSignatureKeyFromDer(der: Uint8Array): CanisterSignatureKey | undefined {
  try {
    const { algorithm, key } = parsePublicKey(der);
    return algorithm === 'canisterSignature' ? parseCanisterSignatureKey(key) : undefined;
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

/** DER form; its self-authenticating principal is the identity. */
export function canisterSignatureKeyDer(key: CanisterSignatureKey): Uint8Array {
  return wrapPublicKey('canisterSignature', concatBytes(Uint8Array.of(key.canisterId.length), key.canisterId, key.seed));
}

/** A reason, or undefined if the signature holds. `payload` includes the domain separator. */
export function canisterSignatureProblem(
  key: CanisterSignatureKey,
  payload: Uint8Array,
  signature: Uint8Array,
  rootKeyDer: Uint8Array,
): string | undefined {
  let fields: { readonly [key: string]: CborValue } | undefined;
  let tree: HashTree;
  try {
    fields = asMap(decodeCbor(signature));
    tree = hashTreeFromCbor(fields?.['tree']);
  } catch (error) {
    if (error instanceof CborError || error instanceof HashTreeError) return `malformed signature: ${error.message}`;
    throw error;
  }
  const encodedCertificate = fields?.['certificate'];
  if (!(encodedCertificate instanceof Uint8Array)) return 'malformed signature: certificate is missing';
  if (!isWellFormed(tree)) return 'malformed signature: the tree is not well-formed';

  try {
    const certificate = verifyCertificate(encodedCertificate, rootKeyDer);
    checkCanisterInRange(certificate, key.canisterId);
    if (certificate.delegation !== undefined) {
      const type = delegatedSubnetType(certificate);
      if (type === undefined) return 'the delegation does not show the type of the subnet';
      if (type === 'cloud_engine') return 'canisters of a cloud engine cannot sign';
    }
    const certified = lookupLeaf(certificate.tree, [utf8('canister'), key.canisterId, utf8('certified_data')]);
    if (certified === undefined) return 'certified data of the signing canister is missing';
    if (!equalBytes(certified, tree.digest())) return 'certified data of the signing canister does not fit the tree';
  } catch (error) {
    if (error instanceof CertificateError) return `certificate verification failed: ${error.message}`;
    throw error;
  }

  const found = lookup(tree, [utf8('sig'), sha256(key.seed), sha256(payload)]);
  if (found.kind !== 'found') return 'signature entry not found in the tree';
  if (found.tree.kind !== 'leaf' || found.tree.value.length !== 0) return 'signature entry is not an empty leaf';
  return undefined;
}
