/**
 * The one public port: the HTTP interface, the gateway to canisters' own pages, and whatever `node` mounts beside them.
 *
 * - H1: no input crashes or hangs the server; malformed requests get a 4xx with a text that says what is wrong.
 * - H2: `/api/` is the public interface under every host name, so that pages served from canisters reach it.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseApiPath } from './api-route.ts';
import type { ApiRoute } from './api-route.ts';
import type { Answer } from './answer.ts';
import { textAnswer } from './answer.ts';
import type { EndpointContext } from './endpoints.ts';
import { realTimer } from './timer.ts';
import type { Timer } from './timer.ts';
import { callAnswer, queryAnswer, readStateAnswer, statusAnswer } from './endpoints.ts';
import type { Gateway } from './gateway/gateway.ts';
import type { ReplicaPort } from './replica-port.ts';
import { BodyBudget, readBody } from './request-body.ts';

/** Bodies of the public interface; beyond any subnet's ingress limit. */
export const MAX_BODY_BYTES = 5 * 1024 * 1024;
/** Requests being worked on at once. */
const MAX_IN_FLIGHT = 8192;
/**
 * Bodies of all of them together: more than fifty of the largest, which is more than the subnets take into some blocks.
 * Beyond it the process would pay with its memory for who sends faster than is executed.
 */
const MAX_BODY_BYTES_IN_FLIGHT = 256 * 1024 * 1024;
/** Slow senders are cut off after this; it does not limit how long an answer takes. */
const RECEIVE_TIMEOUT_MS = 60_000;
/** Longer than common client pools keep idle connections, so that the client closes first and never races us. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;

/** Pages beside the interface (`/metrics`, `/_/dashboard`, …). Returns whether it took the request. */
export type Mount = (request: IncomingMessage, response: ServerResponse, path: string) => boolean;

export interface HttpServerOptions {
  readonly network: ReplicaPort;
  /** Serves canisters' pages; without it only the interface and mounts are there. */
  readonly gateway?: Gateway;
  readonly mount?: Mount;
  /** Told about failures that are nobody's input: a broken invariant behind an endpoint. */
  readonly onError?: (error: unknown, what: string) => void;
  /** Given in tests; otherwise real time. */
  readonly timer?: Timer;
  /** Given in tests; otherwise the bound above. */
  readonly maxBodyBytesInFlight?: number;
}

export interface HttpServer {
  /** The bound port. */
  readonly port: number;
  readonly host: string;
  /** Stops accepting, lets running answers finish for a moment, then closes. */
  close(): Promise<void>;
}


const CORS = { 'access-control-allow-origin': '*' };
const PREFLIGHT = {
  ...CORS,
  'access-control-allow-methods': 'GET, POST, HEAD',
  'access-control-allow-headers': 'authorization, accept, content-type, user-agent, cookie, range, if-none-match, if-modified-since',
  'access-control-max-age': '7200',
};

export async function startHttpServer(options: HttpServerOptions, port: number, host = '127.0.0.1'): Promise<HttpServer> {
  const server = createServer({ keepAlive: true, requestTimeout: RECEIVE_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS }, handler(options));
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n');
    else socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
  const address = server.address() as AddressInfo;
  return { port: address.port, host: address.address, close: () => closeServer(server) };
}

/** Time that running answers get on shutdown. */
const CLOSE_GRACE_MS = 500;

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const force = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
  await closed;
  clearTimeout(force);
}

/** Usable without a socket of its own, e.g. under another server. */
export function handler(options: HttpServerOptions): (request: IncomingMessage, response: ServerResponse) => void {
  const context: EndpointContext = { network: options.network, timer: options.timer ?? realTimer };
  const budget = new BodyBudget(options.maxBodyBytesInFlight ?? MAX_BODY_BYTES_IN_FLIGHT);
  let inFlight = 0;
  return (request, response) => {
    if (inFlight >= MAX_IN_FLIGHT) {
      request.resume();
      send(request, response, textAnswer(503, 'Service is overloaded, try again later.', CORS));
      return;
    }
    inFlight += 1;
    response.once('close', () => {
      inFlight -= 1;
      budget.release(request);
    });
    dispatch(options, context, budget, request, response).catch((error: unknown) => {
      options.onError?.(error, `${request.method ?? ''} ${request.url ?? ''}`);
      if (!response.headersSent) send(request, response, textAnswer(500, 'Internal server error.', CORS));
      else response.destroy();
    });
  };
}

