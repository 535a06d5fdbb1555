/**
 * Methods whose subsystems this network does not have yet: threshold keys, HTTP outcalls, Bitcoin.
 *
 * Arguments are checked as if they existed, so that a caller's mistake is reported as such; a
 * correct call is rejected with a text that says plainly what is missing. Attached cycles go back.
 *
 * Source: Interface Spec 0.66, the methods' own sections.
 */
import type { IDL } from '@dfinity/candid';
import { utf8 } from '../../codec/bytes.ts';
import type { UserError } from '../../types/errors.ts';
import * as candid from './candid-types.ts';
import { rejected } from './faults.ts';
import type { Operation, SubnetMethod } from './operation.ts';
import { reject } from './operation.ts';
import { fromWire } from './wire.ts';

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

// ---------------------------------------------------------------- HTTP outcalls

const MAX_RESPONSE_BYTES = 2_000_000n;
const MAX_URL_BYTES = 8_192;
const MAX_HEADERS = 64;
const MAX_HEADER_PART_BYTES = 8_192;
const MAX_HEADER_BYTES = 48 * 1024;
const MAX_REQUEST_BYTES = 2_000_000;

export function outcallFault(
  operation: Operation,
  args: candid.HttpRequestArgsCandid,
): UserError | undefined {
  const [maxResponse] = args.max_response_bytes;
  if (maxResponse !== undefined && maxResponse > MAX_RESPONSE_BYTES) {
    return rejected(
      `max_response_bytes expected to be in the range [0..${MAX_RESPONSE_BYTES}], got ${maxResponse}`,
    );
  }
  const urlBytes = utf8(args.url).length;
  if (urlBytes > MAX_URL_BYTES) return rejected(`url size ${urlBytes} exceeds ${MAX_URL_BYTES}`);
  if (!args.url.startsWith('https://') && !args.url.startsWith('http://')) {
    return rejected('url must use the https scheme');
  }
  const [transform] = args.transform;
  if (transform !== undefined && !fromWire(transform.function[0]).equals(operation.call.sender)) {
    return rejected(
      `transform principal id expected to be ${operation.call.sender.toText()}, got ${transform.function[0].toText()}`,
    );
  }
  if (args.headers.length > MAX_HEADERS) {
    return rejected(`number of HTTP headers ${args.headers.length} exceeds ${MAX_HEADERS}`);
  }
  let headerBytes = 0;
  for (const { name, value } of args.headers) {
    for (const part of [utf8(name).length, utf8(value).length]) {
      if (part > MAX_HEADER_PART_BYTES) {
        return rejected(`HTTP header name or value size ${part} exceeds ${MAX_HEADER_PART_BYTES}`);
      }
      headerBytes += part;
    }
  }
  if (headerBytes > MAX_HEADER_BYTES) {
    return rejected(`total number of bytes of HTTP headers ${headerBytes} exceeds ${MAX_HEADER_BYTES}`);
  }
  const requestBytes = headerBytes + (args.body[0]?.length ?? 0);
  if (requestBytes > MAX_REQUEST_BYTES) {
    return rejected(`total number of bytes of headers and body ${requestBytes} exceeds ${MAX_REQUEST_BYTES}`);
  }
  const onlyOnce = 'put' in args.method || 'delete' in args.method || 'patch' in args.method;
  if (onlyOnce && args.is_replicated[0] !== false) {
    const [method] = Object.keys(args.method);
    return rejected(`HTTP method ${method!.toUpperCase()} is only allowed for non-replicated requests`);
  }
  return undefined;
}

export const httpRequest: SubnetMethod<candid.HttpRequestArgsCandid> = {
  argument: candid.HttpRequestArgs,
  run: (operation, args) =>
    reject(
      outcallFault(operation, args) ??
        rejected('HTTP outcalls are not available on this network yet.'),
    ),
};

export const bitcoin: SubnetMethod<undefined> = {
  run: () =>
    reject(
      rejected(
        'The Bitcoin API is not available on this network yet. On the public network, call the Bitcoin canister directly.',
      ),
    ),
};
