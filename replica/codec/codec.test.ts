import { Cbor as AgentCbor, requestIdOf } from '@dfinity/agent';
import { Principal as AgentPrincipal } from '@dfinity/principal';
import { decode as libraryDecode, encode as libraryEncode } from 'cborg';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { fromHex, inOnePiece, toHex, utf8 } from './bytes.ts';
import { CborError, decodeCbor, encodeCbor, encodeTagged } from './cbor.ts';
import type { CborValue } from './cbor.ts';
import { DerError, parsePublicKey, wrapPublicKey } from './der.ts';
import { decodeUleb128, encodeSleb128, encodeUleb128 } from './leb128.ts';
import { domainSeparated, hashOfMap } from './request-id.ts';
import { sha224, sha256, sha256Of } from './sha256.ts';

// Properties with many runs: on a busy machine they take their time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

describe('byte strings in one piece of memory', () => {
  it('are copies, one behind the other, that cross to another thread as one', () => {
    const parts = [fromHex('0102'), fromHex(''), fromHex('030405').subarray(1)];
    const copies = inOnePiece(parts);
    parts[0]![0] = 9;
    expect(copies.map(toHex)).toEqual(['0102', '', '0405']);
    const there = structuredClone({ copies }).copies;
    expect(there.map(toHex)).toEqual(['0102', '', '0405']);
    expect(new Set(there.map(({ buffer }) => buffer)).size).toBe(1);
    expect(there[0]!.buffer.byteLength).toBe(4);
  });
});

describe('hashes', () => {
  const streamed = (algorithm: string, ...parts: readonly Uint8Array[]): string => {
    const hash = createHash(algorithm);
    for (const part of parts) hash.update(part);
    return hash.digest('hex');
  };

  it('are those of the streaming interface for every length, in one piece or several, and stay as they were given', () => {
    const given: [string, Uint8Array][] = [];
    for (let length = 0; length <= 1100; length++) {
      const data = Uint8Array.from({ length }, (_, at) => at * 31 + length);
      const parts = [data.subarray(0, length >> 2), data.subarray(length >> 2, length >> 1), data.slice(length >> 1)];
      given.push([streamed('sha256', data), sha256(data)], [streamed('sha256', ...parts), sha256Of(...parts)], [streamed('sha224', data), sha224(data)]);
    }
    for (const [expected, bytes] of given) expect(toHex(bytes)).toBe(expected);
  });
});

describe('request ids', () => {
  it('gives the id of the interface specification example', () => {
    const content = {
      request_type: 'call',
      sender: Uint8Array.of(4),
      ingress_expiry: 1685570400000000000n,
      canister_id: fromHex('00000000000004D2'),
      method_name: 'hello',
      arg: fromHex('4449444c00fd2a'),
    };
    expect(toHex(hashOfMap(content))).toBe('1d1091364d6bb8a6c16b203ee75467d59ead468f523eb058880ae8ec80e2b101');
  });

  it('gives the hash of the delegation published with permissions', () => {
    const delegation = {
      pubkey: utf8('test session public key'),
      expiration: 1_700_000_000_000_000_000n,
      permissions: 'queries',
    };
    expect(toHex(hashOfMap(delegation))).toBe('061d792a31da1cedbbb4ed1a4234c12645d021e6a81ef1598bbe27124f33a4c6');
  });

  it('agrees with the official agent on random contents', () => {
    const nonEmpty = fc.uint8Array({ minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(nonEmpty, fc.string(), fc.bigInt(0n, (1n << 64n) - 1n), fc.array(fc.array(nonEmpty)), (arg, text, nat, paths) => {
        const content = { arg, method_name: text, ingress_expiry: nat, paths, request_type: 'query' };
        expect(toHex(hashOfMap(content))).toBe(toHex(new Uint8Array(requestIdOf(content))));
      }),
    );
  });

  it('separates domains by a length byte and a tag', () => {
    expect(toHex(domainSeparated('ic-request', Uint8Array.of(1)))).toBe('0a69632d7265717565737401');
  });
});

const anyValue: fc.Arbitrary<CborValue> = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.uint8Array({ maxLength: 300 }),
    fc.string({ unit: 'binary' }),
    fc.bigInt(1n << 54n, (1n << 64n) - 1n),
    fc.maxSafeInteger(),
    fc.constantFrom(true, false, null),
    fc.array(tie('value')),
    fc.dictionary(fc.string(), tie('value'), { noNullPrototype: true }),
  ),
})).value;

