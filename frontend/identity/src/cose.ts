// The public key inside a fresh passkey's authenticator data (WebAuthn, "Attested credential data"), as the
// network wants it: COSE with only the labels that make the key, wrapped in DER.

import { DER_COSE_OID, wrapDER } from '@dfinity/agent';

/** rpIdHash 32, flags 1, signCount 4, aaguid 16: then the length of the credential id. */
const CREDENTIAL_LENGTH_AT = 53;
const FLAG_ATTESTED = 0x40;

const KTY = 1;
const ALG = 3;
/** Curve, x, y of an elliptic key; modulus and exponent of an RSA key. */
const KEY_PARTS = [-1, -2, -3];

export class MalformedKeyError extends Error {
  constructor(what: string) {
    super(`the passkey's public key is malformed: ${what}`);
    this.name = 'MalformedKeyError';
  }
}

type CoseValue = number | Uint8Array;

class Reader {
  #at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new MalformedKeyError('it ends early');
    this.#at += 1;
    return byte;
  }

  take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new MalformedKeyError('it ends early');
    const taken = this.#bytes.slice(this.#at, end);
    this.#at = end;
    return taken;
  }

  /** Major type and argument (RFC 8949, section 3); arguments of at most four bytes occur in keys. */
  head(): { major: number; argument: number } {
    const first = this.byte();
    const info = first & 0x1f;
    if (info < 24) return { major: first >> 5, argument: info };
    const width = info === 24 ? 1 : info === 25 ? 2 : info === 26 ? 4 : 0;
    if (width === 0) throw new MalformedKeyError('an unknown length');
    let argument = 0;
    for (const byte of this.take(width)) argument = argument * 256 + byte;
    return { major: first >> 5, argument };
  }

  value(): CoseValue | null {
    const { major, argument } = this.head();
    switch (major) {
      case 0:
        return argument;
      case 1:
        return -1 - argument;
      case 2:
        return this.take(argument);
      case 3:
        this.take(argument);
        return null;
      default:
        throw new MalformedKeyError(`a value of kind ${major}`);
    }
  }
}

function head(major: number, argument: number): number[] {
  if (argument < 24) return [(major << 5) | argument];
  if (argument < 256) return [(major << 5) | 24, argument];
  return [(major << 5) | 25, argument >> 8, argument & 255];
}

const encodeInt = (value: number): number[] => (value >= 0 ? head(0, value) : head(1, -1 - value));

/** COSE key of authenticator data that carries a new credential. */
export function coseKeyOf(authenticatorData: Uint8Array): Uint8Array {
  const flags = authenticatorData[32];
  if (flags === undefined || (flags & FLAG_ATTESTED) === 0) throw new MalformedKeyError('no credential in it');
  const [high, low] = authenticatorData.slice(CREDENTIAL_LENGTH_AT, CREDENTIAL_LENGTH_AT + 2);
  if (high === undefined || low === undefined) throw new MalformedKeyError('it ends early');
  return normalCoseKey(authenticatorData.slice(CREDENTIAL_LENGTH_AT + 2 + ((high << 8) | low)));
}

/** Some authenticators add labels that the network refuses; what follows the map (extensions) is not the key. */
export function normalCoseKey(cose: Uint8Array): Uint8Array {
  const reader = new Reader(cose);
  const { major, argument: count } = reader.head();
  if (major !== 5) throw new MalformedKeyError('not a map');
  const parts = new Map<number, CoseValue>();
  for (let i = 0; i < count; i += 1) {
    const label = reader.value();
    const value = reader.value();
    if (typeof label === 'number' && value !== null) parts.set(label, value);
  }
  const kept = [KTY, ALG, ...KEY_PARTS].filter((label) => parts.has(label));
  if (!parts.has(KTY) || !parts.has(ALG) || !parts.has(-1)) throw new MalformedKeyError('parts are missing');
  const out: number[] = head(5, kept.length);
  for (const label of kept) {
    const value = parts.get(label) as CoseValue;
    out.push(...encodeInt(label));
    if (typeof value === 'number') out.push(...encodeInt(value));
    else out.push(...head(2, value.length), ...value);
  }
  return Uint8Array.from(out);
}

export const derOfCose = (cose: Uint8Array): Uint8Array => wrapDER(cose, DER_COSE_OID);
