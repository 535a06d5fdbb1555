import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanName, handleOf, shownName } from './names.ts';

/** What cleaning looks at, and what it must leave alone. */
const CHARACTERS = ['a', 'Z', ' ', '\n', '\t', '\u0301', '\u0335', '\u0489', '\u200b', '\u200d', '\u202e', '\u2066', '\u2069', '\ufeff', 'ש', 'م', '👩', '\ud800'];

describe('names', () => {
  it('turn no other text around', () => {
    expect(cleanName('Ann \u202egnol ton\u202c Lee')).toBe('Ann gnol ton Lee');
    expect(cleanName('\u2067\u2066\u200fAnn')).toBe('Ann');
  });

  it('stay on one line', () => {
    expect(cleanName(' Ann\n\nof\u2028Green\tGables ')).toBe('Ann of Green Gables');
  });

  it('carry no towers of marks', () => {
    expect(cleanName(`A${'\u0301'.repeat(80)}nn`)).toBe(`A${'\u0301'.repeat(3)}nn`);
  });

  it('leave letters of every script and joined emoji as they are', () => {
    for (const name of ['José Ångström', 'Nguyễn Thị Ánh', 'שָׁלוֹם', 'محمد', 'क्षत्रिय', '👩‍👩‍👧 Ada', '山田太郎']) {
      expect(cleanName(name)).toBe(name);
    }
  });

  it('are the same when cleaned twice', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...CHARACTERS)), (characters) => {
        const name = characters.join('');
        expect(cleanName(cleanName(name))).toBe(cleanName(name));
      }),
    );
  });

  it('are the display name with the username beneath, or the username alone', () => {
    expect([shownName({ username: 'ann_lee', displayName: 'Ann Lee' }), handleOf({ username: 'ann_lee', displayName: 'Ann Lee' })]).toEqual(['Ann Lee', '@ann_lee']);
    expect([shownName({ username: 'ann_lee' }), handleOf({ username: 'ann_lee' })]).toEqual(['ann_lee', '']);
    expect(shownName({ username: 'ann_lee', displayName: '' })).toBe('ann_lee');
  });
});
