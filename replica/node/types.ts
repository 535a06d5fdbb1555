/**
 * The door of a node: what the network asks of one node of one subnet, and what the node asks of what runs it.
 *
 * Everything that crosses is structured-cloneable, because the node usually lives in a worker thread. Principals cross
 * as bytes. Whatever comes from HTTP has been authenticated (see http/replica-port.ts).
 */
import type { PrincipalBytes, QueryOutcome, ReadStateOutcome, ReadStateRequest, SubmitOutcome, ValidatedRequest, WaitFor } from '../http/replica-port.ts';
import type { TimeNanos } from '../types/messages.ts';

export interface SubnetNodeApi {
  submitIngress(request: ValidatedRequest, waitFor: WaitFor): Promise<SubmitOutcome>;
  query(request: ValidatedRequest): Promise<QueryOutcome>;
  readState(request: ReadStateRequest): Promise<ReadStateOutcome>;

  /** A certified slice of the stream that `from` sends to us (p2p/certified-slice.ts). Bad ones are dropped and logged. */
  receiveSlice(from: PrincipalBytes, slice: Uint8Array): Promise<void>;
  /** All of our stream to `to` that we still keep; for a subnet that (re)started. */
  sliceFor(to: PrincipalBytes): Promise<Uint8Array | undefined>;

  /** Only on the root subnet: a certificate (without delegation) that names `subnetId`'s key, type and ranges. */
  delegate(subnetId: PrincipalBytes): Promise<Uint8Array>;
  /** The certificate made by the root subnet's `delegate` for us. Until then nothing can be certified. */
  setDelegation(certificate: Uint8Array): Promise<void>;

  /** Makes one block, work or not, and resolves when it is certified. */
  makeBlock(): Promise<void>;
  /** Resolves when there is nothing left to do at the present time. */
  idle(): Promise<void>;
  overview(detail: 'summary' | 'canisters'): Promise<SubnetOverview>;
  /** `crash`: as `kill -9` would; otherwise a checkpoint is written first. */
  stop(options: { crash: boolean }): Promise<void>;
}

export interface NodeHost {
  /** Carries a slice to the subnet `to`; may lose, repeat and delay. */
  sendSlice(to: PrincipalBytes, slice: Uint8Array): void;
  /** After each certified batch. */
  certified(height: number, timeNanos: TimeNanos): void;
  log(level: LogLevel, event: string, fields: LogFields): void;
  /** The node cannot go on (its disk failed); it answers `unavailable` from now on. */
  broken(reason: string): void;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, string | number | bigint | boolean | undefined>>;

/** The node's clock. `wakeAt` replaces the previous wish; undefined cancels it. */
export interface NodeClock {
  nowNanos(): TimeNanos;
  wakeAt(timeNanos: TimeNanos | undefined, wake: () => void): void;
}

export interface SubnetOverview {
  readonly subnetId: string;
  readonly kind: 'application' | 'system';
  readonly nodeId: string;
  readonly height: number;
  readonly timeNanos: bigint;
  readonly stateHash: Uint8Array;
  readonly checkpointHeight: number | undefined;
  readonly canisterCount: number;
  readonly canisterStateBytes: number;
  readonly cyclesConsumed: bigint;
  readonly updateTransactions: bigint;
  readonly counters: NodeCounters;
  /** Only with detail 'canisters'. Ascending by id. */
  readonly canisters?: readonly CanisterOverview[];
}

/** Since the start of the process. */
export interface NodeCounters {
  readonly blocks: number;
  readonly messagesExecuted: number;
  readonly instructions: number;
  readonly ingressAccepted: number;
  readonly ingressRejected: number;
  readonly queries: number;
  readonly slicesReceived: number;
  readonly checkpoints: number;
  readonly logBytes: number;
  readonly liveCanisters: number;
  /** Seconds spent: executing batches, waiting for the log's sync beyond that, signing. */
  readonly executeSeconds: number;
  readonly syncSeconds: number;
  readonly signSeconds: number;
}

export interface CanisterOverview {
  readonly id: string;
  readonly status: 'running' | 'stopping' | 'stopped';
  readonly cycles: bigint;
  readonly memoryBytes: number;
  readonly heapBytes: number;
  readonly stableBytes: number;
  readonly version: bigint;
  /** Hex; undefined if empty. */
  readonly moduleHash: string | undefined;
  readonly live: boolean;
  /** Newest last. */
  readonly logs: readonly { readonly timeNanos: bigint; readonly text: string }[];
}
