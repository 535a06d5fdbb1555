import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ErrorCode, errorCodeText, rejectCodeOf, RejectCode, truncateUtf8, userError } from './errors.ts';

test('the reject code of an error is its hundreds digit', () => {
  expect(rejectCodeOf(ErrorCode.CanisterOutOfCycles)).toBe(RejectCode.SysTransient);
  expect(rejectCodeOf(ErrorCode.CanisterCalledTrap)).toBe(RejectCode.CanisterError);
  expect(rejectCodeOf(ErrorCode.DeadlineExpired)).toBe(RejectCode.SysUnknown);
  for (const code of Object.values(ErrorCode)) expect(Object.values(RejectCode)).toContain(rejectCodeOf(code));
});

test('codes are printed with four digits', () => {
  expect(errorCodeText(ErrorCode.CanisterCalledTrap)).toBe('IC0503');
});

test('texts are cut at a character boundary', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.nat(60), (text, max) => {
      const cut = truncateUtf8(text, max);
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(max);
      expect(text.startsWith(cut)).toBe(true);
      if (Buffer.byteLength(text) <= max) expect(cut).toBe(text);
    }),
  );
});

test('messages have at most 8 KiB', () => {
  expect(Buffer.byteLength(userError(ErrorCode.CanisterTrapped, 'ü'.repeat(9000)).message)).toBe(8192);
});
