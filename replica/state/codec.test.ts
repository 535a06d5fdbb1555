/** Records of earlier versions. */
import { expect, test } from 'vitest';
import { Principal } from '../types/principal.ts';
import { CanisterState, defaultSettings } from './canister-state.ts';
import { decodeCanister, encodeCanister } from './codec.ts';
import { RecordError } from './record.ts';

const PARTS = {
  code: () => {
    throw new Error('no code here');
  },
  chunk: () => new Uint8Array(0),
  snapshot: () => {
    throw new Error('no snapshots here');
  },
};

test('a canister’s record of version 1, without the time of the next installation, is read; of version 3 it is refused', () => {
  const canister = new CanisterState(Principal.fromCanisterIndex(1n), defaultSettings([Principal.anonymous()]), 5n, 7n);
  const record = encodeCanister(canister);
  expect(record[0]).toBe(2);
  // The time is the last field, 0 in one byte.
  const old = record.slice(0, -1);
  old[0] = 1;
  const read = decodeCanister(old, PARTS);
  expect([read.balance, read.installAllowedAtNanos]).toEqual([5n, 0n]);
  expect(encodeCanister(read)).toEqual(record);
  for (const version of [0, 3]) {
    const unknown = record.slice();
    unknown[0] = version;
    expect(() => decodeCanister(unknown, PARTS)).toThrow(RecordError);
  }
});
