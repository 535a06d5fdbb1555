import { bls12_381 } from '@noble/curves/bls12-381';
import fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { blsVerify as agentVerify } from '@dfinity/agent';
import { fromHex, toHex, utf8 } from '../codec/bytes.ts';
import { BLS_DST, BlsSecretKey, KNOWN_BLS_ANSWER, blsKeyFromDer, blsVerify, initBls } from './bls.ts';

// Properties with many runs: on a busy machine they take their time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

beforeAll(() => initBls());

describe('BLS12-381 signatures in G1', () => {
  const key = (): BlsSecretKey => BlsSecretKey.fromSeed(new Uint8Array(32).fill(5));

  it('are the same bytes as noble makes, for random messages', () => {
    const secret = key().toBytes();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (message) => {
        const hashed = bls12_381.shortSignatures.hash(message, BLS_DST);
        const theirs = bls12_381.shortSignatures.sign(hashed, secret).toBytes();
        expect(toHex(key().sign(message))).toBe(toHex(theirs));
      }),
      { numRuns: 5 },
    );
  });

  it('are known at start by an answer that noble gives', () => {
    const secret = fromHex(KNOWN_BLS_ANSWER.secretKey);
    const noble = bls12_381.shortSignatures;
    const signature = noble.sign(noble.hash(utf8(KNOWN_BLS_ANSWER.message), BLS_DST), secret);
    expect(toHex(noble.Signature.toBytes(signature))).toBe(KNOWN_BLS_ANSWER.signature);
    expect(toHex(noble.getPublicKey(secret).toBytes())).toBe(KNOWN_BLS_ANSWER.publicKey);
  });

  it('verify in the official agent', async () => {
    const message = utf8('hello');
    expect(await agentVerify(key().publicKey(), key().sign(message), message)).toBe(true);
  });

  it('verify for a signature published with the official agents', () => {
    const publicKey = fromHex(
      'a7623a93cdb56c4d23d99c14216afaab3dfd6d4f9eb3db23d038280b6d5cb2caaee2a19dd92c9df7001dede23bf036bc0f33982dfb41e8fa9b8e96b5dc3e83d55ca4dd146c7eb2e8b6859cb5a5db815db86810b8d12cee1588b5dbf34a4dc9a5',
    );
    const signature = fromHex(
      'b89e13a212c830586eaa9ad53946cd968718ebecc27eda849d9232673dcd4f440e8b5df39bf14a88048c15e16cbcaabe',
    );
    expect(blsVerify(signature, utf8('hello'), publicKey)).toBe(true);
    expect(blsVerify(signature, utf8('hallo'), publicKey)).toBe(false);
  });

  it('are refused after any change of one byte, without throwing', () => {
    const message = utf8('message');
    const signature = key().sign(message);
    fc.assert(
      fc.property(fc.nat(47), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bad = signature.slice();
        bad[at]! ^= change;
        expect(blsVerify(bad, message, key().publicKey())).toBe(false);
      }),
      { numRuns: 100 },
    );
  });

  it('are refused for points at infinity, wrong lengths and points outside the subgroup', () => {
    const message = utf8('message');
    const infinity = new Uint8Array(48);
    infinity[0] = 0xc0;
    const infinityKey = new Uint8Array(96);
    infinityKey[0] = 0xc0;
    expect(blsVerify(infinity, message, infinityKey)).toBe(false);
    expect(blsVerify(infinity, message, key().publicKey())).toBe(false);
    expect(blsVerify(key().sign(message), message, infinityKey)).toBe(false);
    expect(blsVerify(new Uint8Array(47), message, key().publicKey())).toBe(false);
    expect(blsVerify(key().sign(message), message, new Uint8Array(95))).toBe(false);
    // x = 4 is on the curve E1 but, like all but one in 2^125 of its points, outside the subgroup.
    const outside = new Uint8Array(48);
    outside[0] = 0x80;
    outside[47] = 4;
    expect(() => bls12_381.G1.ProjectivePoint.fromHex(outside)).toThrow('not in prime-order subgroup');
    expect(blsVerify(outside, message, key().publicKey())).toBe(false);
  });

  it('wrap and unwrap DER keys', () => {
    const der = key().publicKeyDer();
    expect(der.length).toBe(133);
    expect(toHex(blsKeyFromDer(der)!)).toBe(toHex(key().publicKey()));
    expect(blsKeyFromDer(der.subarray(1))).toBeUndefined();
  });

  it('refuse secret keys of zero, beyond the order, or of a wrong length', () => {
    expect(() => BlsSecretKey.fromBytes(new Uint8Array(32))).toThrow();
    expect(() => BlsSecretKey.fromBytes(new Uint8Array(32).fill(255))).toThrow();
    expect(() => BlsSecretKey.fromBytes(new Uint8Array(31).fill(1))).toThrow();
  });
});
