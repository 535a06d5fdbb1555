/**
 * A whole network as one process: the HTTP boundary on this thread, each subnet in a worker of its own.
 *
 * Slices go from worker to worker; this thread only introduces them.
 *
 * The supervisor holds no state of a subnet. If a worker ends, the network says so in its health and in the log; a
 * restart of the process continues from what was synced.
 */
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { initBls } from '../crypto/bls.ts';
import type { HttpServer } from '../http/server.ts';
import type { LogLevel } from '../node/types.ts';
import { encodeSecrets } from '../registry/keys.ts';
import { encodeRegistry } from '../registry/registry.ts';
import type { SubnetKind } from '../types/subnet-config.ts';
import { wallNanos } from './clocks.ts';
import { openBoundary } from './http-boundary.ts';
import type { Logger } from './logger.ts';
import { Network } from './network.ts';
import { cleanFolder, DEFAULT_SUBNETS, heldSubnets, HOST_ALIASES_FILE, networkInMemory, noteOpened, noteOpening, openNetwork } from './state-folder.ts';
import type { NetworkFiles } from './state-folder.ts';
import type { Peer, WorkerStart } from './worker-messages.ts';
import { WorkerThread } from './worker-node.ts';
import type { WorkerNode } from './worker-node.ts';

export interface SupervisorOptions {
  /** Undefined: nothing is kept. */
  readonly stateDir: string | undefined;
  readonly clean: boolean;
  /** Undefined: what the folder holds, else one system and two application subnets. */
  readonly kinds: readonly SubnetKind[] | undefined;
  readonly port: number;
  readonly bind: string;
  /** Host name without dots → textual canister id. */
  readonly hostAliases: Readonly<Record<string, string>>;
  /** More files with host names, beside the one in the state folder (http/gateway/host-aliases.ts). */
  readonly hostAliasFiles?: readonly string[];
  readonly logLevel: LogLevel;
  readonly log: Logger;
}

export interface Supervisor {
  readonly network: Network;
  readonly port: number;
  /** Answers what is under way, writes checkpoints, ends the workers. */
  stop(): Promise<void>;
}

const SUSPECT =
  'an earlier start ended while it opened this state; if this one ends too, the checkpoint is damaged: ' +
  'restore the state folder from a copy, or start with an empty one (--clean), which loses its contents';

/** Throws an Error whose message is for the operator when the network cannot start. */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const { stateDir } = options;
  // Threads and this one load their programs side by side; how many are needed is known from the flags or the folder.
  const threads = Array.from({ length: subnetCount(options) }, () => new WorkerThread());
  const endThreads = async (): Promise<void> => void (await Promise.all(threads.map((thread) => thread.end())));
  try {
    await initBls();
    if (stateDir !== undefined && options.clean) cleanFolder(stateDir);
    const shapes = options.kinds?.map((kind) => ({ kind }));
    const files = stateDir === undefined ? networkInMemory(shapes ?? DEFAULT_SUBNETS, randomSeed()) : openNetwork(stateDir, shapes, DEFAULT_SUBNETS, undefined);
    try {
      return await supervise(options, files, threads, async () => {
        await endThreads();
        files.release();
      });
    } catch (error) {
      files.release();
      throw error;
    }
  } catch (error) {
    await endThreads();
    throw error;
  }
}

async function supervise(options: SupervisorOptions, files: NetworkFiles, threads: readonly WorkerThread[], end: () => Promise<void>): Promise<Supervisor> {
  const { stateDir, log } = options;
  /** Set once all nodes are there; they report earlier. */
  const running: { network?: Network } = {};
  const peers = portsBetween(files.registry.subnets.map((subnet) => subnet.id.bytes));
  const registry = encodeRegistry(files.registry);
  const workers = await openAll(files, log, (at) => {
    const { secrets, folder } = files.subnets[at]!;
    const start: WorkerStart = {
      registry,
      subnetId: files.registry.subnets[at]!.id.bytes,
      folder,
      secrets: encodeSecrets(secrets),
      logLevel: options.logLevel,
      peers: peers[at]!,
    };
    return threads[at]!.open(start, {
      certified: (height) => {
        if (at === 0) running.network?.rootCertified(height);
      },
      log: (level, event, fields) => log(level, event, { subnet: at, ...fields }),
      broken: (reason) => {
        running.network?.markUnhealthy();
        log('error', 'subnet.broken', { subnet: at, reason });
      },
    });
  });
  const network = (running.network = new Network(files.registry, workers.map((worker) => worker.api), wallNanos));
  await network.start();
  for (const worker of workers) worker.begin();
  const server = await openBoundary(network, {
    port: options.port,
    bind: options.bind,
    hostAliases: options.hostAliases,
    hostAliasFiles: stateDir === undefined ? [] : [join(stateDir, HOST_ALIASES_FILE)],
    onError: (error, what) => log('error', 'http.failed', { what, reason: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  });
  const stopRenewing = network.keepDelegationsFresh();
  return { network, port: server.port, stop: () => stopAll(server, workers, stopRenewing, end) };
}

/** Opens every subnet, and leaves a note meanwhile for the case that one takes the process with it. */
async function openAll(files: NetworkFiles, log: Logger, open: (at: number) => Promise<WorkerNode>): Promise<WorkerNode[]> {
  const folders = files.subnets.flatMap(({ folder }) => folder ?? []);
  for (const folder of folders) if (noteOpening(folder)) log('error', 'checkpoint.suspect', { folder, reason: SUSPECT });
  const results = await Promise.allSettled(files.subnets.map((_, at) => open(at)));
  for (const folder of folders) noteOpened(folder);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

/** For each subnet, a port to each other. */
function portsBetween(subnetIds: readonly Uint8Array[]): Peer[][] {
  const peers: Peer[][] = subnetIds.map(() => []);
  for (const [left, leftId] of subnetIds.entries()) {
    for (const [right, rightId] of subnetIds.entries()) {
      if (left >= right) continue;
      const { port1, port2 } = new MessageChannel();
      peers[left]!.push({ subnetId: rightId, port: port1 });
      peers[right]!.push({ subnetId: leftId, port: port2 });
    }
  }
  return peers;
}

/** Without flags it is the folder that says; a folder that cannot be read is reported when it is opened. */
function subnetCount({ kinds, stateDir, clean }: SupervisorOptions): number {
  if (kinds) return kinds.length;
  return (stateDir !== undefined && !clean ? heldSubnets(stateDir) : undefined) ?? DEFAULT_SUBNETS.length;
}

async function stopAll(server: HttpServer, workers: readonly WorkerNode[], stopRenewing: () => void, endWorkers: () => Promise<void>): Promise<void> {
  stopRenewing();
  await server.close();
  await Promise.all(workers.map((worker) => worker.api.stop({ crash: false })));
  await endWorkers();
}

function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}
