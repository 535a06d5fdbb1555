/**
 * Principals: the ids of users, canisters, subnets and nodes (Interface Spec, Principals).
 *
 * Always: at most 29 bytes; the text form carries a checksum and is canonical (one text per value).
 * Two principals are equal when their bytes are; `key` gives a string that is equal exactly then, and whose
 * order is the bytewise order of the bytes, so it serves as a map key and as a sort key.
 */

/** Hex of a principal's bytes. Compare with `<`: the order is the bytewise order, a prefix first. */
export type PrincipalKey = string & { readonly principalKey: unique symbol };

export const MAX_PRINCIPAL_BYTES = 29;

const OPAQUE_CLASS = 0x01;
const SELF_AUTHENTICATING_CLASS = 0x02;
const ANONYMOUS_CLASS = 0x04;
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

const CRC32_TABLE = new Uint32Array(256).map((_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ CRC32_TABLE[(crc ^ byte) & 0xff]!;
  return (crc ^ 0xffffffff) >>> 0;
}

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte];
  return text;
}

export class Principal {
  /** 0 to 29 bytes. Never written to after construction; do not modify. */
  readonly bytes: Uint8Array;
  #key: PrincipalKey | undefined;
  #text: string | undefined;

  private constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Copies `bytes`. Throws on more than 29 bytes: check untrusted input with {@link Principal.tryFromBytes}. */
  static fromBytes(bytes: Uint8Array): Principal {
    const principal = Principal.tryFromBytes(bytes);
    if (principal === undefined) throw new RangeError(`a principal has at most 29 bytes, got ${bytes.length}`);
    return principal;
  }

  static tryFromBytes(bytes: Uint8Array): Principal | undefined {
    return bytes.length > MAX_PRINCIPAL_BYTES ? undefined : new Principal(Uint8Array.from(bytes));
  }

  /** Parses the canonical text form only (lower case, dashes every five characters, right checksum). */
  static tryFromText(text: string): Principal | undefined {
    if (text.length > 63) return undefined;
    const bytes: number[] = [];
    let buffer = 0;
    let bits = 0;
    for (const character of text.replaceAll('-', '')) {
      const digit = ALPHABET.indexOf(character);
      if (digit < 0) return undefined;
      buffer = ((buffer << 5) | digit) & 0xfff;
      bits += 5;
      if (bits >= 8) {
        bits -= 8;
        bytes.push((buffer >>> bits) & 0xff);
      }
    }
    if (bytes.length < 4 || bytes.length > MAX_PRINCIPAL_BYTES + 4) return undefined;
    const principal = new Principal(Uint8Array.from(bytes.slice(4)));
    return principal.toText() === text ? principal : undefined;
  }

  /** Throws on anything but the canonical text form. */
  static fromText(text: string): Principal {
    const principal = Principal.tryFromText(text);
    if (principal === undefined) throw new RangeError(`not a principal: ${JSON.stringify(text)}`);
    return principal;
  }

  static fromKey(key: PrincipalKey): Principal {
    return Principal.fromBytes(Uint8Array.from(Buffer.from(key, 'hex')));
  }

  static management(): Principal {
    return MANAGEMENT;
  }

  static anonymous(): Principal {
    return ANONYMOUS;
  }

  /** The opaque canister id with this sequence number: 8 bytes big endian, then `01 01`. */
  static fromCanisterIndex(index: bigint): Principal {
    const bytes = new Uint8Array(10);
    new DataView(bytes.buffer).setBigUint64(0, index);
    bytes[8] = 0x01;
    bytes[9] = OPAQUE_CLASS;
    return new Principal(bytes);
  }

  /** The sequence number of an opaque canister id made by {@link Principal.fromCanisterIndex}, else undefined. */
  canisterIndex(): bigint | undefined {
    const { bytes } = this;
    if (bytes.length !== 10 || bytes[8] !== 0x01 || bytes[9] !== OPAQUE_CLASS) return undefined;
    return new DataView(bytes.buffer, bytes.byteOffset, 10).getBigUint64(0);
  }

  get key(): PrincipalKey {
    return (this.#key ??= hex(this.bytes) as PrincipalKey);
  }

  toText(): string {
    if (this.#text !== undefined) return this.#text;
    const checksum = crc32(this.bytes);
    const all = [checksum >>> 24, (checksum >>> 16) & 0xff, (checksum >>> 8) & 0xff, checksum & 0xff, ...this.bytes];
    let text = '';
    let buffer = 0;
    let bits = 0;
    for (const byte of all) {
      buffer = (buffer << 8) | byte;
      bits += 8;
      while (bits >= 5) {
        bits -= 5;
        text += ALPHABET[(buffer >>> bits) & 31];
      }
      buffer &= (1 << bits) - 1;
    }
    if (bits > 0) text += ALPHABET[(buffer << (5 - bits)) & 31];
    return (this.#text = text.match(/.{1,5}/g)!.join('-'));
  }

  toString(): string {
    return this.toText();
  }

  toJSON(): string {
    return this.toText();
  }

  equals(other: Principal): boolean {
    return this.key === other.key;
  }

  /** Bytewise order, a prefix before what it starts: the order of canister ranges. */
  compare(other: Principal): number {
    return this.key < other.key ? -1 : this.key > other.key ? 1 : 0;
  }

  isManagement(): boolean {
    return this.bytes.length === 0;
  }

  isAnonymous(): boolean {
    return this.bytes.length === 1 && this.bytes[0] === ANONYMOUS_CLASS;
  }

  isSelfAuthenticating(): boolean {
    return this.bytes.length === 29 && this.bytes[28] === SELF_AUTHENTICATING_CLASS;
  }
}

const MANAGEMENT = Principal.fromBytes(new Uint8Array(0));
const ANONYMOUS = Principal.fromBytes(Uint8Array.of(ANONYMOUS_CLASS));

/** SHA-224 of a DER public key, then the class byte: the principal of a user, subnet or node key. */
export function selfAuthenticatingFromHash(sha224: Uint8Array): Principal {
  if (sha224.length !== 28) throw new RangeError('a SHA-224 digest has 28 bytes');
  const bytes = new Uint8Array(29);
  bytes.set(sha224);
  bytes[28] = SELF_AUTHENTICATING_CLASS;
  return Principal.fromBytes(bytes);
}

export { hex as hexOfBytes };
