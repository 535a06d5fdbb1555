/**
 * Keeps one subnet of the network running: when its worker fails, it is ended and started again from its checkpoint and
 * its log, a few times in a row with growing pauses.
 *
 * - Always: whoever asks gets an answer. While nobody can give it, that is a 503 that names the subnet.
 * - Always: a failure is logged with its reason, and so is that the subnet is back, or given up.
 * - Never: a restart without what was saved: a subnet that keeps nothing would come back empty, with others still
 *   counting on what it knew.
 * - Never: a restart over damage. What opening a state refuses it refuses again, so that is given up at once.
 *
 * The other subnets do not notice more than that nothing comes from this one.
 */
import type { QueryOutcome, ReadStateOutcome, SubmitOutcome, Unavailable } from '../http/replica-port.ts';
import type { LogFields, LogLevel, NodeHost, SubnetNodeApi } from '../node/types.ts';

/** After the n-th failure in a row it is tried again 2ⁿ times this later. */
const FIRST_PAUSE_MILLIS = 250;
/** In a row. Then the fault is one that a restart does not mend. */
const MAX_ATTEMPTS = 5;
/** Who has run for so long has recovered; the next failure is a new one. */
const STEADY_MILLIS = 60_000;

/** A worker, as much of it as is needed here (worker-node.ts). */
export interface KeptWorker {
  /** Resolves when the state is recovered. Rejects with an `OpenFailure` if it cannot be. Call once. */
  open(host: Omit<NodeHost, 'sendSlice'>): Promise<KeptNode>;
  /** Ends it, whatever it is doing. */
  end(): Promise<void>;
}

export interface KeptNode {
  readonly api: SubnetNodeApi;
  /** Lets the node make blocks by itself. */
  begin(): void;
}

export class OpenFailure extends Error {
  /** It will be the same the next time. */
  readonly lasting: boolean;
  constructor(message: string, lasting: boolean) {
    super(message);
    this.name = 'OpenFailure';
    this.lasting = lasting;
  }
}

export interface SubnetStatus {
  readonly state: 'running' | 'restarting' | 'down';
  /** Of the last failure; undefined while there was none. */
  readonly reason?: string | undefined;
  readonly restarts: number;
}

export interface KeeperOptions {
  /** Textual id, for messages. */
  readonly subnetId: string;
  /** Whether it has a checkpoint and a log to start from. */
  readonly isDurable: boolean;
  readonly newWorker: () => KeptWorker;
  /** Gives a subnet that is back what it missed: its delegation, and what the others have sent. */
  readonly rejoin: (node: SubnetNodeApi) => Promise<void>;
  readonly certified: NodeHost['certified'];
  readonly log: (level: LogLevel, event: string, fields: LogFields) => void;
  readonly later: (millis: number, callback: () => void) => () => void;
  readonly nowMillis: () => number;
}

export class SubnetKeeper {
  /** Stays the same whatever happens to the worker. */
  readonly api: SubnetNodeApi;
  readonly #options: KeeperOptions;
  #worker: KeptWorker;
  /** Undefined: nobody is there to be asked. */
  #node: KeptNode | undefined;
  #state: SubnetStatus['state'] = 'running';
  #reason: string | undefined;
  #restarts = 0;
  #attempts = 0;
  #runningSince = 0;
  /** The restart under way. */
  #restarting: Promise<void> | undefined;
  #cancelRestart: (() => void) | undefined;
  #stopping = false;

  constructor(options: KeeperOptions, worker: KeptWorker) {
    this.#options = options;
    this.#worker = worker;
    this.api = {
      submitIngress: (request, waitFor) => this.#ask<SubmitOutcome>((api) => api.submitIngress(request, waitFor)),
      query: (request) => this.#ask<QueryOutcome>((api) => api.query(request)),
      readState: (request) => this.#ask<ReadStateOutcome>((api) => api.readState(request)),
      receiveSlice: async (from, slice) => this.#node?.api.receiveSlice(from, slice),
      sliceFor: async (to) => this.#node?.api.sliceFor(to),
      delegate: (subnetId) => this.#need().delegate(subnetId),
      setDelegation: async (certificate) => this.#node?.api.setDelegation(certificate),
      makeBlock: async () => this.#node?.api.makeBlock(),
      idle: async () => this.#node?.api.idle(),
      overview: async (detail) => this.#need().overview(detail),
      stop: (options) => this.stop(options),
    };
  }

