/**
 * One node of one subnet: consensus, execution, certification, storage and queries wired together.
 *
 * Promises:
 * - D1 No certificate, reply or slice over a batch leaves before the batch is synced to the log.
 * - D2 An ingress message is executed at most once: ids in the pool, in execution and in the state's history are known.
 * - D3 Queries and reads see a certified state, at most a second old by the node's clock: they run between batches, never
 *   on one that was executed but is not published yet.
 *
 * A batch is written to the log, synced in the background while it is executed and hashed, and published when both are
 * done; ingress that arrives meanwhile goes into the next batch together.
 */
import { fromHex, toHex } from '../codec/bytes.ts';
import { label } from '../codec/hash-tree.ts';
import type { Path } from '../codec/hash-tree.ts';
import { signQueryResponse } from '../crypto/query-signature.ts';
import type { QueryResponseFields } from '../crypto/query-signature.ts';
import { filterIngress } from '../execution/ingress-filter.ts';
import { effectiveCanisterId } from '../execution/management/methods.ts';
import { executeQuery } from '../execution/query.ts';
import { isHiddenFromReadState } from '../http/read-state-paths.ts';
import type {
  NodeSignature,
  PrincipalBytes,
  QueryOutcome,
  ReadStateCheck,
  ReadStateOutcome,
  ReadStateRequest,
  SubmitOutcome,
  Unavailable,
  ValidatedRequest,
  WaitFor,
} from '../http/replica-port.ts';
import type { NodeSigningKey } from '../crypto/keys.ts';
import type { MessageRouting } from '../messaging/message-routing.ts';
import { decodeSlice, encodeSlice, SliceError, slicePayload } from '../p2p/certified-slice.ts';
import type { SliceSender } from '../p2p/certified-slice.ts';
import { nodeKeysPath } from '../p2p/node-keys-certificate.ts';
import { SlicePool } from '../p2p/slice-pool.ts';
import type { Consensus, ConsensusEvent, PayloadSource } from '../consensus/types.ts';
import { CertifiedTree } from '../state/certified-tree.ts';
import type { IngressStatus, NetworkTopology, ReplicatedState } from '../state/replicated-state.ts';
import { StoreError } from '../state/store/errors.ts';
import type { Batch, BatchOutcome } from '../types/batch.ts';
import { ErrorCode, errorCodeText, rejectCodeOf, userError } from '../types/errors.ts';
import type { UserError } from '../types/errors.ts';
import type { IngressMessage, MessageId, TimeNanos } from '../types/messages.ts';
import { Principal } from '../types/principal.ts';
import type { PrincipalKey } from '../types/principal.ts';
import type { SubnetConfig } from '../types/subnet-config.ts';
import { CertifiedHeight } from './certified-state.ts';
import type { Signer } from './certified-state.ts';
import { Counters } from './counters.ts';
import type { Eviction } from './eviction.ts';
import type { DurableState } from './durable-state.ts';
import { blockPayload } from './block-payload.ts';
import { IngressPool } from './ingress-pool.ts';
import { IngressWaiters } from './ingress-waiters.ts';
import { overviewOf } from './overview.ts';
import { QueryUseCounter } from './query-use.ts';
import type { NodeClock, NodeHost, SubnetNodeApi, SubnetOverview } from './types.ts';

/**
 * Clients refuse certificates and query signatures older than four or five minutes, and canisters read the time of the
 * state in queries. An idle subnet makes no blocks, so a read of an older state than this makes one first.
 */
const FRESH_ENOUGH_NANOS = 1_000_000_000n;

/** Queries may bring canisters back without any batch; looking through the live ones takes some microseconds. */
const QUERIES_PER_EVICTION = 32;

const CREATION_METHODS: ReadonlySet<string> = new Set(['create_canister', 'provisional_create_canister_with_cycles']);

const TIME_PATH: Path = [label('time')];
const REQUEST_STATUS = label('request_status');

const SHUTTING_DOWN: Unavailable = { kind: 'unavailable', httpStatus: 503, text: 'Replica is shutting down.' };

