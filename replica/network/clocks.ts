/** Clocks of an embedded network: one that stands until it is moved, and the machine's. */
import type { NodeClock } from '../node/types.ts';
import type { TimeNanos } from '../types/messages.ts';

export interface EmbeddedClock {
  nowNanos(): TimeNanos;
  forNode(): NodeClock;
  /** Throws when the clock cannot be set or would go back. */
  set(nanos: TimeNanos): void;
  /** A block has this time: the clock is never behind it. */
  reached(nanos: TimeNanos): void;
  /** Waits a moment; false if time does not pass by itself. */
  passes(): Promise<boolean>;
  stop(): void;
}

export class VirtualClock implements EmbeddedClock {
  #now: TimeNanos;
  constructor(startNanos: TimeNanos) {
    this.#now = startNanos;
  }
  nowNanos(): TimeNanos {
    return this.#now;
  }
  forNode(): NodeClock {
    // Whoever moves the clock wakes the nodes.
    return { nowNanos: () => this.#now, wakeAt: () => {} };
  }
  set(nanos: TimeNanos): void {
    if (nanos < this.#now) throw new Error(`the clock cannot go back from ${this.#now} to ${nanos}`);
    this.#now = nanos;
  }
  reached(nanos: TimeNanos): void {
    if (nanos > this.#now) this.#now = nanos;
  }
  async passes(): Promise<boolean> {
    return false;
  }
  stop(): void {}
}

/** Longest delay that setTimeout takes. */
const MAX_TIMEOUT_MILLIS = 2 ** 31 - 1;
const PAUSE_MILLIS = 5;

export class RealClock implements EmbeddedClock {
  readonly #timers = new Set<NodeJS.Timeout>();

  nowNanos(): TimeNanos {
    return wallNanos();
  }

  forNode(): NodeClock {
    let timer: NodeJS.Timeout | undefined;
    return {
      nowNanos: wallNanos,
      wakeAt: (timeNanos, wake) => {
        if (timer) {
          clearTimeout(timer);
          this.#timers.delete(timer);
          timer = undefined;
        }
        if (timeNanos === undefined) return;
        // Rounded up: a wake before the time would find nothing due.
        const millis = Number((timeNanos - wallNanos() + 999_999n) / 1_000_000n);
        const armed = setTimeout(
          () => {
            this.#timers.delete(armed);
            wake();
          },
          Math.min(Math.max(millis, 0), MAX_TIMEOUT_MILLIS),
        );
        timer = armed;
        this.#timers.add(armed);
      },
    };
  }

  set(): void {
    throw new Error('the clock of this network is the machine’s: it cannot be set');
  }
  reached(): void {}

  async passes(): Promise<boolean> {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLIS));
    return true;
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}

/** Wall clock with sub-millisecond digits, so that blocks within one millisecond have the times they were made at. */
export function wallNanos(): TimeNanos {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
}
