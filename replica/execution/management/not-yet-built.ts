/**
 * Methods whose subsystems this network does not have yet: threshold keys, Bitcoin.
 *
 * Arguments are checked as if they existed, so that a caller's mistake is reported as such; a
 * correct call is rejected with a text that says plainly what is missing. Attached cycles go back.
 *
 * Source: Interface Spec 0.66, the methods' own sections.
 */
import type { IDL } from '@dfinity/candid';
import type { UserError } from '../../types/errors.ts';
import type * as candid from './candid-types.ts';
import { rejected } from './faults.ts';
import type { SubnetMethod } from './operation.ts';
import { reject } from './operation.ts';

const MAX_DERIVATION_PATH = 255;
const MESSAGE_HASH_BYTES = 32;
const TRANSPORT_KEY_BYTES = 48;

/** `ecdsa:Secp256k1:key_1` and the like, as the public replica names keys in errors. */
function keyName(scheme: string, key: candid.ThresholdArgsCandid['key_id']): string {
  const kinds: Record<string, string> = {
    secp256k1: 'Secp256k1',
    bip340secp256k1: 'Bip340Secp256k1',
    ed25519: 'Ed25519',
    bls12_381_g2: 'Bls12_381_G2',
  };
  const [tag = ''] = Object.keys((key.curve ?? key.algorithm ?? {}) as object);
  return `${scheme}:${kinds[tag] ?? tag}:${key.name}`;
}

function thresholdFault(args: candid.ThresholdArgsCandid): UserError | undefined {
  const path = args.derivation_path ?? [];
  if (path.length > MAX_DERIVATION_PATH) {
    return rejected(
      `Deserialize error: The number of elements exceeds maximum allowed ${MAX_DERIVATION_PATH}`,
    );
  }
  if (args.message_hash !== undefined && args.message_hash.length !== MESSAGE_HASH_BYTES) {
    return rejected(`message_hash must be exactly ${MESSAGE_HASH_BYTES} bytes`);
  }
  const transport = args.transport_public_key;
  if (transport !== undefined && transport.length !== TRANSPORT_KEY_BYTES) {
    return rejected(`transport_public_key must be exactly ${TRANSPORT_KEY_BYTES} bytes`);
  }
  return undefined;
}

export function thresholdMethod(
  argument: IDL.Type,
  scheme: 'ecdsa' | 'schnorr' | 'vetkd',
): SubnetMethod<candid.ThresholdArgsCandid> {
  return {
    argument,
    run(_operation, args) {
      return reject(
        thresholdFault(args) ??
          rejected(
            `Requested unknown threshold key: ${keyName(scheme, args.key_id)}, existing keys: []. ` +
              'Threshold keys are not available on this network yet.',
          ),
      );
    },
  };
}

export const bitcoin: SubnetMethod<undefined> = {
  run: () =>
    reject(
      rejected(
        'The Bitcoin API is not available on this network yet. On the public network, call the Bitcoin canister directly.',
      ),
    ),
};
