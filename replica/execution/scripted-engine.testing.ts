/**
 * Test support: an engine whose "canisters" run small programs carried by their calls, so that scheduling, queues and
 * cycles can be tested by random call graphs without Wasm.
 *
 * It keeps the contract of the real engine: nothing is committed by executing, a failed execution is rolled back.
 */
import type { CanisterState, InstalledCode } from '../state/canister-state.ts';
import { Principal } from '../types/principal.ts';
import type { WasmEngine } from './environment.ts';
import type {
  CallbackClosure,
  EngineError,
  ExecutionInput,
  ExecutionOutcome,
  ExecutionState,
  OutgoingCall,
  ParkedDelta,
  Response,
} from './wasm/types.ts';

export type Op =
  | { readonly op: 'reply'; readonly text?: string }
  | { readonly op: 'replyState' }
  | { readonly op: 'replyRejection' }
  /** With the bytes of the reply that the callback got. */
  | { readonly op: 'replyArg' }
  | { readonly op: 'replySize'; readonly bytes: number }
  | { readonly op: 'reject'; readonly text: string }
  | { readonly op: 'accept'; readonly cycles: number }
  | { readonly op: 'burn'; readonly cycles: number }
  | { readonly op: 'append'; readonly text: string }
  /** `<code text refund>` */
  | { readonly op: 'appendRejection' }
  | { readonly op: 'spend'; readonly instructions: number }
  | { readonly op: 'timer'; readonly atNanos: string }
  | { readonly op: 'log'; readonly text: string }
  | { readonly op: 'certify'; readonly text: string }
  | { readonly op: 'grow'; readonly bytes: number }
  | { readonly op: 'trap' }
  | { readonly op: 'acceptMessage' }
  | {
      readonly op: 'call';
      /** Text of the callee. */
      readonly callee: string;
      readonly method?: string;
      readonly program: readonly Op[];
      /** Hex of the argument instead of a program, for callees that are not scripted. */
      readonly argHex?: string;
      /** Makes the argument at least this long. */
      readonly padBytes?: number;
      readonly cycles?: number;
      readonly timeoutSeconds?: number;
      readonly onReply?: readonly Op[];
      readonly onReject?: readonly Op[];
      readonly onCleanup?: readonly Op[];
      /** Runs in the caller when the call cannot be made. */
      readonly onFailure?: readonly Op[];
      readonly times?: number;
    };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeProgram(program: readonly Op[], padBytes = 0): Uint8Array {
  return encoder.encode(JSON.stringify(program).padEnd(padBytes));
}

interface Memory {
  readonly text: string;
  readonly closures: readonly (readonly Op[])[];
  readonly bytes: number;
}

/** Implements just as much of ExecutionState as execution uses. */
export class ScriptedState {
  committed: Memory = { text: '', closures: [], bytes: 65_536 };
  current: Memory = this.committed;
  readonly globals = [];
  readonly stableBytes = 0;

  get heapBytes(): number {
    return this.current.bytes;
  }

  commit(): void {
    this.committed = this.current;
  }

  rollback(): void {
    this.current = this.committed;
  }

  park(): ParkedDelta {
    const parked = { parked: true as const, memory: this.current };
    this.rollback();
    return parked;
  }

  resume(delta: ParkedDelta): void {
    this.current = (delta as ParkedDelta & { memory: Memory }).memory;
  }

  /** The committed memory as one page, for hashes. */
  readHeap(offset: number, size: number): Uint8Array {
    const bytes = new Uint8Array(size);
    bytes.set(encoder.encode(JSON.stringify(this.committed, jsonOf)).subarray(offset, offset + size));
    return bytes;
  }

  readStable(): Uint8Array {
    return new Uint8Array(0);
  }

  /** A state of its own with the same committed memory, as a restart would make. */
  copy(): ScriptedState {
    const copy = new ScriptedState();
    copy.committed = this.committed;
    copy.current = this.committed;
    return copy;
  }

  dispose(): void {
    // Nothing is held.
  }
}

export interface ScriptedOptions {
  readonly heartbeat?: readonly Op[];
  readonly timer?: readonly Op[];
  readonly hook?: readonly Op[];
  readonly inspect?: readonly Op[];
}

