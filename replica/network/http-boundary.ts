/** The one port of a network: interface, gateway and the replica's own pages. */
import { Gateway } from '../http/gateway/gateway.ts';
import { HostAliases } from '../http/gateway/host-aliases.ts';
import { startHttpServer } from '../http/server.ts';
import type { HttpServer } from '../http/server.ts';
import { realTimer } from '../http/timer.ts';
import type { Network } from './network.ts';
import { mountPages } from './pages.ts';

export interface BoundaryOptions {
  readonly port: number;
  readonly bind: string;
  /** Host name without dots → textual canister id. */
  readonly hostAliases?: Readonly<Record<string, string>>;
  /** Files with more of them, read again when they change (http/gateway/host-aliases.ts). */
  readonly hostAliasFiles?: readonly string[];
  readonly onError?: (error: unknown, what: string) => void;
  /** Told what is wrong with files that are used all the same. */
  readonly onWarning?: (text: string) => void;
}

export function openBoundary(network: Network, options: BoundaryOptions): Promise<HttpServer> {
  const aliases = new HostAliases(options.hostAliases ?? {}, options.hostAliasFiles ?? [], options.onWarning);
  const gateway = new Gateway(network, aliases, realTimer);
  const { onError } = options;
  return startHttpServer({ network, gateway, mount: mountPages(network), ...(onError && { onError }) }, options.port, options.bind);
}
