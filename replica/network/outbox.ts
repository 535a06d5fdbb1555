/**
 * What one turn of the event loop has to say to another thread, in few messages: a crossing costs more than most of what
 * it carries.
 *
 * Always: everything arrives, in the order given. Never: something waits longer than the turn in which it was given.
 */

/** So that the other thread can begin while this one goes on. */
const MAX_GATHERED = 8;

export class Outbox<T> {
  readonly #post: (items: readonly T[]) => void;
  readonly #atEndOfTurn: (action: () => void) => void;
  #gathered: T[] = [];

  constructor(post: (items: readonly T[]) => void, atEndOfTurn: (action: () => void) => void = setImmediate) {
    this.#post = post;
    this.#atEndOfTurn = atEndOfTurn;
  }

  add(item: T): void {
    const count = this.#gathered.push(item);
    if (count >= MAX_GATHERED) this.flush();
    else if (count === 1) this.#atEndOfTurn(() => this.flush());
  }

  flush(): void {
    if (this.#gathered.length === 0) return;
    const items = this.#gathered;
    this.#gathered = [];
    this.#post(items);
  }
}
