// Which network the pages talk to. One build serves every network: the deployment puts this file beside
// the pages. The root key comes only from here and is never asked of the network, because whoever could
// answer that question could also forge everything else.

export interface RuntimeConfig {
  network: string;
  /** DER bytes of the network's public key. */
  rootKey: Uint8Array;
  /** Base of the public HTTP interface; the page's own origin when the file leaves it empty. */
  apiHost: string;
  userIndex: string;
  identityCanister: string;
  identityUrl: string;
}

export class ConfigError extends Error {
  constructor(field: string) {
    super(`parley-config.json: "${field}" is missing or malformed`);
    this.name = 'ConfigError';
  }
}

const PRINCIPAL = /^[a-z0-9]{1,5}(-[a-z0-9]{1,5})*$/;

export function parseRuntimeConfig(value: unknown, origin: string): RuntimeConfig {
  if (typeof value !== 'object' || value === null) throw new ConfigError('(file)');
  const fields = value as Record<string, unknown>;
  const text = (name: string, pattern: RegExp): string => {
    const field = fields[name];
    if (typeof field !== 'string' || !pattern.test(field)) throw new ConfigError(name);
    return field;
  };
  return {
    network: text('network', /^.{1,64}$/),
    rootKey: Uint8Array.fromHex(text('rootKey', /^([0-9a-f]{2}){90,200}$/i)),
    apiHost: text('apiHost', /^(https?:\/\/[^/\s]+)?$/) || origin,
    userIndex: text('userIndex', PRINCIPAL),
    identityCanister: text('identityCanister', PRINCIPAL),
    identityUrl: text('identityUrl', /^https?:\/\/\S+$/),
  };
}

const PATH = '/parley-config.json';

/**
 * The newest configuration, or the one that `remembered` holds when the network is away.
 * `remember` is given what was fetched, unparsed.
 */
export async function loadRuntimeConfig(
  remembered: () => Promise<unknown>,
  remember: (value: unknown) => Promise<void>,
): Promise<RuntimeConfig> {
  let fetched: unknown;
  try {
    const response = await fetch(PATH, { cache: 'no-cache', credentials: 'omit' });
    if (response.ok) fetched = await response.json();
  } catch {
    // Offline, or not JSON: what was remembered serves.
  }
  if (fetched !== undefined) {
    const config = parseRuntimeConfig(fetched, location.origin);
    await remember(fetched);
    return config;
  }
  return parseRuntimeConfig(await remembered(), location.origin);
}