  get status(): SubnetStatus {
    return { state: this.#state, reason: this.#reason, restarts: this.#restarts };
  }

  /** The first time: there is nobody to serve yet, so a failure is for the caller. */
  async open(): Promise<void> {
    this.#node = await this.#worker.open(this.#hostOf(this.#worker));
    this.#runningSince = this.#options.nowMillis();
  }

  begin(): void {
    this.#node?.begin();
  }

  async stop(options: { crash: boolean }): Promise<void> {
    this.#stopping = true;
    this.#cancelRestart?.();
    await this.#restarting;
    await this.#node?.api.stop(options);
    await this.#worker.end();
  }

  // -------------------------------------------------------------------------------------------------------------------

  #hostOf(worker: KeptWorker): Omit<NodeHost, 'sendSlice'> {
    const { certified, log } = this.#options;
    return { certified, log, broken: (reason) => this.#failed(worker, reason) };
  }

  /** May be called more than once for one failure: by the node, and when its thread ends. */
  #failed(worker: KeptWorker, reason: string): void {
    if (worker !== this.#worker || this.#state !== 'running' || this.#stopping) return;
    this.#node = undefined;
    this.#state = 'restarting';
    this.#reason = reason;
    this.#options.log('error', 'subnet.failed', { subnetId: this.#options.subnetId, reason });
    if (this.#options.nowMillis() - this.#runningSince >= STEADY_MILLIS) this.#attempts = 0;
    this.#restarting = worker.end().then(() => {
      if (this.#options.isDurable) this.#pause();
      else this.#giveUp(`${reason}; nothing of this subnet is on the disk to start it again from`);
    });
  }

  #pause(): void {
    this.#restarting = undefined;
    if (this.#stopping) return;
    if (this.#attempts >= MAX_ATTEMPTS) {
      this.#giveUp(`it failed ${MAX_ATTEMPTS + 1} times in a row, the last time with: ${this.#reason}`);
      return;
    }
    const pause = FIRST_PAUSE_MILLIS * 2 ** this.#attempts++;
    this.#cancelRestart = this.#options.later(pause, () => (this.#restarting = this.#restart()));
  }

  async #restart(): Promise<void> {
    const { newWorker, rejoin, log, nowMillis, subnetId } = this.#options;
    const worker = (this.#worker = newWorker());
    try {
      const node = await worker.open(this.#hostOf(worker));
      await rejoin(node.api);
      node.begin();
      this.#node = node;
    } catch (error) {
      this.#reason = (error as Error).message;
      log('error', 'subnet.restart-failed', { subnetId, attempt: this.#attempts, reason: this.#reason });
      await worker.end();
      if (error instanceof OpenFailure && error.lasting) this.#giveUp(this.#reason);
      else this.#pause();
      return;
    }
    this.#restarting = undefined;
    this.#state = 'running';
    this.#restarts++;
    this.#runningSince = nowMillis();
    log('warn', 'subnet.restarted', { subnetId, attempt: this.#attempts });
  }

  #giveUp(reason: string): void {
    this.#restarting = undefined;
    this.#state = 'down';
    this.#reason = reason;
    this.#options.log('error', 'subnet.down', {
      subnetId: this.#options.subnetId,
      reason,
      advice: 'the other subnets go on; when the cause is removed, start the replica again: it continues from what was saved',
    });
  }

  async #ask<T>(question: (api: SubnetNodeApi) => Promise<T>): Promise<T | Unavailable> {
    const node = this.#node;
    if (!node) return this.#unavailable();
    try {
      return await question(node.api);
    } catch (error) {
      // It failed while it was asked.
      if (this.#node !== node) return this.#unavailable();
      throw error;
    }
  }

  #unavailable(): Unavailable {
    return { kind: 'unavailable', httpStatus: 503, text: this.#text() };
  }

  #text(): string {
    const name = `Subnet ${this.#options.subnetId} is not available`;
    if (this.#stopping) return `${name}: the replica is shutting down.`;
    if (this.#state === 'down') return `${name}: it failed and could not be restarted; the log and the dashboard of the replica say why.`;
    return `${name}: it failed and is being restarted, try again in a moment.`;
  }

  #need(): SubnetNodeApi {
    if (!this.#node) throw new Error(this.#text());
    return this.#node.api;
  }
}