/** Methods: update `run`, query `ask`, composite query `compose`; each runs its argument. */
export function scriptedCode(options: ScriptedOptions = {}, installedAtNanos = 0n): InstalledCode {
  const entryPoints = new Set<string>();
  if (options.heartbeat !== undefined) entryPoints.add('canister_heartbeat');
  if (options.timer !== undefined) entryPoints.add('canister_global_timer');
  if (options.hook !== undefined) entryPoints.add('canister_on_low_wasm_memory');
  if (options.inspect !== undefined) entryPoints.add('canister_inspect_message');
  const execution = new ScriptedState();
  return {
    module: {
      hash: new Uint8Array(32),
      bytes: new Uint8Array(100),
      memory64: false,
      updates: new Set(['run']),
      queries: new Set(['ask']),
      compositeQueries: new Set(['compose']),
      entryPoints,
      customSections: [],
      customSectionBytes: 0,
      options,
    } as InstalledCode['module'],
    installedAtNanos,
    execution,
  };
}

export function textOf(canister: CanisterState): string {
  return (canister.code!.execution as ScriptedState).committed.text;
}

function jsonOf(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

const MAY_CALL: ReadonlySet<string> = new Set([
  'update',
  'replyCallback',
  'rejectCallback',
  'heartbeat',
  'globalTimer',
  'lowWasmMemory',
  'compositeQuery',
  'compositeReplyCallback',
  'compositeRejectCallback',
]);

class Failure extends Error {
  readonly error: EngineError;

  constructor(error: EngineError) {
    super(error.message);
    this.error = error;
  }
}

class Run {
  readonly #state: ScriptedState;
  readonly #input: ExecutionInput;
  balance: bigint;
  used = 1000n;
  response: Response | undefined;
  calls: OutgoingCall[] = [];
  accepted = 0n;
  burned = 0n;
  timer: bigint | undefined;
  certified: Uint8Array | undefined;
  admitted = false;
  logs: { text: string; bytes: Uint8Array }[] = [];
  #bytesBefore: number;

  constructor(state: ScriptedState, input: ExecutionInput) {
    this.#state = state;
    this.#input = input;
    this.balance = input.system.cyclesBalance;
    this.#bytesBefore = state.current.bytes;
  }

  program(ops: readonly Op[]): void {
    for (const op of ops) this.#step(op);
  }

  #step(op: Op): void {
    this.used += 100n;
    switch (op.op) {
      case 'reply':
        return this.#respond({ kind: 'reply', data: encoder.encode(op.text ?? 'ok') });
      case 'replyState':
        return this.#respond({ kind: 'reply', data: encoder.encode(this.#state.current.text) });
      case 'replyRejection':
        return this.#respond({
          kind: 'reply',
          data: encoder.encode(`${this.#input.message.rejectCode}: ${this.#input.message.rejectMessage}`),
        });
      case 'appendRejection': {
        const { rejectCode, rejectMessage, cyclesRefunded } = this.#input.message;
        return this.#step({ op: 'append', text: `<${rejectCode} ${rejectMessage} ${cyclesRefunded}>` });
      }
      case 'replyArg':
        return this.#respond({ kind: 'reply', data: this.#input.message.payload });
      case 'replySize':
        return this.#respond({ kind: 'reply', data: new Uint8Array(op.bytes) });
      case 'reject':
        return this.#respond({ kind: 'reject', message: op.text });
      case 'accept': {
        const available = (this.#input.message.cyclesAvailable ?? 0n) - this.accepted;
        const amount = BigInt(op.cycles) < available ? BigInt(op.cycles) : available;
        if (this.response !== undefined) return;
        this.accepted += amount;
        this.balance += amount;
        return;
      }
      case 'burn': {
        const liquid = this.balance - this.#input.system.freezingLimit(0n, 0n);
        const amount = liquid <= 0n ? 0n : BigInt(op.cycles) < liquid ? BigInt(op.cycles) : liquid;
        this.burned += amount;
        this.balance -= amount;
        return;
      }
      case 'append':
        this.#write({ text: this.#state.current.text + op.text });
        return;
      case 'spend':
        this.used += BigInt(op.instructions);
        if (this.used > this.#input.instructionLimit) {
          this.used = this.#input.instructionLimit;
          throw new Failure({ code: 'IC0522', message: 'Canister exceeded the limit' });
        }
        return;
      case 'timer':
        this.timer = BigInt(op.atNanos);
        return;
      case 'log':
        this.logs.push({ text: op.text, bytes: encoder.encode(op.text) });
        return;
      case 'certify':
        this.certified = encoder.encode(op.text);
        return;
      case 'grow': {
        const bytes = this.#state.current.bytes + op.bytes;
        const error = this.#input.system.checkGrowth(BigInt(bytes - this.#bytesBefore), this.balance);
        if (error !== null) throw new Failure(error);
        this.#write({ bytes });
        return;
      }
      case 'trap':
        this.logs.push({ text: '[TRAP]: on purpose', bytes: encoder.encode('[TRAP]: on purpose') });
        throw new Failure({ code: 'IC0503', message: "Canister called `ic0.trap` with message: 'on purpose'" });
      case 'acceptMessage':
        this.admitted = true;
        return;
      case 'call':
        for (let count = 0; count < (op.times ?? 1); count++) this.#call(op);
        return;
    }
  }

  #respond(response: Response): void {
    if (this.response !== undefined || this.#input.message.responded === true) {
      throw new Failure({ code: 'IC0504', message: 'Canister violated contract: the call is already replied' });
    }
    if (this.#input.message.caller.length === 0) {
      throw new Failure({ code: 'IC0504', message: 'Canister violated contract: nobody to reply to' });
    }
    this.response = response;
  }

  #write(change: Partial<Memory>): void {
    this.#state.current = { ...this.#state.current, ...change };
  }

  #closure(program: readonly Op[] | undefined): CallbackClosure {
    const closures = [...this.#state.current.closures, program ?? []];
    this.#write({ closures });
    return { fun: 0, env: BigInt(closures.length - 1) };
  }

  #call(op: Extract<Op, { op: 'call' }>): void {
    const { system, entry } = this.#input;
    if (!MAY_CALL.has(entry.kind)) {
      throw new Failure({
        code: 'IC0504',
        message: 'Canister violated contract: "ic0_call_new" cannot be executed here',
      });
    }
    const callee = Principal.fromText(op.callee).bytes;
    const method = op.method ?? 'run';
    const payload =
      op.argHex === undefined
        ? encodeProgram(op.program, op.padBytes)
        : Uint8Array.from(Buffer.from(op.argHex, 'hex'));
    const cycles = BigInt(op.cycles ?? 0);
    const bestEffort = op.timeoutSeconds !== undefined;
    const prepayment = system.fees.callPrepayment(Buffer.byteLength(method), payload.length, bestEffort);
    const left = this.balance - prepayment - cycles;
    const admitted = system.admitCall(callee, Buffer.byteLength(method) + payload.length, bestEffort, this.calls);
    if (left < system.freezingLimit(0n, 0n) || left < 0n || !admitted) {
      this.program(op.onFailure ?? []);
      return;
    }
    this.balance = left;
    this.calls.push({
      callee,
      method,
      payload,
      cycles,
      prepayment,
      timeoutSeconds: op.timeoutSeconds,
      onReply: this.#closure(op.onReply),
      onReject: this.#closure(op.onReject),
      onCleanup: op.onCleanup === undefined ? undefined : this.#closure(op.onCleanup),
    });
  }
}

