// What a username may be. Names are unique without regard to case; only ASCII letters, digits and single
// inner underscores are allowed, so that no two names can be confused by look-alike letters of other scripts.

import { MaxChars, MinChars, UsernameError } from "../../../generated/user_index/types";

const MIN_CHARS: i32 = 5;
const MAX_CHARS: i32 = 20;

const UNDERSCORE: i32 = 0x5f;

function isAlphanumeric(unit: i32): bool {
  return (unit >= 0x30 && unit <= 0x39) || (unit >= 0x41 && unit <= 0x5a) || (unit >= 0x61 && unit <= 0x7a);
}

/** Null when the form is right; says nothing about who has it. */
export function usernameFault(name: string): UsernameError | null {
  if (name.length < MIN_CHARS) return UsernameError.TooShort(new MinChars(<u8>MIN_CHARS));
  if (name.length > MAX_CHARS) return UsernameError.TooLong(new MaxChars(<u8>MAX_CHARS));
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    if (isAlphanumeric(unit)) continue;
    const inner = i > 0 && i < name.length - 1 && name.charCodeAt(i - 1) != UNDERSCORE;
    if (unit != UNDERSCORE || !inner) return UsernameError.InvalidCharacters();
  }
  return null;
}

/** The form in which names are compared and sorted. */
export function fold(name: string): string {
  return name.toLowerCase();
}
