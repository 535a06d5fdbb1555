/**
 * The few DER shapes of public keys that the interface knows.
 * Source: RFC 5280 (SubjectPublicKeyInfo), RFC 8410 (Ed25519), RFC 5480 (ECDSA), Interface Spec, "Signatures".
 */
import { concatBytes, equalBytes, fromHex } from './bytes.ts';

/** Each is the content of the AlgorithmIdentifier SEQUENCE. */
const ALGORITHMS = {
  ed25519: fromHex('06032b6570'),
  p256: fromHex('06072a8648ce3d020106082a8648ce3d030107'),
  secp256k1: fromHex('06072a8648ce3d020106052b8104000a'),
  cose: fromHex('060a2b0601040183b8430101'),
  canisterSignature: fromHex('060a2b0601040183b8430102'),
  bls: fromHex('060d2b0601040182dc7c0503010201060c2b0601040182dc7c05030201'),
  rsa: fromHex('06092a864886f70d0101010500'),
} as const;

export type KeyAlgorithm = keyof typeof ALGORITHMS;

/** The one error of this module. */
export class DerError extends Error {}

const SEQUENCE = 0x30;
const BIT_STRING = 0x03;

/** Reads one element with a definite, shortest-form length. */
function readElement(bytes: Uint8Array, at: number, tag: number): { content: Uint8Array; next: number } {
  if (bytes[at] !== tag) throw new DerError(`expected tag 0x${tag.toString(16)} at offset ${at}`);
  const first = bytes[at + 1];
  if (first === undefined) throw new DerError('length is missing');
  let length = first;
  let from = at + 2;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0 || count > 3) throw new DerError('unsupported length');
    length = 0;
    for (let i = 0; i < count; i++) {
      const byte = bytes[from++];
      if (byte === undefined) throw new DerError('length is cut short');
      length = length * 256 + byte;
    }
    if (length < 0x80 || (count > 1 && length < 2 ** (8 * (count - 1)))) throw new DerError('length is not in shortest form');
  }
  if (from + length > bytes.length) throw new DerError('content is cut short');
  return { content: bytes.subarray(from, from + length), next: from + length };
}

/** Splits a DER public key. `key` is the content of the bit string (a view of the input). */
export function parsePublicKey(der: Uint8Array): { algorithm: KeyAlgorithm; key: Uint8Array } {
  const outer = readElement(der, 0, SEQUENCE);
  if (outer.next !== der.length) throw new DerError('bytes after the key');
  const algorithm = readElement(outer.content, 0, SEQUENCE);
  const bits = readElement(outer.content, algorithm.next, BIT_STRING);
  if (bits.next !== outer.content.length) throw new DerError('bytes after the bit string');
  if (bits.content[0] !== 0) throw new DerError('bit string is not made of whole bytes');
  for (const [name, id] of Object.entries(ALGORITHMS)) {
    if (equalBytes(algorithm.content, id)) return { algorithm: name as KeyAlgorithm, key: bits.content.subarray(1) };
  }
  throw new DerError('unknown key algorithm');
}

function element(tag: number, content: Uint8Array): Uint8Array {
  const n = content.length;
  const head = n < 0x80 ? [tag, n] : n < 0x100 ? [tag, 0x81, n] : [tag, 0x82, n >> 8, n & 0xff];
  if (n > 0xffff) throw new DerError('content is too long');
  return concatBytes(Uint8Array.from(head), content);
}

/** The inverse of `parsePublicKey`. */
export function wrapPublicKey(algorithm: KeyAlgorithm, key: Uint8Array): Uint8Array {
  return element(
    SEQUENCE,
    concatBytes(element(SEQUENCE, ALGORITHMS[algorithm]), element(BIT_STRING, concatBytes(Uint8Array.of(0), key))),
  );
}
