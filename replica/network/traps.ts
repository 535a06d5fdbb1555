/** The last traps on an embedded network, so that a reject can be explained to whoever gets it. */
import { canisterError } from '../execution/canister-error.ts';
import type { Trap, TrapFrame } from '../execution/wasm/types.ts';
import type { Principal } from '../types/principal.ts';

/** A trap and the reject it led to; frames are looked up when asked for. */
export interface TrapReport {
  /** Textual id of the canister that trapped. */
  readonly canister: string;
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

export class RecentTraps {
  readonly #reports: TrapReport[] = [];

  add(canister: Principal, trap: Trap): void {
    this.#reports.push({
      canister: canister.toText(),
      moduleHash: trap.module.hash,
      errorCode: trap.error.code,
      message: canisterError(canister, trap.error).message,
      frames: trap.frames,
    });
    if (this.#reports.length > KEPT) this.#reports.shift();
  }

  /** The latest trap that a reject speaks of, also when canisters have passed it on inside their own. */
  behind(rejectMessage: string): TrapReport | undefined {
    return this.#reports.findLast(({ message }) => rejectMessage.includes(message));
  }
}
