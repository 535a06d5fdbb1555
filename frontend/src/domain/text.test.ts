import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { isLong, isOnlyEmoji, toPieces, withoutOverrides } from './text.ts';

/** Pieces of links and of what stands around them. A general generator of addresses is a hundred times slower. */
const PARTS = ['http://', 'https://', 'HTTPS://', 'ftp://', 'javascript:', 'example.org', '10.0.0.1', '[::1]', ':80', ':99999', '/', '/a_(b)', '(', ')', '?q=1', '#', '@', '.', ',', '!', '\u202e', '\u2066', ' ', '\n', 'word', '%', '%zz', '<b>', '"', '日本', '🎉', '\ud800'];

describe('links in text', () => {
  it.each([
    ['see https://example.org/a.', ['see ', '!https://example.org/a', '.']],
    ['(https://example.org/a_(b))', ['(', '!https://example.org/a_(b)', ')']],
    ['nothing here', ['nothing here']],
    ['javascript:alert(1)', ['javascript:alert(1)']],
    ['https://', ['https://']],
  ])('finds %j', (text, expected) => {
    expect(toPieces(text).map((p) => (p.kind === 'link' ? `!${p.text}` : p.text))).toEqual(expected);
  });

  it('loses no character and links only to the web', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...PARTS)), (parts) => {
        const text = parts.join('');
        const pieces = toPieces(text);
        expect(pieces.map((p) => p.text).join('')).toBe(text);
        for (const piece of pieces) if (piece.kind === 'link') expect(piece.href).toMatch(/^https?:\/\//);
      }),
    );
  });
});

describe('long text', () => {
  it.each([
    ['a paragraph', 'word '.repeat(120), false],
    ['a page', 'word '.repeat(400), true],
    ['a short poem', 'a line\n'.repeat(16), false],
    ['a list without end', '1\n'.repeat(9_000), true],
    ['nothing', '', false],
  ])('%s', (_, text, long) => {
    expect(isLong(text)).toBe(long);
  });
});

describe('messages of emoji only', () => {
  it.each([
    ['🙌', true],
    ['👨‍👩‍👧 ❤️', true],
    ['🇨🇭', true],
    ['ok 👍', false],
    ['12', false],
    ['', false],
    ['   ', false],
    ['🎉🎉🎉🎉🎉🎉', false],
  ])('%j: %j', (text, large) => {
    expect(isOnlyEmoji(text)).toBe(large);
  });
});

describe('hostile text', () => {
  it('cannot dress up one word as another by turning it around', () => {
    expect(withoutOverrides('evil \u202eexe.gpj\u202c \u202dabc')).toBe('evil exe.gpj\u202c abc');
  });

  it('of other scripts is left as it is', () => {
    for (const text of ['مرحبا 7:30', 'שלום, \u200fat 7', '\u2067abc\u2069', '👩‍👩‍👧']) expect(withoutOverrides(text)).toBe(text);
  });
});
