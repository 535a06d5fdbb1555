import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ParleyDatabase } from '../db/database.ts';
import type { Person } from '../domain/chat.ts';
import { userId, type UserId } from '../domain/ids.ts';
import { NAME_OLD_MS, noteUsernames, PeopleKeeper } from './people-keeper.ts';

let db: ParleyDatabase;
let now: number;
let asked: UserId[][];
let directory: Person[];
let keeper: PeopleKeeper;

const ann: Person = { userId: userId('ann'), username: 'ann_lee', displayName: 'Ann Lee' };
const nobody = userId('nobody');

beforeEach(() => {
  db = new ParleyDatabase(`people-${crypto.randomUUID()}`);
  now = 10 * NAME_OLD_MS;
  asked = [];
  directory = [ann];
  keeper = makeKeeper();
});
afterEach(() => db.delete());

const makeKeeper = (): PeopleKeeper =>
  new PeopleKeeper(
    db,
    {
      people: (ids) => {
        asked.push(ids);
        return Promise.resolve(directory.filter((person) => ids.includes(person.userId)));
      },
    },
    { now: () => now, random: () => 0 },
  );

describe('who people are', () => {
  it('asks about the unknown once, and again when the answer is old', async () => {
    await keeper.learn([ann.userId]);
    await keeper.learn([ann.userId]);
    expect(asked).toHaveLength(1);
    expect(await db.people.get(ann.userId)).toMatchObject(ann);

    now += NAME_OLD_MS + 1;
    directory = [{ ...ann, displayName: 'Ann Gables' }];
    await keeper.learn([ann.userId]);
    expect(asked).toHaveLength(2);
    expect((await db.people.get(ann.userId))?.displayName).toBe('Ann Gables');
  });

  it('does not ask again after a restart what the database still knows', async () => {
    await keeper.learn([ann.userId]);
    await makeKeeper().learn([ann.userId]);
    expect(asked).toHaveLength(1);
  });

  it('does not ask every time about those whom the directory does not know', async () => {
    await keeper.learn([nobody]);
    await keeper.learn([nobody, ann.userId]);
    expect(asked).toEqual([[nobody], [ann.userId]]);
  });

  it('asks about many in portions', async () => {
    await keeper.learn(Array.from({ length: 250 }, (_, i) => userId(`user-${i}`)));
    expect(asked.map((ids) => ids.length)).toEqual([100, 100, 50]);
  });

  it('a username that comes with a message leaves the display name alone', async () => {
    await keeper.learn([ann.userId]);
    await noteUsernames(db, [{ userId: ann.userId, username: 'ann_lee' }, { userId: nobody, username: 'newcomer' }]);
    expect(await db.people.get(ann.userId)).toMatchObject(ann);
    expect(await db.people.get(nobody)).toEqual({ userId: nobody, username: 'newcomer' });
  });
});
