/**
 * The secrets of a subnet of one node: its signing key, its node's key, and what its randomness comes from.
 * They live in the subnet's state folder, readable by the owner only, and are made at the first start.
 */
import { fromHex, toHex } from '../codec/bytes.ts';
import { sha256 } from '../codec/sha256.ts';
import { concatBytes, utf8 } from '../codec/bytes.ts';
import { decodeChecked, encodeChecked } from './checked-json.ts';

export interface SubnetSecrets {
  /** Seed of the subnet's BLS key, 32 bytes. */
  readonly subnetSeed: Uint8Array;
  /** Seed of the node's Ed25519 key, 32 bytes. */
  readonly nodeSeed: Uint8Array;
  /** Key of the randomness of batches, 32 bytes. */
  readonly randomnessKey: Uint8Array;
}

const SECRET_BYTES = 32;
const NAMES = ['subnetSeed', 'nodeSeed', 'randomnessKey'] as const;

export function createSecrets(randomBytes: (length: number) => Uint8Array): SubnetSecrets {
  return { subnetSeed: randomBytes(SECRET_BYTES), nodeSeed: randomBytes(SECRET_BYTES), randomnessKey: randomBytes(SECRET_BYTES) };
}

/** Secrets that are a function of a number, so known to everybody: for tests. */
export function secretsFromSeed(seed: number, subnetIndex: number): SubnetSecrets {
  let counter = 0;
  return createSecrets(() => sha256(concatBytes(utf8(`parley-test-secret ${seed} ${subnetIndex} ${counter++}`))));
}

export function encodeSecrets(secrets: SubnetSecrets): string {
  return encodeChecked(Object.fromEntries(NAMES.map((name) => [name, toHex(secrets[name])])));
}

/** Throws for anything but what `encodeSecrets` wrote. */
export function decodeSecrets(text: string): SubnetSecrets {
  const plain = decodeChecked(text);
  const secret = (name: (typeof NAMES)[number]): Uint8Array => {
    const bytes = fromHex(String(plain[name] ?? ''));
    if (bytes.length !== SECRET_BYTES) throw new Error(`${name} is not a secret of ${SECRET_BYTES} bytes`);
    return bytes;
  };
  return { subnetSeed: secret('subnetSeed'), nodeSeed: secret('nodeSeed'), randomnessKey: secret('randomnessKey') };
}
