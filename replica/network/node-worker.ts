/** A subnet's worker thread: one node, spoken to by messages (worker-messages.ts). */
import { randomBytes } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { initBls } from '../crypto/bls.ts';
import { RealClock } from './clocks.ts';
import type { FromWorker, Peer, ToWorker, WorkerStart } from './worker-messages.ts';
import { decodeSecrets } from '../registry/keys.ts';
import { decodeRegistry } from '../registry/registry.ts';
import { StoreError } from '../state/store/errors.ts';
import { createNode } from '../node/create-node.ts';
import type { SubnetNode } from '../node/subnet-node.ts';
import { Principal } from '../types/principal.ts';
import type { LogLevel } from '../node/types.ts';

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

const port = parentPort;
if (!port) throw new Error('this file is the entry of a worker thread');
const send = (message: FromWorker): void => port.postMessage(message);

// Begins before the supervisor knows what to open, so that the threads get ready side by side.
const blsReady = initBls();

async function open(start: WorkerStart): Promise<SubnetNode> {
  await blsReady;
  const ports = new Map(start.peers.map(({ subnetId, port: peer }) => [Principal.fromBytes(subnetId).key, peer]));
  const loudest = LEVELS.indexOf(start.logLevel);
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
        sendSlice: (to, slice) => ports.get(Principal.fromBytes(to).key)?.postMessage(slice),
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

function serve(node: SubnetNode, peers: readonly Peer[]): void {
  for (const { subnetId, port: peer } of peers) peer.on('message', (slice: Uint8Array) => void node.receiveSlice(subnetId, slice));
  port!.on('message', (message: ToWorker) => {
    if (message.kind === 'begin') node.wake();
    if (message.kind !== 'call') return;
    const method = node[message.method] as (...args: readonly unknown[]) => Promise<unknown>;
    method.apply(node, message.args as unknown[]).then(
      (value) => send({ kind: 'result', id: message.id, value }),
      (error: unknown) => send({ kind: 'error', id: message.id, reason: traceOf(error) }),
    );
  });
  send({ kind: 'ready' });
}

function traceOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

port.once('message', (message: ToWorker) => {
  if (message.kind !== 'open') throw new Error(`first message ${message.kind}`);
  // A StoreError speaks to the operator; anything else is a defect and needs its trace.
  open(message.start).then((node) => serve(node, message.start.peers), (error: unknown) => send({ kind: 'failed', reason: error instanceof StoreError ? error.message : traceOf(error) }));
});
send({ kind: 'loaded' });
