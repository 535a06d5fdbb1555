import { describe, expect, it } from 'vitest';
import { derive, keyOfWords, newWords, parsePhrase, samePhrase } from './recovery-phrase.ts';

describe('keys from a seed', () => {
  const seed = Uint8Array.fromHex('000102030405060708090a0b0c0d0e0f');

  it.each([
    [[], '2b4be7f19ee27bbf30c667b642d5f4aa69fd169872f8fc3059c08ebae2eb19e7'],
    [[0], '68e0fe46dfb67e368c75379acec591dad19df3cde26e63b93a8e704f1dade7a3'],
    [[0, 1, 2, 2, 1_000_000_000], '8f94d394a8e8fd6b1bc2f3f49f5c47e385281d5c17e65324b0f62483e37e8793'],
  ])('follow SLIP-0010, test vector 1 for ed25519, path %j', async (path, key) => {
    expect((await derive(seed, path)).toHex()).toBe(key);
  });
});

describe('a recovery phrase', () => {
  const words = newWords();
  const phrase = { anchor: 10_042n, words };

  it('has 24 words, other ones each time, and one key', async () => {
    expect(words).toHaveLength(24);
    expect(newWords()).not.toEqual(words);
    const key = await keyOfWords(words);
    expect((await keyOfWords(words)).getPrincipal().toText()).toBe(key.getPrincipal().toText());
    expect((await keyOfWords(newWords())).getPrincipal().toText()).not.toBe(key.getPrincipal().toText());
  });

  it('is read as people type it', () => {
    expect(parsePhrase(`  10042\n${words.join(', ').toUpperCase()} `)).toEqual(phrase);
    expect(samePhrase(`10042 ${words.join('  ')}`, phrase)).toBe(true);
  });

  it('is refused with a number missing, a word missing, swapped or misspelt', () => {
    expect(parsePhrase(words.join(' '))).toBeNull();
    expect(parsePhrase(`10042 ${words.slice(1).join(' ')}`)).toBeNull();
    expect(parsePhrase(`10042 ${['zzzz', ...words.slice(1)].join(' ')}`)).toBeNull();
    expect(parsePhrase('')).toBeNull();
    expect(samePhrase(`10043 ${words.join(' ')}`, phrase)).toBe(false);
    expect(samePhrase(`10042 ${newWords().join(' ')}`, phrase)).toBe(false);
  });
});
