/**
 * Queries and composite queries on the state as the last batch left it (execution sheet §11).
 *
 * Always: all changes are undone, also after a trap; nothing is charged. Calls of a composite query run one after the
 * other, depth first, each from its canister's committed state; callbacks see the heap their context left.
 * Never: runs while a batch is being executed. Never reads a clock by itself: the bound on work is in instructions, and in
 * time only if the caller brings a clock (nobody else sees the result, so it may depend on it).
 */
import { ErrorCode, RejectCode, rejectCodeOf, userError, type UserError } from '../types/errors.ts';
import type { QueryUse } from '../types/batch.ts';
import type { SenderInfo } from '../types/messages.ts';
import { Principal } from '../types/principal.ts';
import type { CanisterState } from '../state/canister-state.ts';
import {
  canisterError,
  canisterNotFound,
  methodNotFound,
  noModule,
  outOfCycles,
  statusFault,
} from './canister-error.ts';
import { isFrozen } from './cycles-account.ts';
import type { SubnetEnvironment } from './environment.ts';
import { executionOf } from './management-port.ts';
import { systemView } from './system-view.ts';
import type {
  EntryPoint,
  ExecutionOutcome,
  MessageView,
  OutgoingCall,
  ParkedDelta,
  Response,
  SystemView,
} from './wasm/types.ts';

/** Calls of calls of … of the query itself. */
const MAX_CALL_DEPTH = 6;
/** Charged to the call graph for each call, so that calls without work end too. */
const CALL_OVERHEAD_INSTRUCTIONS = 50_000_000;
/** For the whole call graph, looked at between executions: a single one is bounded by its instructions. */
const MAX_GRAPH_MILLIS = 10_000;

const NO_BYTES = new Uint8Array(0);

export interface Query {
  readonly sender: Principal;
  /** A canister, or `aaaaa-aa`. */
  readonly receiver: Principal;
  readonly methodName: string;
  readonly arg: Uint8Array;
  readonly senderInfo?: SenderInfo;
  /** Certificate over the receiver's certified data; made only if the canister asks for it. */
  readonly dataCertificate?: () => Uint8Array;
  /** A monotonic clock, where the machine's time may matter. Absent: the call graph may take any time. */
  readonly clockMillis?: () => number;
}

export type QueryResult =
  | { readonly kind: 'reply'; readonly data: Uint8Array }
  | { readonly kind: 'reject'; readonly code: RejectCode; readonly message: string; readonly errorCode: ErrorCode };

export interface QueryOutcome {
  readonly result: QueryResult;
  readonly instructionsUsed: number;
  /** One for each call of the graph that ran code, in the order of their ends. */
  readonly uses: readonly QueryUse[];
}

/** Ends the whole evaluation, not only one call of it. */
class GraphFault extends Error {
  readonly error: UserError;

  constructor(error: UserError) {
    super(error.message);
    this.error = error;
  }
}

interface Graph {
  readonly environment: SubnetEnvironment;
  readonly query: Query;
  /** By the query's clock; undefined without one. */
  readonly startedMillis: number | undefined;
  instructionsLeft: number;
  instructionsUsed: number;
  readonly uses: QueryUse[];
}

function failed(error: UserError): QueryResult {
  return { kind: 'reject', code: rejectCodeOf(error.code), message: error.message, errorCode: error.code };
}

export function executeQuery(environment: SubnetEnvironment, query: Query): QueryOutcome {
  if (query.receiver.isManagement()) {
    const answer = environment.management.executeManagementQuery(environment.state, query, environment);
    return { result: answer.kind === 'reply' ? answer : failed(answer.error), instructionsUsed: 0, uses: [] };
  }
  const graph: Graph = {
    environment,
    query,
    startedMillis: query.clockMillis?.(),
    instructionsLeft: environment.config.instructions.compositeQueryTotal,
    instructionsUsed: 0,
    uses: [],
  };
  const { uses } = graph;
  try {
    const result = evaluate(graph, query.receiver, query.methodName, query.arg, query.sender, 0);
    return { result, instructionsUsed: graph.instructionsUsed, uses };
  } catch (fault) {
    if (!(fault instanceof GraphFault)) throw fault;
    return { result: failed(fault.error), instructionsUsed: graph.instructionsUsed, uses };
  }
}

/** Whether another subnet hosts the canister: queries do not leave the node. */
function isElsewhere({ state }: SubnetEnvironment, canister: Principal): boolean {
  if (state.canister(canister) !== undefined) return false;
  const subnet = state.route(canister);
  return subnet !== undefined && !subnet.equals(state.subnetId);
}

