/** What a node shows of its subnet to the dashboard and /metrics. Reads only. */
import { toHex } from '../codec/bytes.ts';
import type { CanisterState } from '../state/canister-state.ts';
import type { ReplicatedState } from '../state/replicated-state.ts';
import { Principal } from '../types/principal.ts';
import type { Counters } from './counters.ts';
import type { DurableState } from './durable-state.ts';
import type { CanisterOverview, SubnetOverview } from './types.ts';

/** Log records shown per canister, newest last. */
const SHOWN_LOGS = 20;

export interface OverviewParts {
  readonly state: ReplicatedState;
  readonly nodeId: Uint8Array;
  readonly stateHash: Uint8Array;
  readonly height: number;
  readonly durable: DurableState;
  readonly counters: Counters;
  readonly withCanisters: boolean;
  readonly isLive: (canister: CanisterState) => boolean;
}

export function overviewOf(parts: OverviewParts): SubnetOverview {
  const { state, counters, durable } = parts;
  const canisters = state.canistersInOrder();
  return {
    subnetId: state.subnetId.toText(),
    kind: state.kind,
    nodeId: Principal.fromBytes(parts.nodeId).toText(),
    height: parts.height,
    timeNanos: state.timeNanos,
    stateHash: parts.stateHash,
    checkpointHeight: durable.checkpointHeight,
    canisterCount: canisters.length,
    canisterStateBytes: state.metrics.canisterStateBytes,
    cyclesConsumed: state.metrics.consumedCycles,
    updateTransactions: state.metrics.updateTransactions,
    counters: {
      blocks: counters.blocks,
      messagesExecuted: counters.messagesExecuted,
      instructions: counters.instructions,
      ingressAccepted: counters.ingressAccepted,
      ingressRejected: counters.ingressRejected,
      queries: counters.queries,
      slicesReceived: counters.slicesReceived,
      checkpoints: durable.checkpoints,
      logBytes: durable.logBytes,
      liveCanisters: canisters.filter(parts.isLive).length,
      executeSeconds: counters.seconds.execute,
      syncSeconds: counters.seconds.sync,
      signSeconds: counters.seconds.sign,
    },
    ...(parts.withCanisters && { canisters: canisters.map((canister) => canisterOverview(canister, parts.isLive(canister))) }),
  };
}

function canisterOverview(canister: CanisterState, live: boolean): CanisterOverview {
  const decoder = new TextDecoder();
  return {
    id: canister.id.toText(),
    status: canister.status.kind,
    cycles: canister.balance,
    memoryBytes: canister.memoryUsage(),
    heapBytes: canister.code?.execution.heapBytes ?? 0,
    stableBytes: canister.code?.execution.stableBytes ?? 0,
    version: canister.version,
    moduleHash: canister.code && toHex(canister.code.module.hash),
    live,
    logs: canister.log.records.slice(-SHOWN_LOGS).map(({ timeNanos, content }) => ({ timeNanos, text: decoder.decode(content) })),
  };
}
