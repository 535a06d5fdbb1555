import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { coseKeyOf, derOfCose, MalformedKeyError, normalCoseKey } from './cose.ts';

const x = new Uint8Array(32).fill(1);
const y = new Uint8Array(32).fill(2);
// {1: 2, 3: -7, -1: 1, -2: x, -3: y}: an ES256 key as authenticators write it (RFC 9053).
const es256 = Uint8Array.of(0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20, ...x, 0x22, 0x58, 0x20, ...y);
// {1: 1, 3: -8, -1: 6, -2: x}
const ed25519 = Uint8Array.of(0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20, ...x);

const authData = (cose: Uint8Array, id = Uint8Array.of(9, 9, 9), flags = 0x45): Uint8Array =>
  Uint8Array.of(...new Uint8Array(32), flags, 0, 0, 0, 0, ...new Uint8Array(16), id.length >> 8, id.length & 255, ...id, ...cose);

describe('the key of a new passkey', () => {
  it.each([
    ['ES256', es256],
    ['EdDSA', ed25519],
  ])('is taken as it is for %s', (_, cose) => {
    expect(coseKeyOf(authData(cose))).toEqual(cose);
  });

  it('leaves out labels that make no key, and extensions behind it', () => {
    // The same key with key_ops-like text under label 4 and an extension map following.
    const extra = Uint8Array.of(0xa6, ...es256.slice(1), 0x04, 0x62, 0x68, 0x69, 0xa0);
    expect(coseKeyOf(authData(extra))).toEqual(es256);
  });

  it('survives a credential id of more than 255 bytes', () => {
    expect(coseKeyOf(authData(es256, new Uint8Array(300)))).toEqual(es256);
  });

  it('is wrapped as the network wants it: sequence, object id 1.3.6.1.4.1.56387.1.1, bit string', () => {
    const hex = derOfCose(ed25519).toHex();
    expect(hex).toContain('060a2b0601040183b8430101');
    expect(hex.endsWith(ed25519.toHex())).toBe(true);
  });

  it('is refused when there is none', () => {
    expect(() => coseKeyOf(authData(es256, undefined, 0x05))).toThrow(MalformedKeyError);
  });

  it('is refused, and never hangs, when it is garbage', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          expect(normalCoseKey(bytes).length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedKeyError);
        }
      }),
    );
  });
});
