/**
 * Callers that wait for the certified end of their message.
 *
 * Never: kept beyond the message's expiry and the time it takes to run (the HTTP layer gives up long before).
 */
import type { SubmitOutcome } from '../http/replica-port.ts';
import type { MessageId, TimeNanos } from '../types/messages.ts';

interface Waiter {
  readonly resolve: (outcome: SubmitOutcome) => void;
  readonly expiryNanos: TimeNanos;
}

export class IngressWaiters {
  readonly #waiters = new Map<MessageId, Waiter[]>();

  has(id: MessageId): boolean {
    return this.#waiters.has(id);
  }

  wait(id: MessageId, expiryNanos: TimeNanos): Promise<SubmitOutcome> {
    return new Promise((resolve) => {
      const waiter = { resolve, expiryNanos };
      const known = this.#waiters.get(id);
      if (known) known.push(waiter);
      else this.#waiters.set(id, [waiter]);
    });
  }

  resolve(id: MessageId, outcome: SubmitOutcome): void {
    const waiters = this.#waiters.get(id);
    if (!waiters) return;
    this.#waiters.delete(id);
    for (const waiter of waiters) waiter.resolve(outcome);
  }

  /** Whoever waits for a message that expired is told that it was accepted, and asks read_state from now on. */
  dropExpired(nowNanos: TimeNanos): void {
    for (const [id, [first]] of this.#waiters) if (first!.expiryNanos < nowNanos) this.resolve(id, { kind: 'accepted' });
  }

  resolveAll(outcome: SubmitOutcome): void {
    for (const id of [...this.#waiters.keys()]) this.resolve(id, outcome);
  }
}
