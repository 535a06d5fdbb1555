/**
 * The whole replicated state of one subnet: its canisters and what the subnet itself keeps.
 *
 * Always: iteration over canisters is in ascending order of their ids.
 * Never: changed outside of executing a batch (or a checkpoint load).
 */
import type { Cycles } from '../types/cycles.ts';
import type { UserError } from '../types/errors.ts';
import type { CanisterMessage, MessageId, TimeNanos } from '../types/messages.ts';
import { Principal, type PrincipalKey } from '../types/principal.ts';
import type { RejectSignal } from '../types/batch.ts';
import type { SubnetKind } from '../types/subnet-config.ts';
import { NodeMetrics } from './node-metrics.ts';
import { CanisterQueues } from './queues.ts';
import type { CallOrigin, CanisterState, QueuedIngress } from './canister-state.ts';

/** Canister ids from `start` to `end`, both included. */
export interface CanisterRange {
  readonly start: Principal;
  readonly end: Principal;
}

export interface SubnetTopology {
  readonly id: Principal;
  readonly kind: SubnetKind;
  /** DER. */
  readonly publicKey: Uint8Array;
  readonly nodes: readonly { readonly id: Principal; readonly publicKey: Uint8Array }[];
  readonly ranges: readonly CanisterRange[];
}

/** What the registry says about the network, as of the last batch. */
export interface NetworkTopology {
  readonly rootSubnetId: Principal;
  /** DER public key of the root subnet, 133 bytes. */
  readonly rootKey: Uint8Array;
  /** Ascending by id. */
  readonly subnets: readonly SubnetTopology[];
  readonly registryVersion: bigint;
}

export type IngressStatus =
  | { readonly kind: 'received' }
  | { readonly kind: 'processing' }
  | { readonly kind: 'replied'; readonly reply: Uint8Array }
  | { readonly kind: 'rejected'; readonly error: UserError }
  /** Completed; the answer is no longer kept. */
  | { readonly kind: 'done' };

function answerBytesOf(status: IngressStatus): number {
  if (status.kind === 'replied') return status.reply.length;
  return status.kind === 'rejected' ? status.error.message.length : 0;
}

export interface IngressEntry {
  readonly messageId: MessageId;
  readonly sender: Principal;
  /** The canister called: `aaaaa-aa` for management calls. */
  readonly receiver: Principal;
  readonly effectiveCanisterId: Principal;
  readonly methodName: string;
  status: IngressStatus;
  /** Until then the entry is kept, whatever its status. */
  forgetAtNanos: TimeNanos;
}

/** The messages to one other subnet (also to ourselves, never: those are delivered directly). */
export interface Stream {
  /** Index of `messages[0]`. */
  begin: number;
  messages: CanisterMessage[];
  /** Messages of the reverse stream received: below this index. */
  signalsEnd: number;
  /** Of the reverse stream, ascending. */
  rejectSignals: RejectSignal[];
  /** Highest `begin` seen in the reverse stream's header: our signals below it need not be kept. */
  reverseBegin: number;
}

export function emptyStream(): Stream {
  return { begin: 0, messages: [], signalsEnd: 0, rejectSignals: [], reverseBegin: 0 };
}

/** A management call that is answered in a later batch. */
export type SubnetCall = {
  readonly id: number;
  readonly origin: CallOrigin;
  readonly refund: Cycles;
  readonly madeAtNanos: TimeNanos;
} & (
  | { readonly kind: 'raw-rand'; readonly madeAtHeight: number }
  /** Answered by consensus: HTTP outcalls, threshold signatures and key derivations. `request` is for the answerer. */
  | { readonly kind: 'consensus'; readonly purpose: string; readonly request: Uint8Array }
);

/** Without the id, as given to {@link ReplicatedState.addSubnetCall}. */
export type NewSubnetCall = SubnetCall extends infer Call
  ? Call extends SubnetCall
    ? Omit<Call, 'id'>
    : never
  : never;

export interface SubnetMetrics {
  canisterStateBytes: number;
  consumedCycles: Cycles;
  updateTransactions: bigint;
}

