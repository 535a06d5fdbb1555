/**
 * BLS12-381 signatures with signatures in G1 and keys in G2, as the Internet Computer uses them.
 *
 * mcl (WebAssembly) does the work; at start its hash-to-curve, signing and verification are held against an answer that
 * @noble/curves gave, so a wrong domain separation tag or serialization can never go unnoticed.
 * Ciphersuite BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_, basic scheme. Source: Interface Spec, "Certification";
 * draft-irtf-cfrg-bls-signature-05; RFC 9380.
 *
 * Not constant time: mcl's multiplication and JavaScript integers leak timing. Local and test networks only.
 */
import mcl from 'mcl-wasm';
import mclModule from 'mcl-wasm/dist/mcl.js';
import { concatBytes, fromHex, toHex, utf8 } from '../codec/bytes.ts';
import { parsePublicKey, wrapPublicKey } from '../codec/der.ts';
import { sha256 } from '../codec/sha256.ts';

export const BLS_DST = 'BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_';
export const BLS_SIGNATURE_BYTES = 48;
export const BLS_PUBLIC_KEY_BYTES = 96;
/** Order of the groups, big endian; secret keys are below it. */
const ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;

/** Generator of G2, compressed (RFC 9380 / BLS12-381 standard generator). */
const G2_GENERATOR = fromHex(
  '93e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e' +
    '024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8',
);

let ready: Promise<void> | undefined;
let generatorG2: mcl.G2;
let negatedGeneratorLines: mcl.PrecomputedG2;

/** Must have resolved before any other function here is used. Safe to call many times. */
export function initBls(): Promise<void> {
  return (ready ??= start());
}

async function start(): Promise<void> {
  await mcl.init(mcl.BLS12_381);
  mcl.setETHserialization(true);
  mcl.setMapToMode(mcl.IRTF);
  // Subgroup membership of everything that is deserialized: without it, small-order points forge signatures.
  mcl.verifyOrderG1(true);
  mcl.verifyOrderG2(true);
  setDst(BLS_DST);
  generatorG2 = new mcl.G2();
  generatorG2.deserialize(G2_GENERATOR);
  negatedGeneratorLines = new mcl.PrecomputedG2(mcl.neg(generatorG2));
  checkKnownAnswer();
}

/** The high-level wrapper has no call for this; the module underneath exports mcl's own. */
function setDst(dst: string): void {
  interface Module {
    _mclBnG1_setDst(pointer: number, length: number): number;
    sallocBytes(bytes: Uint8Array): number;
    stackSave(): number;
    stackRestore(position: number): void;
  }
  const module = (mclModule as unknown as { mod: Module }).mod;
  const stack = module.stackSave();
  const failed = module._mclBnG1_setDst(module.sallocBytes(utf8(dst)), dst.length);
  module.stackRestore(stack);
  if (failed !== 0) throw new Error('mcl refused the domain separation tag');
}

/**
 * A key, its public key and its signature as @noble/curves computes them (the tests hold these bytes against it). To
 * ask noble itself at every start would take longer than the rest of the start.
 */
const KNOWN = {
  secretKey: '2949ab78813967cea6804d9349296bd8d5c37399f3e8a62f57a310f88b2d14d4',
  publicKey:
    'b265ce0aafd52bed53db88e7d13b2980b89f17b87ddf130977c889f2e9cb5b10ece96ea3f2902eae175f204841bc7cbe' +
    '120e0e496754488b7d195829318a4f90226043b094e24ab3ab2ec234c891cf7fcc30dcd280ea76cf450038010ff0709d',
  message: 'the same bytes from two libraries',
  signature: '96d4959738bbca40cd6b0570f28b31eb6a9fa0de5c3f88e6d2e07c998079059dec376f76f67669bdadf5b953a8dc476d',
};

export { KNOWN as KNOWN_BLS_ANSWER };

function checkKnownAnswer(): void {
  const key = BlsSecretKey.fromBytes(fromHex(KNOWN.secretKey));
  const message = utf8(KNOWN.message);
  const signature = key.sign(message);
  if (toHex(signature) !== KNOWN.signature) throw new Error('mcl makes a BLS signature that differs from the known one');
  if (toHex(key.publicKey()) !== KNOWN.publicKey) throw new Error('mcl makes a BLS public key that differs from the known one');
  if (!blsVerify(signature, message, key.publicKey())) throw new Error('mcl does not verify a good BLS signature');
  if (blsVerify(signature, utf8('other'), key.publicKey())) throw new Error('mcl verifies a bad BLS signature');
}