function elsewhere(caller: Principal, callee: Principal): UserError {
  return userError(
    ErrorCode.CanisterContractViolation,
    `Canister ${caller.toText()} violated contract: a composite query cannot call canister ${callee.toText()}, which is on another subnet`,
  );
}

/** Why the canister cannot be queried now. */
function queryFault({ config }: SubnetEnvironment, canister: CanisterState, caller: Principal): UserError | undefined {
  const fault = statusFault(canister);
  if (fault !== undefined) return fault;
  if (canister.code === undefined) return noModule(canister.id);
  if (isFrozen(config, canister)) return outOfCycles(config, canister, 0n, caller);
  return undefined;
}

/** One call of the graph: the query itself at depth 0. */
function evaluate(
  graph: Graph,
  receiver: Principal,
  method: string,
  arg: Uint8Array,
  caller: Principal,
  depth: number,
): QueryResult {
  const canister = graph.environment.state.canister(receiver);
  if (canister === undefined) return failed(canisterNotFound(receiver));
  const fault = queryFault(graph.environment, canister, caller);
  if (fault !== undefined) return failed(fault);
  const { module } = canister.code!;
  const isComposite = module.compositeQueries.has(method);
  if (!isComposite && !module.queries.has(method)) return failed(methodNotFound(canister.id, 'query', method));
  const frame = new Frame(graph, canister, caller, depth);
  const result = frame.run({ kind: isComposite ? 'compositeQuery' : 'query', method }, arg);
  graph.uses.push({
    canister: canister.id,
    calls: 1,
    instructions: frame.instructions,
    requestBytes: arg.length,
    responseBytes: result.kind === 'reply' ? result.data.length : result.message.length,
  });
  return result;
}

function checkTime({ query, startedMillis }: Graph): void {
  if (startedMillis === undefined || query.clockMillis!() - startedMillis <= MAX_GRAPH_MILLIS) return;
  throw new GraphFault(
    userError(
      ErrorCode.QueryTimeLimitExceeded,
      `Composite query call graph exceeded the time limit of ${MAX_GRAPH_MILLIS / 1000} s`,
    ),
  );
}

/** The evaluation of one query call on one canister, with its callbacks. */
class Frame {
  readonly #graph: Graph;
  readonly #canister: CanisterState;
  readonly #caller: Principal;
  readonly #depth: number;
  #instructions = 0;

  constructor(graph: Graph, canister: CanisterState, caller: Principal, depth: number) {
    this.#graph = graph;
    this.#canister = canister;
    this.#caller = caller;
    this.#depth = depth;
  }

  get instructions(): number {
    return this.#instructions;
  }