async function dispatch(options: HttpServerOptions, context: EndpointContext, budget: BodyBudget, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = request.url ?? '/';
  const end = url.search(/[?#]/);
  const path = end < 0 ? url : url.slice(0, end);
  if (path.startsWith('/api/')) {
    send(request, response, await apiAnswer(context, budget, request, path));
    return;
  }
  const target = options.gateway?.resolve(request.headers.host, url, request.headers.referer);
  if (options.gateway !== undefined && target !== undefined) {
    await options.gateway.serve(target, budget, request, response);
    return;
  }
  if (options.mount?.(request, response, path) === true) return;
  if ((path === '/' || path === '/_/') && isBareHost(request.headers.host)) {
    send(request, response, { status: 303, body: '', headers: { location: '/_/dashboard' } });
    return;
  }
  send(request, response, textAnswer(404, options.gateway === undefined ? 'Endpoint not found.' : options.gateway.notFoundText(request.headers.host), CORS));
}

/** `localhost` or an address; a name that could stand for a canister gets an explanation instead of the dashboard. */
function isBareHost(hostHeader: string | undefined): boolean {
  const host = (hostHeader ?? '').replace(/:\d+$/, '');
  return host === '' || host === 'localhost' || host.startsWith('[') || /^[0-9.]+$/.test(host);
}

async function apiAnswer(context: EndpointContext, budget: BodyBudget, request: IncomingMessage, path: string): Promise<Answer> {
  if (request.method === 'OPTIONS') return { status: 200, body: '', headers: PREFLIGHT };
  const route = parseApiPath(path);
  const answer = await routeAnswer(context, budget, request, route);
  return { ...answer, headers: { ...CORS, ...answer.headers } };
}

async function routeAnswer(context: EndpointContext, budget: BodyBudget, request: IncomingMessage, route: ApiRoute): Promise<Answer> {
  if (route.kind === 'unknown') return textAnswer(404, `Endpoint not found: ${pathOf(request)}`);
  if (route.kind === 'status') {
    if (request.method !== 'GET' && request.method !== 'HEAD') return textAnswer(405, 'Method not allowed.', { allow: 'GET' });
    return statusAnswer(context);
  }
  if (request.method !== 'POST') return textAnswer(405, 'Method not allowed.', { allow: 'POST' });
  if (route.kind === 'bad-principal') return textAnswer(400, route.text);
  const contentType = request.headers['content-type'];
  if (contentType?.toLowerCase() !== 'application/cbor') {
    return textAnswer(400, `Unexpected content-type, expected application/cbor, got ${JSON.stringify(contentType ?? '')}.`);
  }
  const body = await readBody(request, MAX_BODY_BYTES, budget);
  if (body === 'too-large') return textAnswer(413, `Request body is larger than ${MAX_BODY_BYTES} bytes.`, { connection: 'close' });
  if (body === 'overloaded') return textAnswer(503, 'Service is overloaded: requests of too many bytes are being worked on, try again later.', { 'retry-after': '1' });
  if (body === 'aborted') return textAnswer(400, 'The request body ended early.');
  switch (route.kind) {
    case 'call':
      return callAnswer(context, route.target, route.version, body);
    case 'query':
      return queryAnswer(context, route.target, body);
    case 'read_state':
      return readStateAnswer(context, route.target, route.version, body);
  }
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?')[0]!.slice(0, 256);
}

export function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  if (response.destroyed) return;
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
  const headers: Record<string, string | number> = { 'content-length': body.length, ...answer.headers };
  if (answer.contentType !== undefined) headers['content-type'] = answer.contentType;
  response.writeHead(answer.status, headers);
  response.end(request.method === 'HEAD' ? undefined : body);
  // A refused body may still be on its way; without reading it the connection could not be used again.
  if (!request.complete) request.resume();
}
