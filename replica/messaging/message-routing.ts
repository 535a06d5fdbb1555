/**
 * A subnet as a state machine: executes one batch after the other (design: everything is a function of the batches).
 *
 * Always: synchronous and deterministic. The same batches on the same state give the same state on every node and
 * after every restart; nothing in here remembers anything that is not in the state or derived from it.
 * Never: reads a clock, a random source, or anything that depends on when a message arrived at this node.
 */
import type { Batch, BatchOutcome, QueryUse } from '../types/batch.ts';
import type { TimeNanos } from '../types/messages.ts';
import type { Principal } from '../types/principal.ts';
import type { SubnetConfig } from '../types/subnet-config.ts';
import type { ReplicatedState } from '../state/replicated-state.ts';
import { deliverOutputs } from '../execution/delivery.ts';
import { Round, type SubnetEnvironment, type WasmEngine } from '../execution/environment.ts';
import { hasSubnetWork, nextStopTimeout } from '../execution/management-calls.ts';
import type { ManagementCanister } from '../execution/management-port.ts';
import { shedBestEffortMessages } from '../execution/load-shedding.ts';
import { chargeForResources } from '../execution/resources.ts';
import { executeRound } from '../execution/scheduler.ts';
import { WorkIndex } from '../execution/work-index.ts';
import { inductIngress, purgeHistory } from './ingress.ts';
import { inductSlice, OutgoingStreams } from './streams.ts';

export interface MessageRoutingOptions {
  readonly config: SubnetConfig;
  /** Owned by the MessageRouting from now on: only executeBatch changes it. */
  readonly state: ReplicatedState;
  readonly management: ManagementCanister;
  readonly engine: WasmEngine;
  /** Shows debug_print output; has no influence on results. */
  readonly onDebugPrint?: (canister: Principal, text: string) => void;
  /** Shows where canisters trap, likewise. */
  readonly onTrap?: SubnetEnvironment['onTrap'];
}

export class MessageRouting {
  /** For queries and the ingress filter, which run between batches. */
  readonly environment: SubnetEnvironment;
  readonly #outgoing: OutgoingStreams;

  constructor(options: MessageRoutingOptions) {
    const { config, state, management, engine, onDebugPrint, onTrap } = options;
    const work = new WorkIndex(state, config);
    this.environment = { config, state, management, engine, work, onDebugPrint, onTrap };
    this.#outgoing = new OutgoingStreams(state);
  }

  get state(): ReplicatedState {
    return this.environment.state;
  }

  /** Throws when the batch does not follow the last one: consensus is broken then. */
  executeBatch(batch: Batch): BatchOutcome {
    const { state, work } = this.environment;
    checkFollows(state, batch);
    const previousNanos = state.timeNanos;
    state.height = batch.height;
    state.timeNanos = batch.timeNanos;
    state.randomness = batch.randomness;
    if (state.lastChargeNanos === 0n) state.lastChargeNanos = batch.timeNanos;

    if (batch.blockMakers !== undefined) state.nodeMetrics.observe(batch.timeNanos, batch.blockMakers);

    for (const { from, slice } of batch.xnet) inductSlice(this.environment, this.#outgoing, from, slice);
    for (const ingress of batch.ingress) inductIngress(this.environment, batch.timeNanos, ingress);
    const round = new Round(this.environment, batch, (message, subnet) => this.#outgoing.emit(message, subnet));
    executeRound(round, batch.consensusResponses);
    for (const use of batch.queryUse ?? []) countQueries(state, use);

    const touched = state.dirtyCanisters();
    chargeForResources(round, touched);
    deliverOutputs(round);
    if (shedBestEffortMessages(round)) deliverOutputs(round);
    purgeHistory(state, previousNanos, batch.timeNanos);
    work.sync();
    state.metrics.canisterStateBytes = work.memoryBytes;
    state.metrics.updateTransactions += BigInt(round.messagesExecuted);
    return this.#outcome(round);
  }

  /** What would make a batch do something although nothing arrives: after each batch, and after loading a state. */
  waiting(): Pick<BatchOutcome, 'moreWork' | 'nextWakeNanos'> {
    const { state, work } = this.environment;
    return {
      moreWork: work.hasReady() || hasSubnetWork(state) || hasRawRand(state),
      nextWakeNanos: earliest(work.nextWake(), nextStopTimeout(this.environment)),
    };
  }

  #outcome(round: Round): BatchOutcome {
    const { state } = this.environment;
    const changes = state.takeChanges();
    return {
      height: round.height,
      timeNanos: round.timeNanos,
      changedCanisters: changes.canisters,
      removedCanisters: changes.removedCanisters,
      changedIngress: changes.ingress,
      changedStreams: changes.streams,
      instructionsUsed: round.instructionsUsed,
      messagesExecuted: round.messagesExecuted,
      ...this.waiting(),
    };
  }
}

function countQueries(state: ReplicatedState, use: QueryUse): void {
  const canister = state.canister(use.canister);
  // It may have been deleted since.
  if (canister === undefined) return;
  canister.queryStats.calls += BigInt(use.calls);
  canister.queryStats.instructions += BigInt(use.instructions);
  canister.queryStats.requestBytes += BigInt(use.requestBytes);
  canister.queryStats.responseBytes += BigInt(use.responseBytes);
  canister.markDirty();
}

function hasRawRand(state: ReplicatedState): boolean {
  for (const call of state.subnetCalls.values()) if (call.kind === 'raw-rand') return true;
  return false;
}

function earliest(left: TimeNanos | undefined, right: TimeNanos | undefined): TimeNanos | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return left < right ? left : right;
}

function checkFollows(state: ReplicatedState, batch: Batch): void {
  if (batch.height !== state.height + 1) throw new Error(`batch ${batch.height} after height ${state.height}`);
  if (batch.timeNanos < state.timeNanos) throw new Error(`batch ${batch.height} goes back in time`);
  if (batch.randomness.length !== 32) throw new Error('a batch carries 32 bytes of randomness');
}
