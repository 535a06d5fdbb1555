/**
 * Answers to calls: to users through the ingress history, to canisters through output queues.
 *
 * Always: each call context answers at most once, and its unaccepted cycles travel with that answer.
 */
import type { Cycles } from '../types/cycles.ts';
import { RejectCode, rejectCodeOf, type UserError } from '../types/errors.ts';
import type { MessageId, ResponsePayload, TimeNanos } from '../types/messages.ts';
import type { CallContext, CallOrigin, CanisterState } from '../state/canister-state.ts';
import type { IngressStatus, ReplicatedState } from '../state/replicated-state.ts';
import { deposit } from './cycles-account.ts';

/** An answer stays readable for this long after it was given, and at least until the message's expiry. */
export const ANSWER_KEPT_NANOS: TimeNanos = 5n * 60n * 1_000_000_000n;

export function rejection(error: UserError): ResponsePayload {
  return { kind: 'reject', code: rejectCodeOf(error.code), message: error.message, errorCode: error.code };
}

export function isAnswered(status: IngressStatus): boolean {
  return status.kind !== 'received' && status.kind !== 'processing';
}

/** Writes the final status of an ingress message. */
export function answerIngress(
  state: ReplicatedState,
  now: TimeNanos,
  messageId: MessageId,
  payload: ResponsePayload,
): void {
  const entry = state.ingressHistory.get(messageId);
  if (entry === undefined) throw new Error(`ingress message ${messageId} is answered but not in the history`);
  const keepUntil = now + ANSWER_KEPT_NANOS;
  if (entry.forgetAtNanos < keepUntil) entry.forgetAtNanos = keepUntil;
  state.setIngressStatus(
    messageId,
    payload.kind === 'reply'
      ? { kind: 'replied', reply: payload.data }
      : { kind: 'rejected', error: { code: payload.errorCode, message: payload.message } },
  );
}

/** Answers the call of a context and gives back its unaccepted cycles. */
export function answerContext(
  state: ReplicatedState,
  now: TimeNanos,
  canister: CanisterState,
  context: CallContext,
  payload: ResponsePayload,
): void {
  if (context.responded) throw new Error(`call context ${context.id} of ${canister.id.toText()} is answered twice`);
  context.responded = true;
  const refund = context.availableCycles;
  context.availableCycles = 0n;
  canister.markDirty();
  const { origin } = context;
  switch (origin.kind) {
    case 'ingress':
      answerIngress(state, now, origin.messageId, payload);
      return;
    case 'canister':
      canister.queues.pushOutputResponse({
        kind: 'response',
        originator: origin.sender,
        respondent: canister.id,
        callbackId: origin.callbackId,
        refund,
        payload,
        deadlineNanos: origin.deadlineNanos,
      });
      return;
    case 'system-task':
      throw new Error('a system task has nobody to answer to');
  }
}

/** Answers a management call, now or later. */
export function answerManagementCall(
  state: ReplicatedState,
  now: TimeNanos,
  origin: CallOrigin,
  payload: ResponsePayload,
  refund: Cycles,
): void {
  if (origin.kind === 'ingress') {
    answerIngress(state, now, origin.messageId, payload);
    return;
  }
  state.subnetQueues.pushOutputResponse({
    kind: 'response',
    originator: origin.sender,
    respondent: origin.callee,
    callbackId: origin.callbackId,
    refund,
    payload,
    deadlineNanos: origin.deadlineNanos,
  });
}

/** Rejects a context because the code is gone, and marks it so that its callbacks only refund. */
export function rejectUninstalled(
  state: ReplicatedState,
  now: TimeNanos,
  canister: CanisterState,
  context: CallContext,
): void {
  if (context.origin.kind !== 'system-task' && !context.responded) {
    answerContext(state, now, canister, context, {
      kind: 'reject',
      code: RejectCode.CanisterReject,
      message: 'Canister has been uninstalled.',
      errorCode: 406,
    });
  } else if (context.availableCycles > 0n) {
    deposit(canister, context.availableCycles);
    context.availableCycles = 0n;
  }
  context.deleted = true;
  canister.markDirty();
}
