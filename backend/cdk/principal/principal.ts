// Principals: ids of users and canisters, 0 … 29 bytes (Interface Specification, "Principals").

import { fromBase32, toBase32 } from "../encoding/base32";
import { crc32 } from "../hash/crc32";
import { sha224Ptr } from "../hash/sha256";

/** Longest principal in bytes. */
export const MAX_PRINCIPAL_BYTES: i32 = 29;
/** Last byte of a self-authenticating principal. */
const SELF_AUTHENTICATING: u8 = 2;

export class Principal {
  /** Keeps the array itself, unchecked: nobody may write to it afterwards. */
  constructor(readonly bytes: Uint8Array) {}

  /** aaaaa-aa, zero bytes. */
  static management(): Principal {
    return new Principal(new Uint8Array(0));
  }

  /** 2vxsx-fae, the one byte 4: a caller without a key. */
  static anonymous(): Principal {
    const bytes = new Uint8Array(1);
    bytes[0] = 4;
    return new Principal(bytes);
  }

  /** The principal of a public key in DER: SHA-224 and a 2. */
  static selfAuthenticating(publicKeyDer: Uint8Array): Principal {
    const bytes = new Uint8Array(29);
    sha224Ptr(publicKeyDer.dataStart, publicKeyDer.length, bytes.dataStart);
    bytes[28] = SELF_AUTHENTICATING;
    return new Principal(bytes);
  }

  /** Null unless the text is exactly what `toText` writes for some principal. */
  static fromText(text: string): Principal | null {
    const letters = text.replaceAll("-", "");
    if (letters.length < 7 || letters.length > 53) return null;
    const raw = fromBase32(letters);
    if (raw == null || raw.length < 4 || raw.length > 4 + MAX_PRINCIPAL_BYTES) return null;
    const principal = new Principal(raw.slice(4));
    return principal.toText() == text ? principal : null;
  }

  /** Base32 of CRC-32 and bytes, in groups of five. */
  toText(): string {
    const n = this.bytes.length;
    const raw = new Uint8Array(4 + n);
    store<u32>(raw.dataStart, bswap<u32>(crc32(this.bytes)));
    memory.copy(raw.dataStart + 4, this.bytes.dataStart, n);
    const letters = toBase32(raw);
    let text = letters.substr(0, 5);
    for (let i = 5; i < letters.length; i += 5) text += "-" + letters.substr(i, 5);
    return text;
  }

  toString(): string {
    return this.toText();
  }

  get isAnonymous(): bool {
    return this.bytes.length == 1 && this.bytes[0] == 4;
  }

  /** Whether it is the hash of some public key, and so may sign. */
  get isSelfAuthenticating(): bool {
    return this.bytes.length == 29 && this.bytes[28] == SELF_AUTHENTICATING;
  }

  equals(other: Principal): bool {
    const n = this.bytes.length;
    return n == other.bytes.length && memory.compare(this.bytes.dataStart, other.bytes.dataStart, n) == 0;
  }
}
