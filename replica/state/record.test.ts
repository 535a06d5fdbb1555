import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RecordError, RecordReader, RecordWriter } from './record.ts';

const MAX = (1n << 128n) - 1n;

test('integers, bytes, texts and options come back', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: MAX }),
      fc.maxSafeNat(),
      fc.uint8Array(),
      fc.string({ unit: 'grapheme' }),
      fc.option(fc.maxSafeNat(), { nil: undefined }),
      (big, uint, bytes, text, option) => {
        const writer = new RecordWriter();
        writer.big(big);
        writer.uint(uint);
        writer.bytes(bytes);
        writer.text(text);
        writer.optional(option, (value) => writer.uint(value));
        const reader = new RecordReader(writer.finish());
        expect(reader.big()).toBe(big);
        expect(reader.uint()).toBe(uint);
        expect(reader.bytes()).toEqual(bytes);
        expect(reader.text()).toBe(text);
        expect(reader.optional(() => reader.uint())).toBe(option);
        reader.finish();
      },
    ),
  );
});

test('golden bytes', () => {
  const writer = new RecordWriter();
  writer.uint(300);
  writer.text('ab');
  writer.bool(true);
  writer.list([1, 2], (item) => writer.uint(item));
  expect(Buffer.from(writer.finish()).toString('hex')).toBe('ac020261620102' + '0102');
});

test.each([
  ['cut short', '05aa'],
  ['an integer not in its shortest form', '8000'],
  ['an endless integer', 'ff'.repeat(25)],
])('%s is refused', (_, hex) => {
  const reader = new RecordReader(Uint8Array.from(Buffer.from(hex, 'hex')));
  expect(() => reader.bytes()).toThrow(RecordError);
});

test('bytes after the end are refused', () => {
  const reader = new RecordReader(Uint8Array.of(1, 2));
  reader.byte();
  expect(() => reader.finish()).toThrow(RecordError);
});

test('random bytes never hang or crash otherwise', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const reader = new RecordReader(bytes);
      try {
        reader.list(() => reader.text());
      } catch (error) {
        expect(error instanceof RecordError || error instanceof TypeError).toBe(true);
      }
    }),
  );
});