export class ReplicatedState {
  readonly subnetId: Principal;
  readonly kind: SubnetKind;
  /** Of the last batch executed; 0 before the first. */
  height = 0;
  timeNanos: TimeNanos = 0n;
  /** Set by the node from the registry before a batch; part of the batch's input. */
  topology: NetworkTopology;

  /** Where new canister ids come from; a subset of the subnet's ranges in the routing table. */
  allocationRanges: readonly CanisterRange[];
  /** Last canister index given out by create_canister. Ids are never given out twice. */
  lastAllocatedIndex: bigint | undefined;

  /** Iterate with {@link canistersInOrder}. */
  readonly canisters = new Map<PrincipalKey, CanisterState>();
  #order: PrincipalKey[] | undefined;

  /** Calls to the management canister: requests come in, responses go out. */
  subnetQueues = new CanisterQueues();
  subnetIngressQueue: QueuedIngress[] = [];
  subnetCalls = new Map<number, SubnetCall>();
  nextSubnetCallId = 1;

  /** Change it with the methods below only: they keep {@link answerBytes}. */
  readonly ingressHistory = new Map<MessageId, IngressEntry>();
  #answerBytes = 0;
  streams = new Map<PrincipalKey, Stream>();

  /** 32 bytes of the last batch; zeros before the first. */
  randomness: Uint8Array = new Uint8Array(32);
  metrics: SubnetMetrics = { canisterStateBytes: 0, consumedCycles: 0n, updateTransactions: 0n };
  readonly nodeMetrics = new NodeMetrics();
  /** Last time resources were charged. */
  lastChargeNanos: TimeNanos = 0n;
  /** The canister at which the next round begins, so that a full round starves nobody. */
  schedulerCursor: PrincipalKey | undefined;
  /** Where the last complete checkpoint is; undefined before the first. Kept by the store, not part of the hash. */
  lastCheckpointHeight: number | undefined;

  /** Marks since the last {@link takeChanges}. */
  #changedIngress = new Set<MessageId>();
  #changedStreams = new Set<PrincipalKey>();
  #removedCanisters = new Set<PrincipalKey>();
  #dirtyCanisters = new Set<PrincipalKey>();
  /** Canisters marked, added or removed since the execution layer last looked; it empties this set. */
  readonly touched = new Set<PrincipalKey>();

  constructor(
    subnetId: Principal,
    kind: SubnetKind,
    topology: NetworkTopology,
    allocationRanges: readonly CanisterRange[],
  ) {
    this.subnetId = subnetId;
    this.kind = kind;
    this.topology = topology;
    this.allocationRanges = allocationRanges;
  }

  canister(id: Principal): CanisterState | undefined {
    return this.canisters.get(id.key);
  }

  /** Ascending by id. The list is a snapshot of the moment of the call. */
  canistersInOrder(): CanisterState[] {
    this.#order ??= [...this.canisters.keys()].sort();
    return this.#order.map((key) => this.canisters.get(key)!);
  }

  addCanister(canister: CanisterState): void {
    if (this.canisters.has(canister.key)) throw new Error(`canister ${canister.id.toText()} exists`);
    this.restoreCanister(canister);
    this.#removedCanisters.delete(canister.key);
    canister.markDirty();
  }

  /** For loading a checkpoint: adds without marking anything as changed. */
  restoreCanister(canister: CanisterState): void {
    this.canisters.set(canister.key, canister);
    this.#order = undefined;
    this.touched.add(canister.key);
    canister.dirty = false;
    canister.onDirty = this.#onDirty;
  }

