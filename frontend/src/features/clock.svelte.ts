// The time of day as reactive state, a minute at a time: for "today", "yesterday" and the list's times.

class Clock {
  #now = $state.raw(Date.now());

  constructor() {
    setInterval(() => {
      this.#now = Date.now();
    }, 60_000);
  }

  get now(): number {
    return this.#now;
  }
}

export const clock = new Clock();
