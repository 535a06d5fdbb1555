/**
 * Certificates as bytes: a pruned state tree, the subnet's signature on its root, and the root subnet's delegation.
 * Verification needs cryptography and lives in crypto/certificate.ts. Source: Interface Spec, "Certification".
 */
import type { CborValue } from './cbor.ts';
import { asMap, CborError, decodeCbor, encodeCbor } from './cbor.ts';
import { concatBytes, fromHex } from './bytes.ts';
import type { HashTree } from './hash-tree.ts';
import { encodeHashTree, hashTreeFromCbor } from './hash-tree.ts';

export interface Delegation {
  /** Principal bytes of the subnet that may sign. */
  readonly subnetId: Uint8Array;
  /** Encoded certificate of the root subnet, itself without delegation. */
  readonly certificate: Uint8Array;
}

export interface Certificate {
  readonly tree: HashTree;
  /** BLS signature, 48 bytes. */
  readonly signature: Uint8Array;
  readonly delegation?: Delegation;
}

/** Bytes that are no certificate. */
export class CertificateFormatError extends Error {}

/** 55799({"tree": …  : the head of a map of two or three entries and its first key. */
const HEAD_TWO = fromHex('d9d9f7a26474726565');
const HEAD_THREE = fromHex('d9d9f7a36474726565');
const KEY_SIGNATURE = fromHex('697369676e6174757265');
const KEY_DELEGATION = fromHex('6a64656c65676174696f6e');

export function encodeCertificate({ tree, signature, delegation }: Certificate): Uint8Array {
  return sealedTree(tree, sealOf(signature, delegation));
}

/** What certificates over one root have in common, encoded. */
export interface Seal {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
}

export function sealOf(signature: Uint8Array, delegation: Delegation | undefined): Seal {
  const signed = concatBytes(KEY_SIGNATURE, encodeCbor(signature));
  if (!delegation) return { head: HEAD_TWO, tail: signed };
  const map = { subnet_id: delegation.subnetId, certificate: delegation.certificate };
  return { head: HEAD_THREE, tail: concatBytes(signed, KEY_DELEGATION, encodeCbor(map)) };
}

/** An encoded certificate. */
export function sealedTree(tree: HashTree, { head, tail }: Seal): Uint8Array {
  return concatBytes(head, encodeHashTree(tree), tail);
}

/** Throws CertificateFormatError. Extra fields are ignored, as clients do. */
export function decodeCertificate(bytes: Uint8Array): Certificate {
  try {
    return certificateFromCbor(decodeCbor(bytes));
  } catch (error) {
    if (error instanceof CertificateFormatError) throw error;
    throw new CertificateFormatError(error instanceof Error ? error.message : String(error));
  }
}

function certificateFromCbor(value: CborValue): Certificate {
  const map = asMap(value);
  if (map === undefined) throw new CborError('a certificate is a map');
  const { tree, signature } = map;
  if (tree === undefined) throw new CborError('tree is missing');
  if (!(signature instanceof Uint8Array)) throw new CborError('signature is missing');
  if (map['delegation'] === undefined || map['delegation'] === null) return { tree: hashTreeFromCbor(tree), signature };
  const delegation = asMap(map['delegation']);
  const subnetId = delegation?.['subnet_id'];
  const certificate = delegation?.['certificate'];
  if (!(subnetId instanceof Uint8Array) || !(certificate instanceof Uint8Array)) {
    throw new CborError('delegation is not made of subnet_id and certificate');
  }
  return { tree: hashTreeFromCbor(tree), signature, delegation: { subnetId, certificate } };
}