interface Reader {
  readonly run: () => void;
  readonly anyAge: boolean;
  /** A block of this height was asked for it: that one is fresh enough, however long it took. */
  askedHeight?: number;
}

export interface SubnetNodeParts {
  readonly state: ReplicatedState;
  /** The tree of the state if it has been made already. */
  readonly tree?: CertifiedTree;
  readonly config: SubnetConfig;
  readonly routing: MessageRouting;
  /** Given the pools of the node, makes its consensus. */
  readonly consensus: (payload: PayloadSource) => Consensus;
  readonly durable: DurableState;
  readonly clock: NodeClock;
  readonly host: NodeHost;
  readonly nodeKey: NodeSigningKey;
  readonly eviction: Eviction;
  /** Bounds the time of composite queries. Absent where time is virtual: they are bounded by instructions alone. */
  readonly queryClockMillis?: () => number;
  /**
   * Resolves when answers given so far are on their way and what came in meanwhile was taken in: awaited between two
   * batches. Absent where time is virtual: nothing arrives by itself there.
   */
  readonly intake?: () => Promise<void>;
  /** Signs the payload of a state root with the subnet's key. */
  readonly signRoot: (rootHash: Uint8Array) => Uint8Array;
}

export class SubnetNode implements SubnetNodeApi {
  readonly #parts: SubnetNodeParts;
  readonly #state: ReplicatedState;
  readonly #consensus: Consensus;
  readonly #tree: CertifiedTree;
  readonly #signer: Signer;
  readonly #isRoot: boolean;
  readonly #pool = new IngressPool();
  readonly #waiters = new IngressWaiters();
  readonly #slices = new SlicePool();
  readonly #counters = new Counters();
  readonly #queryUse = new QueryUseCounter();
  /** In the batch that is being executed or synced. */
  readonly #inBlock = new Set<MessageId>();
  /** By subnet: end of the messages sent to it so far. */
  readonly #sentTo = new Map<PrincipalKey, number>();
  #certified: CertifiedHeight;
  #delegation: Uint8Array | undefined;
  #nodeKeys: { readonly topology: NetworkTopology; readonly certificate: Uint8Array } | undefined;
  #certifiable: Promise<void>;
  #delegationArrived: () => void = () => {};
  /** Settles when the batch under way is published; undefined when none is. */
  #underWay: Promise<void> | undefined;
  /** Who waits for a block of at least this height. */
  #blockWaiters: { readonly height: number; readonly resolve: () => void }[] = [];
  /** A batch was executed on the state and is not published yet. */
  #ahead = false;
  /** Who waits to read between two batches. */
  #readers: Reader[] = [];
  #unavailable: Unavailable | undefined;
  /** Consensus is told of new messages in a moment. */
  #driving = false;
  #stopped = false;

  constructor(parts: SubnetNodeParts) {
    this.#parts = parts;
    this.#state = parts.state;
    this.#isRoot = parts.state.subnetId.equals(parts.state.topology.rootSubnetId);
    this.#certifiable = this.#isRoot ? Promise.resolve() : new Promise((resolve) => (this.#delegationArrived = resolve));
    this.#signer = {
      signRoot: (rootHash) => this.#counters.timed('sign', () => parts.signRoot(rootHash)),
      delegation: () => this.#delegation && { subnetId: this.#state.subnetId.bytes, certificate: this.#delegation },
    };
    this.#tree = parts.tree ?? new CertifiedTree(this.#state);
    this.#certified = new CertifiedHeight(this.#state.height, this.#state.timeNanos, this.#tree.tree, this.#signer);
    this.#consensus = parts.consensus({
      hasPayload: (timeNanos) => this.#pool.size > 0 || this.#slices.hasNews(this.#state, timeNanos),
      wakeNanos: () => this.#slices.wakeNanos,
      take: (timeNanos) => {
        const pools = { config: parts.config, ingress: this.#pool, slices: this.#slices };
        const queryUse = this.#queryUse.take(this.#state.height + 1);
        return { ...blockPayload(pools, this.#state, timeNanos), ...(queryUse && { queryUse }) };
      },
    });
  }

