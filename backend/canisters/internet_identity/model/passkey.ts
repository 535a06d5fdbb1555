// Is this the public key of a passkey that the Internet Computer accepts? (Interface Specification, "Web
// Authentication"). The system checks signatures; this check keeps keys out that could never sign in.

import { CborReader } from "../../../cdk/cbor/reader";

/** SEQUENCE { SEQUENCE { OID 1.3.6.1.4.1.56387.1.1 }, BIT STRING }, without the lengths that vary. */
const ALGORITHM: StaticArray<u8> = [0x30, 0x0c, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xb8, 0x43, 0x01, 0x01];

// COSE labels and values (RFC 9053).
const KEY_TYPE: i64 = 1;
const ALGORITHM_LABEL: i64 = 3;
const OKP: i64 = 1;
const EC2: i64 = 2;
const RSA: i64 = 3;
const ES256: i64 = -7;
const EDDSA: i64 = -8;
const RS256: i64 = -257;

/** Reads a DER head of this kind at `at`; the offset of its content, which must reach to the end. -1 if it is not that. */
function content(der: Uint8Array, at: i32, kind: u8): i32 {
  if (at + 2 > der.length || der[at] != kind) return -1;
  let length: i32 = der[at + 1];
  at += 2;
  if (length >= 0x80) {
    const width = length - 0x80;
    if (width < 1 || width > 2 || at + width > der.length) return -1;
    length = 0;
    for (let i = 0; i < width; i++) length = (length << 8) | der[at++];
    if (length < (width == 1 ? 0x80 : 0x100)) return -1; // not the shortest form
  }
  return at + length == der.length ? at : -1;
}

export function isPasskey(der: Uint8Array): bool {
  let at = content(der, 0, 0x30);
  if (at < 0 || at + ALGORITHM.length > der.length) return false;
  for (let i = 0; i < ALGORITHM.length; i++) if (der[at + i] != ALGORITHM[i]) return false;
  at = content(der, at + ALGORITHM.length, 0x03);
  if (at < 0 || at >= der.length || der[at] != 0) return false;
  return isCoseKey(der.slice(at + 1));
}

/** A map with exactly the fields of its algorithm. */
function isCoseKey(cose: Uint8Array): bool {
  const r = new CborReader(cose);
  let type: i64 = 0;
  let algorithm: i64 = 0;
  let curve: i64 = 0;
  let first = 0; // bytes under -1 (RSA) or -2
  let second = 0; // bytes under -2 (RSA) or -3
  const pairs = r.map();
  if (pairs < 4 || pairs > 5) return false;
  for (let i: u32 = 0; i < pairs; i++) {
    const label = r.int();
    if (label == KEY_TYPE) type = r.int();
    else if (label == ALGORITHM_LABEL) algorithm = r.int();
    else if (label == -1 && r.peek() == 2) first = r.bytes().length;
    else if (label == -1) curve = r.int();
    else if (label == -2) {
      if (type == RSA) second = r.bytes().length;
      else first = r.bytes().length;
    } else if (label == -3) second = r.bytes().length;
    else return false;
    if (r.failed) return false;
  }
  if (!r.done) return false;
  if (type == EC2) return algorithm == ES256 && curve == 1 && first == 32 && second == 32;
  if (type == RSA) return algorithm == RS256 && curve == 0 && first >= 128 && second >= 1 && second <= 8;
  if (type == OKP) return algorithm == EDDSA && curve == 6 && first == 32 && second == 0;
  return false;
}
