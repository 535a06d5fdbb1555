/**
 * Signing and verifying certificates.
 *
 * A certificate holds when its tree is well-formed, its root hash is signed by the key of the subnet, and that key is
 * the root key or is named by a certificate of the root subnet (one level, never more).
 * Source: Interface Spec, "Certification", "Certificate", "Delegation".
 */
import { compareBytes, utf8, utf8Decode } from '../codec/bytes.ts';
import { decodeCbor } from '../codec/cbor.ts';
import type { Certificate } from '../codec/certificate.ts';
import { CertificateFormatError, decodeCertificate } from '../codec/certificate.ts';
import type { HashTree } from '../codec/hash-tree.ts';
import { children, isWellFormed, lookup, lookupLeaf } from '../codec/hash-tree.ts';
import { decodeUleb128 } from '../codec/leb128.ts';
import { domainSeparated } from '../codec/request-id.ts';
import { blsKeyFromDer, blsVerify } from './bls.ts';
import type { BlsSecretKey } from './bls.ts';
import { selfAuthenticatingId } from './keys.ts';

export type CertificateProblem =
  | 'malformed'
  | 'bad-signature'
  | 'bad-delegation'
  /** The delegation does not cover the canister that the certificate speaks for. */
  | 'canister-out-of-range'
  /** `/time` is missing. */
  | 'no-time'
  | 'too-old'
  | 'in-the-future';

export class CertificateError extends Error {
  readonly problem: CertificateProblem;
  constructor(problem: CertificateProblem, detail: string) {
    super(`${problem}: ${detail}`);
    this.problem = problem;
  }
}

export interface VerifiedCertificate {
  readonly tree: HashTree;
  /** Absent if the root subnet signed. */
  readonly delegation?: { readonly subnetId: Uint8Array; readonly tree: HashTree };
}

/** What a subnet signs for a root hash. */
export function stateRootPayload(rootHash: Uint8Array): Uint8Array {
  return domainSeparated('ic-state-root', rootHash);
}

export function signStateRoot(key: BlsSecretKey, rootHash: Uint8Array): Uint8Array {
  return key.sign(stateRootPayload(rootHash));
}

/**
 * Checks signature, delegation and form; not the age and not whether it may speak for a canister.
 * `rootKeyDer`: the root public key, DER.
 */
export function verifyCertificate(encoded: Uint8Array, rootKeyDer: Uint8Array): VerifiedCertificate {
  const certificate = decode(encoded);
  if (certificate.delegation === undefined) {
    checkSignature(certificate, rootKeyDer);
    return { tree: certificate.tree };
  }
  const { subnetId } = certificate.delegation;
  const delegationTree = verifyDelegation(certificate.delegation.certificate, rootKeyDer);
  const subnetKey = lookupLeaf(delegationTree, [utf8('subnet'), subnetId, utf8('public_key')]);
  if (subnetKey === undefined) throw new CertificateError('bad-delegation', 'no public key for the subnet');
  checkSignature(certificate, subnetKey);
  return { tree: certificate.tree, delegation: { subnetId, tree: delegationTree } };
}

/** Root certificates of delegations change rarely and cost a pairing; a few are remembered by their bytes. */
const MAX_CACHED_DELEGATIONS = 64;
const verifiedDelegations = new Map<string, HashTree>();

function verifyDelegation(encoded: Uint8Array, rootKeyDer: Uint8Array): HashTree {
  const name = Buffer.from(rootKeyDer).toString('latin1') + Buffer.from(encoded).toString('latin1');
  const known = verifiedDelegations.get(name);
  if (known !== undefined) return known;
  const certificate = decode(encoded);
  if (certificate.delegation !== undefined) throw new CertificateError('bad-delegation', 'delegation within a delegation');
  checkSignature(certificate, rootKeyDer);
  if (verifiedDelegations.size >= MAX_CACHED_DELEGATIONS) verifiedDelegations.clear();
  verifiedDelegations.set(name, certificate.tree);
  return certificate.tree;
}

function decode(encoded: Uint8Array): Certificate {
  let certificate: Certificate;
  try {
    certificate = decodeCertificate(encoded);
  } catch (error) {
    if (error instanceof CertificateFormatError) throw new CertificateError('malformed', error.message);
    throw error;
  }
  if (!isWellFormed(certificate.tree)) throw new CertificateError('malformed', 'labels out of order');
  return certificate;
}

