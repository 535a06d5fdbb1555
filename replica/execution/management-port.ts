/**
 * The interface between the scheduler and the management canister (execution/management implements it).
 *
 * The scheduler takes calls to `aaaaa-aa` (or to the subnet's id) from the subnet queue in order and hands each
 * to `executeManagementCall`, once. The implementation changes the state directly, and must leave it untouched
 * when it rejects (except for `instructionsUsed` and what the fee rules say).
 *
 * Always: attached cycles end in exactly one place: `refund`, a canister's balance, or a fee. The scheduler gives
 * `refund` back with the answer. Never throws for what a caller sent.
 */
import type { Cycles } from '../types/cycles.ts';
import type { UserError } from '../types/errors.ts';
import type { ResponsePayload, SenderInfo, TimeNanos } from '../types/messages.ts';
import type { Principal } from '../types/principal.ts';
import type { SubnetConfig } from '../types/subnet-config.ts';
import type { CallContext, CallOrigin, CanisterState } from '../state/canister-state.ts';
import type { ReplicatedState } from '../state/replicated-state.ts';
import type { ExecutionState, SystemView } from './wasm/types.ts';

export interface ManagementCall {
  readonly origin: CallOrigin;
  /** The user or canister calling. */
  readonly sender: Principal;
  readonly methodName: string;
  readonly arg: Uint8Array;
  /** Cycles attached; 0 for ingress. */
  readonly payment: Cycles;
  /** Version of the calling canister; undefined for ingress. */
  readonly senderVersion?: bigint;
  readonly senderInfo?: SenderInfo;
}

export type ManagementOutcome =
  | { readonly kind: 'reply'; readonly data: Uint8Array; readonly refund: Cycles; readonly instructionsUsed: number }
  | { readonly kind: 'reject'; readonly error: UserError; readonly refund: Cycles; readonly instructionsUsed: number }
  /**
   * The call is kept in the state (a StopRequest of the canister, or ReplicatedState.addSubnetCall) together with its
   * origin and refund, and is answered later. The scheduler answers stop requests and `raw-rand` itself; a 'consensus'
   * call is answered by the batch's consensusResponses.
   */
  | { readonly kind: 'pending'; readonly instructionsUsed: number };

export interface ManagementContext {
  readonly config: SubnetConfig;
  readonly height: number;
  readonly timeNanos: TimeNanos;
  /** What all canisters of the subnet hold, as of before this call: usage or allocation, whichever is more; percent. */
  readonly subnetUse: { readonly memoryBytes: number; readonly computeAllocation: number };
  /** 32 bytes of this batch, already mixed with the call so that each call sees other bytes. */
  readonly randomness: Uint8Array;

  /** Answers another call than the one being executed (a cancelled stop request). Refund goes with it. */
  respond(origin: CallOrigin, payload: ResponsePayload, refund: Cycles): void;

  /**
   * Rejects an open call context of `canister` with CANISTER_REJECT `Canister has been uninstalled.` (IC0406), refunds
   * its cycles and marks it deleted. Use {@link removeCode} for the whole of an uninstall.
   */
  rejectCallContext(canister: CanisterState, context: CallContext): void;

  /**
   * The common part of uninstall_code and running out of cycles: module, memories, certified data, timer, logs and
   * hook status go; open call contexts are rejected and marked deleted; version + 1. Chunks, snapshots, history and
   * balance are the caller's business.
   */
  removeCode(canister: CanisterState): void;

  /** Views for running init, pre_upgrade, post_upgrade and start with the engine. See execution/system-view.ts. */
  systemView(canister: CanisterState, options?: SystemViewOptions): SystemView;

  /**
   * Takes cycles from the balance for `instructions` at this canister's price. Take the prepayment before running
   * (false: not enough above the freezing limit, nothing taken), then give back what was not used.
   */
  prepayExecution(canister: CanisterState, instructions: number, memory64: boolean): PrepaidExecution | undefined;
}

export interface SystemViewOptions {
  /** Replaces the canister's version, e.g. old + 1 for init and post_upgrade. */
  readonly version?: bigint;
  /** Replaces the execution whose memory sizes count, e.g. the new one of an upgrade. */
  readonly globalTimerNanos?: bigint;
  /** Whose message this is: gets extra hints about missing cycles if a controller. */
  readonly caller?: Principal;
}

export interface PrepaidExecution {
  /** Gives back what `limit - used` instructions were prepaid for; books the rest as consumed. Call once. */
  settle(instructionsUsed: number): void;
}

/** What execution/management exports. */
export interface ManagementCanister {
  executeManagementCall(state: ReplicatedState, call: ManagementCall, context: ManagementContext): ManagementOutcome;

  /**
   * The query methods (canister_status, canister_metrics, fetch_canister_logs, list_canisters) by user query or from a
   * composite query. Reads only.
   */
  executeManagementQuery(
    state: ReplicatedState,
    query: { readonly sender: Principal; readonly methodName: string; readonly arg: Uint8Array },
    context: { readonly config: SubnetConfig },
  ): { readonly kind: 'reply'; readonly data: Uint8Array } | { readonly kind: 'reject'; readonly error: UserError };
}

/** The engine's state behind an installed canister. Throws without code. */
export function executionOf(canister: CanisterState): ExecutionState {
  if (canister.code === undefined) throw new Error(`canister ${canister.id.toText()} has no code`);
  return canister.code.execution as ExecutionState;
}
