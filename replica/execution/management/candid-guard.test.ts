import { IDL } from '@dfinity/candid';
import { Principal } from '@dfinity/principal';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeArgument } from './candid-codec.ts';
import { guardCandid } from './candid-guard.ts';
import * as candid from './candid-types.ts';

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const candidFault = (bytes: Uint8Array): string | undefined => {
  const result = guardCandid(bytes);
  return 'fault' in result ? result.fault : undefined;
};
const DIDL = '4449444c';

describe('candid guard', () => {
  it('accepts what the library encodes for every argument type', () => {
    const settings = {
      controllers: [[Principal.anonymous()]],
      compute_allocation: [1n],
      memory_allocation: [2n ** 64n],
      freezing_threshold: [],
      reserved_cycles_limit: [2n ** 128n - 1n],
      minimum_incoming_canister_call_cycles: [],
      wasm_memory_limit: [],
      wasm_memory_threshold: [],
      log_visibility: [{ allowed_viewers: [Principal.managementCanister()] }],
      snapshot_visibility: [{ public: null }],
      status_visibility: [],
      log_memory_limit: [],
      environment_variables: [[{ name: 'PATH', value: '/ü' }]],
    };
    const bytes = IDL.encode(
      [candid.UpdateSettingsArgs],
      [{ canister_id: Principal.anonymous(), settings, sender_canister_version: [3n] }],
    );
    expect(candidFault(new Uint8Array(bytes))).toBeUndefined();
  });

  it.each([
    ['empty message', ''],
    ['wrong magic', '4449444d 00 00'],
    ['no argument count', `${DIDL} 00`],
    ['left-over bytes', `${DIDL} 00 00 00`],
    // type table: 0 = vec null; one argument of type 0 with 2^42 elements
    ['a space bomb of nulls', `${DIDL} 01 6d 7f 01 00 808080808080 01`],
    // 0 = vec record {}
    ['a space bomb of empty records', `${DIDL} 02 6d 01 6c 00 01 00 8080808080 01`],
    // 0 = record { 0 : 0 }: a value of it would be infinite
    ['a record that contains itself', `${DIDL} 01 6c 01 00 00 01 00`],
    // 0 = opt 0, with 200 levels
    ['deep nesting', `${DIDL} 01 6e 00 01 00 ${'01'.repeat(200)}00`],
    ['a number of many bytes', `${DIDL} 00 01 7d ${'80'.repeat(1000)}01`],
    ['a type reference out of range', `${DIDL} 00 01 05`],
    ['a huge type table', `${DIDL} ffffff7f`],
    ['a principal of 30 bytes', `${DIDL} 00 01 68 01 1e ${'00'.repeat(30)}`],
  ])('refuses %s quickly', (_title, text) => {
    expect(candidFault(hex(text))).toBeTypeOf('string');
  });

  it('gives blobs of any size back as they were, also from a view into a larger buffer', () => {
    const sizes = fc.constantFrom(0, 1, 63, 64, 65, 66, 127, 128, 5_000);
    fc.assert(
      fc.property(sizes, sizes, sizes, fc.nat(20), (wasm, arg, hash, offset) => {
        const value = {
          mode: { install: null },
          target_canister: Principal.anonymous(),
          store_canister: [],
          chunk_hashes_list: [{ hash: new Uint8Array(hash).fill(3) }, { hash: new Uint8Array(wasm).fill(4) }],
          wasm_module_hash: new Uint8Array(wasm).fill(1),
          arg: new Uint8Array(arg).fill(2),
          sender_canister_version: [5n],
        };
        const encoded = IDL.encode([candid.InstallChunkedCodeArgs], [value]);
        const padded = new Uint8Array(offset + encoded.length + 7).fill(0xee);
        padded.set(encoded, offset);
        const bytes = padded.subarray(offset, offset + encoded.length);
        const decoded = decodeArgument<candid.InstallChunkedCodeArgsCandid>(candid.InstallChunkedCodeArgs, bytes);
        if ('fault' in decoded) throw new Error(decoded.fault);
        expect(decoded.value.wasm_module_hash).toEqual(value.wasm_module_hash);
        expect(decoded.value.arg).toEqual(value.arg);
        expect(decoded.value.chunk_hashes_list).toEqual(value.chunk_hashes_list);
        expect(decoded.value.sender_canister_version).toEqual([5n]);
        expect(decoded.value.target_canister.isAnonymous()).toBe(true);
      }),
    );
  });

  it('decodes an argument of two megabytes without copying it for every number', () => {
    const value = {
      mode: { install: null },
      canister_id: Principal.anonymous(),
      wasm_module: new Uint8Array(2_000_000).fill(7),
      arg: new Uint8Array(0),
      sender_canister_version: [],
    };
    const bytes = new Uint8Array(IDL.encode([candid.InstallCodeArgs], [value]));
    const guarded = guardCandid(bytes);
    if ('fault' in guarded) throw new Error(guarded.fault);
    expect(guarded.message.length).toBeLessThan(400);
    expect(guarded.blobs).toEqual([value.wasm_module]);
  });

  it('never throws and never accepts what makes the library hang, for arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (tail) => {
        const bytes = new Uint8Array([...hex(DIDL), ...tail]);
        const result = decodeArgument(candid.InstallCodeArgs, bytes);
        expect('fault' in result || 'value' in result).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it('never throws for a valid message with flipped bytes', () => {
    const valid = new Uint8Array(
      IDL.encode(
        [candid.ReadSnapshotDataArgs],
        [
          {
            canister_id: Principal.anonymous(),
            snapshot_id: new Uint8Array(18),
            kind: { wasm_memory: { offset: 1n, size: 2n } },
          },
        ],
      ),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (flips) => {
          const bytes = valid.slice();
          for (const [index, value] of flips) bytes[index] = value;
          decodeArgument(candid.ReadSnapshotDataArgs, bytes);
        },
      ),
      { numRuns: 5000 },
    );
  });
});
