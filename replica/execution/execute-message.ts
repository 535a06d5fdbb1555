/**
 * Executing one message on one canister: a call, a response to an earlier call, or a system task.
 *
 * Always (execution sheet §1):
 * - all effects of a message are applied together after it returned, or none but the used instructions and logs;
 * - a call is answered exactly once; a context that can no longer answer is rejected (starvation rule);
 * - cycles attached to a call are with the caller, in the call context, accepted, or refunded: never nowhere.
 * Never: a message runs that its canister cannot pay for. Callbacks are paid when the call is made.
 * Source: Interface Spec, "Call context removal", "Callback execution".
 */
import { saturatingSub, type Cycles } from '../types/cycles.ts';
import { ErrorCode, RejectCode, userError, type UserError } from '../types/errors.ts';
import {
  NO_DEADLINE,
  payloadBytes,
  type CanisterRequest,
  type CanisterResponse,
  type ResponsePayload,
  type TimeNanos,
} from '../types/messages.ts';
import { Principal } from '../types/principal.ts';
import type {
  Callback,
  CallContext,
  CallContextOrigin,
  CanisterState,
  QueuedIngress,
  WasmClosure,
} from '../state/canister-state.ts';
import { answerContext, answerIngress, rejection } from './answers.ts';
import { appendLogs } from './canister-log.ts';
import { canisterError, methodNotFound, noModule, outOfCycles, statusFault } from './canister-error.ts';
import {
  bookConsumed,
  callPrepayment,
  deposit,
  executionFee,
  instructionsFee,
  reserveForGrowth,
  takeFee,
  transmissionFee,
  unbookConsumed,
} from './cycles-account.ts';
import type { Round, SubnetEnvironment } from './environment.ts';
import { wasmMemoryLimitFault } from './wasm/engine-errors.ts';
import { executionOf, type PrepaidExecution } from './management-port.ts';
import { systemView } from './system-view.ts';
import type {
  CallbackClosure,
  EntryPoint,
  ExecutionOutcome,
  MessageView,
  OutgoingCall,
  SystemDelta,
} from './wasm/types.ts';

const NANOS_PER_SECOND = 1_000_000_000n;
/** Part of a callback's instruction limit kept for its cleanup, in percent (execution sheet §1). */
const CLEANUP_SHARE_PERCENT = 5;

const GIB = 1024 ** 3;
const WASM32_HEAP_CAPACITY = 4 * GIB;
const WASM64_HEAP_CAPACITY = 6 * GIB;

const NO_BYTES = new Uint8Array(0);

// Cycles -------------------------------------------------------------------------------------------------------

/** Takes the price of a message that may use `limit` instructions. Undefined: the canister cannot afford it. */
export function prepayExecution(
  environment: SubnetEnvironment,
  canister: CanisterState,
  limit: number,
  memory64: boolean,
): PrepaidExecution | undefined {
  const { config, state } = environment;
  if (!takeFee(config, state, canister, executionFee(config, limit, memory64), 'instructions')) return undefined;
  return {
    settle(instructionsUsed) {
      const unused = instructionsFee(config, limit, memory64) - instructionsFee(config, instructionsUsed, memory64);
      deposit(canister, unused);
      unbookConsumed(state, canister, unused, 'instructions');
    },
  };
}

// Running ------------------------------------------------------------------------------------------------------

interface Run {
  readonly entry: EntryPoint;
  readonly message: MessageView;
  readonly limit: number;
  readonly statedLimit?: number;
  readonly caller?: Principal;
}

interface Executed extends ExecutionOutcome {
  /** Growth of heap and stable memory together. */
  readonly grownBytes: number;
}

function run(round: Round, canister: CanisterState, { entry, message, limit, statedLimit, caller }: Run): Executed {
  const execution = executionOf(canister);
  const bytesBefore = execution.heapBytes + execution.stableBytes;
  const outcome = round.environment.engine.executeEntryPoint(execution, {
    entry,
    message,
    system: systemView(round.environment, round.timeNanos, canister, { caller }),
    instructionLimit: BigInt(limit),
    statedInstructionLimit: statedLimit === undefined ? undefined : BigInt(statedLimit),
  });
  appendLogs(
    canister,
    round.timeNanos,
    outcome.logs.map((line) => line.bytes),
  );
  canister.markDirty();
  const { delta } = outcome;
  return { ...outcome, grownBytes: delta === null ? 0 : delta.heapBytes + delta.stableBytes - bytesBefore };
}

