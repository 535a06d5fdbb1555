/** The pages that the replica serves about itself: `/metrics`, `/_/dashboard` and the data behind it. Reads only. */
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { toHex } from '../codec/bytes.ts';
import type { Mount } from '../http/server.ts';
import type { SubnetOverview } from '../node/types.ts';
import { metricsText } from './metrics-page.ts';
import type { SubnetHealth } from './metrics-page.ts';
import type { Network } from './network.ts';

/** Both pages may be asked for by several viewers a second; the nodes are asked this often at most. */
const REUSE_MILLIS = 400;

export function mountPages(network: Network): Mount {
  const dashboard = readFileSync(new URL('./dashboard.html', import.meta.url));
  const summary = reused(() => overviews(network, 'summary'));
  const detailed = reused(() => overviews(network, 'canisters'));
  return (request, response, path) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return false;
    switch (path) {
      case '/_/dashboard':
        send(response, 'text/html; charset=utf-8', dashboard);
        return true;
      case '/_/dashboard/data.json':
        answer(response, 'application/json', async () => dashboardData(network, await detailed()));
        return true;
      case '/metrics':
        answer(response, 'text/plain; version=0.0.4; charset=utf-8', async () => metricsText(await summary(), healthsOf(network), processFigures()));
        return true;
      default:
        return false;
    }
  };
}

/** Of the subnets that answer; one that is being restarted does not. */
async function overviews(network: Network, detail: 'summary' | 'canisters'): Promise<SubnetOverview[]> {
  const asked = await Promise.allSettled(network.nodes.map((node) => node.overview(detail)));
  return asked.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
}

function healthsOf(network: Network): SubnetHealth[] {
  return network.registry.subnets.map(({ id, kind }, at) => ({ subnetId: id.toText(), kind, ...network.subnetStatus(at) }));
}

function reused<T>(make: () => Promise<T>): () => Promise<T> {
  let last: Promise<T> | undefined;
  let madeAt = 0;
  return () => {
    const now = performance.now();
    if (!last || now - madeAt > REUSE_MILLIS) {
      madeAt = now;
      last = make();
      last.catch(() => (last = undefined));
    }
    return last;
  };
}

function processFigures(): { residentBytes: number; cpuSeconds: number; uptimeSeconds: number } {
  const { user, system } = process.cpuUsage();
  return { residentBytes: process.memoryUsage.rss(), cpuSeconds: (user + system) / 1e6, uptimeSeconds: process.uptime() };
}

function dashboardData(network: Network, subnets: readonly SubnetOverview[]): string {
  const status = network.status();
  return JSON.stringify(
    { health: status.health, version: status.implVersion, rootKey: toHex(status.rootKey), process: processFigures(), subnets, subnetHealth: healthsOf(network) },
    (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value instanceof Uint8Array ? toHex(value) : value),
  );
}

function answer(response: ServerResponse, type: string, make: () => Promise<string>): void {
  make().then(
    (body) => send(response, type, body),
    (error: unknown) => response.writeHead(503, { 'content-type': 'text/plain' }).end(`not available: ${(error as Error).message}`),
  );
}

function send(response: ServerResponse, type: string, body: string | Buffer): void {
  response
    .writeHead(200, {
      'content-type': type,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'",
    })
    .end(body);
}
