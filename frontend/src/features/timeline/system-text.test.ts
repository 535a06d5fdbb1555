import { describe, expect, it } from 'vitest';
import { userId, type UserId } from '../../domain/ids.ts';
import { de } from '../../i18n/de.ts';
import { en } from '../../i18n/en.ts';
import { systemText } from './system-text.ts';

const me = userId('me');
const people = ['Ann', 'Ben', 'Cat', 'Dan', 'Eve', 'Fay'].map((name) => [userId(name.toLowerCase()), name] as const);
const names = new Map<UserId, string>(people);
const invited = (users: UserId[], by: UserId = userId('ann')) => ({ what: 'invited', users, by }) as const;

describe('what happened in a group, in words', () => {
  it('names a few people as one would say it', () => {
    expect(systemText(en, invited([userId('ben'), me]), me, names, 'en')).toBe('Ann invited Ben and you');
    expect(systemText(de, invited([userId('ben'), me], me), me, names, 'de')).toBe('Du hast Ben und dich eingeladen');
  });

  it('counts when there are many', () => {
    expect(systemText(en, invited(people.map(([id]) => id)), me, names, 'en')).toBe('Ann invited Ann, Ben, Cat, and 3 others');
  });

  it('calls nobody by an id', () => {
    expect(systemText(en, { what: 'joined', user: userId('stranger') }, me, names, 'en')).toBe('Someone joined');
  });
});