/** Applies what a message that returned normally wants. `context` is the one it runs in. */
function applyDelta(
  round: Round,
  canister: CanisterState,
  context: CallContext,
  delta: SystemDelta,
  grownBytes: number,
): void {
  const { config, state } = round;
  if (delta.cyclesAccepted > 0n) {
    if (delta.cyclesAccepted > context.availableCycles) throw new Error('more cycles accepted than available');
    context.availableCycles -= delta.cyclesAccepted;
    deposit(canister, delta.cyclesAccepted);
  }
  if (delta.cyclesMinted > 0n) deposit(canister, delta.cyclesMinted);
  for (const call of delta.calls) applyCall(round, canister, context, call);
  if (delta.cyclesBurned > 0n) {
    canister.balance = mustCover(canister.balance, delta.cyclesBurned);
    bookConsumed(state, canister, delta.cyclesBurned, 'burned');
  }
  if (delta.certifiedData !== undefined) canister.certifiedData = delta.certifiedData;
  if (delta.globalTimerNanos !== undefined) canister.globalTimer = delta.globalTimerNanos;
  if (delta.response !== undefined)
    answerContext(state, round.timeNanos, canister, context, responsePayload(delta.response));
  reserveForGrowth(config, state, canister, grownBytes);
  updateHookStatus(canister);
  canister.markDirty();
}

function mustCover(balance: Cycles, amount: Cycles): Cycles {
  if (amount > balance) throw new Error('the engine spent more cycles than there are');
  return balance - amount;
}

function responsePayload(response: NonNullable<SystemDelta['response']>): ResponsePayload {
  return response.kind === 'reply'
    ? { kind: 'reply', data: response.data }
    : {
        kind: 'reject',
        code: RejectCode.CanisterReject,
        message: response.message,
        errorCode: ErrorCode.CanisterRejectedMessage,
      };
}

const closure = ({ fun, env }: CallbackClosure): WasmClosure => ({ functionIndex: fun, environment: env });
const engineClosure = ({ functionIndex, environment }: WasmClosure): CallbackClosure => ({
  fun: functionIndex,
  env: environment,
});

function applyCall(round: Round, canister: CanisterState, context: CallContext, call: OutgoingCall): void {
  const { config, state } = round;
  const id = canister.nextCallbackId++;
  const receiver = Principal.fromBytes(call.callee);
  const deadlineNanos =
    call.timeoutSeconds === undefined ? NO_DEADLINE : deadline(round.timeNanos, call.timeoutSeconds);
  const request: CanisterRequest = {
    kind: 'request',
    sender: canister.id,
    receiver,
    callbackId: id,
    methodName: call.method,
    payload: call.payload,
    payment: call.cycles,
    deadlineNanos,
    senderVersion: canister.version,
  };
  const prepaid = callPrepayment(config, 0, canister.code!.module.memory64);
  const refundable = prepaid.transmission + prepaid.execution;
  if (call.prepayment < refundable) throw new Error('the engine and the fee table disagree on a call');
  canister.balance = mustCover(canister.balance, call.prepayment + call.cycles);
  bookConsumed(state, canister, call.prepayment - prepaid.execution, 'transmission');
  bookConsumed(state, canister, prepaid.execution, 'instructions');
  canister.callbacks.set(id, {
    id,
    callContextId: context.id,
    respondent: receiver,
    cyclesSent: call.cycles,
    prepaidExecution: prepaid.execution,
    prepaidTransmission: prepaid.transmission,
    onReply: closure(call.onReply),
    onReject: closure(call.onReject),
    onCleanup: call.onCleanup === undefined ? undefined : closure(call.onCleanup),
    deadlineNanos,
    madeAtNanos: round.timeNanos,
    expired: false,
  });
  context.outstandingCalls++;
  canister.queues.pushOutputRequest(request);
}

/** Deadlines are whole seconds, rounded down. */
function deadline(now: TimeNanos, timeoutSeconds: number): TimeNanos {
  return (now / NANOS_PER_SECOND + BigInt(timeoutSeconds)) * NANOS_PER_SECOND;
}

/** Low-memory hook: ready when the condition becomes true, off when it is false (execution sheet §12). */
export function updateHookStatus(canister: CanisterState): void {
  const { code, settings } = canister;
  const capacity = code?.module.memory64 === true ? WASM64_HEAP_CAPACITY : WASM32_HEAP_CAPACITY;
  const limit = settings.wasmMemoryLimit === 0 ? capacity : settings.wasmMemoryLimit;
  const isLow =
    code !== undefined &&
    settings.wasmMemoryThreshold > 0 &&
    limit < code.execution.heapBytes + settings.wasmMemoryThreshold;
  const next = !isLow
    ? 'condition-not-satisfied'
    : canister.hookStatus === 'condition-not-satisfied'
      ? 'ready'
      : canister.hookStatus;
  if (next === canister.hookStatus) return;
  canister.hookStatus = next;
  canister.markDirty();
}

