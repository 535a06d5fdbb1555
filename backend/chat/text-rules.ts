// What people may write: bounds that every canister that stores their words applies.

/** In Unicode code points, after trimming. */
export const MAX_MESSAGE_CHARS: u32 = 10_000;
export const MAX_NAME_CHARS: u32 = 60;
export const MAX_DESCRIPTION_CHARS: u32 = 1_000;
/** One emoji with its joiners and modifiers; the longest of Unicode 16 takes 35 bytes of UTF-8. */
const MAX_REACTION_BYTES: i32 = 40;

export const enum TextCheck {
  Ok = 0,
  Empty = 1,
  TooLong = 2,
}

/** Number of code points; a lone surrogate counts as one. */
export function countChars(text: string): u32 {
  let count: u32 = 0;
  for (let i = 0, length = text.length; i < length; i++) {
    const unit = text.charCodeAt(i);
    if ((unit & 0xfc00) == 0xdc00 && i > 0 && (text.charCodeAt(i - 1) & 0xfc00) == 0xd800) continue;
    count++;
  }
  return count;
}

export function checkText(trimmed: string, maxChars: u32): TextCheck {
  if (trimmed.length == 0) return TextCheck.Empty;
  // A code point takes one or two units, so short and very long texts need no counting.
  if (<u32>trimmed.length <= maxChars) return TextCheck.Ok;
  if (<u32>trimmed.length > 2 * maxChars) return TextCheck.TooLong;
  return countChars(trimmed) <= maxChars ? TextCheck.Ok : TextCheck.TooLong;
}

/** A reaction is one short run of non-ASCII code points; letters, spaces and controls are not reactions. */
export function isReaction(text: string): bool {
  const bytes = String.UTF8.byteLength(text);
  if (bytes == 0 || bytes > MAX_REACTION_BYTES) return false;
  let beyondAscii = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) beyondAscii = true;
    // Keycap emoji begin with a digit, # or *.
    else if (!((unit >= 0x30 && unit <= 0x39) || unit == 0x23 || unit == 0x2a)) return false;
  }
  return beyondAscii;
}
