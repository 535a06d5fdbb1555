// The directory's rules for usernames, as far as they need no asking. The directory has the last word.

import type { UsernameProblem } from '../../sync/backend-port.ts';

const MIN = 5;
const MAX = 20;

export function localUsernameProblem(username: string): UsernameProblem | null {
  if (!/^[a-z0-9_]*$/i.test(username) || /^_|__/.test(username)) return { problem: 'invalid-characters' };
  if (username.length > MAX) return { problem: 'too-long', max: MAX };
  if (username.length < MIN) return { problem: 'too-short', min: MIN };
  // Only at full length: while typing, an underscore may be on its way to the next letter.
  if (username.endsWith('_')) return { problem: 'invalid-characters' };
  return null;
}