// Call contexts ------------------------------------------------------------------------------------------------

function openContext(
  round: Round,
  canister: CanisterState,
  origin: CallContextOrigin,
  available: Cycles,
  call?: IncomingCall,
): CallContext {
  const context: CallContext = {
    id: canister.nextCallContextId++,
    origin,
    responded: false,
    availableCycles: available,
    deleted: false,
    startedAtNanos: round.timeNanos,
    instructionsExecuted: 0,
    outstandingCalls: 0,
    senderInfo: call?.senderInfo,
  };
  canister.callContexts.set(context.id, context);
  return context;
}

/** After a message: rejects a context that can answer no more, and forgets one that is finished. */
function closeIfDone(round: Round, canister: CanisterState, context: CallContext, error: UserError | undefined): void {
  if (context.outstandingCalls > 0) return;
  if (context.origin.kind !== 'system-task' && !context.responded) {
    const why =
      error ?? userError(ErrorCode.CanisterDidNotReply, `Canister ${canister.id.toText()} did not reply to the call`);
    answerContext(round.state, round.timeNanos, canister, context, rejection(why));
  } else if (context.availableCycles > 0n) {
    throw new Error('cycles left in an answered call context');
  }
  canister.callContexts.delete(context.id);
  canister.markDirty();
}

function callerOf(origin: CallContextOrigin): Principal {
  return origin.kind === 'system-task' ? Principal.management() : origin.sender;
}

// Calls --------------------------------------------------------------------------------------------------------

/** A call of an ordinary canister, by a user or by a canister. */
export interface IncomingCall {
  readonly origin: Exclude<CallContextOrigin, { kind: 'system-task' }>;
  readonly arg: Uint8Array;
  readonly payment: Cycles;
  readonly senderInfo?: QueuedIngress['senderInfo'];
}

export function callOfIngress(ingress: QueuedIngress): IncomingCall {
  return {
    origin: { kind: 'ingress', messageId: ingress.messageId, sender: ingress.sender, methodName: ingress.methodName },
    arg: ingress.arg,
    payment: 0n,
    senderInfo: ingress.senderInfo,
  };
}

export function callOfRequest(request: CanisterRequest): IncomingCall {
  return {
    origin: {
      kind: 'canister',
      sender: request.sender,
      callbackId: request.callbackId,
      deadlineNanos: request.deadlineNanos,
      methodName: request.methodName,
    },
    arg: request.payload,
    payment: request.payment,
  };
}

function rejectCall(round: Round, canister: CanisterState, call: IncomingCall, error: UserError): void {
  const { origin } = call;
  if (origin.kind === 'ingress') {
    answerIngress(round.state, round.timeNanos, origin.messageId, rejection(error));
    return;
  }
  canister.queues.pushOutputResponse({
    kind: 'response',
    originator: origin.sender,
    respondent: canister.id,
    callbackId: origin.callbackId,
    refund: call.payment,
    payload: rejection(error),
    deadlineNanos: origin.deadlineNanos,
  });
  canister.markDirty();
}

type MethodEntry = { readonly kind: 'update' | 'replicatedQuery'; readonly method: string };

/** How the method is to be run, or why it is not. */
function resolveMethod(canister: CanisterState, method: string): MethodEntry | UserError {
  if (canister.code === undefined) return noModule(canister.id);
  const { module } = canister.code;
  if (module.updates.has(method)) return { kind: 'update', method };
  if (module.queries.has(method)) return { kind: 'replicatedQuery', method };
  if (module.compositeQueries.has(method)) {
    return userError(
      ErrorCode.CompositeQueryCalledInReplicatedMode,
      `Composite query '${method}' of canister ${canister.id.toText()} cannot be called in replicated mode`,
    );
  }
  return methodNotFound(canister.id, 'update', method);
}

function admissionFault(canister: CanisterState, call: IncomingCall): UserError | undefined {
  const fault = statusFault(canister);
  if (fault !== undefined) return fault;
  const minimum = canister.settings.minimumIncomingCanisterCallCycles;
  if (call.origin.kind === 'canister' && call.payment < minimum && !call.origin.sender.equals(canister.id)) {
    return userError(
      ErrorCode.InsufficientCyclesInCall,
      `Canister ${canister.id.toText()} requires at least ${minimum} cycles with a call, but got ${call.payment}`,
    );
  }
  return undefined;
}

