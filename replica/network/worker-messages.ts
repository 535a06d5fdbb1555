/**
 * What passes between the supervisor and the worker of a subnet, in lists of some messages (outbox.ts). Everything is
 * structured-cloneable.
 */
import type { MessagePort } from 'node:worker_threads';
import type { LogFields, LogLevel, SubnetNodeApi } from '../node/types.ts';

export type NodeMethod = keyof SubnetNodeApi;

export interface WorkerStart {
  /** As `encodeRegistry` wrote it. */
  readonly registry: string;
  readonly subnetId: Uint8Array;
  readonly folder: string | undefined;
  /** As `encodeSecrets` wrote it. */
  readonly secrets: string;
  readonly logLevel: LogLevel;
  /** A checkpoint after so many batches at the latest. */
  readonly checkpointBatches: number | undefined;
  /** Straight to the other subnets' workers: what goes through them are slices, as bytes. */
  readonly peers: readonly Peer[];
}

export interface Peer {
  /** Principal bytes. */
  readonly subnetId: Uint8Array;
  readonly port: MessagePort;
}

export type ToWorker =
  /** First, and once: recover this subnet. */
  | { readonly kind: 'open'; readonly start: WorkerStart }
  | { readonly kind: 'call'; readonly id: number; readonly method: NodeMethod; readonly args: readonly unknown[] }
  | { readonly kind: 'begin' }
  /** After `ready`: another subnet was started again and is reached through a new port. */
  | { readonly kind: 'peer'; readonly peer: Peer };

export type FromWorker =
  /** The program is loaded. */
  | { readonly kind: 'loaded' }
  /** Recovered; calls may come. */
  | { readonly kind: 'ready' }
  /** It cannot be opened. `lasting`: nor the next time. */
  | { readonly kind: 'failed'; readonly reason: string; readonly lasting: boolean }
  | { readonly kind: 'result'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly reason: string }
  | { readonly kind: 'certified'; readonly height: number }
  | { readonly kind: 'log'; readonly level: LogLevel; readonly event: string; readonly fields: LogFields }
  | { readonly kind: 'broken'; readonly reason: string };
