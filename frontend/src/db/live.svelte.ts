// A query on the local database as reactive state: asked again whenever what it read has changed, in this
// tab, another tab or the worker.

import { liveQuery } from 'dexie';

export interface Live<T> {
  /** `undefined` until the first answer for the present input. */
  readonly current: T | undefined;
}

/**
 * Must be called while a component or effect root is being set up. `input` reads the reactive state that
 * the query depends on; while a new input's first answer is awaited, the last answer stays, unless
 * `sameSubject` says that it is about something else.
 */
export function live<I, T>(
  input: () => I,
  query: (input: I) => Promise<T>,
  sameSubject: (before: I, after: I) => boolean = () => true,
): Live<T> {
  let current = $state.raw<T | undefined>(undefined);
  let before: { input: I } | null = null;
  $effect(() => {
    const now = input();
    if (before && !sameSubject(before.input, now)) current = undefined;
    before = { input: now };
    const subscription = liveQuery(() => query(now)).subscribe({
      next: (value) => {
        current = value;
      },
      error: (error: unknown) => console.error(error),
    });
    return () => subscription.unsubscribe();
  });
  return {
    get current() {
      return current;
    },
  };
}