/** A heap beyond a limit that was lowered since: nothing but callbacks, tasks and queries until it is raised or upgraded. */
function wasmMemoryFault(canister: CanisterState): UserError | undefined {
  const fault = wasmMemoryLimitFault(canister.settings.wasmMemoryLimit, executionOf(canister).heapBytes);
  return fault === undefined ? undefined : canisterError(canister.id, fault);
}

/** Runs a call, or rejects it with all its cycles. */
export function executeCall(round: Round, canister: CanisterState, call: IncomingCall): void {
  const fault = admissionFault(canister, call);
  if (fault !== undefined) {
    rejectCall(round, canister, call, fault);
    return;
  }
  const entry = resolveMethod(canister, call.origin.methodName);
  if (!('kind' in entry)) {
    rejectCall(round, canister, call, entry);
    return;
  }
  const { config } = round;
  const limit = config.instructions.message;
  const { memory64 } = canister.code!.module;
  const sender = call.origin.sender;
  const prepaid = prepayExecution(round.environment, canister, limit, memory64);
  if (prepaid === undefined) {
    rejectCall(round, canister, call, outOfCycles(config, canister, executionFee(config, limit, memory64), sender));
    return;
  }
  const tooBig = entry.kind === 'update' ? wasmMemoryFault(canister) : undefined;
  if (tooBig !== undefined) {
    prepaid.settle(0);
    rejectCall(round, canister, call, tooBig);
    return;
  }
  const context = openContext(round, canister, call.origin, call.payment, call);
  const outcome = run(round, canister, {
    entry,
    // Interface Spec: only update methods and their callbacks see the deadline.
    message: {
      ...messageView(context, call.arg),
      ...(entry.kind === 'replicatedQuery' ? { deadlineNanos: NO_DEADLINE } : {}),
    },
    limit,
    caller: sender,
  });
  finish(round, canister, context, outcome, prepaid, entry.kind === 'replicatedQuery');
  if (call.origin.kind === 'ingress' && !context.responded) {
    round.state.setIngressStatus(call.origin.messageId, { kind: 'processing' });
  }
}

function messageView(context: CallContext, payload: Uint8Array): MessageView {
  const { origin, senderInfo } = context;
  return {
    caller: callerOf(origin).bytes,
    callerInfo: senderInfo === undefined ? undefined : { signer: senderInfo.signer.bytes, data: senderInfo.info },
    payload,
    deadlineNanos: origin.kind === 'canister' ? origin.deadlineNanos : NO_DEADLINE,
    cyclesAvailable: context.availableCycles,
    // A system task has nobody to answer to, neither itself nor in its callbacks.
    responded: context.responded || origin.kind === 'system-task',
    callContextInstructions: BigInt(context.instructionsExecuted),
  };
}

/** Settles, commits or drops, and closes the context. `discard`: a query method, whose memory changes are undone. */
function finish(
  round: Round,
  canister: CanisterState,
  context: CallContext,
  outcome: Executed,
  prepaid: PrepaidExecution,
  discard: boolean,
): void {
  const used = Number(outcome.instructionsUsed);
  prepaid.settle(used);
  round.spend(used);
  context.instructionsExecuted += used;
  const { delta } = outcome;
  if (delta === null) {
    closeIfDone(round, canister, context, canisterError(canister.id, outcome.error!));
    return;
  }
  if (discard) executionOf(canister).rollback();
  else {
    executionOf(canister).commit();
    canister.version++;
  }
  applyDelta(round, canister, context, delta, discard ? 0 : outcome.grownBytes);
  closeIfDone(round, canister, context, undefined);
}

// Responses ----------------------------------------------------------------------------------------------------

/** Runs the callback for a response taken from the input queue. */
export function executeResponse(round: Round, canister: CanisterState, response: CanisterResponse): void {
  const { config, state } = round;
  const callback = canister.callbacks.get(response.callbackId);
  if (callback === undefined)
    throw new Error(`response to unknown callback ${response.callbackId} of ${canister.id.toText()}`);
  const context = canister.callContexts.get(callback.callContextId);
  if (context === undefined) throw new Error(`callback ${callback.id} without its call context`);
  canister.callbacks.delete(callback.id);
  context.outstandingCalls--;
  deposit(canister, response.refund);
  const transmission = saturatingSub(callback.prepaidTransmission, transmissionFee(config, payloadBytes(response)));
  deposit(canister, transmission);
  unbookConsumed(state, canister, transmission, 'transmission');

  if (context.deleted || canister.code === undefined) {
    refundExecution(round, canister, callback.prepaidExecution);
    closeIfDone(round, canister, context, undefined);
    return;
  }
  const { error, used } = runCallback(round, canister, context, callback, response);
  const price = executionFee(config, used, canister.code.module.memory64);
  refundExecution(round, canister, saturatingSub(callback.prepaidExecution, price));
  closeIfDone(round, canister, context, error);
}

