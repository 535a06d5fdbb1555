/**
 * How a subnet vouches for the keys of its nodes: a certificate of its own state (BLS, with the root subnet's delegation)
 * that shows `/subnet/<subnet id>/node/<node id>/public_key` of all of them. Whoever knows the root key can check it, and
 * with it everything that the nodes sign. Source: Interface Spec, "State tree", "Certification".
 */
import type { Path } from '../codec/hash-tree.ts';
import { children, label, lookup, lookupLeaf } from '../codec/hash-tree.ts';
import { BoundedCache } from '../crypto/bounded-cache.ts';
import { signingSubnet, verifyCertificate } from '../crypto/certificate.ts';
import { Principal } from '../types/principal.ts';
import type { PrincipalKey } from '../types/principal.ts';

/** Public keys, DER, by node. */
export type NodeKeys = ReadonlyMap<PrincipalKey, Uint8Array>;

const NODE = label('node');
const PUBLIC_KEY = label('public_key');

/** Where a subnet's own state shows the keys of its nodes. */
export function nodeKeysPath(subnetId: Principal): Path {
  return [label('subnet'), subnetId.bytes, NODE];
}

/** To check one takes two pairings, some eight milliseconds; a subnet shows the same one with every slice. */
const MAX_REMEMBERED = 64;
const remembered = new BoundedCache<NodeKeys>(MAX_REMEMBERED);

/** The keys that the subnet certifies. Throws CertificateError if the certificate does not hold under the root key. None if another subnet made it. */
export function certifiedNodeKeys(certificate: Uint8Array, rootKeyDer: Uint8Array, subnetId: Principal): NodeKeys {
  const name = [rootKeyDer, subnetId.bytes, certificate].map((part) => Buffer.from(part.buffer, part.byteOffset, part.length).toString('latin1')).join('|');
  const known = remembered.get(name);
  if (known) return known;
  const verified = verifyCertificate(certificate, rootKeyDer);
  const keys = new Map<PrincipalKey, Uint8Array>();
  const nodes = lookup(verified.tree, nodeKeysPath(subnetId));
  if (nodes.kind === 'found' && subnetId.equals(Principal.fromBytes(signingSubnet(verified, rootKeyDer)))) {
    for (const { label: id, sub } of children(nodes.tree)) {
      const key = lookupLeaf(sub, [PUBLIC_KEY]);
      const node = Principal.tryFromBytes(id);
      if (key && node) keys.set(node.key, key);
    }
  }
  remembered.set(name, keys);
  return keys;
}
