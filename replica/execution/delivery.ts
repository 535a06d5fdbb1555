/**
 * Delivering messages between canisters of this subnet, and finding out which messages leave it.
 *
 * Always: a request that cannot be delivered is answered with a reject and all its cycles; order per pair is kept.
 * A response always finds its reserved slot, except when its caller is gone or has given up on it (best effort).
 */
import { ErrorCode, userError, type UserError } from '../types/errors.ts';
import {
  isBestEffort,
  payloadBytes,
  type CanisterMessage,
  type CanisterRequest,
  type CanisterResponse,
} from '../types/messages.ts';
import type { Principal } from '../types/principal.ts';
import type { Callback, CanisterState } from '../state/canister-state.ts';
import { guaranteedRequestBytes, messageBytes } from '../state/queues.ts';
import type { ReplicatedState } from '../state/replicated-state.ts';
import { rejection } from './answers.ts';
import { canisterNotFound } from './canister-error.ts';
import { deposit } from './cycles-account.ts';
import type { Round, SubnetEnvironment } from './environment.ts';
import { callDestination } from './management/methods.ts';
import { REQUEST_LIFETIME_NANOS } from './work-index.ts';

/** Largest payload that travels between subnets. */
export const MAX_REMOTE_PAYLOAD_BYTES = 2 * 1024 * 1024;

/** SYS_TRANSIENT. */
const TIMED_OUT = userError(ErrorCode.IngressMessageTimeout, 'Request timed out.');

export function rejectRequest(request: CanisterRequest, error: UserError): CanisterResponse {
  return {
    kind: 'response',
    originator: request.sender,
    respondent: request.receiver,
    callbackId: request.callbackId,
    refund: request.payment,
    payload: rejection(error),
    deadlineNanos: request.deadlineNanos,
  };
}

/** Whether the request is for the management canister of this subnet. */
function isForManagement(state: ReplicatedState, receiver: Principal): boolean {
  return receiver.isManagement() || receiver.equals(state.subnetId);
}

/** Puts a request that belongs on this subnet into its input queue. Returns why not, with nothing changed. */
export function acceptRequest(environment: SubnetEnvironment, request: CanisterRequest): UserError | undefined {
  const { state, config, work } = environment;
  const { receiver, sender } = request;
  const canister = state.canister(receiver);
  if (canister === undefined && !isForManagement(state, receiver)) return canisterNotFound(receiver);
  const queues = canister?.queues ?? state.subnetQueues;
  if (!queues.canReceiveRequest(sender.key, config.queueCapacity)) return queueFull(receiver);
  if (!isBestEffort(request) && !work.reserveGuaranteed(guaranteedRequestBytes(messageBytes(request)))) {
    return outOfMemory(receiver);
  }
  queues.pushInputRequest(request);
  canister?.markDirty();
  return undefined;
}

/** The memory for guaranteed-response calls of this subnet is used up. */
export function outOfMemory(receiver: Principal): UserError {
  return userError(
    ErrorCode.CanisterOutOfMemory,
    `Cannot induct request to canister ${receiver.toText()}: out of memory`,
  );
}

function queueFull(receiver: Principal): UserError {
  return userError(ErrorCode.CanisterQueueFull, `Canister ${receiver.toText()} input queue is full`);
}

/**
 * Gives a response to its caller on this subnet. A response that nobody waits for any more (its best-effort call
 * expired, or the caller was deleted) only returns its cycles.
 */
export function acceptResponse(state: ReplicatedState, response: CanisterResponse): void {
  const canister = state.canister(response.originator);
  if (canister === undefined) return;
  const callback = canister.callbacks.get(response.callbackId);
  if (callback === undefined || callback.expired || !answers(response, callback)) {
    deposit(canister, response.refund);
    return;
  }
  canister.queues.pushInputResponse(response);
  canister.markDirty();
}

/** False for a late answer to a canister that was deleted and made anew under the same id. */
function answers(response: CanisterResponse, callback: Callback): boolean {
  return callback.respondent.equals(response.respondent) && callback.deadlineNanos === response.deadlineNanos;
}

type Destination =
  | { readonly kind: 'local' }
  | { readonly kind: 'remote'; readonly subnet: Principal }
  | { readonly kind: 'fault'; readonly error: UserError };

/** Where a message goes according to the routing table and, for management calls, its argument. */
function destinationOf(state: ReplicatedState, message: CanisterMessage): Destination {
  if (message.kind === 'response') return routed(state, message.originator);
  const { receiver } = message;
  if (!receiver.isManagement()) return routed(state, receiver);
  const named = callDestination(message.methodName, message.payload);
  switch (named.kind) {
    case 'anywhere':
      return { kind: 'local' };
    case 'fault':
      return { kind: 'fault', error: named.error };
    case 'canister':
    case 'subnet':
      return routed(state, named.id);
  }
}

