/** A node in a worker thread, as a `SubnetNodeApi` of the supervisor's thread. */
import { Worker } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { REQUIRED_STACK_MB } from '../execution/wasm/engine.ts';
import type { NodeHost, SubnetNodeApi } from '../node/types.ts';
import { Outbox } from './outbox.ts';
import { OpenFailure } from './subnet-keeper.ts';
import type { KeptNode } from './subnet-keeper.ts';
import type { FromWorker, NodeMethod, Peer, ToWorker, WorkerStart } from './worker-messages.ts';

const METHODS: readonly NodeMethod[] = [
  'submitIngress',
  'query',
  'readState',
  'receiveSlice',
  'sliceFor',
  'delegate',
  'setDelegation',
  'makeBlock',
  'idle',
  'overview',
  'stop',
];

/** A thread that loads its program while nobody knows yet what it will run. */
export class WorkerThread {
  readonly #worker = new Worker(new URL('./node-worker-entry.ts', import.meta.url), { resourceLimits: { stackSizeMb: REQUIRED_STACK_MB } });
  readonly #outbox = new Outbox<ToWorker>((messages) => this.#worker.postMessage(messages));

  #opened: Promise<KeptNode> | undefined;
  #isReady = false;
  /** Links to be told of once the node is ready. */
  #links: Peer[] = [];

  readonly #loaded = new Promise<void>((resolve) => {
    this.#worker.on('message', ([first]: readonly FromWorker[]) => first?.kind === 'loaded' && resolve());
    this.#worker.once('exit', () => resolve());
    // What is wrong with a program that does not load is said by who opens it.
    this.#worker.once('error', () => resolve());
  });

  /** For tests that end it for real. */
  get thread(): Worker {
    return this.#worker;
  }

  /** Another subnet was started again, and is reached through this port from now on. */
  link(peer: Peer): void {
    if (this.#isReady) this.#post({ kind: 'peer', peer }, [peer.port]);
    else this.#links.push(peer);
  }

  #post(message: ToWorker, transferred: readonly MessagePort[] = []): void {
    this.#outbox.flush();
    this.#worker.postMessage([message], transferred);
  }

  /**
   * Ends the thread, after its program is loaded and its store is closed: LMDB's native part takes the process with it
   * when it is torn out in the middle of either.
   */
  async end(): Promise<void> {
    await this.#loaded;
    const node = await this.#opened?.catch(() => undefined);
    await node?.api.stop({ crash: true }).catch(() => {});
    await this.#worker.terminate();
  }

  /** Resolves when the node has recovered its state. Rejects with the reason if it cannot. Call once. */
  open(start: WorkerStart, host: Omit<NodeHost, 'sendSlice'>): Promise<KeptNode> {
    return (this.#opened = this.#open(start, host));
  }

  #open(start: WorkerStart, host: Omit<NodeHost, 'sendSlice'>): Promise<KeptNode> {
    const worker = this.#worker;
    const calls = new PendingCalls((message) => this.#outbox.add(message));
    return new Promise((resolve, reject) => {
      const ended = (reason: string): void => {
        reject(new Error(reason));
        if (!calls.stopping) host.broken(reason);
        calls.fail(reason);
      };
      worker.on('error', (error: Error) => ended(error.stack ?? error.message));
      worker.on('exit', (code) => ended(`the worker of the subnet ended with code ${code}`));
      const take = (message: FromWorker): void => {
        switch (message.kind) {
          case 'loaded':
            return;
          case 'ready':
            this.#isReady = true;
            for (const peer of this.#links.splice(0)) this.link(peer);
            resolve({ api: calls.api, begin: () => this.#post({ kind: 'begin' }) });
            return;
          case 'failed':
            // It ends next, and has said why.
            calls.stopping = true;
            reject(new OpenFailure(message.reason, message.lasting));
            return;
          case 'result':
            calls.settle(message.id)?.resolve(message.value);
            return;
          case 'error':
            calls.settle(message.id)?.reject(new Error(message.reason));
            return;
          case 'certified':
            host.certified(message.height, 0n);
            return;
          case 'log':
            host.log(message.level, message.event, message.fields);
            return;
          case 'broken':
            host.broken(message.reason);
            return;
        }
      };
      worker.on('message', (messages: readonly FromWorker[]) => messages.forEach(take));
      this.#post({ kind: 'open', start }, start.peers.map(({ port }) => port));
    });
  }
}

interface Settler {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Calls to the worker that wait for their result. */
export class PendingCalls {
  readonly api: SubnetNodeApi;
  readonly #waiting = new Map<number, Settler>();
  #lastId = 0;
  /** `stop` was called: the end of the thread is no failure. */
  stopping = false;
  /** Why nobody answers any more. */
  #ended: string | undefined;

  constructor(post: (message: ToWorker) => void) {
    const call = (method: NodeMethod, args: readonly unknown[]): Promise<unknown> =>
      new Promise((resolve, reject) => {
        if (method === 'stop') this.stopping = true;
        if (this.#ended !== undefined) {
          // A thread that ended is stopped.
          if (method === 'stop') resolve(undefined);
          else reject(new Error(this.#ended));
          return;
        }
        const id = ++this.#lastId;
        this.#waiting.set(id, { resolve, reject });
        post({ kind: 'call', id, method, args });
      });
    this.api = Object.fromEntries(METHODS.map((method) => [method, (...args: unknown[]) => call(method, args)])) as unknown as SubnetNodeApi;
  }

  settle(id: number): Settler | undefined {
    const settler = this.#waiting.get(id);
    this.#waiting.delete(id);
    return settler;
  }

  /** The thread ended. Whoever waits is told, and whoever calls from now on. */
  fail(reason: string): void {
    this.#ended = reason;
    for (const settler of this.#waiting.values()) settler.reject(new Error(reason));
    this.#waiting.clear();
  }
}
