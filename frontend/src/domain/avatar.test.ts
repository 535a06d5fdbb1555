import { describe, expect, it } from 'vitest';
import { hueOf, initialsOf } from './avatar.ts';

describe('what stands in for a picture', () => {
  it.each([
    ['anna', 'A'],
    ['Sunday hikers', 'SH'],
    ['samuel_k', 'SK'],
    ['benno_102', 'B'],
    ['Żółta łódź', 'ŻŁ'],
    ['山田 太郎', '山太'],
    ['', ''],
    ['🎉', '🎉'],
    ['👩‍👩‍👧 🦄', '👩‍👩‍👧'],
  ])('%j becomes %j', (name, initials) => {
    expect(initialsOf(name)).toBe(initials);
  });

  it('keeps the colour of somebody over time', () => {
    expect(hueOf('d:rrkah-fqaaa-aaaaa-aaaaq-cai')).toBe(hueOf('d:rrkah-fqaaa-aaaaa-aaaaq-cai'));
    expect(hueOf('anything') % 15).toBe(0);
  });
});
