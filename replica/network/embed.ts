/**
 * Starts a whole network (registry, subnets, optional HTTP port) inside the calling process.
 *
 * What it is for: tests of canisters and of the replica itself, and any program that wants an
 * Internet Computer as a library.
 *
 * Properties:
 * - It runs the very code of the `parley-replica` command: only the clock, the transport (a direct
 *   call instead of a worker's port) and the file system differ.
 * - With virtual time nothing happens between calls: the clock stands still until told to move, a
 *   timer fires when the clock is moved past it. Two runs of the same program give the same states.
 * - With `port` set, unmodified agents connect over HTTP. They compare certificate times with the
 *   wall clock, so the virtual clock of a network with a port starts at the wall clock's time
 *   (and `time.catchUp()` brings it there again).
 *
 *     const net = await startNetwork({ subnets: [{ kind: 'system' }, { kind: 'application' }] });
 *     const id = await net.createCanister({ cycles: 100_000_000_000_000n });
 *     await net.install(id, wasm, initArg);
 *     const bytes = expectReply(await net.update(id, 'greet', arg));
 *     await net.stop();
 */
import { randomBytes } from 'node:crypto';
import { toHex } from '../codec/bytes.ts';
import { hashOfMap } from '../codec/request-id.ts';
import { initBls } from '../crypto/bls.ts';
import type { UserError as WireError, ValidatedRequest } from '../http/replica-port.ts';
import type { HttpServer } from '../http/server.ts';
import { createNode } from '../node/create-node.ts';
import { wireError } from '../node/subnet-node.ts';
import type { SubnetNode } from '../node/subnet-node.ts';
import type { NodeHost } from '../node/types.ts';
import { subnetOfCanister } from '../registry/registry.ts';
import type { SubnetRecord } from '../registry/registry.ts';
import { Principal } from '../types/principal.ts';
import { RealClock, VirtualClock, wallNanos } from './clocks.ts';
import type { EmbeddedClock } from './clocks.ts';
import { createCanisterCall, createdCanister, installCalls } from './management-calls.ts';
import { openBoundary } from './http-boundary.ts';
import { jsonLogger } from './logger.ts';
import { Network } from './network.ts';
import { DEFAULT_SUBNETS, networkInMemory, openNetwork } from './state-folder.ts';
import type { NetworkFiles, SubnetShape } from './state-folder.ts';
import type { CanisterRange, IngressStatus, ReplicatedState } from '../state/replicated-state.ts';
import type { SubnetConfig } from '../types/subnet-config.ts';
import { RecentTraps, type TrapReport } from './traps.ts';

/** A principal as text ("aaaaa-aa"), as its bytes, or as any library's object that yields its bytes. */
export type PrincipalLike = string | Uint8Array | { toUint8Array(): Uint8Array };

export type SubnetKind = 'system' | 'application';

export interface SubnetSpec {
  readonly kind: SubnetKind;
  /** All canister ids of the subnet, as inclusive pairs of textual ids, ascending. Default: registry/registry.ts. */
  readonly ranges?: readonly (readonly [string, string])[];
  /** Those of them from which new ids are taken. */
  readonly allocationRanges?: readonly (readonly [string, string])[];
  /** Differences from the usual fees and limits of the kind. Not kept in `stateDir`: give them again on each start. */
  readonly config?: Partial<SubnetConfig>;
}

export interface NetworkOptions {
  /** The first subnet is the root subnet. Default: one system and two application subnets. */
  readonly subnets?: readonly SubnetSpec[];
  /** Where the states live. Absent: in memory, gone after `stop()`. Present: durable; starting again resumes. */
  readonly stateDir?: string;
  /** Default 'virtual'. */
  readonly time?: 'virtual' | 'real';
  /** First virtual time. Default: the wall clock if `port` is given, else 2026-01-01T00:00:00Z. */
  readonly startTimeNanos?: bigint;
  /** TCP port of the HTTP interface and gateway; 0 picks a free one; null or absent: no HTTP. */
  readonly port?: number | null;
  /** Default 127.0.0.1. */
  readonly bind?: string;
  /** Host names without dots → textual canister ids that the gateway serves at `http://<name>.localhost`. */
  readonly hostAliases?: Readonly<Record<string, string>>;
  /** With `stateDir`: a checkpoint after so many batches at the latest. Default: by log size, instructions and time. */
  readonly checkpointBatches?: number | undefined;
  /** Makes keys, and with them subnet ids and randomness, a function of this number. Default: 1 in memory, random on disk. */
  readonly seed?: number;
  /**
   * Asked about each reject of a call that comes from a trap; what it returns is put after the reject's message. With
   * it, tests show where a canister trapped. Absent: traps cost less.
   */
  readonly explainTrap?: (trap: TrapReport) => string | undefined;
  /** With `explainTrap`: told by `stop` what `takeUnheardTraps` would still have answered, if anything. */
  readonly onUnheardTraps?: (traps: readonly string[]) => void;
}

