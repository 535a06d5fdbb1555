/**
 * The server's command line, as far as test libraries use it.
 *
 * Source: PocketIC server, `--help`; unknown flags are ignored so that newer libraries can start it.
 */

export interface CommandLine {
  readonly portFile: string | undefined;
  readonly port: number;
  readonly host: string;
  /** Seconds without requests after which the server stops. */
  readonly idleSeconds: number;
  /** Seconds after which it stops whatever happens; undefined: never. */
  readonly hardSeconds: number | undefined;
}

const DEFAULT_IDLE_SECONDS = 60;

const NAMES: { readonly [flag: string]: string } = {
  '--port-file': 'port-file',
  '--port': 'port',
  '-p': 'port',
  '--ip-addr': 'ip-addr',
  '-i': 'ip-addr',
  '--ttl': 'ttl',
  '--hard-ttl': 'hard-ttl',
};

/** Throws an Error with a text for the operator. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const given = new Map<string, string>();
  for (let index = 0; index < args.length; index += 1) {
    const [flag = '', inline] = args[index]!.split(/=(.*)/s);
    const name = NAMES[flag];
    if (name === undefined) continue;
    const value = inline ?? args[(index += 1)];
    if (value === undefined) throw new Error(`${flag} needs a value`);
    given.set(name, value);
  }
  const whole = (name: string, max: number): number | undefined => {
    const text = given.get(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!/^\d+$/.test(text) || value > max) throw new Error(`--${name} must be a whole number up to ${max}`);
    return value;
  };
  return {
    portFile: given.get('port-file'),
    port: whole('port', 65_535) ?? 0,
    host: given.get('ip-addr') ?? '127.0.0.1',
    idleSeconds: whole('ttl', Number.MAX_SAFE_INTEGER) ?? DEFAULT_IDLE_SECONDS,
    hardSeconds: whole('hard-ttl', Number.MAX_SAFE_INTEGER),
  };
}
