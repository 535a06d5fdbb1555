import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CanisterState, defaultSettings } from '../state/canister-state.ts';
import { Principal } from '../types/principal.ts';
import { appendLogs, logBytes } from './canister-log.ts';

test('the newest records within the limit are kept, numbered without gaps', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 60 }), (sizes) => {
      const canister = new CanisterState(Principal.fromCanisterIndex(0n), defaultSettings([]), 0n, 0n);
      canister.settings.logMemoryLimit = 100;
      sizes.forEach((size, time) => appendLogs(canister, BigInt(time), [new Uint8Array(size)]));
      const { records, nextIndex } = canister.log;
      expect(nextIndex).toBe(sizes.length);
      expect(logBytes(canister)).toBeLessThanOrEqual(100);
      expect(records.map(({ index }) => index)).toEqual(records.map((_, at) => nextIndex - records.length + at));
      if (sizes.length > 0) expect(records.at(-1)?.content.length).toBe(Math.min(100, sizes.at(-1)!));
    }),
  );
});
