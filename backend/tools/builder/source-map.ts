/**
 * The source map of a Wasm module: its one "line" is the module, its columns are byte offsets. The compiler's map is of
 * the module before it was finished: here it is made to fit what the build writes, and to carry the sources as they are.
 * Source: "Source Map Revision 3 Proposal"; WebAssembly tool conventions, "Source maps".
 */
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

interface Map { sources: string[]; sourcesContent?: (string | null)[]; sourceRoot?: string; mappings: string }

/** Base64 VLQ: five bits a digit, lowest first, the sign in the lowest bit of all. */
function decodeVlq(text: string): { value: number; length: number } {
  let bits = 0;
  let length = 0;
  for (let more = true; more; length++) {
    const digit = DIGITS.indexOf(text[length] ?? '');
    if (digit < 0) throw new Error('malformed source map');
    bits += (digit & 31) * 32 ** length;
    more = digit >= 32;
  }
  return { value: bits % 2 === 1 ? -Math.floor(bits / 2) : bits / 2, length };
}

function encodeVlq(value: number): string {
  let bits = value < 0 ? -value * 2 + 1 : value * 2;
  let text = '';
  do {
    const digit = bits % 32;
    bits = Math.floor(bits / 32);
    text += DIGITS[bits > 0 ? digit + 32 : digit] ?? '';
  } while (bits > 0);
  return text;
}

/** Moves all offsets by `bytes`; sources for which `text` knows better get that content. */
export function fitSourceMap(json: string, bytes: number, text: (source: string) => string | undefined): string {
  const map = JSON.parse(json) as Map;
  if (map.mappings !== '') {
    // Offsets are relative to the one before: only the first is absolute.
    const first = decodeVlq(map.mappings);
    map.mappings = encodeVlq(first.value + bytes) + map.mappings.slice(first.length);
  }
  delete map.sourceRoot;
  map.sourcesContent = map.sources.map((source, i) => text(source) ?? map.sourcesContent?.[i] ?? null);
  return JSON.stringify(map);
}