function refundExecution(round: Round, canister: CanisterState, amount: Cycles): void {
  deposit(canister, amount);
  unbookConsumed(round.state, canister, amount, 'instructions');
}

function runCallback(
  round: Round,
  canister: CanisterState,
  context: CallContext,
  callback: Callback,
  response: CanisterResponse,
): { readonly error: UserError | undefined; readonly used: number } {
  const { payload } = response;
  const total = round.config.instructions.message;
  const limit = callback.onCleanup === undefined ? total : Math.floor((total * (100 - CLEANUP_SHARE_PERCENT)) / 100);
  const view: MessageView = {
    ...messageView(context, payload.kind === 'reply' ? payload.data : NO_BYTES),
    rejectCode: payload.kind === 'reply' ? 0 : payload.code,
    rejectMessage: payload.kind === 'reply' ? undefined : payload.message,
    cyclesRefunded: response.refund,
  };
  const entry: EntryPoint =
    payload.kind === 'reply'
      ? { kind: 'replyCallback', closure: engineClosure(callback.onReply) }
      : { kind: 'rejectCallback', closure: engineClosure(callback.onReject) };
  const caller = callerOf(context.origin);
  const outcome = run(round, canister, { entry, message: view, limit, statedLimit: total, caller });
  const used = Number(outcome.instructionsUsed);
  round.spend(used);
  context.instructionsExecuted += used;
  if (outcome.delta !== null) {
    executionOf(canister).commit();
    canister.version++;
    applyDelta(round, canister, context, outcome.delta, outcome.grownBytes);
    return { error: undefined, used };
  }
  const error = canisterError(canister.id, outcome.error!);
  if (callback.onCleanup === undefined) return { error, used };
  return runCleanup(round, canister, context, callback.onCleanup, { error, used, view, limit: total - used });
}

function runCleanup(
  round: Round,
  canister: CanisterState,
  context: CallContext,
  onCleanup: WasmClosure,
  failed: { readonly error: UserError; readonly used: number; readonly view: MessageView; readonly limit: number },
): { readonly error: UserError; readonly used: number } {
  const caller = callerOf(context.origin);
  const outcome = run(round, canister, {
    entry: { kind: 'cleanupCallback', closure: engineClosure(onCleanup) },
    message: { ...failed.view, callContextInstructions: BigInt(context.instructionsExecuted) },
    limit: failed.limit,
    statedLimit: round.config.instructions.message,
    caller,
  });
  const used = Number(outcome.instructionsUsed);
  round.spend(used);
  context.instructionsExecuted += used;
  const total = failed.used + used;
  if (outcome.delta !== null) {
    executionOf(canister).commit();
    canister.version++;
    applyDelta(round, canister, context, outcome.delta, outcome.grownBytes);
    return { error: failed.error, used: total };
  }
  const cleanupError = canisterError(canister.id, outcome.error!);
  const text = `${failed.error.message}\n\ncall_on_cleanup also failed:\n\n${cleanupError.message}`;
  return { error: userError(failed.error.code, text), used: total };
}

// System tasks -------------------------------------------------------------------------------------------------

export type SystemTask = 'heartbeat' | 'globalTimer' | 'lowWasmMemory';

/** Runs a task of a running canister that exports it. False: it cannot pay, nothing happened. */
export function executeSystemTask(round: Round, canister: CanisterState, task: SystemTask): boolean {
  const { config } = round;
  const limit = config.instructions.message;
  const prepaid = prepayExecution(round.environment, canister, limit, canister.code!.module.memory64);
  if (prepaid === undefined) return false;
  if (task === 'globalTimer') canister.globalTimer = 0n;
  if (task === 'lowWasmMemory') canister.hookStatus = 'executed';
  const context = openContext(round, canister, { kind: 'system-task' }, 0n);
  const outcome = run(round, canister, { entry: { kind: task }, message: messageView(context, NO_BYTES), limit });
  finish(round, canister, context, outcome, prepaid, false);
  return true;
}
