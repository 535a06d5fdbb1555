/**
 * Running calls to the management canister from the subnet's queues, and answering those that waited.
 */
import { createHash } from 'node:crypto';
import { ErrorCode, userError } from '../types/errors.ts';
import type { ConsensusResponse } from '../types/batch.ts';
import type { CallOrigin, CanisterState, QueuedIngress } from '../state/canister-state.ts';
import type { ReplicatedState } from '../state/replicated-state.ts';
import { originOfRequest } from '../state/canister-state.ts';
import { answerManagementCall, rejection, rejectUninstalled } from './answers.ts';
import { reserveStorage, takeFeeUpToBalance } from './cycles-account.ts';
import type { Round, SubnetEnvironment } from './environment.ts';
import { prepayExecution, updateHookStatus } from './execute-message.ts';
import { executionOf, type ManagementCall, type ManagementContext } from './management-port.ts';
import { systemView } from './system-view.ts';

/** Candid `()`: the reply of methods without a result. */
export const EMPTY_CANDID: Uint8Array = Uint8Array.of(0x44, 0x49, 0x44, 0x4c, 0x00, 0x00);

/** Callers of stop_canister wait at most this long (management-canister sheet §4). */
const STOP_TIMEOUT_NANOS = 5n * 60n * 1_000_000_000n;

/**
 * A byte of a reply counts to the round what it costs a canister to reply it (system API sheet §7), so that the replies of
 * one round stay within some hundred MiB: reading snapshots or metadata costs the caller far less.
 */
const INSTRUCTIONS_PER_REPLY_BYTE = 50;

/** Removes the code and everything that belongs to it; see ManagementContext.removeCode. */
export function removeCode(round: Round, canister: CanisterState): void {
  for (const context of [...canister.callContexts.values()]) {
    rejectUninstalled(round.state, round.timeNanos, canister, context);
    if (context.outstandingCalls === 0) canister.callContexts.delete(context.id);
  }
  if (canister.code !== undefined) executionOf(canister).dispose();
  canister.code = undefined;
  canister.certifiedData = new Uint8Array(0);
  canister.globalTimer = 0n;
  canister.hookStatus = 'condition-not-satisfied';
  canister.log.records = [];
  canister.version++;
  canister.markDirty();
}

export function managementContext(round: Round): ManagementContext {
  const { config, state, timeNanos, environment } = round;
  return {
    config,
    height: round.height,
    timeNanos,
    subnetUse: { memoryBytes: environment.work.memoryBytes, computeAllocation: environment.work.computeAllocation },
    randomness: round.drawRandomness(),
    respond: (origin, payload, refund) => answerManagementCall(state, timeNanos, origin, payload, refund),
    rejectCallContext: (canister, context) => rejectUninstalled(state, timeNanos, canister, context),
    removeCode: (canister) => removeCode(round, canister),
    systemView: (canister, options) => systemView(environment, timeNanos, canister, options),
    prepayExecution: (canister, instructions, memory64) =>
      prepayExecution(environment, canister, instructions, memory64),
  };
}

/** Runs management calls until none waits or the round's instructions are spent. Users and canisters take turns. */
export function drainSubnetQueues(round: Round): void {
  const { state } = round;
  while (round.instructionsLeft > 0) {
    const ingress = state.subnetIngressQueue.shift();
    if (ingress !== undefined) runIngress(round, ingress);
    const message = state.subnetQueues.popInput();
    if (message !== undefined) {
      if (message.kind === 'response') throw new Error('a response to the management canister');
      runCall(round, {
        origin: originOfRequest(message),
        sender: message.sender,
        methodName: message.methodName,
        arg: message.payload,
        payment: message.payment,
        senderVersion: message.senderVersion,
      });
    }
    if (ingress === undefined && message === undefined) return;
  }
}

export function hasSubnetWork(state: ReplicatedState): boolean {
  return state.subnetIngressQueue.length > 0 || state.subnetQueues.hasInput();
}

function runIngress(round: Round, ingress: QueuedIngress): void {
  const { state, timeNanos } = round;
  const origin: CallOrigin = { kind: 'ingress', messageId: ingress.messageId, sender: ingress.sender };
  if (ingress.expiryNanos < timeNanos) {
    answerManagementCall(state, timeNanos, origin, rejection(ingressTimeout(ingress.messageId)), 0n);
    return;
  }
  runCall(round, {
    origin,
    sender: ingress.sender,
    methodName: ingress.methodName,
    arg: ingress.arg,
    payment: 0n,
    senderInfo: ingress.senderInfo,
  });
  const payer = state.canister(ingress.effectiveCanisterId);
  if (payer !== undefined) takeFeeUpToBalance(state, payer, ingress.deferredFee, 'ingressInduction');
}