/** Maps without prototype as ordinary objects, for comparing. */
function plain(value: CborValue): unknown {
  if (Array.isArray(value)) return (value as CborValue[]).map(plain);
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
}

const holdsSymbol = (value: unknown): boolean =>
  typeof value === 'symbol' || (typeof value === 'object' && value !== null && !(value instanceof Uint8Array) && Object.values(value).some(holdsSymbol));

describe('CBOR', () => {
  it('decodes what the official agent encodes', () => {
    const value = { a: Uint8Array.of(1, 2), b: 'text', c: [1, 2, { d: 3 }], e: 12345678901234567890n };
    expect(plain(decodeCbor(AgentCbor.encode(value)))).toEqual(value);
  });

  it('writes and reads the same as a general library', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(toHex(encodeCbor(value))).toBe(toHex(libraryEncode(value, { mapSorter: () => 0 })));
        const bytes = libraryEncode(value);
        expect(plain(decodeCbor(bytes))).toEqual(libraryDecode(bytes));
      }),
      { numRuns: 500 },
    );
  });

  it('refuses whatever a general library refuses, of mangled bytes', () => {
    fc.assert(
      fc.property(anyValue, fc.nat(), fc.nat(255), (value, at, byte) => {
        const bytes = encodeCbor(value);
        bytes[at % bytes.length] = byte;
        let theirs: unknown;
        try {
          // The library reads half floats and has no limit of its own; tags and indefinite strings it does not know.
          theirs = libraryDecode(bytes, { rejectDuplicateMapKeys: true });
        } catch {
          return;
        }
        // A break where a map's value should be: the library hands out its own marker for it instead of refusing.
        if (holdsSymbol(theirs)) {
          expect(() => decodeCbor(bytes)).toThrow(CborError);
          return;
        }
        let ours: CborValue;
        try {
          ours = decodeCbor(bytes);
        } catch (error) {
          expect((error as Error).message).toMatch(/not UTF-8|simple value 25/);
          return;
        }
        expect(plain(ours)).toEqual(theirs);
      }),
      { numRuns: 3000 },
    );
  });

  it('has no encoding for floating-point numbers', () => {
    expect(() => encodeCbor(1.5)).toThrow(TypeError);
  });

  it('encodes what the official agent decodes', () => {
    const value = { status: 'replied', certificate: new Uint8Array(300).fill(7), n: 5, big: (1n << 63n) + 1n };
    const decoded = AgentCbor.decode<Record<string, unknown>>(encodeTagged(value));
    expect(decoded['status']).toBe('replied');
    expect(decoded['certificate']).toEqual(value.certificate);
    expect(BigInt(decoded['big'] as bigint)).toBe(value.big);
  });

  // Examples of RFC 8949, appendix A, that this profile covers.
  it.each<[string, CborValue]>([
    ['00', 0],
    ['17', 23],
    ['1818', 24],
    ['1903e8', 1000],
    ['1b000000e8d4a51000', 1000000000000],
    ['1bffffffffffffffff', 18446744073709551615n],
    ['c249010000000000000000', 18446744073709551616n],
    ['20', -1],
    ['f4', false],
    ['f6', null],
    ['4401020304', Uint8Array.of(1, 2, 3, 4)],
    ['62c3bc', 'ü'],
    ['8301820203820405', [1, [2, 3], [4, 5]]],
    ['9f018202039f0405ffff', [1, [2, 3], [4, 5]]],
    ['a26161016162820203', { a: 1, b: [2, 3] }],
    ['bf61610161629f0203ffff', { a: 1, b: [2, 3] }],
    ['5f42010243030405ff', Uint8Array.of(1, 2, 3, 4, 5)],
    ['7f657374726561646d696e67ff', 'streaming'],
    ['fb3ff199999999999a', 1.1],
    ['3bffffffffffffffff', -18446744073709551616n],
    ['d9d9f7a0', {}],
  ])('reads %s', (hex, value) => {
    expect(plain(decodeCbor(fromHex(hex)))).toEqual(value);
  });

  it.each([
    ['nothing', ''],
    ['trailing bytes', '0000'],
    ['a repeated key', 'a2616101616102'],
    ['text that is not UTF-8', '62ff00'],
    ['a byte string longer than the input', '5affffffff00'],
    ['an array longer than the input', '9affffffff00'],
    ['an unknown tag', 'c000'],
    ['a break out of place', 'ff'],
    ['a bignum of text', 'c26161'],
    ['a piece of the wrong kind in a string', '5f6161ff'],
    ['a string of unfinished pieces', '5f4101'],
    ['half a character at the end of a piece', '7f61c361bcff'],
    ['a reserved length form', '1c'],
    ['an indefinite integer', '1f'],
    ['a key that is no text', 'a10101'],
  ])('refuses %s', (_, hex) => {
    expect(() => decodeCbor(fromHex(hex))).toThrow(CborError);
  });

  it('refuses nesting of any kind beyond the limit without overflowing the stack', () => {
    for (const unit of ['81', '9f', 'd9d9f7', 'a16161', 'bf6161', '8200', '820180']) {
      const bomb = fromHex(unit.repeat(500_000));
      expect(() => decodeCbor(bomb)).toThrow(CborError);
    }
  });

  it('copies byte strings out of the input', () => {
    const input = fromHex('4401020304');
    const value = decodeCbor(input) as Uint8Array;
    input.fill(0);
    expect([...value]).toEqual([1, 2, 3, 4]);
  });

  it('round-trips random values', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(plain(decodeCbor(encodeCbor(value)))).toEqual(value);
        expect(plain(decodeCbor(encodeTagged(value)))).toEqual(value);
      }),
    );
  });

  it('answers random bytes with a value or a CborError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeCbor(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(CborError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe('encoded CBOR', () => {
  it('owns its memory, whatever its size', () => {
    const values = [0, 1, 500, 8_000, 8_192, 9_000, 40_000].map((length) => ({ blob: new Uint8Array(length).fill(length), text: 'x'.repeat(length) }));
    const encoded = values.map((value) => encodeTagged(value));
    expect(encoded.map((bytes) => decodeCbor(bytes))).toEqual(values.map((value) => Object.assign(Object.create(null), value)));
  });
});

