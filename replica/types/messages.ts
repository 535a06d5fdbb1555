/**
 * The messages a subnet processes: ingress from users, requests and responses between canisters.
 *
 * All are plain immutable data once made. Payload buffers are owned by the message: nobody writes to them.
 */
import type { Cycles } from './cycles.ts';
import type { ErrorCode, RejectCode } from './errors.ts';
import type { Principal } from './principal.ts';

/** Nanoseconds since the Unix epoch. */
export type TimeNanos = bigint;

/** Hex of the 32-byte request id of an ingress message. */
export type MessageId = string;

/** Verified information about the key of an ingress sender (Interface Spec, `sender_info`). */
export interface SenderInfo {
  readonly signer: Principal;
  readonly info: Uint8Array;
}

/** An update call of a user whose envelope has been checked (signature, delegations, expiry, sizes). */
export interface IngressMessage {
  readonly messageId: MessageId;
  readonly sender: Principal;
  /** The canister called; `aaaaa-aa` for management calls. */
  readonly receiver: Principal;
  /** The canister whose subnet handles the message: `receiver`, or the management call's target. */
  readonly effectiveCanisterId: Principal;
  readonly methodName: string;
  readonly arg: Uint8Array;
  readonly expiryNanos: TimeNanos;
  /** Size of the signed envelope, for the induction fee. */
  readonly envelopeBytes: number;
  readonly senderInfo?: SenderInfo;
}

/** No deadline: a guaranteed-response call, ingress, or query. */
export const NO_DEADLINE: TimeNanos = 0n;

export interface CanisterRequest {
  readonly kind: 'request';
  readonly sender: Principal;
  /** A canister, `aaaaa-aa`, or a subnet id for management calls. */
  readonly receiver: Principal;
  /** Callback id of the sender, unique per sender for ever. */
  readonly callbackId: number;
  readonly methodName: string;
  readonly payload: Uint8Array;
  readonly payment: Cycles;
  /** Whole seconds in nanoseconds for best-effort calls, {@link NO_DEADLINE} for guaranteed-response calls. */
  readonly deadlineNanos: TimeNanos;
  /** Version of the sending canister when it sent. */
  readonly senderVersion: bigint;
}

export type ResponsePayload =
  | { readonly kind: 'reply'; readonly data: Uint8Array }
  | {
      readonly kind: 'reject';
      readonly code: RejectCode;
      readonly message: string;
      /** The replica's finer code; shown to users, not to canisters. */
      readonly errorCode: ErrorCode;
    };

export interface CanisterResponse {
  readonly kind: 'response';
  /** Who made the call and receives this. */
  readonly originator: Principal;
  /** Who was called. */
  readonly respondent: Principal;
  readonly callbackId: number;
  /** Attached cycles that the callee did not accept. */
  readonly refund: Cycles;
  readonly payload: ResponsePayload;
  /** The deadline of the request answered. */
  readonly deadlineNanos: TimeNanos;
}

export type CanisterMessage = CanisterRequest | CanisterResponse;

/** Bytes a message counts and pays for: payload and method name. */
export function payloadBytes(message: CanisterMessage): number {
  if (message.kind === 'request') return message.payload.length + Buffer.byteLength(message.methodName);
  return message.payload.kind === 'reply' ? message.payload.data.length : Buffer.byteLength(message.payload.message);
}

export function isBestEffort(message: { readonly deadlineNanos: TimeNanos }): boolean {
  return message.deadlineNanos !== NO_DEADLINE;
}
