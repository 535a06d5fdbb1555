/**
 * What execution works on: the subnet's state and configuration, and the round being executed.
 */
import { createHash } from 'node:crypto';
import type { CanisterMessage, TimeNanos } from '../types/messages.ts';
import type { Principal } from '../types/principal.ts';
import type { SubnetConfig } from '../types/subnet-config.ts';
import type { ReplicatedState } from '../state/replicated-state.ts';
import type { ManagementCanister } from './management-port.ts';
import type { ExecutionInput, ExecutionOutcome, ExecutionState, Trap } from './wasm/types.ts';
import type { WorkIndex } from './work-index.ts';

/** The part of the Wasm engine that running messages needs. */
export interface WasmEngine {
  executeEntryPoint(state: ExecutionState, input: ExecutionInput): ExecutionOutcome;
}

export interface SubnetEnvironment {
  readonly config: SubnetConfig;
  readonly state: ReplicatedState;
  readonly management: ManagementCanister;
  readonly engine: WasmEngine;
  readonly work: WorkIndex;
  /** Told of debug_print output of replicated executions and queries, for the developer's console. Not replicated. */
  readonly onDebugPrint?: (canister: Principal, text: string) => void;
  /** Told of each trap of a canister, likewise; traps cost more then. */
  readonly onTrap?: ((canister: Principal, trap: Trap) => void) | undefined;
}

/** Fixed bookkeeping of a message, counted to the round and to nobody's bill (execution sheet §5). */
export const MESSAGE_OVERHEAD_INSTRUCTIONS = 2_000_000;

export class Round {
  readonly environment: SubnetEnvironment;
  readonly height: number;
  readonly timeNanos: TimeNanos;
  readonly #randomness: Uint8Array;
  #drawn = 0;
  /** A new message starts only while this is positive. */
  instructionsLeft: number;
  instructionsUsed = 0;
  messagesExecuted = 0;
  /** Messages taken from input queues, also those rejected without running. */
  inputsTaken = 0;
  /** Takes a message for another subnet; false: no room now, keep it. */
  readonly emitRemote: (message: CanisterMessage, subnet: Principal) => boolean;

  constructor(
    environment: SubnetEnvironment,
    batch: { readonly height: number; readonly timeNanos: TimeNanos; readonly randomness: Uint8Array },
    emitRemote: (message: CanisterMessage, subnet: Principal) => boolean,
  ) {
    this.environment = environment;
    this.height = batch.height;
    this.timeNanos = batch.timeNanos;
    this.#randomness = batch.randomness;
    this.instructionsLeft = environment.config.instructions.round;
    this.emitRemote = emitRemote;
  }

  get state(): ReplicatedState {
    return this.environment.state;
  }

  get config(): SubnetConfig {
    return this.environment.config;
  }

  /** 32 bytes that no earlier call of this round (or any round) got. */
  drawRandomness(): Uint8Array {
    const counter = new Uint8Array(8);
    new DataView(counter.buffer).setBigUint64(0, BigInt(this.#drawn++));
    return createHash('sha256').update('parley-round-randomness').update(this.#randomness).update(counter).digest();
  }

  /** Leaves the next stage of the round at least half of a round's instructions, whatever was spent before. */
  reserveHalf(): void {
    this.instructionsLeft = Math.max(this.instructionsLeft, Math.ceil(this.config.instructions.round / 2));
  }

  /** Counts work to the round that nobody is billed for. */
  countOnly(instructions: number): void {
    this.instructionsLeft -= instructions;
  }

  spend(instructions: number): void {
    this.instructionsLeft -= instructions + MESSAGE_OVERHEAD_INSTRUCTIONS;
    this.instructionsUsed += instructions;
    this.messagesExecuted++;
  }
}