  run(entry: EntryPoint, arg: Uint8Array): QueryResult {
    const state = executionOf(this.#canister);
    const outcome = this.#execute(entry, { ...this.#message(), payload: arg });
    if (outcome.delta === null) return failed(canisterError(this.#canister.id, outcome.error!));
    const { response, calls } = outcome.delta;
    if (calls.length === 0 || response !== undefined) {
      state.rollback();
      return response === undefined ? this.#noAnswer(entry) : answer(response);
    }
    return this.#awaitCalls(state.park(), calls);
  }

  /** Makes the calls and runs their callbacks until one of them has answered. */
  #awaitCalls(initial: ParkedDelta, calls: readonly OutgoingCall[]): QueryResult {
    const state = executionOf(this.#canister);
    const waiting = [...calls];
    let parked = initial;
    let error: UserError | undefined;
    for (let call = waiting.shift(); call !== undefined; call = waiting.shift()) {
      const result = this.#call(call);
      state.resume(parked);
      const outcome = this.#callback(call, result);
      if (outcome.delta === null) {
        // The engine undid everything since the last commit; `parked` still holds the heap before this callback.
        error = canisterError(this.#canister.id, outcome.error!);
        parked = this.#cleanup(parked, call, result) ?? parked;
        continue;
      }
      error = undefined;
      if (outcome.delta.response !== undefined) {
        state.rollback();
        return answer(outcome.delta.response);
      }
      parked = state.park();
      waiting.push(...outcome.delta.calls);
    }
    return error === undefined ? this.#noAnswer({ kind: 'compositeQuery', method: '' }) : failed(error);
  }

  #callback(call: OutgoingCall, result: QueryResult): ExecutionOutcome {
    return result.kind === 'reply'
      ? this.#execute(
          { kind: 'compositeReplyCallback', closure: call.onReply },
          { ...this.#message(), payload: result.data, rejectCode: 0 },
        )
      : this.#execute(
          { kind: 'compositeRejectCallback', closure: call.onReject },
          { ...this.#message(), rejectCode: result.code, rejectMessage: result.message },
        );
  }

  /** After a trap in a callback. Undefined: there is no cleanup, or it failed too. */
  #cleanup(parked: ParkedDelta, call: OutgoingCall, result: QueryResult): ParkedDelta | undefined {
    if (call.onCleanup === undefined) return undefined;
    const state = executionOf(this.#canister);
    state.resume(parked);
    const rejectCode = result.kind === 'reply' ? 0 : result.code;
    const outcome = this.#execute(
      { kind: 'compositeCleanupCallback', closure: call.onCleanup },
      { ...this.#message(), rejectCode },
    );
    return outcome.delta === null ? undefined : state.park();
  }

  #call(call: OutgoingCall): QueryResult {
    const graph = this.#graph;
    if (this.#depth + 1 > MAX_CALL_DEPTH) {
      throw new GraphFault(
        userError(ErrorCode.QueryCallGraphTooDeep, `Composite query call graph is deeper than ${MAX_CALL_DEPTH} calls`),
      );
    }
    graph.instructionsLeft -= CALL_OVERHEAD_INSTRUCTIONS;
    this.#checkTotal();
    checkTime(graph);
    const callee = Principal.fromBytes(call.callee);
    if (callee.isManagement()) return this.#callManagement(call);
    if (isElsewhere(graph.environment, callee)) return failed(elsewhere(this.#canister.id, callee));
    return evaluate(graph, callee, call.method, call.payload, this.#canister.id, this.#depth + 1);
  }

  #callManagement(call: OutgoingCall): QueryResult {
    const { environment } = this.#graph;
    const answer = environment.management.executeManagementQuery(
      environment.state,
      { sender: this.#canister.id, methodName: call.method, arg: call.payload },
      environment,
    );
    return answer.kind === 'reply' ? answer : failed(answer.error);
  }

  #execute(entry: EntryPoint, message: MessageView): ExecutionOutcome {
    const graph = this.#graph;
    this.#checkTotal();
    const { environment } = graph;
    const { query } = environment.config.instructions;
    const limit = Math.min(query, graph.instructionsLeft);
    const outcome = environment.engine.executeEntryPoint(executionOf(this.#canister), {
      entry,
      message,
      system: this.#view(entry),
      instructionLimit: BigInt(limit),
      statedInstructionLimit: BigInt(query),
    });
    const used = Number(outcome.instructionsUsed);
    this.#instructions += used;
    graph.instructionsUsed += used;
    graph.instructionsLeft -= used;
    if (outcome.error?.code === 'IC0522' && limit < query) this.#failTotal();
    return outcome;
  }

  #checkTotal(): void {
    if (this.#graph.instructionsLeft <= 0) this.#failTotal();
  }

  #failTotal(): never {
    const total = this.#graph.environment.config.instructions.compositeQueryTotal;
    throw new GraphFault(
      userError(
        ErrorCode.QueryCallGraphTotalInstructionLimitExceeded,
        `Composite query call graph exceeded the limit of ${total} instructions in total`,
      ),
    );
  }

  #view(entry: EntryPoint): SystemView {
    const { environment, query } = this.#graph;
    const hasCertificate = this.#depth === 0 && (entry.kind === 'query' || entry.kind === 'compositeQuery');
    const view = systemView(environment, environment.state.timeNanos, this.#canister, {
      caller: this.#caller,
      dataCertificate: hasCertificate ? query.dataCertificate : undefined,
    });
    // Calls within a query cost nothing and take no place in any queue.
    return { ...view, admitCall: () => true, fees: { ...view.fees, callPrepayment: () => 0n } };
  }

  #message(): MessageView {
    const { senderInfo } = this.#graph.query;
    return {
      caller: this.#caller.bytes,
      callerInfo:
        this.#depth > 0 || senderInfo === undefined
          ? undefined
          : { signer: senderInfo.signer.bytes, data: senderInfo.info },
      payload: NO_BYTES,
      callContextInstructions: BigInt(this.#instructions),
    };
  }

  #noAnswer(entry: EntryPoint): QueryResult {
    const id = this.#canister.id.toText();
    const text =
      entry.kind === 'query' ? `Canister ${id} did not reply to the call` : `Canister ${id} did not produce a response`;
    return failed(userError(ErrorCode.CanisterDidNotReply, text));
  }
}

function answer(response: Response): QueryResult {
  return response.kind === 'reply'
    ? { kind: 'reply', data: response.data }
    : {
        kind: 'reject',
        code: RejectCode.CanisterReject,
        message: response.message,
        errorCode: ErrorCode.CanisterRejectedMessage,
      };
}
