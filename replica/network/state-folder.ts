/**
 * The folder of a network: the registry, and one folder per subnet with its secrets, checkpoint and log.
 *
 *     <state>/registry.json
 *     <state>/host-aliases.json        friendly names of canisters
 *     <state>/lock                     pid of the process that uses the folder
 *     <state>/subnet-<n>/keys.json     readable by the owner only
 *     <state>/subnet-<n>/checkpoint/   LMDB
 *     <state>/subnet-<n>/log/          batches since the checkpoint
 */
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { equalBytes } from '../codec/bytes.ts';
import { BlsSecretKey } from '../crypto/bls.ts';
import { NodeSigningKey } from '../crypto/keys.ts';
import { createSecrets, decodeSecrets, encodeSecrets, secretsFromSeed } from '../registry/keys.ts';
import type { SubnetSecrets } from '../registry/keys.ts';
import { createRegistry, decodeRegistry, encodeRegistry } from '../registry/registry.ts';
import type { Registry, SubnetRecord } from '../registry/registry.ts';
import type { CanisterRange } from '../state/replicated-state.ts';
import type { SubnetKind } from '../types/subnet-config.ts';

/** Friendly host names of canisters, written by deployments: {"parley": "<canister id>"}. */
export const HOST_ALIASES_FILE = 'host-aliases.json';

/** What the operator can do something about. */
export class StateFolderError extends Error {}

export interface NetworkFiles {
  readonly registry: Registry;
  /** As in `registry.subnets`. */
  readonly subnets: readonly { readonly secrets: SubnetSecrets; readonly folder: string | undefined }[];
  /** Lets the next process in. */
  release(): void;
}

/** A subnet to be made; ranges default to those of its kind. */
export interface SubnetShape {
  readonly kind: SubnetKind;
  readonly ranges?: readonly CanisterRange[];
  readonly allocationRanges?: readonly CanisterRange[];
}

/** The first is the root subnet. */
export const DEFAULT_SUBNETS: readonly SubnetShape[] = [{ kind: 'system' }, { kind: 'application' }, { kind: 'application' }];

function registryFor(shapes: readonly SubnetShape[], secrets: readonly SubnetSecrets[]): Registry {
  return createRegistry(
    shapes.map((shape, at) => ({
      ...shape,
      publicKey: BlsSecretKey.fromSeed(secrets[at]!.subnetSeed).publicKeyDer(),
      nodePublicKey: NodeSigningKey.fromSeed(secrets[at]!.nodeSeed).publicKeyDer,
    })),
  );
}

/** A network that leaves nothing behind; its keys are a function of `seed`. */
export function networkInMemory(shapes: readonly SubnetShape[], seed: number): NetworkFiles {
  const secrets = shapes.map((_, at) => secretsFromSeed(seed, at));
  return { registry: registryFor(shapes, secrets), subnets: secrets.map((one) => ({ secrets: one, folder: undefined })), release: () => {} };
}

/**
 * Opens the network in `folder`, making it at the first start. Throws StateFolderError if another process uses it, or
 * if it holds other subnets than `shapes` asks for (undefined: whatever it holds; at the first start `fallback`).
 */
export function openNetwork(
  folder: string,
  shapes: readonly SubnetShape[] | undefined,
  fallback: readonly SubnetShape[],
  seed: number | undefined,
): NetworkFiles {
  fs.mkdirSync(folder, { recursive: true });
  const release = lock(folder);
  try {
    const registryFile = join(folder, 'registry.json');
    const subnetFolder = (at: number): string => join(folder, `subnet-${at}`);
    if (!fs.existsSync(registryFile)) {
      if (holdsStates(folder)) throw damaged(registryFile, 'it is missing, and there are states of subnets beside it');
      createFiles(registryFile, subnetFolder, shapes ?? fallback, seed);
    }
    const registry = reading(registryFile, decodeRegistry);
    const held = registry.subnets.map((subnet) => subnet.kind);
    if (shapes && shapes.map(({ kind }) => kind).join() !== held.join()) {
      throw new StateFolderError(
        `${folder} holds a network of other subnets (${held.join(', ')}); leave out the subnet flags, or start anew with --clean`,
      );
    }
    const subnets = registry.subnets.map((record, at) => {
      const keysFile = join(subnetFolder(at), 'keys.json');
      const secrets = reading(keysFile, decodeSecrets);
      if (!areOf(record, secrets)) throw damaged(keysFile, 'its keys are not those of the subnet in registry.json');
      return { secrets, folder: subnetFolder(at) };
    });
    return { registry, subnets, release };
  } catch (error) {
    release();
    throw error;
  }
}