/** What a call ended with. Rejects are data: nothing here throws for what a canister did. */
export type CallOutcome =
  | { readonly kind: 'reply'; readonly arg: Uint8Array }
  | {
      readonly kind: 'reject';
      /** 1…6, Interface Spec "Reject codes". */
      readonly code: number;
      readonly message: string;
      /** "IC0503". */
      readonly errorCode: string;
    };

export interface EmbeddedSubnet {
  /** Textual principal. */
  readonly id: string;
  readonly kind: SubnetKind;
  /** DER, 133 bytes. */
  readonly publicKey: Uint8Array;
  /**
   * The replicated state itself, for reading: balances, memories, settings. Who changes it (tests of the replica do)
   * calls `markDirty()` on the canister and then `tick`, and must not expect it to survive with `stateDir`.
   */
  readonly state: ReplicatedState;
  /** Inclusive pairs of textual canister ids, in order. */
  readonly canisterRanges: readonly (readonly [string, string])[];
  /** Height of the last executed batch. */
  height(): Promise<number>;
  /** Root hash of the certified tree at that height; equal for equal states. */
  stateHash(): Promise<Uint8Array>;
}

export interface CallOptions {
  /** Default: the anonymous principal. No signature is needed: the caller is trusted here. */
  readonly sender?: PrincipalLike;
}

export interface SubmitOptions extends CallOptions {
  /** For management calls: the canister whose subnet takes the call. */
  readonly effective?: PrincipalLike;
  /** As if signed by `signer` (Interface Spec, `sender_info`). */
  readonly senderInfo?: { readonly signer: PrincipalLike; readonly info: Uint8Array };
}

export interface NetworkTime {
  /** Nanoseconds since 1970. */
  get(): bigint;
  /** Sets the virtual clock, then runs what became due on every subnet. Never backwards (throws). */
  set(nanos: bigint): Promise<void>;
  /** Sets the virtual clock and runs nothing: the next `tick` or call sees the new time. */
  setQuiet(nanos: bigint): void;
  /** Moves the virtual clock by milliseconds, then runs what became due on every subnet. */
  advance(millis: number): Promise<void>;
  /**
   * Sets the virtual clock to the machine's unless it is ahead, and runs nothing. Agents that connect over HTTP go by the
   * machine's, and some of what they do fails at a minute and a half of difference: a test that uses one begins with this.
   */
  catchUp(): void;
}

