// Who people are: asked of the directory when they are unknown, and again when the answer is old, because
// people change what they are called and nobody is told.

import type { ParleyDatabase } from '../db/database.ts';
import type { Person } from '../domain/chat.ts';
import type { UserId } from '../domain/ids.ts';
import type { ChatBackend } from './backend-port.ts';
import type { Clock } from './outbox-sender.ts';

/** The network's bound for one question. */
const MAX_PEOPLE_PER_QUESTION = 100;

/** For everybody one might see. */
export const NAME_OLD_MS = 60 * 60_000;

/** For somebody one hears from. */
export const NAME_OF_SPEAKER_OLD_MS = 5 * 60_000;

export class PeopleKeeper {
  readonly #db: ParleyDatabase;
  readonly #backend: Pick<ChatBackend, 'people'>;
  readonly #clock: Clock;
  /** When each was last asked about: those whom the directory does not know are not asked about every time. */
  readonly #askedAt = new Map<UserId, number>();

  constructor(db: ParleyDatabase, backend: Pick<ChatBackend, 'people'>, clock: Clock) {
    this.#db = db;
    this.#backend = backend;
    this.#clock = clock;
  }

  /** Asks about those who are unknown or were last asked about more than `maxAgeMs` ago. */
  async learn(ids: Iterable<UserId>, maxAgeMs = NAME_OLD_MS): Promise<void> {
    const unique = [...new Set(ids)];
    const known = await this.#db.people.bulkGet(unique);
    const now = this.#clock.now();
    const old = unique.filter((id, i) => now - Math.max(this.#askedAt.get(id) ?? 0, known[i]?.checkedAt ?? 0) > maxAgeMs);
    for (let from = 0; from < old.length; from += MAX_PEOPLE_PER_QUESTION) {
      const part = old.slice(from, from + MAX_PEOPLE_PER_QUESTION);
      const found = await this.#backend.people(part);
      for (const id of part) this.#askedAt.set(id, now);
      await this.#db.people.bulkPut(found.map((person) => ({ ...person, checkedAt: now })));
    }
  }
}

/** A username that came along with something else: what is known of the person besides stays. Inside a transaction. */
export async function noteUsernames(db: ParleyDatabase, people: readonly Pick<Person, 'userId' | 'username'>[]): Promise<void> {
  const known = await db.people.bulkGet(people.map(({ userId }) => userId));
  const changed = people.flatMap(({ userId, username }, i) => (known[i]?.username === username ? [] : [{ ...known[i], userId, username }]));
  if (changed.length > 0) await db.people.bulkPut(changed);
}
