/**
 * The last traps on an embedded network, so that a reject can be explained to whoever gets it, and a trap that leads to
 * no reject is not lost.
 */
import { canisterError } from '../execution/canister-error.ts';
import type { Trap, TrapFrame } from '../execution/wasm/types.ts';
import type { Principal } from '../types/principal.ts';

/** A trap and the reject it led to; frames are looked up when asked for. */
export interface TrapReport {
  /** Textual id of the canister that trapped. */
  readonly canister: string;
  /** As `Trap` has it: "canister_update greet". */
  readonly entryPoint: string;
  /** SHA-256 of its module as installed. */
  readonly moduleHash: Uint8Array;
  /** "IC0502". */
  readonly errorCode: string;
  /** The reject message that the trap led to. */
  readonly message: string;
  /** The canister's functions on the stack, innermost first, at most 50. */
  frames(): readonly TrapFrame[];
}

/** A reject arrives a few messages after its trap at most; a busy network may trap in between. */
const KEPT = 64;

interface Kept {
  readonly report: TrapReport;
  /** A reject that spoke of it was given out. */
  heard: boolean;
}

export class RecentTraps {
  readonly #explain: (trap: TrapReport) => string | undefined;
  readonly #kept: Kept[] = [];

  constructor(explain: (trap: TrapReport) => string | undefined) {
    this.#explain = explain;
  }

  add(canister: Principal, trap: Trap): void {
    const report: TrapReport = {
      canister: canister.toText(),
      entryPoint: trap.entryPoint,
      moduleHash: trap.module.hash,
      errorCode: trap.error.code,
      message: canisterError(canister, trap.error).message,
      frames: trap.frames,
    };
    this.#kept.push({ report, heard: false });
    if (this.#kept.length > KEPT) this.#kept.shift();
  }

  /** A reject's message with what is known about the trap behind it, also when canisters have passed it on inside their own. */
  explained(rejectMessage: string): string {
    const spoken = this.#kept.filter(({ report }) => !hasNoCaller(report) && rejectMessage.includes(report.message));
    // Two calls may trap with the same words: each of their rejects is about one of them.
    const kept = spoken.findLast(({ heard }) => !heard) ?? spoken.at(-1);
    if (kept === undefined) return rejectMessage;
    kept.heard = true;
    return withExplanation(rejectMessage, this.#explain(kept.report));
  }

  /** What nobody heard of so far, oldest first, equal texts once. From now on it counts as heard. */
  takeUnheard(): string[] {
    const unheard = this.#kept.filter(({ heard }) => !heard);
    for (const kept of unheard) kept.heard = true;
    return [...new Set(unheard.map(({ report }) => withExplanation(`${report.entryPoint}: ${report.message}`, this.#explain(report))))];
  }
}

function withExplanation(message: string, explanation: string | undefined): string {
  return explanation === undefined ? message : `${message}\n${explanation}`;
}

/** No reject is about what the system runs by itself. */
function hasNoCaller({ entryPoint }: TrapReport): boolean {
  return ['canister_heartbeat', 'canister_global_timer', 'canister_on_low_wasm_memory'].includes(entryPoint);
}
