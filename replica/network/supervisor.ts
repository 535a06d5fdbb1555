/**
 * A whole network as one process: the HTTP boundary on this thread, each subnet in a worker of its own.
 *
 * Slices go from worker to worker; this thread only introduces them.
 *
 * The supervisor holds no state of a subnet. A worker that fails is started again from what was synced, while the other
 * subnets go on (subnet-keeper.ts).
 */
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { initBls } from '../crypto/bls.ts';
import type { LogLevel } from '../node/types.ts';
import { encodeSecrets } from '../registry/keys.ts';
import { encodeRegistry } from '../registry/registry.ts';
import type { SubnetKind } from '../types/subnet-config.ts';
import { wallNanos } from './clocks.ts';
import { openBoundary } from './http-boundary.ts';
import type { Logger } from './logger.ts';
import { Network } from './network.ts';
import { cleanFolder, DEFAULT_SUBNETS, heldSubnets, HOST_ALIASES_FILE, networkInMemory, openNetwork } from './state-folder.ts';
import type { NetworkFiles } from './state-folder.ts';
import { SubnetKeeper } from './subnet-keeper.ts';
import type { KeptWorker } from './subnet-keeper.ts';
import type { Peer, WorkerStart } from './worker-messages.ts';
import { WorkerThread } from './worker-node.ts';

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
  /** A checkpoint after so many batches at the latest. */
  readonly checkpointBatches?: number | undefined;
  readonly log: Logger;
  /** For tests, instead of real time before a restart: calls back after so many milliseconds; returns how to cancel. */
  readonly later?: (millis: number, callback: () => void) => () => void;
  /** For tests: each thread of a subnet, as it is started. */
  readonly onThread?: (at: number, thread: WorkerThread) => void;
}

export interface Supervisor {
  readonly network: Network;
  readonly port: number;
  /** Answers what is under way, writes checkpoints, ends the workers. */
  stop(): Promise<void>;
}

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
      return await supervise(options, files, threads);
    } catch (error) {
      files.release();
      throw error;
    }
  } catch (error) {
    await endThreads();
    throw error;
  }
}

async function supervise(options: SupervisorOptions, files: NetworkFiles, threads: readonly WorkerThread[]): Promise<Supervisor> {
  const { stateDir, log } = options;
  /** Set once all nodes are there; they report earlier. */
  const running: { network?: Network } = {};
  const launcher = new Launcher(options, files, threads);
  const keepers = files.registry.subnets.map(({ id }, at) => {
    const keeper: SubnetKeeper = new SubnetKeeper(
      {
        subnetId: id.toText(),
        isDurable: stateDir !== undefined,
        newWorker: () => launcher.again(at),
        rejoin: (node) => running.network!.rejoin(at, node),
        certified: (height) => {
          if (at === 0) running.network?.rootCertified(height);
        },
        log: (level, event, fields) => log(level, event, { subnet: at, ...fields }),
        later: options.later ?? realLater,
        nowMillis: () => performance.now(),
      },
      launcher.first(at),
    );
    return keeper;
  });
  await openAll(keepers);
  const network = (running.network = new Network(files.registry, keepers.map((keeper) => keeper.api), wallNanos, (at) => keepers[at]!.status));
  await network.start();
  for (const keeper of keepers) keeper.begin();
  const server = await openBoundary(network, {
    port: options.port,
    bind: options.bind,
    hostAliases: options.hostAliases,
    hostAliasFiles: stateDir === undefined ? [] : [join(stateDir, HOST_ALIASES_FILE)],
    onError: (error, what) => log('error', 'http.failed', { what, reason: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    onWarning: (reason) => log('warn', 'http.warning', { reason }),
  });
  const stopRenewing = network.keepDelegationsFresh();
  const stop = async (): Promise<void> => {
    stopRenewing();
    await server.close();
    await Promise.all(keepers.map((keeper) => keeper.stop({ crash: false })));
    files.release();
  };
  return { network, port: server.port, stop };
}

/** All are waited for, or a thread would be torn out of opening its store. */
async function openAll(keepers: readonly SubnetKeeper[]): Promise<void> {
  const results = await Promise.allSettled(keepers.map((keeper) => keeper.open()));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** Starts the subnets' workers, and introduces those that are started later to the others. */
class Launcher {
  readonly #options: SupervisorOptions;
  readonly #files: NetworkFiles;
  readonly #registry: string;
  /** The newest of each subnet. */
  readonly #threads: WorkerThread[];
  readonly #firstPeers: Peer[][];

  constructor(options: SupervisorOptions, files: NetworkFiles, threads: readonly WorkerThread[]) {
    this.#options = options;
    this.#files = files;
    this.#registry = encodeRegistry(files.registry);
    this.#threads = [...threads];
    this.#firstPeers = portsBetween(files.registry.subnets.map((subnet) => subnet.id.bytes));
  }

  first(at: number): KeptWorker {
    return this.#kept(at, this.#threads[at]!, this.#firstPeers[at]!);
  }

  again(at: number): KeptWorker {
    const thread = (this.#threads[at] = new WorkerThread());
    const { subnets } = this.#files.registry;
    const peers: Peer[] = [];
    for (const [other, { id }] of subnets.entries()) {
      if (other === at) continue;
      const { port1, port2 } = new MessageChannel();
      peers.push({ subnetId: id.bytes, port: port1 });
      this.#threads[other]!.link({ subnetId: subnets[at]!.id.bytes, port: port2 });
    }
    return this.#kept(at, thread, peers);
  }

  #kept(at: number, thread: WorkerThread, peers: readonly Peer[]): KeptWorker {
    const { secrets, folder } = this.#files.subnets[at]!;
    const start: WorkerStart = {
      registry: this.#registry,
      subnetId: this.#files.registry.subnets[at]!.id.bytes,
      folder,
      secrets: encodeSecrets(secrets),
      logLevel: this.#options.logLevel,
      checkpointBatches: this.#options.checkpointBatches,
      peers,
    };
    this.#options.onThread?.(at, thread);
    return { open: (host) => thread.open(start, host), end: () => thread.end() };
  }
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

function realLater(millis: number, callback: () => void): () => void {
  const timer = setTimeout(callback, millis);
  return () => clearTimeout(timer);
}

function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}