function routed(state: ReplicatedState, id: Principal): Destination {
  if (id.equals(state.subnetId) || state.canister(id) !== undefined) return { kind: 'local' };
  const subnet = state.route(id);
  if (subnet === undefined) {
    return { kind: 'fault', error: userError(ErrorCode.CanisterNotFound, `No route to canister ${id.toText()}`) };
  }
  return subnet.equals(state.subnetId) ? { kind: 'local' } : { kind: 'remote', subnet };
}

/** Moves all messages that can move from output queues: to input queues here, or to `round.emitRemote`. */
export function deliverOutputs(round: Round): void {
  const { state, environment } = round;
  environment.work.sync();
  for (const key of environment.work.withOutput()) {
    const canister = state.canisters.get(key)!;
    deliverFrom(round, canister.queues, canister);
  }
  if (state.subnetQueues.hasOutput()) deliverFrom(round, state.subnetQueues, undefined);
  environment.work.sync();
}

function deliverFrom(round: Round, queues: CanisterState['queues'], sender: CanisterState | undefined): void {
  for (const receiver of [...queues.outputSchedule]) {
    for (;;) {
      const message = queues.outputs.get(receiver)?.messages[0];
      if (message === undefined || !deliverOne(round, message, () => queues.popOutput(receiver))) break;
      sender?.markDirty();
    }
  }
}

/** False: it has to wait in its output queue. `pop` takes it out and is called before it is put elsewhere. */
function deliverOne(round: Round, message: CanisterMessage, pop: () => void): boolean {
  const { state, environment } = round;
  const destination = destinationOf(state, message);
  if (destination.kind === 'remote') {
    if (message.kind === 'request' && payloadBytes(message) > MAX_REMOTE_PAYLOAD_BYTES) {
      pop();
      acceptResponse(state, rejectRequest(message, tooLargeForRemote(message)));
      return true;
    }
    if (!round.emitRemote(message, destination.subnet)) return false;
    pop();
    return true;
  }
  pop();
  if (message.kind === 'response') {
    // A response without a route has lost its caller's subnet: there is nobody to give it to.
    if (destination.kind === 'local') acceptResponse(state, message);
    return true;
  }
  const fault = destination.kind === 'fault' ? destination.error : acceptRequest(environment, message);
  if (fault !== undefined) acceptResponse(state, rejectRequest(message, fault));
  return true;
}

function tooLargeForRemote(request: CanisterRequest): UserError {
  return userError(
    ErrorCode.CanisterContractViolation,
    `Canister ${request.sender.toText()} violated contract: a call to another subnet carries at most ` +
      `${MAX_REMOTE_PAYLOAD_BYTES} bytes, got ${payloadBytes(request)}`,
  );
}

/**
 * Best-effort calls whose deadline has come: the caller gets SYS_UNKNOWN, wherever the call is by now. A request that
 * has not left the caller is taken back with its cycles.
 */
export function expireCalls(round: Round): void {
  const { state, environment, timeNanos } = round;
  environment.work.sync();
  for (const key of environment.work.withExpiredCalls(timeNanos)) {
    const canister = state.canisters.get(key)!;
    for (const callback of canister.callbacks.values()) {
      if (callback.expired || callback.deadlineNanos === 0n || callback.deadlineNanos > timeNanos) continue;
      if (hasAnswerWaiting(canister, callback.id)) {
        callback.expired = true;
        continue;
      }
      callback.expired = true;
      const unsent = canister.queues.removeOutputs(
        (message) => message.kind === 'request' && isBestEffort(message) && message.callbackId === callback.id,
      );
      canister.queues.pushInputResponse({
        kind: 'response',
        originator: canister.id,
        respondent: callback.respondent,
        callbackId: callback.id,
        refund: unsent.length > 0 ? callback.cyclesSent : 0n,
        payload: rejection(userError(ErrorCode.DeadlineExpired, 'Call deadline has expired.')),
        deadlineNanos: callback.deadlineNanos,
      });
    }
    canister.markDirty();
  }
  environment.work.sync();
}

/**
 * Guaranteed-response requests that have waited too long for a place in a stream: they come back with their cycles. They
 * were never sent, so the caller knows that nothing happened.
 */
export function timeOutUnsent(round: Round): void {
  const { state, environment, timeNanos } = round;
  for (const key of environment.work.withUnsentTimeout(timeNanos)) {
    const canister = state.canisters.get(key)!;
    const { callbacks, queues } = canister;
    const late = queues.removeOutputs(
      (message) =>
        message.kind === 'request' &&
        !isBestEffort(message) &&
        callbacks.get(message.callbackId)!.madeAtNanos + REQUEST_LIFETIME_NANOS <= timeNanos,
    );
    for (const request of late) {
      if (request.kind === 'request') queues.pushInputResponse(rejectRequest(request, TIMED_OUT));
    }
    canister.markDirty();
  }
  environment.work.sync();
}

function hasAnswerWaiting(canister: CanisterState, callbackId: number): boolean {
  for (const queue of canister.queues.inputs.values()) {
    if (queue.messages.some((message) => message.kind === 'response' && message.callbackId === callbackId)) return true;
  }
  return false;
}