export interface EmbeddedNetwork {
  readonly subnets: readonly EmbeddedSubnet[];
  readonly time: NetworkTime;
  /** Serves HTTP from now on (see `port` of the options); throws if it does already. Returns the port. */
  openHttp(port?: number, bind?: string): Promise<number>;
  closeHttp(): Promise<void>;
  /** Undefined without HTTP. */
  readonly port: number | undefined;
  /** `http://127.0.0.1:<port>`. */
  readonly url: string | undefined;
  /** DER, 133 bytes. */
  readonly rootKey: Uint8Array;
  /** Runs `rounds` rounds (default 1) on every subnet whether or not there is work; block times grow by 1 ns at least. */
  tick(rounds?: number): Promise<void>;
  /** Resolves when no subnet has a message left that can run at the present time. */
  settle(): Promise<void>;
  /**
   * An empty canister made by `provisional_create_canister_with_cycles`; returns its textual id.
   * `subnet` is an index into `subnets` or a subnet id; default: the first application subnet, else the first.
   * `id` asks for a specific id. `controllers` default to [sender]. Throws when the call is rejected.
   */
  createCanister(options?: {
    subnet?: number | string;
    id?: PrincipalLike;
    cycles?: bigint;
    controllers?: readonly PrincipalLike[];
    sender?: PrincipalLike;
  }): Promise<string>;
  /**
   * `install_code`, chunked when the module is too large for one message; mode default 'install'.
   * `sender` defaults to the canister's first controller. Throws `RejectError` when rejected.
   */
  install(
    canister: PrincipalLike,
    wasm: Uint8Array,
    arg?: Uint8Array,
    options?: {
      mode?: 'install' | 'reinstall' | 'upgrade';
      sender?: PrincipalLike;
      skipPreUpgrade?: boolean;
      wasmMemoryPersistence?: 'keep' | 'replace';
    },
  ): Promise<void>;
  /** An ingress call, run to its end (through calls to other subnets if it makes any). `arg` is encoded Candid. */
  update(canister: PrincipalLike, method: string, arg: Uint8Array, options?: SubmitOptions): Promise<CallOutcome>;
  /** A query; composite queries included. */
  query(canister: PrincipalLike, method: string, arg: Uint8Array, options?: SubmitOptions): Promise<CallOutcome>;
  /**
   * Submits an ingress call without waiting and returns its request id (32 bytes), or the ingress
   * filter's reject. Nothing runs until `tick`, `settle`, `time.advance` or `awaitCall`.
   */
  submit(
    canister: PrincipalLike,
    method: string,
    arg: Uint8Array,
    options?: SubmitOptions,
  ): Promise<{ kind: 'accepted'; requestId: Uint8Array } | Extract<CallOutcome, { kind: 'reject' }>>;
  /** How a submitted call ended, or undefined if it has not. Runs nothing. */
  ingressStatus(canister: PrincipalLike, requestId: Uint8Array): CallOutcome | undefined;
  /** Runs rounds until the submitted call has ended. */
  awaitCall(canister: PrincipalLike, requestId: Uint8Array): Promise<CallOutcome>;
  /**
   * With `explainTrap`: the traps that no reject given out here spoke of, explained, oldest first, equal ones once. They
   * happened in timers, heartbeats, hooks and callbacks, in calls between canisters, and in calls over HTTP. Each is
   * answered once; of more than 64 traps the last are known.
   */
  takeUnheardTraps(): string[];
  /** Stops everything; with `stateDir`, writes a checkpoint first unless `crash` is set (then as `kill -9` would). */
  stop(options?: { crash?: boolean }): Promise<void>;
}

/** Thrown only by helpers that promise a result (`createCanister`, `install`, `expectReply`). */
export class RejectError extends Error {
  readonly code: number;
  readonly errorCode: string;
  constructor(outcome: Extract<CallOutcome, { kind: 'reject' }>) {
    super(`reject code ${outcome.code} (${outcome.errorCode}): ${outcome.message}`);
    this.name = 'RejectError';
    this.code = outcome.code;
    this.errorCode = outcome.errorCode;
  }
}

/** The reply's bytes, or throws `RejectError`. */
export function expectReply(outcome: CallOutcome): Uint8Array {
  if (outcome.kind === 'reply') return outcome.arg;
  throw new RejectError(outcome);
}

/** 2026-01-01T00:00:00Z. */
const DEFAULT_START_NANOS = 1_767_225_600_000_000_000n;

