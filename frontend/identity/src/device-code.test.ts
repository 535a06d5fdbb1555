import { describe, expect, it } from 'vitest';
import { newDeviceCode, parseDeviceCode } from './device-code.ts';

describe('the code of a new device', () => {
  it('is drawn from all letters alike', () => {
    let next = 0;
    const counts = new Map<string, number>();
    // Every byte once, 256 being no multiple of 5: the sequence goes round.
    for (let i = 0; i < 248; i += 1) {
      const code = newDeviceCode((bytes) => {
        bytes[0] = next % 256;
        next += 1;
      });
      expect(parseDeviceCode(code)).toBe(code);
      for (const letter of code) counts.set(letter, (counts.get(letter) ?? 0) + 1);
    }
    expect(counts.size).toBe(31);
    expect(new Set(counts.values())).toEqual(new Set([40]));
  });

  it('is read as people type it, and nothing else is', () => {
    expect(parseDeviceCode(' AB c2 3 ')).toBe('abc23');
    for (const text of ['', 'abc2', 'abc234', 'abc1o', 'ab-23']) expect(parseDeviceCode(text)).toBeNull();
  });
});