export class BlsSecretKey {
  readonly #scalar: mcl.Fr;
  readonly #publicKey: Uint8Array;

  private constructor(scalar: mcl.Fr) {
    if (scalar.isZero()) throw new Error('a BLS secret key is not zero');
    this.#scalar = scalar;
    this.#publicKey = mcl.mul(generatorG2, scalar).serialize();
  }

  /** 32 bytes, big endian, 0 < key < order. */
  static fromBytes(bytes: Uint8Array): BlsSecretKey {
    const value = BigInt('0x' + toHex(bytes));
    if (bytes.length !== 32 || value >= ORDER) throw new Error('not a BLS secret key');
    const scalar = new mcl.Fr();
    scalar.setStr(value.toString(16), 16);
    return new BlsSecretKey(scalar);
  }

  /** Derives a key from a uniform 32-byte seed; the bias of the reduction is below 2^-256 (64 bytes are reduced). */
  static fromSeed(seed: Uint8Array): BlsSecretKey {
    if (seed.length !== 32) throw new Error('a seed has 32 bytes');
    const wide = concatBytes(
      sha256(concatBytes(utf8('parley-bls-key-0'), seed)),
      sha256(concatBytes(utf8('parley-bls-key-1'), seed)),
    );
    const value = (BigInt('0x' + toHex(wide)) % (ORDER - 1n)) + 1n;
    return BlsSecretKey.fromBytes(fromHex(value.toString(16).padStart(64, '0')));
  }

  toBytes(): Uint8Array {
    return fromHex(this.#scalar.getStr(16).padStart(64, '0'));
  }

  /** Compressed G2, 96 bytes. */
  publicKey(): Uint8Array {
    return this.#publicKey;
  }

  /** DER, 133 bytes. */
  publicKeyDer(): Uint8Array {
    return blsKeyToDer(this.#publicKey);
  }

  /** Compressed G1, 48 bytes. About a millisecond. */
  sign(message: Uint8Array): Uint8Array {
    return mcl.mul(mcl.hashAndMapToG1(message), this.#scalar).serialize();
  }
}

/** False for any malformed input. e(sig, -g2) · e(H(m), pk) = 1, two Miller loops and one final exponentiation. */
export function blsVerify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== BLS_SIGNATURE_BYTES) return false;
  const key = decodeKey(publicKey);
  if (key === undefined) return false;
  const point = new mcl.G1();
  try {
    point.deserialize(signature);
  } catch {
    return false;
  }
  if (point.isZero()) return false;
  const product = mcl.precomputedMillerLoop2mixed(mcl.hashAndMapToG1(message), key, point, negatedGeneratorLines);
  return mcl.finalExp(product).isOne();
}

/** Decompressing and checking a key costs as much as half a verification, and there are few of them. */
const MAX_CACHED_KEYS = 256;
const decodedKeys = new Map<string, mcl.G2>();

function decodeKey(publicKey: Uint8Array): mcl.G2 | undefined {
  if (publicKey.length !== BLS_PUBLIC_KEY_BYTES) return undefined;
  const name = toHex(publicKey);
  const known = decodedKeys.get(name);
  if (known !== undefined) return known;
  const point = new mcl.G2();
  try {
    point.deserialize(publicKey);
  } catch {
    return undefined;
  }
  if (point.isZero()) return undefined;
  if (decodedKeys.size >= MAX_CACHED_KEYS) decodedKeys.clear();
  decodedKeys.set(name, point);
  return point;
}

export function blsKeyToDer(publicKey: Uint8Array): Uint8Array {
  if (publicKey.length !== BLS_PUBLIC_KEY_BYTES) throw new Error('a BLS public key has 96 bytes');
  return wrapPublicKey('bls', publicKey);
}

/** The 96 key bytes, or undefined if this is no DER BLS key. */
export function blsKeyFromDer(der: Uint8Array): Uint8Array | undefined {
  try {
    const { algorithm, key } = parsePublicKey(der);
    return algorithm === 'bls' && key.length === BLS_PUBLIC_KEY_BYTES ? key : undefined;
  } catch {
    return undefined;
  }
}
