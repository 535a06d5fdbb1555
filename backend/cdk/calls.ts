/**
 * Calls to other canisters: named continuations with a stored context.
 *
 * A generated client encodes the arguments and returns a `Call`; the handler adds cycles, a time
 * limit, and performs it with two named functions and a context object. There are no closures: what
 * the continuation needs is in the context, and everything else it must read and check again,
 * because all state up to the call is committed and other messages ran in between.
 *
 * Promises:
 *   C1 exactly one of the two continuations runs for each performed call, or neither if it traps;
 *   C2 a call that could not be sent runs its reject continuation before `perform` returns, with
 *      `sent` false, so that there is one place to handle failure;
 *   C3 a continuation that traps loses only its own effects: its slot is freed all the same, and what `onTrap` names
 *      runs instead.
 *
 * Contexts live on the heap. A canister with open calls must be stopped before it is upgraded, as
 * on every toolchain: the system would otherwise run a callback of a module that is gone.
 * Source: Interface Specification, "Inter-canister calls".
 */
import * as ic0 from "./ic0";
import * as writer from "./candid/writer";
import { textAt } from "./candid/reader";
import { finish } from "./entry";
import { Principal } from "./principal/principal";

/** The declared result of a handler that answers later, in a continuation. */
export type Later = void;

/** Reject codes of the Interface Specification. */
export enum RejectCode {
  SysFatal = 1,
  SysTransient = 2,
  DestinationInvalid = 3,
  CanisterReject = 4,
  CanisterError = 5,
  /** A best-effort call ended without a known outcome: the callee may or may not have run. */
  SysUnknown = 6,
}

/** What one should do about a reject. */
export enum Retry {
  /** The callee did not run: the same call may succeed later. */
  Later = 0,
  /** It is not known whether the callee ran: repeat only what is safe to repeat. */
  IfIdempotent = 1,
  /** Repeating cannot help. */
  Never = 2,
}

export class Rejection {
  constructor(
    readonly code: RejectCode,
    readonly message: string,
    /** False if the call never left this canister (no cycles, full queue). */
    readonly sent: bool,
  ) {}

  /**
   * Policy by error class. A callee that is stopped, out of cycles or trapping answers
   * CanisterError and may recover (an upgrade is the usual cause), but a trap may also have
   * happened after the callee's first commit, hence IfIdempotent. A missing canister never recovers.
   */
  get retry(): Retry {
    if (!this.sent || this.code == RejectCode.SysTransient) return Retry.Later;
    if (this.code == RejectCode.SysUnknown || this.code == RejectCode.CanisterError) return Retry.IfIdempotent;
    return Retry.Never;
  }
}

export type OnReply = (context: Object | null) => void;
export type OnReject = (context: Object | null, rejection: Rejection) => void;

/** An open call. */
class Slot {
  constructor(public onReply: OnReply, public onReject: OnReject, public context: Object | null, public onTrap: OnReply | null) {}
}

/** Open calls by callback environment; free places are reused. */
const slots: Array<Slot | null> = new Array<Slot | null>();
const free: Array<i32> = new Array<i32>();

function claim(slot: Slot): i32 {
  if (free.length > 0) {
    const env = free.pop();
    slots[env] = slot;
    return env;
  }
  return slots.push(slot) - 1;
}

function release(env: i32): Slot {
  const slot = slots[env];
  if (slot === null) unreachable();
  slots[env] = null;
  free.push(env);
  return slot!;
}

/** Number of calls that have not been answered. */
export function openCalls(): i32 { return slots.length - free.length; }

function onReply(env: i32): void {
  const slot = release(env);
  slot.onReply(slot.context);
  finish();
}

function onReject(env: i32): void {
  const slot = release(env);
  const size = ic0.msg_reject_msg_size();
  const buffer = heap.alloc(size + 1);
  ic0.msg_reject_msg_copy(buffer, 0, size);
  const message = textAt(buffer, size);
  heap.free(buffer);
  slot.onReject(slot.context, new Rejection(ic0.msg_reject_code(), message, true));
  finish();
}

/** Runs instead of a continuation's effects when it trapped. */
function onCleanup(env: i32): void {
  const slot = release(env);
  const onTrap = slot.onTrap;
  if (onTrap !== null) onTrap(slot.context);
}

export class Call {
  /** Use `startCall`. The encoded argument is in the writer until `perform`. */
  constructor(readonly callee: Principal, readonly method: usize, readonly methodSize: u32) {}

  private attached: u64 = 0;
  private timeoutSeconds: u32 = 0;
  private trapped: OnReply | null = null;

  /** Attaches cycles; what the callee does not accept comes back with the answer. */
  cycles(amount: u64): Call {
    this.attached = amount;
    return this;
  }

  /**
   * Waits at most `seconds` (the system allows 300) and then gets SysUnknown. Without this the
   * call waits for ever and its caller cannot be stopped meanwhile. Attached cycles may be lost.
   */
  bestEffort(seconds: u32): Call {
    this.timeoutSeconds = seconds;
    return this;
  }

  /**
   * Names what runs when one of the two continuations traps, with the same context: for giving back what was taken for
   * the call. It sees the state from before the continuation, may set timers and must not call; should it trap too,
   * nothing is left to run.
   */
  onTrap(cleanup: OnReply): Call {
    this.trapped = cleanup;
    return this;
  }

  /** Sends the call. No other message may be encoded between the client's function and this. */
  perform(reply: OnReply, reject: OnReject, context: Object | null): void {
    const env = claim(new Slot(reply, reject, context, this.trapped));
    this.build(onReply.index, onReject.index, env);
    ic0.call_on_cleanup(onCleanup.index, env);
    const code = ic0.call_perform();
    if (code != 0) {
      release(env);
      reject(context, new Rejection(<RejectCode>code, "the call could not be sent", false));
    }
  }

  /** Sends the call and forgets it: neither reply nor reject is seen. False if it was not sent. */
  performOneway(): bool {
    // An index that no table has: the system then drops the answer.
    this.build(-1, -1, 0);
    return ic0.call_perform() == 0;
  }

  private build(replyFun: i32, rejectFun: i32, env: i32): void {
    const callee = this.callee.bytes;
    ic0.call_new(callee.dataStart, callee.byteLength, this.method, this.methodSize, replyFun, env, rejectFun, env);
    ic0.call_data_append(writer.start(), writer.size());
    if (this.attached != 0) ic0.call_cycles_add128(0, this.attached);
    if (this.timeoutSeconds != 0) ic0.call_with_best_effort_response(this.timeoutSeconds);
  }
}

/** A call of `method` (UTF-8 bytes) whose encoded argument is in the writer. */
export function startCall(callee: Principal, method: usize, methodSize: u32): Call {
  return new Call(callee, method, methodSize);
}

/** A call with a method and an argument known only at run time; `argument` is a Candid message. */
export function rawCall(callee: Principal, method: string, argument: Uint8Array): Call {
  const name = String.UTF8.encode(method);
  keepAlive = name;
  writer.begin(argument.dataStart, argument.byteLength);
  return startCall(callee, changetype<usize>(name), name.byteLength);
}
let keepAlive: ArrayBuffer = changetype<ArrayBuffer>(0);

/** In a reply continuation: the reply as it came, for passing on without decoding. */
export function replyBytes(): Uint8Array {
  const bytes = new Uint8Array(<i32>ic0.msg_arg_data_size());
  ic0.msg_arg_data_copy(bytes.dataStart, 0, bytes.byteLength);
  return bytes;
}
