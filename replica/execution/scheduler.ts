/**
 * One round: everything a subnet executes for one batch (execution sheet §4).
 *
 * Order: expired calls, answers that waited, management calls, then rounds over the canisters with work, each running
 * all its messages; after each pass messages between canisters of this subnet are delivered and the pass repeats, so
 * that a call chain within the subnet usually completes in one round. What does not fit the instruction budget waits
 * for the next round, which begins at the canister after the one that came last.
 *
 * Always: the same state and batch give the same result. Canisters run one after another in ascending order of ids
 * from the cursor on. At most one heartbeat and one timer per canister and round.
 */
import type { ConsensusResponse } from '../types/batch.ts';
import type { PrincipalKey } from '../types/principal.ts';
import type { CanisterState } from '../state/canister-state.ts';
import { answerIngress, rejection } from './answers.ts';
import { deliverOutputs, expireCalls, rejectRequest, timeOutUnsent } from './delivery.ts';
import type { Round } from './environment.ts';
import { callOfIngress, callOfRequest, executeCall, executeResponse, executeSystemTask } from './execute-message.ts';
import { ErrorCode, userError } from '../types/errors.ts';
import { isBestEffort } from '../types/messages.ts';
import {
  answerWaitingCalls,
  drainSubnetQueues,
  finishStopping,
  hasSubnetWork,
  ingressTimeout,
} from './management-calls.ts';

export function executeRound(round: Round, responses: readonly ConsensusResponse[]): void {
  const { work } = round.environment;
  work.sync();
  expireCalls(round);
  timeOutUnsent(round);
  answerWaitingCalls(round, responses);
  deliverOutputs(round);
  drainSubnetQueues(round);
  deliverOutputs(round);
  // Neither management calls nor heartbeats may starve what comes after them.
  round.reserveHalf();
  runSystemTasks(round);
  deliverOutputs(round);
  round.reserveHalf();
  while (round.instructionsLeft > 0) {
    const before = round.inputsTaken;
    runCanisters(round);
    deliverOutputs(round);
    drainSubnetQueues(round);
    finishStopping(round);
    deliverOutputs(round);
    const more = work.hasReady() || hasSubnetWork(round.state);
    if (!more || round.inputsTaken === before) break;
  }
  finishStopping(round);
  deliverOutputs(round);
}

function runSystemTasks(round: Round): void {
  const { state, environment, timeNanos } = round;
  for (const key of rotated(environment.work.withTasks(timeNanos), round.height)) {
    if (round.instructionsLeft <= 0) break;
    const canister = state.canisters.get(key);
    if (canister === undefined) continue;
    runHook(round, canister);
    const { entryPoints } = canister.code!.module;
    const isDue = canister.globalTimer !== 0n && canister.globalTimer <= timeNanos;
    if (isDue && entryPoints.has('canister_global_timer')) executeSystemTask(round, canister, 'globalTimer');
    if (entryPoints.has('canister_heartbeat')) executeSystemTask(round, canister, 'heartbeat');
  }
  environment.work.sync();
}

/** One pass: every canister with work runs until it has none, or the budget is spent. */
function runCanisters(round: Round): void {
  const { state, environment } = round;
  environment.work.sync();
  for (const key of fromCursor(environment.work.ready(), state.schedulerCursor)) {
    if (round.instructionsLeft <= 0) {
      state.schedulerCursor = key;
      return;
    }
    const canister = state.canisters.get(key);
    if (canister !== undefined) runCanister(round, canister);
  }
  state.schedulerCursor = undefined;
}

/** Begins elsewhere in every round, so that tasks that do not fit a round are not always the same. */
function rotated(keys: readonly PrincipalKey[], by: number): readonly PrincipalKey[] {
  const at = keys.length === 0 ? 0 : by % keys.length;
  return [...keys.slice(at), ...keys.slice(0, at)];
}

function fromCursor(keys: readonly PrincipalKey[], cursor: PrincipalKey | undefined): readonly PrincipalKey[] {
  if (cursor === undefined) return keys;
  const at = keys.findIndex((key) => key >= cursor);
  return at <= 0 ? keys : [...keys.slice(at), ...keys.slice(0, at)];
}

function runCanister(round: Round, canister: CanisterState): void {
  while (round.instructionsLeft > 0) {
    runHook(round, canister);
    if (!runNextInput(round, canister)) return;
  }
}

function runHook(round: Round, canister: CanisterState): void {
  const { code } = canister;
  if (canister.hookStatus !== 'ready' || canister.status.kind !== 'running' || code === undefined) return;
  if (code.module.entryPoints.has('canister_on_low_wasm_memory')) executeSystemTask(round, canister, 'lowWasmMemory');
}

/** Users and canisters take turns. False: no input. */
function runNextInput(round: Round, canister: CanisterState): boolean {
  const hasIngress = canister.ingressQueue.length > 0;
  if (!hasIngress && !canister.queues.hasInput()) return false;
  const useIngress = hasIngress && (canister.nextInputSource === 'ingress' || !canister.queues.hasInput());
  canister.nextInputSource = useIngress ? 'canister' : 'ingress';
  canister.markDirty();
  round.inputsTaken++;
  if (useIngress) runIngress(round, canister);
  else runMessage(round, canister);
  return true;
}

function runIngress(round: Round, canister: CanisterState): void {
  const ingress = canister.ingressQueue.shift()!;
  if (ingress.expiryNanos < round.timeNanos) {
    answerIngress(round.state, round.timeNanos, ingress.messageId, rejection(ingressTimeout(ingress.messageId)));
    return;
  }
  executeCall(round, canister, callOfIngress(ingress));
}

function runMessage(round: Round, canister: CanisterState): void {
  const message = canister.queues.popInput()!;
  if (message.kind === 'response') {
    executeResponse(round, canister, message);
    return;
  }
  if (isBestEffort(message) && message.deadlineNanos <= round.timeNanos) {
    // The caller has been told already; this answer only carries the cycles back.
    const error = userError(ErrorCode.DeadlineExpired, 'Call deadline has expired.');
    canister.queues.pushOutputResponse(rejectRequest(message, error));
    return;
  }
  executeCall(round, canister, callOfRequest(message));
}
