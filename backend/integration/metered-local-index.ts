// A local index on the meter, with the management canister, the user index and the children played by hand: every
// message it executes is seen, counted and can be answered with anything.

import { createHash } from "node:crypto";
import { IDL } from "@dfinity/candid";
import { Principal } from "@dfinity/principal";
import type { EntryPoint, OutgoingCall } from "../../replica/execution/wasm/types.ts";
import { Metered } from "../tools/bench/meter.ts";
import { encodeInit, method, moduleOf } from "./chat-network.ts";

export const USER_INDEX = Principal.fromUint8Array(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 8, 1, 1));
/** Principal of every canister on the meter. */
const SELF = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1, 1, 1);
const NOTHING = new Uint8Array(IDL.encode([], []));

const childId = (n: number): Principal => Principal.fromUint8Array(Uint8Array.of(0, 0, 0, 0, 1, n >> 16, (n >> 8) & 255, n & 255, 1, 1));

/** How a call is answered: by bytes, by a reject, or never. */
export type Answer = { reply: Uint8Array } | { reject: string } | "later";

export class MeteredLocalIndex {
  readonly canister: Metered;
  /** Somebody who may call what controllers call. */
  readonly controller = SELF;
  /** Calls not answered yet, in order. */
  readonly open: OutgoingCall[] = [];
  /** Instructions of the most expensive message so far. */
  dearest = 0n;
  /** Its first installation sets it. */
  private timerNanos = 1n;
  private children = 0;

  constructor(poolTarget: number, wasm = moduleOf("local_index")) {
    this.canister = Metered.install(wasm, encodeInit("local_index", [{ user_index: USER_INDEX, pool_target: poolTarget }]));
  }

  /** Runs a message; what it traps with, or undefined. Timers it sets and calls it makes are remembered. */
  execute(entry: EntryPoint, payload: Uint8Array = NOTHING, reject?: string): string | undefined {
    const { delta, error, instructionsUsed } = this.canister.attempt(entry, payload, true, reject === undefined ? undefined : { code: 4, message: reject });
    if (instructionsUsed > this.dearest) this.dearest = instructionsUsed;
    if (delta?.globalTimerNanos !== undefined) this.timerNanos = delta.globalTimerNanos;
    this.open.push(...(delta?.calls ?? []));
    return error?.message;
  }

  as(caller: Uint8Array, name: string, ...args: unknown[]): string | undefined {
    this.canister.caller = caller;
    return this.execute({ kind: "update", method: name }, new Uint8Array(IDL.encode(method("local_index", name).argTypes, args)));
  }

  /** Answers a call as the system does: after a trap, its cleanup runs. Answers the trap's message. */
  answer(call: OutgoingCall, answer: { reply: Uint8Array } | { reject: string }): string | undefined {
    const trap =
      "reply" in answer
        ? this.execute({ kind: "replyCallback", closure: call.onReply }, answer.reply)
        : this.execute({ kind: "rejectCallback", closure: call.onReject }, NOTHING, answer.reject);
    if (trap !== undefined && call.onCleanup !== undefined) {
      const again = this.execute({ kind: "cleanupCallback", closure: call.onCleanup });
      if (again !== undefined) throw new Error(`the cleanup trapped: ${again}`);
    }
    return trap;
  }

  /** What a working network answers. */
  usual(call: OutgoingCall): { reply: Uint8Array } {
    if (call.method !== "create_canister") return { reply: NOTHING };
    return { reply: new Uint8Array(IDL.encode([IDL.Record({ canister_id: IDL.Principal })], [{ canister_id: childId(this.children++) }])) };
  }

  /** Fires what is due and answers what is open until nothing happens any more. */
  run(answers: (call: OutgoingCall) => Answer = (call) => this.usual(call)): void {
    const kept: OutgoingCall[] = [];
    for (;;) {
      const call = this.open.shift();
      if (call !== undefined) {
        if (call.method === "<kit> timer") {
          this.canister.caller = SELF;
          const trap = this.execute({ kind: "update", method: call.method }, call.payload);
          this.answer(call, trap === undefined ? { reply: new Uint8Array() } : { reject: trap });
          continue;
        }
        const answer = answers(call);
        if (answer === "later") kept.push(call);
        else this.answer(call, answer);
      } else if (this.timerNanos !== 0n && this.timerNanos <= this.canister.timeNanos) {
        this.timerNanos = 0n;
        this.execute({ kind: "globalTimer" });
      } else {
        this.open.push(...kept);
        return;
      }
    }
  }

  advance(seconds: number): void {
    this.canister.timeNanos += BigInt(seconds) * 1_000_000_000n;
  }

  activate(kind: "User" | "Group", version: number, wasm: Uint8Array): void {
    const wireKind = { [kind]: null };
    this.as(SELF, "stage_module_chunk", { kind: wireKind, index: 0, chunk: wasm });
    this.as(SELF, "activate_module", { kind: wireKind, version, chunks: 1, sha256: createHash("sha256").update(wasm).digest() });
  }

  /** The status of one kind. */
  status(kind: "User" | "Group"): { in_use: number; pool: number; version: number; outdated: number; upgrades_failed: number } {
    const reply = this.canister.query("status", NOTHING).reply;
    const { children } = IDL.decode(method("local_index", "status").retTypes, reply)[0] as unknown as { children: ({ kind: object } & ReturnType<MeteredLocalIndex["status"]>)[] };
    return children.find((child) => kind in child.kind)!;
  }
}