export async function startNetwork(options: NetworkOptions = {}): Promise<EmbeddedNetwork> {
  await initBls();
  const subnets = options.subnets?.map(newSubnet);
  const files =
    options.stateDir === undefined
      ? networkInMemory(subnets ?? DEFAULT_SUBNETS, options.seed ?? 1)
      : openNetwork(options.stateDir, subnets, DEFAULT_SUBNETS, options.seed);
  const clock = clockFor(options);
  const log = jsonLogger('error', (line) => process.stderr.write(line));
  /** Set once all nodes are there; they report earlier. */
  const made: { network?: Network } = {};
  const nodes: SubnetNode[] = [];
  const traps = options.explainTrap && new RecentTraps(options.explainTrap);
  try {
    for (const [at, record] of files.registry.subnets.entries()) {
      const host: NodeHost = {
        sendSlice: (to, slice) => made.network?.deliverSlice(record.id, to, slice),
        certified: (height, timeNanos) => {
          clock.reached(timeNanos);
          if (at === 0) made.network?.rootCertified(height);
        },
        log: (level, event, fields) => log(level, event, { subnet: at, ...fields }),
        broken: (reason) => {
          made.network?.markUnhealthy();
          log('error', 'subnet.broken', { subnet: at, reason });
        },
      };
      const { secrets, folder } = files.subnets[at]!;
      nodes.push(
        await createNode(
          { registry: files.registry, subnetId: record.id.bytes, secrets, folder, config: options.subnets?.[at]?.config },
          {
            clock: clock.forNode(),
            host,
            randomBytes: (length) => randomBytes(length),
            monotonicMillis: () => performance.now(),
            checkpointBatches: options.checkpointBatches,
            onTrap: traps && ((canister, trap) => traps.add(canister, trap)),
          },
        ),
      );
      clock.reached(nodes[at]!.timeNanos);
    }
  } catch (error) {
    for (const node of nodes) await node.stop({ crash: true });
    files.release();
    throw error;
  }
  const network = (made.network = new Network(files.registry, nodes, () => clock.nowNanos()));
  await network.start();
  for (const node of nodes) node.wake();
  const running = new RunningNetwork(network, nodes, clock, files, options, traps);
  if (options.port !== undefined && options.port !== null) await running.openHttp(options.port, options.bind);
  return running;
}

function newSubnet(spec: SubnetSpec): SubnetShape {
  const parsed = (pairs: readonly (readonly [string, string])[]): CanisterRange[] =>
    pairs.map(([start, end]) => ({ start: Principal.fromText(start), end: Principal.fromText(end) }));
  return {
    kind: spec.kind,
    ...(spec.ranges && { ranges: parsed(spec.ranges) }),
    ...(spec.allocationRanges && { allocationRanges: parsed(spec.allocationRanges) }),
  };
}

function clockFor(options: NetworkOptions): EmbeddedClock {
  if (options.time === 'real') return new RealClock();
  const wall = BigInt(Date.now()) * 1_000_000n;
  return new VirtualClock(options.startTimeNanos ?? (options.port === undefined || options.port === null ? DEFAULT_START_NANOS : wall));
}

class RunningNetwork implements EmbeddedNetwork {
  readonly subnets: readonly EmbeddedSubnet[];
  readonly time: NetworkTime;
  readonly rootKey: Uint8Array;
  readonly #network: Network;
  readonly #nodes: readonly SubnetNode[];
  readonly #clock: EmbeddedClock;
  readonly #aliases: Readonly<Record<string, string>> | undefined;
  #server: HttpServer | undefined;
  readonly #files: NetworkFiles;
  readonly #traps: RecentTraps | undefined;
  readonly #onUnheardTraps: NetworkOptions['onUnheardTraps'];
  #nonce = 0;

  constructor(
    network: Network,
    nodes: readonly SubnetNode[],
    clock: EmbeddedClock,
    files: NetworkFiles,
    options: Pick<NetworkOptions, 'hostAliases' | 'onUnheardTraps'>,
    traps: RecentTraps | undefined,
  ) {
    this.#aliases = options.hostAliases;
    this.#onUnheardTraps = options.onUnheardTraps;
    this.#traps = traps;
    this.#network = network;
    this.#nodes = nodes;
    this.#clock = clock;
    this.#files = files;
    this.rootKey = network.status().rootKey;
    this.subnets = network.registry.subnets.map((record, at) => ({
      id: record.id.toText(),
      kind: record.kind,
      publicKey: record.publicKey,
      state: nodes[at]!.state,
      canisterRanges: record.ranges.map(({ start, end }) => [start.toText(), end.toText()] as const),
      height: async () => (await nodes[at]!.overview('summary')).height,
      stateHash: async () => (await nodes[at]!.overview('summary')).stateHash,
    }));
    this.time = {
      get: () => clock.nowNanos(),
      set: async (nanos) => {
        clock.set(nanos);
        await this.#runDue();
      },
      setQuiet: (nanos) => clock.set(nanos),
      advance: async (millis) => {
        clock.set(clock.nowNanos() + BigInt(Math.round(millis * 1e6)));
        await this.#runDue();
      },
      catchUp: () => {
        const wall = wallNanos();
        if (clock.nowNanos() < wall) clock.set(wall);
      },
    };
  }

  get port(): number | undefined {
    return this.#server?.port;
  }

