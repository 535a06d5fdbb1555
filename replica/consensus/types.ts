/**
 * The door of consensus: a pure state machine `(event, now) → actions`. Clock, transport and disk are outside; whoever
 * holds one (a node, a simulator) carries the actions out and reports back with events.
 *
 * The interface says nothing about how many nodes agree: `SoloConsensus` is the case of one.
 */
import type { Batch, BatchOutcome, QueryUse, StreamSlice } from '../types/batch.ts';
import type { IngressMessage } from '../types/messages.ts';
import type { Principal } from '../types/principal.ts';
import type { TimeNanos } from '../types/messages.ts';

export type ConsensusEvent =
  /** A pool got something, or a stream slice became available. */
  | { readonly kind: 'work' }
  /** Time passed; sent at (or after) the time of the last `wake-at`. */
  | { readonly kind: 'clock' }
  /** The delivered batch has been executed and may be built upon. */
  | { readonly kind: 'executed'; readonly outcome: BatchOutcome }
  /** The delivered batch could not be stored; it was not executed and its ingress is lost to the pool. */
  | { readonly kind: 'refused' }
  /** Make the next block even if there is nothing to do. */
  | { readonly kind: 'force' };

export type ConsensusAction =
  /** Execute this batch next. At most one is outstanding. */
  | { readonly kind: 'deliver'; readonly batch: Batch }
  /** Send a `clock` event at this time; replaces any earlier wish. Undefined: none. */
  | { readonly kind: 'wake-at'; readonly timeNanos: TimeNanos | undefined };

/** What a block may contain, from the pools of the node. */
export interface PayloadSource {
  /** Whether `take` would find anything at this time. */
  hasPayload(timeNanos: TimeNanos): boolean;
  /** As of the last `hasPayload`: when it would be true although nothing arrives. Undefined: never. */
  wakeNanos(): TimeNanos | undefined;
  /** Removes from the pools what goes into the next block. Messages that expired by `timeNanos` are dropped. */
  take(timeNanos: TimeNanos): {
    readonly ingress: readonly IngressMessage[];
    readonly xnet: readonly { readonly from: Principal; readonly slice: StreamSlice }[];
    /** Never a reason to make a block, only taken along. */
    readonly queryUse?: readonly QueryUse[];
  };
}

export interface Consensus {
  handle(event: ConsensusEvent, nowNanos: TimeNanos): ConsensusAction[];
}
