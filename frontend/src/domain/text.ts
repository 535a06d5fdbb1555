// Reading message text: links, and messages that are only emoji. Text is never turned into markup; the
// pieces are put on screen as text and elements.

/** Characters that make what follows read backwards, whatever it is: used to dress up one word as another. */
const OVERRIDES = /[\u202d\u202e]/gu;

export const withoutOverrides = (text: string): string => text.replace(OVERRIDES, '');

export type TextPiece = { kind: 'text'; text: string } | { kind: 'link'; text: string; href: string };

const LINK = /\bhttps?:\/\/[^\s<>"'\u2066-\u2069\u202a-\u202e]+/giu;

/** Punctuation that ends a sentence rather than a link; a closing bracket stays when it was opened inside. */
function trimLink(url: string): string {
  // How many brackets close more than were opened: those are the sentence's.
  let surplus = 0;
  for (const character of url) surplus += character === ')' ? 1 : character === '(' ? -1 : 0;
  let end = url.length;
  for (;;) {
    const last = url[end - 1] ?? '';
    if (last === ')' && surplus > 0) surplus -= 1;
    else if (!/[.,;:!?'"»”’*_~]/u.test(last)) return url.slice(0, end);
    end -= 1;
  }
}

export function toPieces(text: string): TextPiece[] {
  const pieces: TextPiece[] = [];
  let from = 0;
  for (const match of text.matchAll(LINK)) {
    const url = trimLink(match[0]);
    if (!URL.canParse(url)) continue;
    if (match.index > from) pieces.push({ kind: 'text', text: text.slice(from, match.index) });
    pieces.push({ kind: 'link', text: url, href: new URL(url).href });
    from = match.index + url.length;
  }
  if (from < text.length) pieces.push({ kind: 'text', text: text.slice(from) });
  return pieces;
}

/** About what is shown of a long text until more is asked for; of a text that is hardly longer all is shown. */
export const FOLDED_LINES = 18;
const LONG_LINES = 24;
/** On a phone a line takes about forty characters. */
const LINE_CHARS = 40;

/** So much that it would push everything else off a screen. */
export function isLong(text: string): boolean {
  let lines = 0;
  for (const line of text.split('\n', LONG_LINES + 1)) lines += Math.max(1, Math.ceil(line.length / LINE_CHARS));
  return lines > LONG_LINES;
}

const EMOJI = /^(?:\p{RGI_Emoji}|\s)+$/v;
const MAX_LARGE_EMOJI = 5;

/** Shown large, without a bubble. */
export function isOnlyEmoji(text: string): boolean {
  if (text.length > 80 || !EMOJI.test(text)) return false;
  const graphemes = [...new Intl.Segmenter().segment(text)].filter(({ segment }) => segment.trim() !== '');
  return graphemes.length > 0 && graphemes.length <= MAX_LARGE_EMOJI;
}
