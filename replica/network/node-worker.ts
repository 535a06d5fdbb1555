/** Entry of a subnet's worker thread: one node, spoken to by messages (network/worker-messages.ts). */
import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { initBls } from '../crypto/bls.ts';
import { RealClock } from './clocks.ts';
import type { FromWorker, ToWorker, WorkerStart } from './worker-messages.ts';
import { decodeSecrets } from '../registry/keys.ts';
import { decodeRegistry } from '../registry/registry.ts';
import { StoreError } from '../state/store/errors.ts';
import { createNode } from '../node/create-node.ts';
import type { SubnetNode } from '../node/subnet-node.ts';
import type { LogLevel } from '../node/types.ts';

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

const port = parentPort;
if (!port) throw new Error('this file is the entry of a worker thread');
const start = workerData as WorkerStart;
const send = (message: FromWorker): void => port.postMessage(message);
const loudest = LEVELS.indexOf(start.logLevel);

async function open(): Promise<SubnetNode> {
  await initBls();
  return createNode(
    {
      registry: decodeRegistry(start.registry),
      subnetId: start.subnetId,
      secrets: decodeSecrets(start.secrets),
      folder: start.folder,
    },
    {
      clock: new RealClock().forNode(),
      host: {
        sendSlice: (to, slice) => send({ kind: 'slice', to, slice }),
        certified: (height) => send({ kind: 'certified', height }),
        log: (level, event, fields) => {
          if (LEVELS.indexOf(level) >= loudest) send({ kind: 'log', level, event, fields });
        },
        broken: (reason) => send({ kind: 'broken', reason }),
      },
      randomBytes: (length) => randomBytes(length),
      later: (millis, callback) => {
        const timer = setTimeout(callback, millis);
        timer.unref();
        return () => clearTimeout(timer);
      },
      monotonicMillis: () => performance.now(),
    },
  );
}

function serve(node: SubnetNode): void {
  port!.on('message', (message: ToWorker) => {
    if (message.kind === 'begin') {
      node.wake();
      return;
    }
    const method = node[message.method] as (...args: readonly unknown[]) => Promise<unknown>;
    method.apply(node, message.args as unknown[]).then(
      (value) => send({ kind: 'result', id: message.id, value }),
      (error: unknown) => send({ kind: 'error', id: message.id, reason: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  send({ kind: 'ready' });
}

try {
  serve(await open());
} catch (error) {
  // A StoreError speaks to the operator; anything else is a defect and needs its trace.
  const reason = error instanceof StoreError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  send({ kind: 'failed', reason });
}
