#!/usr/bin/env node
/** The command `parley-replica`: starts a network and serves it until SIGINT or SIGTERM. */
import { writeFileSync, renameSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { toHex } from '../codec/bytes.ts';
import type { LogLevel } from '../node/types.ts';
import type { SubnetKind } from '../types/subnet-config.ts';
import { jsonLogger, LOG_LEVELS } from './logger.ts';
import { stopOnSignals } from './stop-on-signals.ts';
import type { Supervisor } from './supervisor.ts';

const DEFAULT_PORT = 4943;
const MAX_SUBNETS = 16;

const USAGE = `parley-replica: a local Internet Computer network

  --port N              HTTP port of the interface and the gateway (default ${DEFAULT_PORT}; 0 picks a free one)
  --bind ADDRESS        address to listen on (default 127.0.0.1)
  --state-dir FOLDER    where the state is kept (default .parley/replica)
  --in-memory           keep nothing
  --clean               begin with an empty state
  --system N            system subnets (default 1)
  --application N       application subnets (default 2)
  --host-alias NAME=ID  serve canister ID at http://NAME.localhost as well; may be repeated
  --checkpoint-batches N  write a checkpoint after so many blocks at the latest (default 5000)
  --log-level LEVEL     debug, info, warn or error (default warn); JSON lines on standard error
  --ready-file FILE     write {"port", "url", "rootKey", "subnets"} there when ready
  --help
`;

class UsageError extends Error {}

interface Flags {
  readonly port: number;
  readonly bind: string;
  readonly stateDir: string | undefined;
  readonly clean: boolean;
  readonly kinds: readonly SubnetKind[] | undefined;
  readonly aliases: ReadonlyMap<string, string>;
  readonly checkpointBatches: number | undefined;
  readonly logLevel: LogLevel;
  readonly readyFile: string | undefined;
}

function parseFlags(args: string[]): Flags | 'help' {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: 'string' },
      bind: { type: 'string' },
      'state-dir': { type: 'string' },
      'in-memory': { type: 'boolean' },
      clean: { type: 'boolean' },
      system: { type: 'string' },
      application: { type: 'string' },
      'host-alias': { type: 'string', multiple: true },
      'checkpoint-batches': { type: 'string' },
      'log-level': { type: 'string' },
      'ready-file': { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return 'help';
  const logLevel = (values['log-level'] ?? 'warn') as LogLevel;
  if (!LOG_LEVELS.includes(logLevel)) throw new UsageError(`--log-level must be one of ${LOG_LEVELS.join(', ')}`);
  return {
    port: natural('--port', values.port, DEFAULT_PORT, 65_535),
    bind: values.bind ?? '127.0.0.1',
    stateDir: values['in-memory'] ? undefined : resolve(values['state-dir'] ?? '.parley/replica'),
    clean: values.clean ?? false,
    kinds: subnetKinds(values.system, values.application),
    aliases: new Map((values['host-alias'] ?? []).map(parseAlias)),
    checkpointBatches: values['checkpoint-batches'] === undefined ? undefined : natural('--checkpoint-batches', values['checkpoint-batches'], 0, 1_000_000),
    logLevel,
    readyFile: values['ready-file'] === undefined ? undefined : resolve(values['ready-file']),
  };
}

function natural(flag: string, text: string | undefined, fallback: number, max: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > max) throw new UsageError(`${flag} must be a number from 0 to ${max}, not ${JSON.stringify(text)}`);
  return value;
}

/** System subnets first: the first subnet is the root subnet. */
function subnetKinds(system: string | undefined, application: string | undefined): readonly SubnetKind[] | undefined {
  if (system === undefined && application === undefined) return undefined;
  const systems = natural('--system', system, 1, MAX_SUBNETS);
  const applications = natural('--application', application, 2, MAX_SUBNETS);
  if (systems + applications === 0) throw new UsageError('a network has at least one subnet');
  return [...Array<SubnetKind>(systems).fill('system'), ...Array<SubnetKind>(applications).fill('application')];
}

function parseAlias(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1) throw new UsageError(`--host-alias must be NAME=CANISTER-ID, not ${JSON.stringify(text)}`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function announce(supervisor: Supervisor, flags: Flags): void {
  const { network, port } = supervisor;
  const host = flags.bind === '0.0.0.0' || flags.bind === '::' ? '127.0.0.1' : flags.bind;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const rootKey = toHex(network.status().rootKey);
  const subnets = network.registry.subnets.map(({ id, kind, ranges, allocationRanges }) => ({
    id: id.toText(),
    kind,
    canisterRanges: ranges.map(({ start, end }) => [start.toText(), end.toText()]),
    defaultEffectiveCanisterId: allocationRanges[0]!.start.toText(),
  }));
  console.log(`replica    ${url}`);
  console.log(`dashboard  ${url}/_/dashboard`);
  for (const { id, kind } of subnets) console.log(`subnet     ${id} (${kind})`);
  console.log(`root key   ${rootKey}`);
  if (flags.readyFile !== undefined) {
    // Written whole or not at all: whoever watches for it may read at once.
    writeFileSync(`${flags.readyFile}.new`, JSON.stringify({ port, url, rootKey, pid: process.pid, subnets }) + '\n');
    renameSync(`${flags.readyFile}.new`, flags.readyFile);
  }
}

async function main(): Promise<void> {
  const flags = parseFlags(process.argv.slice(2));
  if (flags === 'help') {
    process.stdout.write(USAGE);
    return;
  }
  const log = jsonLogger(flags.logLevel, (line) => process.stderr.write(line));
  const { stateDir, clean, kinds, port, bind, checkpointBatches, logLevel } = flags;
  const hostAliases = Object.fromEntries(flags.aliases);
  // Compiled code is kept between starts; so the rest of the program is loaded only now.
  enableCompileCache();
  const { startSupervisor } = await import('./supervisor.ts');
  const supervisor = await startSupervisor({ stateDir, clean, kinds, port, bind, hostAliases, checkpointBatches, logLevel, log });
  stopOnSignals(supervisor, log);
  announce(supervisor, flags);
}

function explain(error: Error & { code?: string; address?: string; port?: number }): string {
  if (error.code !== 'EADDRINUSE') return error.message;
  return `port ${error.port} of ${error.address} is in use; --port names another, and --port 0 picks a free one`;
}

main().catch((error: unknown) => {
  const code = (error as NodeJS.ErrnoException).code;
  const isUsage = error instanceof UsageError || code?.startsWith('ERR_PARSE_ARGS');
  process.stderr.write(`parley-replica: ${explain(error as Error)}\n${isUsage ? `\n${USAGE}` : ''}`);
  process.exit(isUsage ? 2 : 1);
});