  get url(): string | undefined {
    return this.#server && `http://127.0.0.1:${this.#server.port}`;
  }

  async openHttp(port = 0, bind = '127.0.0.1'): Promise<number> {
    if (this.#server) throw new Error('HTTP is served already');
    this.#server = await openBoundary(this.#network, { port, bind, ...(this.#aliases && { hostAliases: this.#aliases }) });
    return this.#server.port;
  }

  async closeHttp(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
  }

  async #runDue(): Promise<void> {
    for (const node of this.#nodes) node.wake();
    await this.settle();
  }

  async tick(rounds = 1): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      await Promise.all(this.#nodes.map((node) => node.makeBlock()));
    }
  }

  async settle(): Promise<void> {
    // A slice that one subnet sends starts a block on another, so look again until a whole pass finds all idle.
    for (;;) {
      const before = this.#nodes.map((node) => node.height).join();
      for (const node of this.#nodes) await node.idle();
      if (this.#nodes.every((node) => !node.isBusy) && before === this.#nodes.map((node) => node.height).join()) return;
    }
  }

  async createCanister(options: Parameters<EmbeddedNetwork['createCanister']>[0] = {}): Promise<string> {
    const subnet = this.#chosenSubnet(options.subnet, options.id);
    const sender = options.sender ?? ANONYMOUS;
    const call = createCanisterCall({
      ...(options.cycles !== undefined && { cycles: options.cycles }),
      ...(options.id !== undefined && { id: principalOf(options.id) }),
      controllers: (options.controllers ?? [sender]).map(principalOf),
    });
    const effective = options.id ?? subnet.ranges.at(-1)!.start.bytes;
    return createdCanister(expectReply(await this.update('aaaaa-aa', call.method, call.arg, { sender, effective })));
  }

  #chosenSubnet(choice: number | string | undefined, id: PrincipalLike | undefined): SubnetRecord {
    const { subnets } = this.#network.registry;
    const chosen =
      typeof choice === 'number'
        ? subnets[choice]
        : typeof choice === 'string'
          ? subnets.find((subnet) => subnet.id.toText() === choice)
          : id !== undefined
            ? subnetOfCanister(this.#network.registry, principalOf(id))
            : (subnets.find(({ kind }) => kind === 'application') ?? subnets[0]);
    if (!chosen) throw new Error(`no subnet ${String(choice ?? 'for that canister id')}`);
    return chosen;
  }

  async install(canister: PrincipalLike, wasm: Uint8Array, arg: Uint8Array = EMPTY_CANDID, options: Parameters<EmbeddedNetwork['install']>[3] = {}): Promise<void> {
    const target = principalOf(canister);
    const sender = options.sender ?? this.#nodeOf(target).controllersOf(target)?.[0]?.bytes ?? ANONYMOUS;
    for (const call of installCalls(target, wasm, arg, options)) {
      expectReply(await this.update('aaaaa-aa', call.method, call.arg, { sender, effective: target.bytes }));
    }
  }

  async update(canister: PrincipalLike, method: string, arg: Uint8Array, options: SubmitOptions = {}): Promise<CallOutcome> {
    const submitted = await this.submit(canister, method, arg, options);
    if (submitted.kind === 'reject') return submitted;
    return this.awaitCall(options.effective ?? canister, submitted.requestId);
  }

  async submit(
    canister: PrincipalLike,
    method: string,
    arg: Uint8Array,
    options: SubmitOptions = {},
  ): Promise<{ kind: 'accepted'; requestId: Uint8Array } | Extract<CallOutcome, { kind: 'reject' }>> {
    const request = this.#request(canister, method, arg, options);
    const outcome = await this.#nodeOf(Principal.fromBytes(request.effectiveId)).submitIngress(request, 'acceptance');
    if (outcome.kind === 'rejected') return this.#rejectOf(outcome.error);
    if (outcome.kind === 'unavailable') throw new Error(outcome.text);
    return { kind: 'accepted', requestId: request.requestId };
  }

  ingressStatus(canister: PrincipalLike, requestId: Uint8Array): CallOutcome | undefined {
    return this.#outcomeOf(this.#nodeOf(principalOf(canister)).ended(toHex(requestId)));
  }

  async awaitCall(canister: PrincipalLike, requestId: Uint8Array): Promise<CallOutcome> {
    const node = this.#nodeOf(principalOf(canister));
    const id = toHex(requestId);
    for (;;) {
      await this.settle();
      const outcome = this.#outcomeOf(node.ended(id));
      if (outcome) return outcome;
      if (!(await this.#clock.passes())) {
        throw new Error(`call ${id} waits for something that is not due yet: move the clock with net.time.advance, then awaitCall again`);
      }
    }
  }

  async query(canister: PrincipalLike, method: string, arg: Uint8Array, options: SubmitOptions = {}): Promise<CallOutcome> {
    const request = this.#request(canister, method, arg, options);
    const outcome = await this.#nodeOf(Principal.fromBytes(request.effectiveId)).query(request);
    if (outcome.kind === 'replied') return { kind: 'reply', arg: outcome.arg };
    if (outcome.kind === 'rejected') return this.#rejectOf(outcome.error);
    throw new Error(outcome.text);
  }

  #request(canister: PrincipalLike, method: string, arg: Uint8Array, options: SubmitOptions): ValidatedRequest {
    const canisterId = principalOf(canister);
    const sender = principalOf(options.sender ?? ANONYMOUS).bytes;
    const nonce = new Uint8Array(8);
    new DataView(nonce.buffer).setBigUint64(0, BigInt(++this.#nonce));
    const ingressExpiryNanos = this.#clock.nowNanos() + INGRESS_TTL_NANOS;
    const content = { request_type: 'call', sender, ingress_expiry: ingressExpiryNanos, nonce, canister_id: canisterId.bytes, method_name: method, arg };
    return {
      requestId: hashOfMap(content),
      sender,
      canisterId: canisterId.bytes,
      methodName: method,
      arg,
      ingressExpiryNanos,
      effectiveId: principalOf(options.effective ?? canister).bytes,
      envelopeBytes: arg.length + ENVELOPE_OVERHEAD_BYTES,
      ...(options.senderInfo && { senderInfo: { signer: principalOf(options.senderInfo.signer).bytes, info: options.senderInfo.info } }),
    };
  }

  #outcomeOf(status: IngressStatus | undefined): CallOutcome | undefined {
    if (status?.kind === 'replied') return { kind: 'reply', arg: status.reply };
    if (status?.kind === 'rejected') return this.#rejectOf(wireError(status.error));
    if (status?.kind === 'done') throw new Error('the answer is no longer kept');
    return undefined;
  }

  #rejectOf({ rejectCode, rejectMessage, errorCode }: WireError): Extract<CallOutcome, { kind: 'reject' }> {
    return { kind: 'reject', code: rejectCode, message: this.#traps?.explained(rejectMessage) ?? rejectMessage, errorCode };
  }

  #nodeOf(canister: Principal): SubnetNode {
    const subnetId = this.#network.subnetOf({ kind: 'canister', effectiveCanisterId: canister.bytes });
    const at = this.#network.registry.subnets.findIndex((subnet) => subnetId && subnet.id.equals(Principal.fromBytes(subnetId)));
    const node = this.#nodes[at];
    if (!node) throw new Error(`no subnet hosts ${canister.toText()}`);
    return node;
  }

  takeUnheardTraps(): string[] {
    return this.#traps?.takeUnheard() ?? [];
  }

  async stop(options: { crash?: boolean } = {}): Promise<void> {
    await this.closeHttp();
    for (const node of this.#nodes) await node.stop({ crash: options.crash ?? false });
    this.#clock.stop();
    this.#files.release();
    const unheard = this.#onUnheardTraps === undefined ? [] : this.takeUnheardTraps();
    if (unheard.length > 0) this.#onUnheardTraps?.(unheard);
  }
}

const ANONYMOUS = Uint8Array.of(4);
const EMPTY_CANDID = Uint8Array.of(0x44, 0x49, 0x44, 0x4c, 0, 0);
const INGRESS_TTL_NANOS = 300_000_000_000n;
/** A signed envelope is about this much larger than its argument. */
const ENVELOPE_OVERHEAD_BYTES = 350;

function principalOf(like: PrincipalLike): Principal {
  if (typeof like === 'string') return Principal.fromText(like);
  return Principal.fromBytes(like instanceof Uint8Array ? like : like.toUint8Array());
}
