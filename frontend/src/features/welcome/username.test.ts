import { describe, expect, it } from 'vitest';
import { localUsernameProblem } from './username.ts';

describe('usernames that need no asking', () => {
  it.each([
    ['anna', 'too-short'],
    ['a'.repeat(21), 'too-long'],
    ['_anna', 'invalid-characters'],
    ['an__na', 'invalid-characters'],
    ['annalee_', 'invalid-characters'],
    ['änna_lee', 'invalid-characters'],
    ['anna lee', 'invalid-characters'],
  ])('%s is %s', (name, problem) => {
    expect(localUsernameProblem(name)?.problem).toBe(problem);
  });

  it.each(['annal', 'Anna_Lee_42', 'a'.repeat(20)])('%s is left to the directory', (name) => {
    expect(localUsernameProblem(name)).toBeNull();
  });
});