describe('LEB128', () => {
  it.each([
    [0n, '00'],
    [127n, '7f'],
    [128n, '8001'],
    [624485n, 'e58e26'],
    [1685570400000000000n, '8080d8a6c2e2beb217'],
  ])('encodes %s', (value, hex) => {
    const bytes = encodeUleb128(value);
    if (hex.length < 10) expect(toHex(bytes)).toBe(hex);
    expect(decodeUleb128(bytes)).toEqual({ value, next: bytes.length });
  });

  it('encodes negative numbers as SLEB128', () => {
    expect(toHex(encodeSleb128(-123456n))).toBe('c0bb78');
  });

  it('refuses endless continuation', () => {
    expect(() => decodeUleb128(new Uint8Array(100).fill(0x80))).toThrow();
    expect(() => decodeUleb128(Uint8Array.of(0x80))).toThrow();
  });
});

describe('DER public keys', () => {
  it('writes the fixed prefixes of the interface', () => {
    expect(toHex(wrapPublicKey('ed25519', new Uint8Array(32)))).toMatch(/^302a300506032b6570032100/);
    const bls = wrapPublicKey('bls', new Uint8Array(96));
    expect(bls.length).toBe(133);
    expect(toHex(bls)).toMatch(/^308182301d060d2b0601040182dc7c0503010201060c2b0601040182dc7c05030201036100/);
    // Internet Identity sheet: a canister signature key with a 10-byte canister id and a 32-byte seed has 62 bytes.
    const canister = wrapPublicKey('canisterSignature', new Uint8Array(43));
    expect(canister.length).toBe(62);
    expect(toHex(canister)).toMatch(/^303c300c060a2b0601040183b8430102032c00/);
  });

  it('reads back what it wrote and refuses every single-byte change of the frame', () => {
    const der = wrapPublicKey('secp256k1', new Uint8Array(65).fill(9));
    expect(parsePublicKey(der)).toEqual({ algorithm: 'secp256k1', key: new Uint8Array(65).fill(9) });
    for (let i = 0; i < der.length - 65; i++) {
      const bad = der.slice();
      bad[i]! ^= 0x55;
      expect(() => parsePublicKey(bad)).toThrow(DerError);
    }
    expect(() => parsePublicKey(der.subarray(0, der.length - 1))).toThrow(DerError);
    expect(() => parsePublicKey(Uint8Array.of(...der, 0))).toThrow(DerError);
  });
});

describe('principals', () => {
  it('is compatible with the official text form', () => {
    expect(AgentPrincipal.fromText('rrkah-fqaaa-aaaaa-aaaaq-cai').toUint8Array()).toEqual(fromHex('00000000000000010101'));
  });
});
