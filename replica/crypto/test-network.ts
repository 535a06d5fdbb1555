/**
 * Keys and certificates of an imaginary two-subnet network, for tests of everything that checks certificates.
 * Not used by the replica itself.
 */
import { utf8 } from '../codec/bytes.ts';
import { encodeTagged } from '../codec/cbor.ts';
import { encodeCertificate } from '../codec/certificate.ts';
import type { Path, TreeSource } from '../codec/hash-tree.ts';
import { treeOf, witness } from '../codec/hash-tree.ts';
import { encodeUleb128 } from '../codec/leb128.ts';
import { BlsSecretKey } from './bls.ts';
import { signStateRoot } from './certificate.ts';
import { selfAuthenticatingId } from './keys.ts';

export interface TestSubnet {
  readonly key: BlsSecretKey;
  readonly keyDer: Uint8Array;
  readonly id: Uint8Array;
}

export function testSubnet(seedByte: number): TestSubnet {
  const key = BlsSecretKey.fromSeed(new Uint8Array(32).fill(seedByte));
  const keyDer = key.publicKeyDer();
  return { key, keyDer, id: selfAuthenticatingId(keyDer) };
}

export type Ranges = readonly (readonly [Uint8Array, Uint8Array])[];

/** The certificate by which the root subnet lets another sign for its canisters. */
export function delegationCertificate(
  root: TestSubnet,
  subnet: TestSubnet,
  options: { ranges: Ranges; type?: string | undefined; timeNanos: bigint; format?: 'flat' | 'sharded' | 'both' },
): Uint8Array {
  const { ranges, type, timeNanos, format = 'both' } = options;
  const encoded = encodeTagged(ranges);
  const fields: Record<string, TreeSource> = { public_key: subnet.keyDer };
  if (type !== undefined) fields['type'] = utf8(type);
  if (format !== 'sharded') fields['canister_ranges'] = encoded;
  const tree: Record<string, TreeSource> = {
    time: encodeUleb128(timeNanos),
    subnet: new Map([[subnet.id, fields]]),
  };
  if (format !== 'flat') {
    tree['canister_ranges'] = new Map([[subnet.id, new Map([[ranges[0]![0], encoded]])]]);
  }
  return certificate(root, tree);
}

/** A signed certificate over a tree, pruned to `paths` if they are given. */
export function certificate(signer: TestSubnet, source: TreeSource, delegation?: { subnetId: Uint8Array; certificate: Uint8Array }, paths?: Path[]): Uint8Array {
  const tree = treeOf(source);
  const signature = signStateRoot(signer.key, tree.digest());
  return encodeCertificate({ tree: paths ? witness(tree, paths) : tree, signature, delegation });
}
