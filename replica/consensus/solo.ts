/**
 * Consensus of one node.
 *
 * Promises:
 * - N1 Heights are consecutive and block times strictly increase, whatever the clock does.
 * - N2 At most one batch is being executed; what arrives meanwhile goes into the next one together (group commit).
 * - N3 A block is made the moment there is work (messages, due timers, heartbeats, unfinished work), and none while
 *   there is not.
 * - N4 The randomness of a batch is a function of the subnet's secret and the height only.
 */
import { createHmac } from 'node:crypto';
import type { Batch, BatchOutcome } from '../types/batch.ts';
import type { TimeNanos } from '../types/messages.ts';
import type { Principal } from '../types/principal.ts';
import type { Consensus, ConsensusAction, ConsensusEvent, PayloadSource } from './types.ts';

/**
 * With a heartbeat canister every block makes work for the next one. The public network makes a block about once a
 * second; half of that keeps heartbeats lively without a disk sync every few milliseconds.
 */
const HEARTBEAT_INTERVAL_NANOS = 500_000_000n;

/** A disk that is full does not empty itself at once. */
const RETRY_NANOS = 1_000_000_000n;

const RANDOMNESS_DOMAIN = 'parley-batch-randomness';

export interface SoloConsensusOptions {
  /** Height of the last batch executed; 0 at genesis. */
  readonly height: number;
  readonly timeNanos: TimeNanos;
  /** Of the last batch executed: what the state waits for. */
  readonly moreWork: boolean;
  readonly nextWakeNanos: TimeNanos | undefined;
  readonly payload: PayloadSource;
  /** Who makes every block. */
  readonly nodeId: Principal;
  readonly randomness: (height: number) => Uint8Array;
}

export class SoloConsensus implements Consensus {
  readonly #options: SoloConsensusOptions;
  #height: number;
  #timeNanos: TimeNanos;
  #moreWork: boolean;
  #nextWakeNanos: TimeNanos | undefined;
  #executing = false;
  #forced = false;

  constructor(options: SoloConsensusOptions) {
    this.#options = options;
    this.#height = options.height;
    this.#timeNanos = options.timeNanos;
    this.#moreWork = options.moreWork;
    this.#nextWakeNanos = options.nextWakeNanos;
  }

  handle(event: ConsensusEvent, nowNanos: TimeNanos): ConsensusAction[] {
    if (event.kind === 'executed') this.#executed(event.outcome);
    else if (event.kind === 'force') this.#forced = true;
    else if (event.kind === 'refused') {
      this.#executing = false;
      return [{ kind: 'wake-at', timeNanos: nowNanos + RETRY_NANOS }];
    }
    if (this.#executing) return [];
    const blockTimeNanos = nowNanos > this.#timeNanos ? nowNanos : this.#timeNanos + 1n;
    const wakeNanos = this.#wakeNanos();
    const due = wakeNanos !== undefined && wakeNanos <= blockTimeNanos;
    if (this.#forced || this.#moreWork || due || this.#options.payload.hasPayload(blockTimeNanos)) {
      return [{ kind: 'deliver', batch: this.#makeBatch(blockTimeNanos) }];
    }
    return [{ kind: 'wake-at', timeNanos: earliest(wakeNanos, this.#options.payload.wakeNanos()) }];
  }

  #wakeNanos(): TimeNanos | undefined {
    return this.#nextWakeNanos === 0n ? this.#timeNanos + HEARTBEAT_INTERVAL_NANOS : this.#nextWakeNanos;
  }

  #makeBatch(timeNanos: TimeNanos): Batch {
    const height = this.#height + 1;
    this.#executing = true;
    this.#forced = false;
    const payload = this.#options.payload.take(timeNanos);
    const { nodeId, randomness } = this.#options;
    const blockMakers = { maker: nodeId, failed: [] };
    return { height, timeNanos, randomness: randomness(height), consensusResponses: [], blockMakers, ...payload };
  }

  #executed(outcome: BatchOutcome): void {
    if (!this.#executing || outcome.height !== this.#height + 1) throw new Error(`unexpected outcome of batch ${outcome.height}`);
    this.#executing = false;
    this.#height = outcome.height;
    this.#timeNanos = outcome.timeNanos;
    this.#moreWork = outcome.moreWork;
    this.#nextWakeNanos = outcome.nextWakeNanos;
  }
}

function earliest(left: TimeNanos | undefined, right: TimeNanos | undefined): TimeNanos | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return left < right ? left : right;
}

/**
 * Randomness of a network of one: HMAC-SHA256 under a secret of the subnet, over a domain and the height (u64 big
 * endian). Nobody without the secret can tell it from random; the one who holds it can foresee it, which only a beacon
 * shared by many nodes could prevent.
 */
export function keyedRandomness(secret: Uint8Array): (height: number) => Uint8Array {
  return (height) => {
    const encoded = Buffer.alloc(8);
    encoded.writeBigUInt64BE(BigInt(height));
    return Uint8Array.from(createHmac('sha256', secret).update(RANDOMNESS_DOMAIN).update(encoded).digest());
  };
}
