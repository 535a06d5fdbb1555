/**
 * Command line of the network launcher that the `icp` tool starts.
 * Source: the tool's launcher protocol, interface version 1.1.0. Unknown flags are tolerated, as the protocol demands.
 */
import type { SubnetKind } from '../types/subnet-config.ts';

export interface LauncherArguments {
  readonly stateDir: string;
  readonly statusDir: string;
  readonly bind: string;
  /** 0: choose one. */
  readonly gatewayPort: number;
  /** The root subnet first. */
  readonly subnets: readonly SubnetKind[];
  readonly domains: readonly string[];
  readonly verbose: boolean;
  /** Flags that have no meaning here; worth a line in the log. */
  readonly ignored: readonly string[];
}

/** The message is for the person who typed the command. */
export class LauncherArgumentError extends Error {}

const SUPPORTED_MAJOR = '1';

/**
 * The root subnet takes the part of every subnet that exists for well-known canisters; `system` asks for one more.
 * Verified application subnets differ from others in their registry entry only.
 */
const KINDS: Readonly<Record<string, SubnetKind | 'root'>> = {
  application: 'application',
  'verified-application': 'application',
  fiduciary: 'application',
  system: 'system',
  nns: 'root',
  sns: 'root',
  bitcoin: 'root',
};

const VALUED = new Set([
  'interface-version',
  'state-dir',
  'status-dir',
  'bind',
  'gateway-port',
  'subnet',
  'domain',
  'artificial-delay-ms',
  'bitcoind-addr',
  'dogecoind-addr',
]);
const SWITCHES = new Set(['ii', 'nns', 'verbose']);

export function parseLauncherArguments(args: readonly string[]): LauncherArguments {
  const { values, ignored } = split(args);
  const last = (name: string): string | undefined => values.get(name)?.at(-1);
  const version = last('interface-version');
  if (version !== undefined && version.split('.')[0] !== SUPPORTED_MAJOR) {
    throw new LauncherArgumentError(`interface version ${version} is not supported, only ${SUPPORTED_MAJOR}.x`);
  }
  const [stateDir, statusDir] = [last('state-dir'), last('status-dir')];
  if (stateDir === undefined || statusDir === undefined) throw new LauncherArgumentError('--state-dir and --status-dir are needed');
  const portText = last('gateway-port') ?? '0';
  const gatewayPort = Number(portText);
  if (!/^\d+$/.test(portText) || gatewayPort > 65_535) {
    throw new LauncherArgumentError(`--gateway-port must be a port number, not ${JSON.stringify(portText)}`);
  }
  return {
    stateDir,
    statusDir,
    bind: last('bind') ?? '127.0.0.1',
    gatewayPort,
    subnets: subnetKinds(values.get('subnet') ?? []),
    domains: values.get('domain') ?? ['localhost'],
    verbose: values.has('verbose'),
    ignored,
  };
}

/** `--name value`, `--name=value` and switches, in any order. */
function split(args: readonly string[]): { values: Map<string, string[]>; ignored: string[] } {
  const values = new Map<string, string[]>();
  const ignored: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const [, name, inline] = /^--([a-z-]+)(?:=(.*))?$/s.exec(args[at]!) ?? [];
    if (name === undefined) {
      ignored.push(args[at]!);
      continue;
    }
    if (SWITCHES.has(name)) {
      values.set(name, ['']);
      continue;
    }
    if (!VALUED.has(name)) {
      ignored.push(args[at]!);
      // The value of an unknown flag must not be taken for something else.
      if (inline === undefined && args[at + 1] !== undefined && !args[at + 1]!.startsWith('--')) at += 1;
      continue;
    }
    const value = inline ?? args[++at];
    if (value === undefined) throw new LauncherArgumentError(`--${name} needs a value`);
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  for (const name of ['artificial-delay-ms', 'bitcoind-addr', 'dogecoind-addr', 'ii', 'nns']) {
    if (values.has(name)) ignored.push(`--${name}`);
  }
  return { values, ignored };
}

function subnetKinds(asked: readonly string[]): SubnetKind[] {
  const more = asked.map((name) => {
    const kind = KINDS[name];
    if (kind === undefined) throw new LauncherArgumentError(`there is no subnet kind ${JSON.stringify(name)}; known: ${Object.keys(KINDS).join(', ')}`);
    return kind;
  });
  const kinds: SubnetKind[] = ['system', ...more.filter((kind) => kind !== 'root')];
  // Somewhere to deploy to, whatever was asked for.
  return kinds.includes('application') ? kinds : [...kinds, 'application'];
}
