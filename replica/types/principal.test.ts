import fc from 'fast-check';
import { Principal as Reference } from '@dfinity/principal';
import { expect, test } from 'vitest';
import { Principal, selfAuthenticatingFromHash } from './principal.ts';

const bytes = fc.uint8Array({ maxLength: 29 });

test.each([
  ['aaaaa-aa', ''],
  ['2vxsx-fae', '04'],
  ['rwlgt-iiaaa-aaaaa-aaaaa-cai', '00000000000000000101'],
  ['rkp4c-7iaaa-aaaaa-aaaca-cai', '00000000000000040101'],
])('%s is the text of 0x%s', (text, hex) => {
  expect(Principal.fromText(text).key).toBe(hex);
  expect(Principal.fromBytes(Uint8Array.from(Buffer.from(hex, 'hex'))).toText()).toBe(text);
});

test('texts are those of the reference implementation', () => {
  fc.assert(
    fc.property(bytes, (value) => {
      const principal = Principal.fromBytes(value);
      expect(principal.toText()).toBe(Reference.fromUint8Array(value).toText());
      expect(Principal.fromText(principal.toText()).bytes).toEqual(value);
      expect(Principal.fromKey(principal.key).equals(principal)).toBe(true);
    }),
  );
});

test('only the canonical text is accepted', () => {
  const text = 'rwlgt-iiaaa-aaaaa-aaaaa-cai';
  for (const wrong of [
    text.toUpperCase(),
    text.replaceAll('-', ''),
    ` ${text}`,
    text.replace('r', 'q'),
    '',
    'aaaaa',
    text.slice(0, -1),
  ]) {
    expect(Principal.tryFromText(wrong)).toBeUndefined();
  }
  fc.assert(
    fc.property(fc.string({ maxLength: 70 }), (random) => {
      const principal = Principal.tryFromText(random);
      if (principal !== undefined) expect(principal.toText()).toBe(random);
    }),
  );
});

test('keys order like the bytes, a prefix first', () => {
  fc.assert(
    fc.property(bytes, bytes, (left, right) => {
      const order = Buffer.compare(left, right);
      expect(Math.sign(Principal.fromBytes(left).compare(Principal.fromBytes(right)))).toBe(order);
    }),
  );
});

test('more than 29 bytes are refused', () => {
  expect(Principal.tryFromBytes(new Uint8Array(30))).toBeUndefined();
  expect(() => Principal.fromBytes(new Uint8Array(30))).toThrow(RangeError);
});

test('canister indices go both ways', () => {
  for (const index of [0n, 1n, 0xffff_ffff_ffff_ffffn])
    expect(Principal.fromCanisterIndex(index).canisterIndex()).toBe(index);
  expect(Principal.anonymous().canisterIndex()).toBeUndefined();
});

test('a self-authenticating id is a hash and the class byte', () => {
  const id = selfAuthenticatingFromHash(new Uint8Array(28).fill(3));
  expect(id.isSelfAuthenticating()).toBe(true);
  expect(id.bytes[28]).toBe(2);
});
