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
 *   wall clock, so the virtual clock of a network with a port starts at the wall clock's time.
 *
 *     const net = await startNetwork({ subnets: [{ kind: 'system' }, { kind: 'application' }] });
 *     const id = await net.createCanister({ cycles: 100_000_000_000_000n });
 *     await net.install(id, wasm, initArg);
 *     const bytes = expectReply(await net.update(id, 'greet', arg));
 *     await net.stop();
 */

/** A principal as text ("aaaaa-aa"), as its bytes, or as any library's object that yields its bytes. */
export type PrincipalLike = string | Uint8Array | { toUint8Array(): Uint8Array };

export type SubnetKind = 'system' | 'application';

export interface SubnetSpec {
  readonly kind: SubnetKind;
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
  /** Makes keys, and with them subnet ids and randomness, a function of this number. Default: 1 in memory, random on disk. */
  readonly seed?: number;
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

export interface NetworkTime {
  /** Nanoseconds since 1970. */
  get(): bigint;
  /** Sets the virtual clock, then runs what became due on every subnet. Never backwards (throws). */
  set(nanos: bigint): Promise<void>;
  /** Moves the virtual clock by milliseconds, then runs what became due on every subnet. */
  advance(millis: number): Promise<void>;
}

export interface EmbeddedNetwork {
  readonly subnets: readonly EmbeddedSubnet[];
  readonly time: NetworkTime;
  /** Undefined without HTTP. */
  readonly port: number | undefined;
  /** `http://127.0.0.1:<port>`. */
  readonly url: string | undefined;
  /** DER, 133 bytes. */
  readonly rootKey: Uint8Array;
  /** Runs `rounds` rounds (default 1) on every subnet whether or not there is work. Moves the virtual clock by 1 ns a round. */
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
  update(canister: PrincipalLike, method: string, arg: Uint8Array, options?: CallOptions & { effective?: PrincipalLike }): Promise<CallOutcome>;
  /** A query; composite queries included. */
  query(canister: PrincipalLike, method: string, arg: Uint8Array, options?: CallOptions & { effective?: PrincipalLike }): Promise<CallOutcome>;
  /**
   * Submits an ingress call without waiting and returns its request id (32 bytes), or the ingress
   * filter's reject. Nothing runs until `tick`, `settle`, `time.advance` or `awaitCall`.
   */
  submit(
    canister: PrincipalLike,
    method: string,
    arg: Uint8Array,
    options?: CallOptions & { effective?: PrincipalLike },
  ): Promise<{ kind: 'accepted'; requestId: Uint8Array } | Extract<CallOutcome, { kind: 'reject' }>>;
  /** Runs rounds until the submitted call has ended. */
  awaitCall(canister: PrincipalLike, requestId: Uint8Array): Promise<CallOutcome>;
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

export async function startNetwork(_options: NetworkOptions = {}): Promise<EmbeddedNetwork> {
  throw new Error('startNetwork is not wired yet');
}