function programOf(state: ScriptedState, input: ExecutionInput): readonly Op[] {
  const { entry } = input;
  switch (entry.kind) {
    case 'update':
    case 'replicatedQuery':
    case 'query':
    case 'compositeQuery':
      return JSON.parse(decoder.decode(input.message.payload)) as Op[];
    default:
      return 'closure' in entry ? state.current.closures[Number(entry.closure.env)]! : [];
  }
}

/** `optionsOf` finds the programs of a canister's system tasks by its id. */
export function scriptedEngine(optionsOf: (canisterId: Uint8Array) => ScriptedOptions): WasmEngine {
  return {
    executeEntryPoint(executionState: ExecutionState, input: ExecutionInput): ExecutionOutcome {
      const state = executionState as unknown as ScriptedState;
      const run = new Run(state, input);
      const options = optionsOf(input.system.canisterId);
      const tasks: Partial<Record<string, readonly Op[] | undefined>> = {
        heartbeat: options.heartbeat,
        globalTimer: options.timer,
        lowWasmMemory: options.hook,
        inspectMessage: options.inspect,
      };
      try {
        run.program(tasks[input.entry.kind] ?? programOf(state, input));
      } catch (failure) {
        if (!(failure instanceof Failure)) throw failure;
        state.rollback();
        return {
          error: failure.error,
          instructionsUsed: run.used,
          logs: run.logs,
          heapDirtyPages: 0,
          stableDirtyPages: 0,
          delta: null,
        };
      }
      return {
        error: null,
        instructionsUsed: run.used,
        logs: run.logs,
        heapDirtyPages: 0,
        stableDirtyPages: 0,
        delta: {
          response: run.response,
          calls: run.calls,
          cyclesAccepted: run.accepted,
          cyclesBurned: run.burned,
          cyclesMinted: 0n,
          certifiedData: run.certified,
          globalTimerNanos: run.timer,
          accepted: run.admitted,
          heapBytes: state.heapBytes,
          stableBytes: 0,
        },
      };
    },
  };
}
