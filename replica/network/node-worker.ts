/** A subnet's worker thread: one node, spoken to by messages (worker-messages.ts). */
import { randomBytes } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { initBls } from '../crypto/bls.ts';
import { RealClock } from './clocks.ts';
import { Outbox } from './outbox.ts';
import type { FromWorker, Peer, ToWorker, WorkerStart } from './worker-messages.ts';
import { decodeSecrets } from '../registry/keys.ts';
import { decodeRegistry } from '../registry/registry.ts';
import { StoreError } from '../state/store/errors.ts';
import type { StoreErrorCode } from '../state/store/errors.ts';
import { createNode } from '../node/create-node.ts';
import type { SubnetNode } from '../node/subnet-node.ts';
import { Principal } from '../types/principal.ts';
import type { LogLevel } from '../node/types.ts';

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

const port = parentPort;
if (!port) throw new Error('this file is the entry of a worker thread');
const outbox = new Outbox<FromWorker>((messages) => port.postMessage(messages));
const send = (message: FromWorker): void => outbox.add(message);
/** What changes how this thread is spoken to, or is the last thing it says. */
const sendNow = (message: FromWorker): void => {
  send(message);
  outbox.flush();
};

// Begins before the supervisor knows what to open, so that the threads get ready side by side.
const blsReady = initBls();

/** To the other subnets, by key of the subnet's id. */
const ports = new Map<string, MessagePort>();

async function open(start: WorkerStart): Promise<SubnetNode> {
  await blsReady;
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
        broken: (reason) => sendNow({ kind: 'broken', reason }),
      },
      randomBytes: (length) => randomBytes(length),
      later: (millis, callback) => {
        const timer = setTimeout(callback, millis);
        timer.unref();
        return () => clearTimeout(timer);
      },
      monotonicMillis: () => performance.now(),
      intake: () => new Promise((resolve) => setImmediate(() => setImmediate(resolve))),
      queryClockMillis: () => performance.now(),
      checkpointBatches: start.checkpointBatches,
    },
  );
}

function link(node: SubnetNode, { subnetId, port: peer }: Peer): void {
  const { key } = Principal.fromBytes(subnetId);
  ports.get(key)?.close();
  ports.set(key, peer);
  peer.on('message', (slice: Uint8Array) => void node.receiveSlice(subnetId, slice));
}

function serve(node: SubnetNode, peers: readonly Peer[]): void {
  // Nothing may leave any more over a state that an exception left half done; the supervisor ends this thread next.
  onUncaught = (error) => node.fail(error);
  for (const peer of peers) link(node, peer);
  const take = (message: ToWorker): void => {
    if (message.kind === 'begin') node.wake();
    if (message.kind === 'peer') link(node, message.peer);
    if (message.kind !== 'call') return;
    const method = node[message.method] as (...args: readonly unknown[]) => Promise<unknown>;
    method.apply(node, message.args as unknown[]).then(
      (value) => send({ kind: 'result', id: message.id, value }),
      (error: unknown) => send({ kind: 'error', id: message.id, reason: traceOf(error) }),
    );
  };
  port!.on('message', (messages: readonly ToWorker[]) => messages.forEach(take));
  sendNow({ kind: 'ready' });
}

/** What a second attempt may find better. */
const PASSING: ReadonlySet<StoreErrorCode> = new Set(['io', 'disk_full', 'log_broken']);

/** A StoreError speaks to the operator; anything else is a defect and needs its trace. */
function failureOf(error: unknown): FromWorker {
  if (error instanceof StoreError) return { kind: 'failed', reason: error.message, lasting: !PASSING.has(error.code) };
  return { kind: 'failed', reason: traceOf(error), lasting: false };
}

function traceOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Until there is a node that can be told. */
let onUncaught = (error: unknown): void => {
  sendNow({ kind: 'failed', reason: traceOf(error), lasting: false });
};
// A thread that ends by itself while LMDB writes takes the process with it; so it is left to the supervisor to end it.
process.on('uncaughtException', (error) => onUncaught(error));

port.once('message', ([message]: readonly ToWorker[]) => {
  if (message?.kind !== 'open') throw new Error(`first message ${message?.kind}`);
  open(message.start).then((node) => serve(node, message.start.peers), (error: unknown) => sendNow(failureOf(error)));
});
sendNow({ kind: 'loaded' });
