/** URL paths of the public interface. */
import { Principal } from '../types/principal.ts';
import { BoundedCache } from '../crypto/bounded-cache.ts';
import type { Target } from './replica-port.ts';

export type ApiRoute =
  | { readonly kind: 'status' }
  | { readonly kind: 'call'; readonly version: 2 | 3 | 4; readonly target: Target }
  | { readonly kind: 'query'; readonly version: 2 | 3; readonly target: Target }
  | { readonly kind: 'read_state'; readonly version: 2 | 3; readonly target: Target }
  /** The shape is right, but the principal in it is not one. */
  | { readonly kind: 'bad-principal'; readonly text: string }
  | { readonly kind: 'unknown' };

type Endpoint = 'call' | 'query' | 'read_state';
const CANISTER_VERSIONS: Record<Endpoint, ReadonlySet<number>> = {
  call: new Set([2, 3, 4]),
  query: new Set([2, 3]),
  read_state: new Set([2, 3]),
};
const SUBNET_VERSIONS: Record<Endpoint, ReadonlySet<number>> = {
  call: new Set([4]),
  query: new Set([3]),
  read_state: new Set([2, 3]),
};

const SHAPE = /^\/api\/v([234])\/(canister|subnet)\/([^/]*)\/(call|query|read_state)$/;

/** Clients call a few canisters many times, and to check the text of a principal takes longer than to find it here. */
const known = new BoundedCache<ApiRoute>(1024);

/** `path` begins with `/api/` and has no query string. The same object may be given again. */
export function parseApiPath(path: string): ApiRoute {
  let route = known.get(path);
  if (route === undefined) {
    route = parsed(path);
    // Only these are of limited length.
    if ('target' in route) known.set(path, route);
  }
  return route;
}

function parsed(path: string): ApiRoute {
  if (path === '/api/v2/status') return { kind: 'status' };
  const match = SHAPE.exec(path);
  if (match === null) return { kind: 'unknown' };
  const [, versionText, place, id, endpointText] = match as unknown as [string, string, string, string, string];
  const version = Number(versionText);
  const endpoint = endpointText as Endpoint;
  const versions = place === 'canister' ? CANISTER_VERSIONS : SUBNET_VERSIONS;
  if (!versions[endpoint].has(version)) return { kind: 'unknown' };
  const principal = Principal.tryFromText(id);
  if (principal === undefined) return { kind: 'bad-principal', text: `Could not parse ${place} id ${JSON.stringify(id)} in the URL.` };
  const target: Target =
    place === 'canister'
      ? { kind: 'canister', effectiveCanisterId: principal.bytes }
      : { kind: 'subnet', subnetId: principal.bytes };
  return { kind: endpoint, version, target } as ApiRoute;
}
