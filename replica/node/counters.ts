/** What a node counts about itself since its process began; for /metrics and the dashboard. */
import type { BatchOutcome } from '../types/batch.ts';

export class Counters {
  blocks = 0;
  messagesExecuted = 0;
  instructions = 0;
  ingressAccepted = 0;
  ingressRejected = 0;
  queries = 0;
  slicesReceived = 0;
  readonly seconds = { execute: 0, sync: 0, sign: 0 };

  executed(outcome: BatchOutcome, executeMillis: number): void {
    this.blocks++;
    this.seconds.execute += executeMillis / 1000;
    this.messagesExecuted += outcome.messagesExecuted;
    this.instructions += outcome.instructionsUsed;
  }

  timed<T>(what: 'sign', action: () => T): T {
    const began = performance.now();
    try {
      return action();
    } finally {
      this.seconds[what] += (performance.now() - began) / 1000;
    }
  }

  async timedAsync<T>(what: 'sync', promise: Promise<T>): Promise<T> {
    const began = performance.now();
    try {
      return await promise;
    } finally {
      this.seconds[what] += (performance.now() - began) / 1000;
    }
  }
}