  readonly #onDirty = (canister: CanisterState): void => {
    this.#dirtyCanisters.add(canister.key);
    this.touched.add(canister.key);
  };

  removeCanister(id: Principal): void {
    const canister = this.canisters.get(id.key);
    if (canister === undefined) throw new Error(`canister ${id.toText()} does not exist`);
    canister.onDirty = undefined;
    this.canisters.delete(id.key);
    this.#dirtyCanisters.delete(id.key);
    this.touched.add(id.key);
    this.#removedCanisters.add(id.key);
    this.#order = undefined;
  }

  /** The next id of the allocation ranges; undefined when they are used up. */
  allocateCanisterId(): Principal | undefined {
    for (const range of this.allocationRanges) {
      const start = range.start.canisterIndex()!;
      const end = range.end.canisterIndex()!;
      let next =
        this.lastAllocatedIndex === undefined || this.lastAllocatedIndex < start ? start : this.lastAllocatedIndex + 1n;
      while (next <= end && this.canisters.has(Principal.fromCanisterIndex(next).key)) next++;
      if (next > end) continue;
      this.lastAllocatedIndex = next;
      return Principal.fromCanisterIndex(next);
    }
    return undefined;
  }

  addSubnetCall(call: NewSubnetCall): SubnetCall {
    const withId = { ...call, id: this.nextSubnetCallId++ } as SubnetCall;
    this.subnetCalls.set(withId.id, withId);
    return withId;
  }

  /** Of the answers in the history: replies and the texts of rejects. */
  get answerBytes(): number {
    return this.#answerBytes;
  }

  setIngress(entry: IngressEntry): void {
    this.restoreIngress(entry);
    this.#changedIngress.add(entry.messageId);
  }

  /** For loading a checkpoint: adds without marking anything as changed. */
  restoreIngress(entry: IngressEntry): void {
    const before = this.ingressHistory.get(entry.messageId);
    this.#answerBytes += answerBytesOf(entry.status) - (before === undefined ? 0 : answerBytesOf(before.status));
    this.ingressHistory.set(entry.messageId, entry);
  }

  setIngressStatus(messageId: MessageId, status: IngressStatus): void {
    const entry = this.ingressHistory.get(messageId);
    if (entry === undefined) throw new Error(`ingress message ${messageId} is not in the history`);
    this.#answerBytes += answerBytesOf(status) - answerBytesOf(entry.status);
    entry.status = status;
    this.#changedIngress.add(messageId);
  }

  forgetIngress(messageId: MessageId): void {
    const entry = this.ingressHistory.get(messageId);
    if (entry === undefined) return;
    this.#answerBytes -= answerBytesOf(entry.status);
    this.ingressHistory.delete(messageId);
    this.#changedIngress.add(messageId);
  }

  /** The stream to `subnet`, made when missing. Call {@link markStream} after changing it. */
  streamTo(subnet: Principal): Stream {
    let stream = this.streams.get(subnet.key);
    if (stream === undefined) {
      stream = emptyStream();
      this.streams.set(subnet.key, stream);
    }
    return stream;
  }

  markStream(subnet: PrincipalKey): void {
    this.#changedStreams.add(subnet);
  }

  /** Canisters marked since the last {@link takeChanges}, ascending. */
  dirtyCanisters(): readonly PrincipalKey[] {
    return [...this.#dirtyCanisters].sort();
  }

  /**
   * What changed since the last call, ascending; clears `dirty` of the canisters. Their dirtyChunks and
   * dirtySnapshots stay: the store clears them when it has written them.
   */
  takeChanges(): StateChanges {
    const canisters = [...this.#dirtyCanisters].sort();
    for (const key of canisters) this.canisters.get(key)!.dirty = false;
    const changes = {
      canisters,
      removedCanisters: [...this.#removedCanisters].sort(),
      ingress: [...this.#changedIngress].sort(),
      streams: [...this.#changedStreams].sort(),
    };
    this.#dirtyCanisters.clear();
    this.#removedCanisters.clear();
    this.#changedIngress.clear();
    this.#changedStreams.clear();
    return changes;
  }

  /** The subnet that hosts `id` according to the routing table. */
  route(id: Principal): Principal | undefined {
    for (const subnet of this.topology.subnets) {
      if (subnet.id.equals(id)) return subnet.id;
      for (const range of subnet.ranges) {
        if (range.start.key <= id.key && id.key <= range.end.key) return subnet.id;
      }
    }
    return undefined;
  }
}

export interface StateChanges {
  readonly canisters: readonly PrincipalKey[];
  readonly removedCanisters: readonly PrincipalKey[];
  readonly ingress: readonly MessageId[];
  readonly streams: readonly PrincipalKey[];
}
