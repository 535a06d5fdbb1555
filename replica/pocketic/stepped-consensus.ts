/**
 * Consensus of an instance's subnet: a block is made when it is told to, and never otherwise.
 *
 * Always: heights are consecutive and block times strictly increase.
 */
import type {
  Consensus,
  ConsensusAction,
  ConsensusEvent,
  PayloadSource,
} from '../consensus/types.ts';
import type { ConsensusResponse } from '../types/batch.ts';
import type { TimeNanos } from '../types/messages.ts';

export class SteppedConsensus implements Consensus {
  readonly #payload: PayloadSource;
  readonly #randomness: (height: number) => Uint8Array;
  readonly #responses: (timeNanos: TimeNanos) => readonly ConsensusResponse[];
  #height = 0;
  #timeNanos: TimeNanos = 0n;
  #executing = false;
  #forced = false;

  /** `responses` gives, and forgets, the answers of consensus that go into a block of this time. */
  constructor(
    payload: PayloadSource,
    randomness: (height: number) => Uint8Array,
    responses: (timeNanos: TimeNanos) => readonly ConsensusResponse[],
  ) {
    this.#payload = payload;
    this.#randomness = randomness;
    this.#responses = responses;
  }

  handle(event: ConsensusEvent, nowNanos: TimeNanos): ConsensusAction[] {
    if (event.kind === 'force') this.#forced = true;
    if (event.kind === 'executed' || event.kind === 'refused') this.#executing = false;
    if (!this.#forced || this.#executing) return [];
    this.#forced = false;
    this.#executing = true;
    this.#height += 1;
    this.#timeNanos = nowNanos > this.#timeNanos ? nowNanos : this.#timeNanos + 1n;
    const batch = {
      height: this.#height,
      timeNanos: this.#timeNanos,
      randomness: this.#randomness(this.#height),
      consensusResponses: this.#responses(this.#timeNanos),
      ...this.#payload.take(this.#timeNanos),
    };
    return [{ kind: 'deliver', batch }];
  }
}
