/**
 * Taking in users' messages, and forgetting old ones (http-api sheet §2.2).
 *
 * Always: a message id is taken in at most once while its expiry lies ahead; the receiver (or the target of a
 * management call) pays the induction fee, or the message is rejected.
 */
import { ErrorCode, userError, type UserError } from '../types/errors.ts';
import type { IngressMessage, TimeNanos } from '../types/messages.ts';
import type { CanisterState } from '../state/canister-state.ts';
import type { ReplicatedState } from '../state/replicated-state.ts';
import { answerIngress, isAnswered, rejection } from '../execution/answers.ts';
import { canisterNotFound, outOfCycles } from '../execution/canister-error.ts';
import { ingressFee, takeFee } from '../execution/cycles-account.ts';
import type { SubnetEnvironment } from '../execution/environment.ts';
import { effectiveCanisterId } from '../execution/management/methods.ts';

const SECOND_NANOS = 1_000_000_000n;
/** 5 minutes, and 30 seconds for clocks that differ. */
export const MAX_INGRESS_TTL_NANOS: TimeNanos = 330n * SECOND_NANOS;
/** A larger update_settings pays before, like everything else. */
const MAX_DELAYED_SETTINGS_BYTES = 366;
/** Old entries are looked for this often. */
const PURGE_INTERVAL_NANOS = 10n * SECOND_NANOS;
/** Replies and texts of rejects kept; above it the oldest answers become `done`. The public network keeps 4 GiB. */
export const MAX_HISTORY_ANSWER_BYTES = 512 * 1024 * 1024;
/** Dropped down to, so that the entries are sorted seldom. */
const HISTORY_ANSWER_BYTES_LEFT = 384 * 1024 * 1024;

/** Whether the message may be in a block at this time, by its expiry alone. */
export function isTimely(ingress: IngressMessage, now: TimeNanos): boolean {
  return now <= ingress.expiryNanos && ingress.expiryNanos <= now + MAX_INGRESS_TTL_NANOS;
}

/** Who pays the induction fee. Undefined: free, or nobody to pay. */
export function payerOf(state: ReplicatedState, ingress: IngressMessage): CanisterState | undefined {
  if (!ingress.receiver.isManagement()) return state.canister(ingress.receiver);
  const target = effectiveCanisterId(ingress.methodName, ingress.arg);
  return target === undefined ? undefined : state.canister(target);
}

/** A small update_settings is paid after it was executed, so that a frozen canister can be unfrozen by it. */
export function paysLater(ingress: IngressMessage): boolean {
  return (
    ingress.receiver.isManagement() &&
    ingress.methodName === 'update_settings' &&
    ingress.arg.length <= MAX_DELAYED_SETTINGS_BYTES
  );
}

export function inductIngress(environment: SubnetEnvironment, now: TimeNanos, ingress: IngressMessage): void {
  const { state, config } = environment;
  if (state.ingressHistory.has(ingress.messageId) || !isTimely(ingress, now)) return;
  // The entry stays for minutes; what it names exists already.
  const receiver = state.canister(ingress.receiver)?.id ?? ingress.receiver;
  state.setIngress({
    messageId: ingress.messageId,
    sender: ingress.sender,
    receiver,
    effectiveCanisterId: ingress.effectiveCanisterId.equals(receiver) ? receiver : ingress.effectiveCanisterId,
    methodName: ingress.methodName,
    status: { kind: 'received' },
    forgetAtNanos: ingress.expiryNanos,
  });
  const fault = historyFault(environment) ?? enqueue(environment, ingress, ingressFee(config, ingress.envelopeBytes));
  if (fault !== undefined) answerIngress(state, now, ingress.messageId, rejection(fault));
}

/** The message is in the history already, as its reject has to be found there. Nobody pays for it. */
function historyFault({ state, config }: SubnetEnvironment): UserError | undefined {
  const { maxIngressHistoryMessages: most } = config;
  if (most === undefined || state.ingressHistory.size <= most) return undefined;
  return userError(ErrorCode.IngressHistoryFull, `The history of ingress messages is full (${most} messages). Please retry after a few minutes.`);
}

function enqueue({ state, config }: SubnetEnvironment, ingress: IngressMessage, fee: bigint): UserError | undefined {
  const payer = payerOf(state, ingress);
  const isManagement = ingress.receiver.isManagement();
  if (!isManagement && payer === undefined) return canisterNotFound(ingress.receiver);
  const later = paysLater(ingress);
  if (payer !== undefined && !later && !takeFee(config, state, payer, fee, 'ingressInduction')) {
    return outOfCycles(config, payer, fee, ingress.sender);
  }
  const queued = {
    messageId: ingress.messageId,
    sender: ingress.sender,
    methodName: ingress.methodName,
    arg: ingress.arg,
    expiryNanos: ingress.expiryNanos,
    effectiveCanisterId: isManagement && payer !== undefined ? payer.id : ingress.effectiveCanisterId,
    senderInfo: ingress.senderInfo,
    deferredFee: later ? fee : 0n,
  };
  if (isManagement) state.subnetIngressQueue.push(queued);
  else {
    payer!.ingressQueue.push(queued);
    payer!.markDirty();
  }
  return undefined;
}

/**
 * Forgets messages whose time is over. Looks at all of them, but only in the first batch of each ten seconds of batch
 * time: a function of the batches, so that a restarted node forgets at the same heights. Answers that are too much to
 * keep go at once.
 */
export function purgeHistory(state: ReplicatedState, previous: TimeNanos, now: TimeNanos): void {
  if (previous / PURGE_INTERVAL_NANOS !== now / PURGE_INTERVAL_NANOS) {
    for (const entry of state.ingressHistory.values()) {
      if (entry.forgetAtNanos < now && isAnswered(entry.status)) state.forgetIngress(entry.messageId);
    }
  }
  if (state.answerBytes > MAX_HISTORY_ANSWER_BYTES) dropOldestAnswers(state);
}

function dropOldestAnswers(state: ReplicatedState): void {
  const entries = [...state.ingressHistory.values()].sort(
    (left, right) => Number(left.forgetAtNanos - right.forgetAtNanos) || (left.messageId < right.messageId ? -1 : 1),
  );
  for (const entry of entries) {
    if (state.answerBytes <= HISTORY_ANSWER_BYTES_LEFT) return;
    if (isAnswered(entry.status)) state.setIngressStatus(entry.messageId, { kind: 'done' });
  }
}
