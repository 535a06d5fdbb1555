/** A node in a worker thread, as a `SubnetNodeApi` of the supervisor's thread. */
import { Worker } from 'node:worker_threads';
import { REQUIRED_STACK_MB } from '../execution/wasm/engine.ts';
import type { NodeHost, SubnetNodeApi } from '../node/types.ts';
import type { FromWorker, NodeMethod, ToWorker, WorkerStart } from './worker-messages.ts';

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

export interface WorkerNode {
  readonly api: SubnetNodeApi;
  /** Lets the node make blocks by itself. */
  begin(): void;
  /** Ends the thread, whatever it is doing. */
  terminate(): Promise<void>;
}

/** Resolves when the node has recovered its state. Rejects with the reason if it cannot. */
export function startWorkerNode(start: WorkerStart, host: NodeHost): Promise<WorkerNode> {
  const worker = new Worker(new URL('./node-worker.ts', import.meta.url), {
    workerData: start,
    resourceLimits: { stackSizeMb: REQUIRED_STACK_MB },
  });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let lastId = 0;
  let stopping = false;
  const post = (message: ToWorker): void => worker.postMessage(message);
  const call = (method: NodeMethod, args: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      if (method === 'stop') stopping = true;
      waiting.set(id, { resolve, reject });
      post({ kind: 'call', id, method, args });
    });
  const api = Object.fromEntries(METHODS.map((method) => [method, (...args: unknown[]) => call(method, args)])) as unknown as SubnetNodeApi;

  return new Promise((resolve, reject) => {
    const settle = (id: number): { resolve: (value: unknown) => void; reject: (error: Error) => void } | undefined => {
      const one = waiting.get(id);
      waiting.delete(id);
      return one;
    };
    worker.on('message', (message: FromWorker) => {
      switch (message.kind) {
        case 'ready':
          resolve({ api, begin: () => post({ kind: 'begin' }), terminate: async () => void (await worker.terminate()) });
          return;
        case 'failed':
          reject(new Error(message.reason));
          void worker.terminate();
          return;
        case 'result':
          settle(message.id)?.resolve(message.value);
          return;
        case 'error':
          settle(message.id)?.reject(new Error(message.reason));
          return;
        case 'slice':
          host.sendSlice(message.to, message.slice);
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
    });
    const ended = (reason: string): void => {
      reject(new Error(reason));
      for (const one of waiting.values()) one.reject(new Error(reason));
      waiting.clear();
      if (!stopping) host.broken(reason);
    };
    worker.on('error', (error: Error) => ended(error.stack ?? error.message));
    worker.on('exit', (code) => ended(`the worker of the subnet ended with code ${code}`));
  });
}