  /** Looks at the clock: makes a block if something is due. Call it once to begin. */
  wake(): void {
    this.#drive({ kind: 'clock' });
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Blocks.

  #drive(event: ConsensusEvent): void {
    if (this.#stopped || this.#unavailable) return;
    for (const action of this.#consensus.handle(event, this.#parts.clock.nowNanos())) {
      if (action.kind === 'wake-at') {
        this.#parts.clock.wakeAt(action.timeNanos, () => this.#drive({ kind: 'clock' }));
      } else {
        this.#parts.clock.wakeAt(undefined, () => {});
        const done = this.#process(action.batch);
        this.#underWay = done;
        void done.finally(() => {
          // By now the next batch may be under way.
          if (this.#underWay === done) this.#underWay = undefined;
        });
      }
    }
  }

  async #process(batch: Batch): Promise<void> {
    for (const message of batch.ingress) this.#inBlock.add(message.messageId);
    let outcome: BatchOutcome;
    let executeMillis: number;
    try {
      const synced = this.#append(batch);
      if (!synced) return;
      const began = performance.now();
      this.#ahead = true;
      outcome = this.#execute(batch);
      executeMillis = performance.now() - began;
      this.#counters.executed(outcome, executeMillis);
      await this.#counters.timedAsync('sync', synced);
    } catch (error) {
      this.#break(error);
      return;
    }
    if (this.#stopped) return;
    this.#publish(outcome);
    this.#inBlock.clear();
    this.#parts.eviction.afterBatch(this.#state, outcome);
    this.#parts.durable.executed(this.#state, outcome, this.#certified.tree.digest(), executeMillis);
    this.#ahead = false;
    this.#serveReaders('fresh');
    const { intake } = this.#parts;
    if (intake) await intake();
    this.#drive({ kind: 'executed', outcome });
  }

  #execute(batch: Batch): BatchOutcome {
    try {
      const outcome = this.#parts.routing.executeBatch(batch);
      // Hashed at once, while the disk is busy; a replay does the same, so it counts.
      this.#tree.update(this.#state, outcome).digest();
      return outcome;
    } catch (error) {
      // A fault of ours. In the log it would stop every start from now on, and nobody was told anything over it.
      this.#parts.host.log('error', 'batch.failed', { height: batch.height, reason: (error as Error).message });
      this.#parts.durable.takeBack();
      throw error;
    }
  }

  /** Undefined: the disk is full. The batch is given up, who waits for it is told, and the next attempt comes later. */
  #append(batch: Batch): Promise<void> | undefined {
    try {
      const synced = this.#parts.durable.append(batch, this.#tree.tree.digest());
      // A failure is awaited by the caller; the execution in between must not leave it unhandled.
      synced.catch(() => {});
      return synced;
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'disk_full') throw error;
      this.#parts.host.log('error', 'disk.full', { reason: error.message });
      for (const { messageId } of batch.ingress) {
        this.#inBlock.delete(messageId);
        this.#waiters.resolve(messageId, { kind: 'unavailable', httpStatus: 503, text: 'The disk of the replica is full, try again later.' });
      }
      this.#releaseBlockWaiters(Infinity);
      this.#serveReaders('all');
      this.#drive({ kind: 'refused' });
      return undefined;
    }
  }

  #publish(outcome: BatchOutcome): void {
    this.#certified = new CertifiedHeight(outcome.height, outcome.timeNanos, this.#tree.tree, this.#signer);
    for (const id of outcome.changedIngress) {
      if (this.#waiters.has(id) && this.#isTerminal(id)) this.#waiters.resolve(id, this.#certifiedStatus(id));
    }
    this.#waiters.dropExpired(outcome.timeNanos);
    for (const key of outcome.changedStreams) {
      const to = Principal.fromKey(key);
      const slice = this.#newestSlice(to);
      if (slice) this.#parts.host.sendSlice(to.bytes, slice);
    }
    this.#releaseBlockWaiters(outcome.height);
    this.#parts.host.certified(outcome.height, outcome.timeNanos);
  }

  /** The disk or an invariant failed: what is in memory may be ahead of what can be promised, so nothing more leaves. */
  #break(error: unknown): void {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#unavailable = { kind: 'unavailable', httpStatus: 503, text: `Replica is unhealthy: ${(error as Error).message ?? reason}` };
    this.#waiters.resolveAll(this.#unavailable);
    this.#releaseBlockWaiters(Infinity);
    this.#serveReaders('all');
    this.#parts.host.broken(reason);
  }

  /** For who runs the node: something failed that should not have, and the state may be half changed. */
  fail(error: unknown): void {
    if (!this.#unavailable && !this.#stopped) this.#break(error);
  }

  async makeBlock(): Promise<void> {
    if (this.#unavailable || this.#stopped) return;
    // The height of a batch under way is the state's already: batches are executed in the turn in which they are made.
    const height = this.#state.height + 1;
    const made = new Promise<void>((resolve) => this.#blockWaiters.push({ height, resolve }));
    this.#drive({ kind: 'force' });
    await made;
  }

  #releaseBlockWaiters(upToHeight: number): void {
    const waiters = this.#blockWaiters;
    this.#blockWaiters = waiters.filter(({ height }) => height > upToHeight);
    for (const waiter of waiters) if (waiter.height <= upToHeight) waiter.resolve();
  }

  /** For who runs in the same thread. Only batches change it. */
  get state(): ReplicatedState {
    return this.#state;
  }

  /** Height of the state, a batch under way included. */
  get height(): number {
    return this.#state.height;
  }

  get timeNanos(): TimeNanos {
    return this.#state.timeNanos;
  }

  get isBusy(): boolean {
    return this.#underWay !== undefined;
  }

  controllersOf(canisterId: Principal): readonly Principal[] | undefined {
    return this.#state.canister(canisterId)?.settings.controllers;
  }

  async idle(): Promise<void> {
    while (this.#underWay) await this.#underWay;
  }

  /**
   * Reads the state when it is the certified one, and fresh by the clock unless any age will do. Under load one batch
   * begins in the turn in which the last one is published, so whoever waits is served within that turn.
   */
  async #reading<T>(read: (certified: CertifiedHeight) => T, anyAge = false): Promise<T | Unavailable> {
    await this.#certifiable;
    if (this.#stopped) return SHUTTING_DOWN;
    if (this.#unavailable) return this.#unavailable;
    if (!this.#ahead && (anyAge || this.#isFresh())) return read(this.#certified);
    return new Promise((resolve, reject) => {
      const run = (): void => {
        try {
          resolve(this.#stopped ? SHUTTING_DOWN : (this.#unavailable ?? read(this.#certified)));
        } catch (error) {
          reject(error as Error);
        }
      };
      if (this.#ahead) {
        this.#readers.push({ run, anyAge });
        return;
      }
      this.#readers.push({ run, anyAge, askedHeight: this.#state.height + 1 });
      this.#drive({ kind: 'force' });
    });
  }

  #isFresh(): boolean {
    return this.#certified.height > 0 && this.#parts.clock.nowNanos() - this.#certified.timeNanos <= FRESH_ENOUGH_NANOS;
  }

  #serveReaders(which: 'fresh' | 'all'): void {
    const readers = this.#readers;
    this.#readers = [];
    for (const reader of readers) {
      if (which === 'all' || reader.anyAge || this.#state.height >= (reader.askedHeight ?? Infinity) || this.#isFresh()) {
        reader.run();
      } else {
        this.#readers.push({ ...reader, askedHeight: this.#state.height + 1 });
      }
    }
    if (this.#readers.length > 0) this.#drive({ kind: 'force' });
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Ingress.

  async submitIngress(request: ValidatedRequest, waitFor: WaitFor): Promise<SubmitOutcome> {
    if (this.#unavailable) return this.#unavailable;
    await this.#certifiable;
    const message = ingressOf(request);
    const id = message.messageId;
    if (this.#inBlock.has(id) || this.#pool.has(id)) return { kind: 'duplicate' };
    if (this.#state.ingressHistory.has(id)) return waitFor === 'certificate' ? this.#certifiedStatus(id) : { kind: 'accepted' };
    const fault = effectiveIdFault(message.receiver, message.effectiveCanisterId, message.methodName, message.arg) ?? filterIngress(this.#parts.routing.environment, message);
    if (fault) {
      this.#counters.ingressRejected++;
      return { kind: 'rejected', error: wireError(fault) };
    }
    if (!this.#pool.add(message)) return { kind: 'unavailable', httpStatus: 503, text: 'Service is overloaded, try again later.' };
    this.#counters.ingressAccepted++;
    const outcome = waitFor === 'certificate' ? this.#waiters.wait(id, message.expiryNanos) : ({ kind: 'accepted' } as const);
    this.#driveSoon();
    return outcome;
  }

  /** Messages that arrive together go into one block. */
  #driveSoon(): void {
    if (this.#driving) return;
    this.#driving = true;
    queueMicrotask(() => {
      this.#driving = false;
      this.#drive({ kind: 'work' });
    });
  }

  #isTerminal(id: MessageId): boolean {
    const kind = this.#state.ingressHistory.get(id)?.status.kind;
    return kind === 'replied' || kind === 'rejected' || kind === 'done';
  }

  #certifiedStatus(id: MessageId): SubmitOutcome {
    return { kind: 'certified', certificate: this.#certified.certificate([TIME_PATH, [REQUEST_STATUS, fromHex(id)]]) };
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Reads.

  query(request: ValidatedRequest): Promise<QueryOutcome> {
    return this.#reading((certified) => this.#query(request, certified));
  }

  #query(request: ValidatedRequest, certified: CertifiedHeight): QueryOutcome {
    this.#counters.queries++;
    const canisterId = Principal.fromBytes(request.canisterId);
    const fault = effectiveIdFault(canisterId, Principal.fromBytes(request.effectiveId), request.methodName, request.arg);
    if (fault) {
      const error = wireError(fault);
      return { kind: 'rejected', error, signature: this.#signQuery({ status: 'rejected', ...error }, request.requestId, certified.timeNanos) };
    }
    const { result, uses } = executeQuery(this.#parts.routing.environment, {
      sender: Principal.fromBytes(request.sender),
      receiver: canisterId,
      methodName: request.methodName,
      arg: request.arg,
      ...(request.senderInfo && { senderInfo: { signer: Principal.fromBytes(request.senderInfo.signer), info: request.senderInfo.info } }),
      ...(this.#parts.queryClockMillis && { clockMillis: this.#parts.queryClockMillis }),
      dataCertificate: () => certified.certificate([TIME_PATH, [label('canister'), canisterId.bytes, label('certified_data')]]),
    });
    this.#queryUse.add(uses);
    this.#parts.eviction.touch(this.#state, canisterId.key);
    if (this.#counters.queries % QUERIES_PER_EVICTION === 0) this.#parts.eviction.evictExcess();
    if (result.kind === 'reply') {
      const signature = this.#signQuery({ status: 'replied', arg: result.data }, request.requestId, certified.timeNanos);
      return { kind: 'replied', arg: result.data, signature };
    }
    const error = { rejectCode: result.code, rejectMessage: result.message, errorCode: errorCodeText(result.errorCode) };
    return { kind: 'rejected', error, signature: this.#signQuery({ status: 'rejected', ...error }, request.requestId, certified.timeNanos) };
  }

  #signQuery(response: QueryResponseFields, requestId: Uint8Array, timestampNanos: TimeNanos): NodeSignature {
    const { nodeKey } = this.#parts;
    return { timestampNanos, signature: signQueryResponse(nodeKey, response, requestId, timestampNanos), identity: nodeKey.nodeId };
  }

  readState(request: ReadStateRequest): Promise<ReadStateOutcome> {
    return this.#reading((certified) => this.#readState(request, certified));
  }

  #readState(request: ReadStateRequest, certified: CertifiedHeight): ReadStateOutcome {
    for (const check of request.checks) {
      const refusal = this.#refusal(check, request);
      if (refusal) return { kind: 'refused', httpStatus: 403, text: refusal };
    }
    const { target, apiVersion } = request;
    const hide = isHiddenFromReadState({ target, apiVersion, rootSubnetId: this.#state.topology.rootSubnetId.bytes });
    return { kind: 'certificate', certificate: certified.certificate(request.paths, hide) };
  }

  #refusal(check: ReadStateCheck, request: ReadStateRequest): string | undefined {
    const sender = Principal.fromBytes(request.sender);
    if (check.kind === 'request-status') {
      const entry = this.#state.ingressHistory.get(toHex(check.requestId));
      if (!entry) return undefined;
      if (!entry.sender.equals(sender)) return 'The user tries to access Request ID not signed by the caller.';
      const targets = request.delegationTargets;
      if (targets && !targets.some((target) => Principal.fromBytes(target).equals(entry.receiver))) {
        return 'The user tries to access request IDs for canisters not belonging to sender delegation targets.';
      }
      return undefined;
    }
    const canister = this.#state.canister(Principal.fromBytes(check.canisterId));
    const name = new TextDecoder().decode(check.name);
    const section = canister?.code?.module.customSections.find((candidate) => candidate.name === name);
    if (section?.visibility !== 'private' || canister?.isController(sender)) return undefined;
    return `Custom section ${name} can only be requested by the controllers of the canister.`;
  }

  // -------------------------------------------------------------------------------------------------------------------
  // Other subnets.

  async receiveSlice(from: PrincipalBytes, encoded: Uint8Array): Promise<void> {
    if (this.#unavailable || this.#stopped) return;
    const source = Principal.fromBytes(from);
    const refuse = (reason: string): void => this.#parts.host.log('warn', 'slice.refused', { from: source.toText(), reason });
    try {
      const slice = decodeSlice(encoded, this.#senderOf(source), this.#state.subnetId);
      const fault = this.#slices.add(this.#state, source, slice);
      if (fault !== undefined) return refuse(fault);
    } catch (error) {
      if (!(error instanceof SliceError)) throw error;
      return refuse(error.message);
    }
    this.#counters.slicesReceived++;
    this.#drive({ kind: 'work' });
  }

  async sliceFor(to: PrincipalBytes): Promise<Uint8Array | undefined> {
    const slice = await this.#reading(() => ({ encoded: this.#slice(Principal.fromBytes(to), 0) }), true);
    return 'encoded' in slice ? slice.encoded : undefined;
  }

  /** The end of a message, as of the last published block. Undefined: not known or not ended. */
  ended(id: MessageId): IngressStatus | undefined {
    return !this.#inBlock.has(id) && this.#isTerminal(id) ? this.#state.ingressHistory.get(id)!.status : undefined;
  }

  /** Messages sent before are left out: the local transport loses nothing while both ends run. */
  #newestSlice(to: Principal): Uint8Array | undefined {
    const stream = this.#state.streams.get(to.key);
    const slice = this.#slice(to, this.#sentTo.get(to.key) ?? 0);
    if (stream && slice) this.#sentTo.set(to.key, stream.begin + stream.messages.length);
    return slice;
  }

  /** Undefined: there is no stream, or nothing can be certified yet and the start will ask for it. */
  #slice(to: Principal, fromIndex: number): Uint8Array | undefined {
    const stream = this.#state.streams.get(to.key);
    const certificate = this.#certifiedNodeKeys();
    if (!stream || !certificate) return undefined;
    const { tree } = this.#certified;
    const { nodeKey } = this.#parts;
    const signature = { nodeId: nodeKey.nodeId, signature: nodeKey.sign(slicePayload(tree)) };
    const end = stream.begin + stream.messages.length;
    return encodeSlice(tree, to, Math.max(fromIndex, stream.begin), end, [signature], certificate);
  }

  /** Made once for each topology: slices are many, and it says nothing that changes otherwise. */
  #certifiedNodeKeys(): Uint8Array | undefined {
    const { subnetId, topology } = this.#state;
    if (!this.#isRoot && !this.#delegation) return undefined;
    if (this.#nodeKeys?.topology !== topology) {
      this.#nodeKeys = { topology, certificate: this.#certified.certificate([nodeKeysPath(subnetId)]) };
    }
    return this.#nodeKeys.certificate;
  }

  #senderOf(subnetId: Principal): SliceSender {
    const { subnets, rootKey } = this.#state.topology;
    const nodeIds = subnets.find(({ id }) => id.equals(subnetId))?.nodes.map(({ id }) => id) ?? [];
    return { subnetId, nodeIds, rootKey };
  }

  async delegate(subnetId: PrincipalBytes): Promise<Uint8Array> {
    if (!this.#isRoot) throw new Error('only the root subnet delegates');
    const subnet = [label('subnet'), subnetId];
    const paths = [
      TIME_PATH,
      [...subnet, label('public_key')],
      [...subnet, label('type')],
      [...subnet, label('canister_ranges')],
      [label('canister_ranges'), subnetId],
    ];
    const certificate = await this.#reading((certified) => certified.certificate(paths));
    if (!(certificate instanceof Uint8Array)) throw new Error(certificate.text);
    return certificate;
  }

  async setDelegation(certificate: Uint8Array): Promise<void> {
    this.#delegation = certificate;
    this.#delegationArrived();
  }

  // -------------------------------------------------------------------------------------------------------------------

  async overview(detail: 'summary' | 'canisters'): Promise<SubnetOverview> {
    return overviewOf({
      state: this.#state,
      nodeId: this.#parts.nodeKey.nodeId,
      stateHash: this.#certified.tree.digest(),
      height: this.#certified.height,
      durable: this.#parts.durable,
      counters: this.#counters,
      withCanisters: detail === 'canisters',
      isLive: (canister) => this.#parts.eviction.isLive(canister),
    });
  }

  async stop(options: { crash: boolean }): Promise<void> {
    if (options.crash) {
      this.#stopped = true;
      this.#releaseBlockWaiters(Infinity);
      this.#serveReaders('all');
      this.#parts.clock.wakeAt(undefined, () => {});
      await this.#parts.durable.abandon();
      return;
    }
    await this.idle();
    this.#stopped = true;
    this.#releaseBlockWaiters(Infinity);
    this.#serveReaders('all');
    this.#parts.clock.wakeAt(undefined, () => {});
    this.#waiters.resolveAll(SHUTTING_DOWN);
    await this.#parts.durable.close(this.#state, this.#certified.tree.digest());
  }
}

/**
 * The canister in the URL of a management call must be the one that the argument names: whoever blocks or routes by the
 * URL must not be told one canister while another is meant. Creation may name any (Interface Spec, "Effective canister id").
 */
function effectiveIdFault(receiver: Principal, effective: Principal, methodName: string, arg: Uint8Array): UserError | undefined {
  if (!receiver.isManagement() || CREATION_METHODS.has(methodName)) return undefined;
  const named = effectiveCanisterId(methodName, arg);
  if (!named || named.equals(effective)) return undefined;
  const text = `The effective canister id ${effective.toText()} of the call is not the canister ${named.toText()} that its argument names.`;
  return userError(ErrorCode.InvalidManagementPayload, text);
}

function ingressOf(request: ValidatedRequest): IngressMessage {
  return {
    messageId: toHex(request.requestId),
    sender: Principal.fromBytes(request.sender),
    receiver: Principal.fromBytes(request.canisterId),
    effectiveCanisterId: Principal.fromBytes(request.effectiveId),
    methodName: request.methodName,
    arg: request.arg,
    expiryNanos: request.ingressExpiryNanos,
    envelopeBytes: request.envelopeBytes,
    ...(request.senderInfo && { senderInfo: { signer: Principal.fromBytes(request.senderInfo.signer), info: request.senderInfo.info } }),
  };
}

export function wireError(error: UserError): { rejectCode: number; rejectMessage: string; errorCode: string } {
  return { rejectCode: rejectCodeOf(error.code), rejectMessage: error.message, errorCode: errorCodeText(error.code) };
}
