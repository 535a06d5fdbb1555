import { describe, expect, it } from 'vitest';
import { en } from './en.ts';
import { de } from './de.ts';

type Tree = { [key: string]: unknown };

function leaves(tree: Tree, prefix = ''): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'object' && value !== null) for (const [k, v] of leaves(value as Tree, `${prefix}${key}.`)) found.set(k, v);
    else found.set(prefix + key, value);
  }
  return found;
}

const english = leaves(en);

describe.each([['de', de]])('the catalogue %s', (_, catalogue) => {
  const words = leaves(catalogue);

  it('has exactly the keys of the English one', () => {
    expect([...words.keys()].sort()).toEqual([...english.keys()].sort());
  });

  it('puts every value into its sentence', () => {
    for (const [key, value] of words) {
      if (typeof value === 'string') {
        expect(value.trim(), key).not.toBe('');
        continue;
      }
      const make = value as (...args: unknown[]) => string;
      const args = Array.from({ length: make.length }, (_unused, i) => (i === 1 && key.endsWith('reactedWith') ? 7 : `arg${i}`));
      const text = make(...args);
      for (const [i, arg] of args.entries()) {
        // A flag chooses words and is not itself one of them.
        if (key.endsWith('reactedWith') && i === 2) continue;
        expect(text, key).toContain(String(arg));
      }
    }
  });

  it('knows one from many', () => {
    expect(catalogue.chats.unread(1)).not.toBe(catalogue.chats.unread(2).replace('2', '1'));
  });
});
