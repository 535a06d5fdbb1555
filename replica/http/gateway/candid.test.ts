import { IDL } from '@dfinity/candid';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { utf8 } from '../../codec/bytes.ts';
import { decodeCallbackResponse, decodeResponse, encodeRequest, GatewayCandidError } from './candid.ts';

// Properties with many runs: on a busy machine they take their time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const Minimal = IDL.Record({ status_code: IDL.Nat16, headers: IDL.Vec(IDL.Tuple(IDL.Text, IDL.Text)), body: IDL.Vec(IDL.Nat8) });
const bytes = new Uint8Array(IDL.encode([Minimal], [{ status_code: 200, headers: [['a', 'b']], body: utf8('x') }]));
const expected = { statusCode: 200, headers: [['a', 'b']], body: utf8('x'), upgrade: false, streaming: undefined };

describe('HTTP responses in Candid', () => {
  it('may leave out upgrade and streaming', () => {
    expect(decodeResponse(bytes)).toEqual(expected);
  });

  it('are read from any view of a buffer', () => {
    const larger = new Uint8Array(bytes.length + 7);
    larger.set(bytes, 7);
    expect(decodeResponse(larger.subarray(7))).toEqual(expected);
  });

  it('keep streaming tokens of any type, to be sent back as they were', () => {
    for (const [type, token] of [
      [IDL.Nat, 7n],
      [IDL.Text, 'key'],
      [IDL.Vec(IDL.Nat8), utf8('raw')],
      [IDL.Record({ key: IDL.Text, index: IDL.Nat, sha: IDL.Opt(IDL.Vec(IDL.Nat8)) }), { key: 'k', index: 1n, sha: [utf8('h')] }],
      [IDL.Variant({ page: IDL.Nat32, end: IDL.Null }), { page: 3 }],
    ] as const) {
      const Part = IDL.Opt(IDL.Record({ body: IDL.Vec(IDL.Nat8), token: IDL.Opt(type as IDL.Type) }));
      const encoded = new Uint8Array(IDL.encode([Part], [[{ body: utf8('b'), token: [token] }]]));
      const part = decodeCallbackResponse(encoded)!;
      expect(IDL.decode([type as IDL.Type], part.nextArg!)).toEqual([token]);
    }
  });

  it('end a stream with null or without a token', () => {
    const Part = IDL.Opt(IDL.Record({ body: IDL.Vec(IDL.Nat8) }));
    expect(decodeCallbackResponse(new Uint8Array(IDL.encode([Part], [[]])))).toBeUndefined();
    expect(decodeCallbackResponse(new Uint8Array(IDL.encode([Part], [[{ body: utf8('b') }]])))).toEqual({ body: utf8('b'), nextArg: undefined });
    // Older canisters answer without the option.
    expect(decodeCallbackResponse(new Uint8Array(IDL.encode([Part._type], [{ body: utf8('b') }])))).toMatchObject({ body: utf8('b') });
  });

  it('are read or refused with a GatewayCandidError, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const changed = bytes.slice();
        changed[at] = value;
        try {
          decodeResponse(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(GatewayCandidError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('answer requests that carry everything', () => {
    expect(encodeRequest({ method: 'GET', url: '/', headers: [['a', 'b']], body: utf8('x') }).subarray(0, 4)).toEqual(utf8('DIDL'));
  });
});
