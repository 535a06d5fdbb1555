// A steady colour and initials for whoever has no picture.

/** 24 hues apart by 15 degrees: neighbours stay distinguishable. */
export function hueOf(id: string): number {
  let hash = 2166136261;
  for (let i = 0; i < id.length; i += 1) {
    hash = Math.imul(hash ^ id.charCodeAt(i), 16777619) >>> 0;
  }
  return (hash % 24) * 15;
}

export function initialsOf(name: string): string {
  const words = name.split(/[\s_]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const first = firstLetter(words[0] ?? name);
  // A number at the end tells people apart in writing, not in a small circle.
  const last = words.length > 1 ? (words.at(-1) ?? '') : '';
  const initials = (first + (/^\p{L}/u.test(last) ? firstLetter(last) : '')).toLocaleUpperCase();
  return initials || (new Intl.Segmenter().segment(name.trim())[Symbol.iterator]().next().value?.segment ?? '');
}

const firstLetter = (word: string): string => /[\p{L}\p{N}]/u.exec(word)?.[0] ?? '';
