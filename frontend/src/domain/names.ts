// What people and groups call themselves, made safe to stand in a line beside other words. Always: a name
// turns no text around it, breaks no line, and stays within its line's height. Never: it replaces the
// username, which nobody else can have and which therefore stands beside it.

import type { Person } from './chat.ts';

/** Unseen on their own: controls, line and paragraph ends, and what sets the direction of text (Bidi_Control). */
const UNSEEN = /[\p{Cc}\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** No language puts more marks on one letter than this; more is meant to cover the neighbours. */
const PILED_MARKS = /(\p{M}{3})\p{M}+/gu;

export function cleanName(name: string): string {
  return name.replace(UNSEEN, ' ').replace(PILED_MARKS, '$1').replace(/\s+/gu, ' ').trim();
}

/** What a person is called on screen. */
export const shownName = (person: Pick<Person, 'username' | 'displayName'>): string => person.displayName || person.username;

/** What stands beneath it: who this really is. Nothing when that is the name already. */
export const handleOf = (person: Pick<Person, 'username' | 'displayName'>): string =>
  person.displayName ? `@${person.username}` : '';