function checkSignature(certificate: Certificate, keyDer: Uint8Array): void {
  const key = blsKeyFromDer(keyDer);
  if (key === undefined) throw new CertificateError('bad-delegation', 'not a DER BLS key');
  if (!blsVerify(certificate.signature, stateRootPayload(certificate.tree.digest()), key)) {
    throw new CertificateError('bad-signature', 'the signature does not fit the tree');
  }
}

/** `/time` in nanoseconds. */
export function certificateTime(tree: HashTree): bigint {
  const bytes = lookupLeaf(tree, [utf8('time')]);
  if (bytes === undefined) throw new CertificateError('no-time', 'the certificate has no time');
  try {
    return decodeUleb128(bytes).value;
  } catch {
    throw new CertificateError('malformed', 'time is not a number');
  }
}

/** Throws unless the certificate is from within `windowNanos` around `nowNanos`. */
export function checkCertificateTime(tree: HashTree, nowNanos: bigint, windowNanos: bigint): void {
  const time = certificateTime(tree);
  if (time < nowNanos - windowNanos) throw new CertificateError('too-old', `certificate is of ${time}, now is ${nowNanos}`);
  if (time > nowNanos + windowNanos) throw new CertificateError('in-the-future', `certificate is of ${time}, now is ${nowNanos}`);
}

/** Throws unless the signing subnet may speak for this canister. The root subnet, without delegation, always may. */
export function checkCanisterInRange(certificate: VerifiedCertificate, canisterId: Uint8Array): void {
  if (certificate.delegation === undefined) return;
  const { subnetId, tree } = certificate.delegation;
  if (!rangesOf(tree, subnetId, canisterId).some(([from, to]) => compareBytes(from, canisterId) <= 0 && compareBytes(canisterId, to) <= 0)) {
    throw new CertificateError('canister-out-of-range', 'the subnet may not speak for this canister');
  }
}

type Range = readonly [Uint8Array, Uint8Array];

/** Ranges that could hold the canister: its shard if the tree is sharded, else the flat list. */
function rangesOf(tree: HashTree, subnetId: Uint8Array, canisterId: Uint8Array): Range[] {
  const sharded = lookup(tree, [utf8('canister_ranges'), subnetId]);
  if (sharded.kind === 'found') {
    let shard: HashTree | undefined;
    for (const child of children(sharded.tree)) if (compareBytes(child.label, canisterId) <= 0) shard = child.sub;
    return shard?.kind === 'leaf' ? decodeRanges(shard.value) : [];
  }
  const flat = lookupLeaf(tree, [utf8('subnet'), subnetId, utf8('canister_ranges')]);
  return flat === undefined ? [] : decodeRanges(flat);
}

function decodeRanges(bytes: Uint8Array): Range[] {
  let value;
  try {
    value = decodeCbor(bytes);
  } catch {
    throw new CertificateError('bad-delegation', 'canister ranges are not CBOR');
  }
  if (!Array.isArray(value)) throw new CertificateError('bad-delegation', 'canister ranges are not a list');
  return value.map((range): Range => {
    if (!Array.isArray(range) || range.length !== 2) throw new CertificateError('bad-delegation', 'not a range');
    const [from, to] = range as readonly unknown[];
    if (!(from instanceof Uint8Array) || !(to instanceof Uint8Array)) throw new CertificateError('bad-delegation', 'not a range');
    return [from, to];
  });
}

/** The type of the signing subnet as the delegation shows it; undefined if it is not shown. */
export function delegatedSubnetType(certificate: VerifiedCertificate): string | undefined {
  if (certificate.delegation === undefined) return undefined;
  const bytes = lookupLeaf(certificate.delegation.tree, [utf8('subnet'), certificate.delegation.subnetId, utf8('type')]);
  return bytes === undefined ? undefined : utf8Decode(bytes);
}

/** Id of the subnet that signed. */
export function signingSubnet(certificate: VerifiedCertificate, rootKeyDer: Uint8Array): Uint8Array {
  return certificate.delegation?.subnetId ?? selfAuthenticatingId(rootKeyDer);
}

