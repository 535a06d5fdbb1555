/**
 * What consensus delivers to a subnet and what executing it changed (design: a subnet is a replicated state machine).
 *
 * Always: heights grow by one, times never go back. Everything a subnet does is a function of its batches.
 */
import type { CanisterMessage, IngressMessage, MessageId, ResponsePayload, TimeNanos } from './messages.ts';
import type { Principal, PrincipalKey } from './principal.ts';

/** A contiguous part of the stream from one subnet to another. Certified by the sending subnet outside of this type. */
export interface StreamSlice {
  readonly header: StreamHeader;
  /** Index of `messages[0]`; equals `header.end` or any index in between when there are none. */
  readonly messagesBegin: number;
  readonly messages: readonly CanisterMessage[];
}

export interface StreamHeader {
  /** First index still kept by the sender. */
  readonly begin: number;
  /** One past the last message. */
  readonly end: number;
  /** The sender of this stream has received all messages of the reverse stream below this index. */
  readonly signalsEnd: number;
  /** Messages of the reverse stream below `signalsEnd` that were refused, ascending by index. */
  readonly rejectSignals: readonly RejectSignal[];
}

export type RejectReason =
  | 'canister-not-found'
  | 'canister-stopped'
  | 'canister-stopping'
  | 'queue-full'
  | 'out-of-memory'
  | 'canister-migrating'
  | 'unknown';

export interface RejectSignal {
  readonly index: number;
  readonly reason: RejectReason;
}

/** An answer that consensus obtained for a call waiting in the state (outcalls, threshold signatures). */
export interface ConsensusResponse {
  /** Id of the waiting call (see the subnet call contexts of the state). */
  readonly callId: number;
  readonly payload: ResponsePayload;
}

/** What queries used of a canister on the nodes since the last report; agreed by consensus, so part of the input. */
export interface QueryUse {
  readonly canister: Principal;
  readonly calls: number;
  readonly instructions: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

/** Who made the block of a batch. */
export interface BlockMakers {
  readonly maker: Principal;
  /** Nodes whose turn came before and who did not make it. */
  readonly failed: readonly Principal[];
}

export interface Batch {
  readonly height: number;
  readonly timeNanos: TimeNanos;
  /** 32 bytes, unpredictable before the batch. */
  readonly randomness: Uint8Array;
  readonly ingress: readonly IngressMessage[];
  /** At most one slice per source subnet. */
  readonly xnet: readonly { readonly from: Principal; readonly slice: StreamSlice }[];
  readonly consensusResponses: readonly ConsensusResponse[];
  /** At most one per canister. Absent: none in this batch. */
  readonly queryUse?: readonly QueryUse[];
  /** Absent in batches of old logs and of tests: counts for nobody. */
  readonly blockMakers?: BlockMakers;
}

/** What a batch changed, so that certification, storage and waiting clients do work in proportion to it. */
export interface BatchOutcome {
  readonly height: number;
  readonly timeNanos: TimeNanos;
  /** Canisters with any change: system state, memory, chunks or snapshots. Ascending. */
  readonly changedCanisters: readonly PrincipalKey[];
  /** Canisters deleted by this batch. Ascending. */
  readonly removedCanisters: readonly PrincipalKey[];
  /** Ingress messages whose status in the ingress history changed or that were forgotten. */
  readonly changedIngress: readonly MessageId[];
  /** Subnets the stream to which changed (messages, signals or begin). */
  readonly changedStreams: readonly PrincipalKey[];
  /** Instructions executed. */
  readonly instructionsUsed: number;
  readonly messagesExecuted: number;
  /** True when messages wait that another batch at the same time would execute: make one without delay. */
  readonly moreWork: boolean;
  /**
   * Earliest time at which a batch would do something although nothing arrives (timers, deadlines, expiries, charges).
   * `0n`: at every batch (some canister has a heartbeat). Undefined: never.
   */
  readonly nextWakeNanos: TimeNanos | undefined;
}