export function ingressTimeout(messageId: string): ReturnType<typeof userError> {
  return userError(
    ErrorCode.IngressMessageTimeout,
    `Ingress message 0x${messageId} timed out waiting to start executing.`,
  );
}

function runCall(round: Round, call: ManagementCall): void {
  const { state, environment, timeNanos } = round;
  round.inputsTaken++;
  environment.work.sync();
  const outcome = environment.management.executeManagementCall(state, call, managementContext(round));
  round.spend(outcome.instructionsUsed);
  if (outcome.kind === 'reply') round.countOnly(outcome.data.length * INSTRUCTIONS_PER_REPLY_BYTE);
  switch (outcome.kind) {
    case 'reply':
      answerManagementCall(state, timeNanos, call.origin, { kind: 'reply', data: outcome.data }, outcome.refund);
      break;
    case 'reject':
      answerManagementCall(state, timeNanos, call.origin, rejection(outcome.error), outcome.refund);
      break;
    case 'pending':
      if (call.origin.kind === 'ingress') state.setIngressStatus(call.origin.messageId, { kind: 'processing' });
      break;
  }
  for (const key of state.touched) {
    const canister = state.canisters.get(key);
    if (canister === undefined) continue;
    updateHookStatus(canister);
    reserveStorage(round.config, state, canister, environment.work.grownSince(canister));
  }
}

/** Answers calls that waited for randomness of a later batch, and those that consensus has an answer for. */
export function answerWaitingCalls(round: Round, responses: readonly ConsensusResponse[]): void {
  const { state, timeNanos } = round;
  for (const call of [...state.subnetCalls.values()]) {
    if (call.kind !== 'raw-rand' || call.madeAtHeight >= round.height) continue;
    state.subnetCalls.delete(call.id);
    answerManagementCall(
      state,
      timeNanos,
      call.origin,
      { kind: 'reply', data: candidBlob(rawRandomness(round)) },
      call.refund,
    );
  }
  for (const { callId, payload } of responses) {
    const call = state.subnetCalls.get(callId);
    if (call === undefined) continue;
    state.subnetCalls.delete(callId);
    answerManagementCall(state, timeNanos, call.origin, payload, call.refund);
  }
}

function rawRandomness(round: Round): Uint8Array {
  return createHash('sha256').update('raw_rand').update(round.drawRandomness()).digest();
}

/** Candid `(blob)` of fewer than 128 bytes. */
function candidBlob(bytes: Uint8Array): Uint8Array {
  return Uint8Array.of(0x44, 0x49, 0x44, 0x4c, 0x01, 0x6d, 0x7b, 0x01, 0x00, bytes.length, ...bytes);
}

/** Stops canisters that have no open call context left, and gives up on stop requests that waited too long. */
export function finishStopping(round: Round): void {
  const { state, environment, timeNanos } = round;
  environment.work.sync();
  for (const key of environment.work.stopping()) {
    const canister = state.canisters.get(key)!;
    const { status } = canister;
    if (status.kind !== 'stopping') continue;
    if (canister.callContexts.size === 0) {
      canister.status = { kind: 'stopped' };
      canister.version++;
      canister.markDirty();
      for (const { origin, refund } of status.stopRequests) {
        answerManagementCall(state, timeNanos, origin, { kind: 'reply', data: EMPTY_CANDID }, refund);
      }
      continue;
    }
    const late = status.stopRequests.filter((request) => request.requestedAtNanos + STOP_TIMEOUT_NANOS <= timeNanos);
    if (late.length === 0) continue;
    status.stopRequests = status.stopRequests.filter((request) => !late.includes(request));
    canister.markDirty();
    for (const { origin, refund } of late) {
      const error = userError(ErrorCode.StopCanisterRequestTimeout, 'Stop canister request timed out');
      answerManagementCall(state, timeNanos, origin, rejection(error), refund);
    }
  }
  environment.work.sync();
}

/** When the next stop request gives up. */
export function nextStopTimeout({ state, work }: SubnetEnvironment): bigint | undefined {
  let next: bigint | undefined;
  for (const key of work.stopping()) {
    const { status } = state.canisters.get(key)!;
    if (status.kind !== 'stopping') continue;
    for (const { requestedAtNanos } of status.stopRequests) {
      const at = requestedAtNanos + STOP_TIMEOUT_NANOS;
      if (next === undefined || at < next) next = at;
    }
  }
  return next;
}