function reading<T>(path: string, decode: (text: string) => T): T {
  try {
    return decode(fs.readFileSync(path, 'utf8'));
  } catch (error) {
    throw damaged(path, (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'it is missing' : (error as Error).message);
  }
}

function damaged(path: string, why: string): StateFolderError {
  return new StateFolderError(
    `${path} is damaged (${why}); put it back from a copy of the state folder, or start with an empty one (--clean), which loses its contents`,
  );
}

/** Without the registry nobody knows whose they are, and new keys would make them useless. */
function holdsStates(folder: string): boolean {
  return fs.readdirSync(folder).some((name) => /^subnet-\d+$/.test(name) && fs.existsSync(join(folder, name, 'checkpoint')));
}

function areOf(record: SubnetRecord, { subnetSeed, nodeSeed }: SubnetSecrets): boolean {
  const node = NodeSigningKey.fromSeed(nodeSeed).publicKeyDer;
  return equalBytes(BlsSecretKey.fromSeed(subnetSeed).publicKeyDer(), record.publicKey) && record.nodes.some(({ publicKey }) => equalBytes(publicKey, node));
}

/** How many subnets the folder holds; undefined if none (or if it cannot be read: opening it says why). */
export function heldSubnets(folder: string): number | undefined {
  try {
    return decodeRegistry(fs.readFileSync(join(folder, 'registry.json'), 'utf8')).subnets.length;
  } catch {
    return undefined;
  }
}

function createFiles(registryFile: string, subnetFolder: (at: number) => string, shapes: readonly SubnetShape[], seed: number | undefined): void {
  const secrets = shapes.map((_, at) => (seed === undefined ? createSecrets((length) => randomBytes(length)) : secretsFromSeed(seed, at)));
  for (const [at, one] of secrets.entries()) {
    fs.mkdirSync(subnetFolder(at), { recursive: true });
    writeSynced(join(subnetFolder(at), 'keys.json'), encodeSecrets(one), 0o600);
  }
  // Last: without the registry the folder counts as empty and the keys are made again.
  writeSynced(registryFile, encodeRegistry(registryFor(shapes, secrets)), 0o644);
}

function writeSynced(path: string, text: string, mode: number): void {
  const temporary = `${path}.new`;
  const fd = fs.openSync(temporary, 'w', mode);
  fs.writeSync(fd, text);
  fs.fsyncSync(fd);
  fs.closeSync(fd);
  fs.renameSync(temporary, path);
  const parent = fs.openSync(join(path, '..'), 'r');
  fs.fsyncSync(parent);
  fs.closeSync(parent);
}

function lock(folder: string): () => void {
  const path = join(folder, 'lock');
  for (;;) {
    try {
      fs.writeFileSync(path, String(process.pid), { flag: 'wx' });
      return () => fs.rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const pid = Number(fs.readFileSync(path, 'utf8'));
    if (pid !== process.pid && isAlive(pid)) throw new StateFolderError(`${folder} is in use by process ${pid}`);
    // Left behind by a process that was killed.
    fs.rmSync(path, { force: true });
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Removes a network's files and nothing else, so that a mistyped folder costs nothing. */
export function cleanFolder(folder: string): void {
  if (!fs.existsSync(folder)) return;
  const release = lock(folder);
  for (const name of fs.readdirSync(folder)) {
    if (name === 'registry.json' || /^subnet-\d+$/.test(name) || name === HOST_ALIASES_FILE) {
      fs.rmSync(join(folder, name), { recursive: true });
    }
  }
  release();
}
