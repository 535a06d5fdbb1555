/**
 * The HTTP gateway: canisters' own pages under `<canister-id>.localhost`, friendly host names and `?canisterId=`.
 *
 * - G3: a query response reaches the client only if it verifies (see verification.ts), except under `raw` host names.
 * - G4: hop-by-hop headers do not pass, in either direction.
 * Source: HTTP Gateway Protocol Specification.
 */
import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Principal } from '../../types/principal.ts';
import { concatBytes, equalBytes } from '../../codec/bytes.ts';
import type { ReplicaPort, UserError } from '../replica-port.ts';
import type { Timer } from '../timer.ts';
import { readBody } from '../request-body.ts';
import type { BodyBudget } from '../request-body.ts';
import { decodeCallbackResponse, decodeResponse, encodeRequest, encodeUpdateRequest, GatewayCandidError } from './candid.ts';
import type { DecodedResponse, StreamingCallback } from './candid.ts';
import { queryCanister, updateCanister } from './canister-calls.ts';
import type { CallResult } from './canister-calls.ts';
import { errorPage } from './error-page.ts';
import type { GatewayProblem } from './error-page.ts';
import type { HostAliases } from './host-aliases.ts';
import { headerValue } from './types.ts';
import type { CanisterHttpRequest, HeaderList } from './types.ts';
import { VerificationError, verifyResponse } from './verification.ts';

/** A verified body is held whole; larger ones would exhaust the process. */
export const MAX_STREAMED_BYTES = 128 * 1024 * 1024;
const MAX_STREAM_CALLBACKS = 4096;
/** Room for the envelope around a request body. */
const REQUEST_OVERHEAD_BYTES = 64 * 1024;

/** RFC 9110, 7.6.1; what concerns one connection only. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const EXPOSED_HEADERS = 'accept-ranges, content-length, content-range, x-ic-canister-id';

export interface GatewayTarget {
  readonly canisterId: Uint8Array;
  /** Under `<canister-id>.raw.…`: pages on the canister's word alone. */
  readonly raw: boolean;
}

export class Gateway {
  readonly #network: ReplicaPort;
  readonly #aliases: HostAliases;
  readonly #timer: Timer;

  constructor(network: ReplicaPort, aliases: HostAliases, timer: Timer) {
    this.#network = network;
    this.#aliases = aliases;
    this.#timer = timer;
  }

  /** The canister that a request is for, or undefined if it is not for one. */
  resolve(hostHeader: string | undefined, url: string, referer: string | undefined): GatewayTarget | undefined {
    const host = (hostHeader ?? '').toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
    const [first, second, third] = host.split('.');
    const inHost = second === undefined ? undefined : canisterFromText(first);
    if (inHost !== undefined) return { canisterId: inHost, raw: second === 'raw' && third !== undefined };
    const alias = this.#aliases.canisterFor(host);
    if (alias !== undefined) return { canisterId: alias, raw: false };
    // Pages reached by query parameter load their parts without it; the referrer tells whose parts they are.
    const named = canisterParameter(url) ?? (refersTo(referer, hostHeader) ? canisterParameter(referer!) : undefined);
    return named === undefined ? undefined : { canisterId: named, raw: false };
  }

  /** Says what to type when a host name leads nowhere. */
  notFoundText(hostHeader: string | undefined): string {
    const known = this.#aliases.hosts();
    const hint = known.length === 0 ? '' : `\nKnown host names: ${known.join(', ')}`;
    return `Endpoint not found. No canister is served under ${JSON.stringify(hostHeader ?? '')}.\nUse http://<canister-id>.localhost:<port>/ or ?canisterId=<canister-id>.${hint}\n`;
  }

  async serve(target: GatewayTarget, budget: BodyBudget, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const canisterText = Principal.fromBytes(target.canisterId).toText();
    if (isPreflight(request)) {
      respond(request, response, 204, preflightHeaders(request), new Uint8Array(0), canisterText);
      return;
    }
    const outcome = await this.#answer(target, budget, request);
    if ('problem' in outcome) {
      const { problem } = outcome;
      const asPage = (request.headers.accept ?? '').includes('text/html');
      const body = asPage ? errorPage(problem, canisterText) : `${problem.title}\n\n${problem.detail}\n`;
      const headers: HeaderList = [
        ['content-type', asPage ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8'],
        ['cache-control', 'no-store'],
      ];
      respond(request, response, problem.status, headers, Buffer.from(body), canisterText);
      return;
    }
    respond(request, response, outcome.statusCode, outcome.headers, outcome.body, canisterText);
  }

  async #answer(target: GatewayTarget, budget: BodyBudget, incoming: IncomingMessage): Promise<PageOutcome> {
    const subnetId = this.#network.subnetOf({ kind: 'canister', effectiveCanisterId: target.canisterId });
    const maxBytes = (subnetId === undefined ? 0 : this.#network.maxIngressBytes(subnetId)) - REQUEST_OVERHEAD_BYTES;
    const body = await readBody(incoming, Math.max(maxBytes, 0), budget);
    if (body === 'too-large') {
      return problem(413, 'The request is too large', `Canisters take requests of up to ${maxBytes} bytes.`);
    }
    if (body === 'overloaded') return problem(503, 'The replica is overloaded', 'Requests of too many bytes are being worked on. Try again in a moment.');
    if (body === 'aborted') return problem(400, 'The request ended early', 'The body was cut short.');
    const request: CanisterHttpRequest = {
      method: incoming.method ?? 'GET',
      url: incoming.url ?? '/',
      headers: forwardedHeaders(incoming),
      body,
    };
    try {
      return await this.#ask(target, request);
    } catch (error) {
      if (error instanceof VerificationError) return problem(503, 'The response could not be verified', error.message);
      if (error instanceof GatewayCandidError) {
        return problem(502, 'The canister answered with something that is not HTTP', error.message);
      }
      throw error;
    }
  }

  async #ask(target: GatewayTarget, request: CanisterHttpRequest): Promise<PageOutcome> {
    const { canisterId } = target;
    const queried = await queryCanister(this.#network, canisterId, 'http_request', encodeRequest(request));
    if (queried.kind !== 'replied') return callProblem(queried);
    const first = decodeResponse(queried.arg);
    if (!first.upgrade) {
      const page = this.#verified(target, request, await this.#wholeBody(canisterId, first));
      return page.statusCode === 206 && request.method === 'GET' && headerValue(request.headers, 'range') === undefined
        ? this.#assembled(target, request, page)
        : page;
    }
    // The reply of an update went through consensus and comes in a certificate of its own.
    const updated = await updateCanister(this.#network, this.#timer, canisterId, 'http_request_update', encodeUpdateRequest(request));
    if (updated.kind !== 'replied') return callProblem(updated);
    return this.#wholeBody(canisterId, decodeResponse(updated.arg));
  }

  #verified(target: GatewayTarget, request: CanisterHttpRequest, page: Page): Page {
    if (target.raw) return page;
    const { canisterId } = target;
    const nowNanos = this.#network.nowNanos();
    const verified = verifyResponse(request, page, { canisterId, rootKeyDer: this.#network.status().rootKey, nowNanos });
    return { ...page, headers: withCertificate(verified.headers, page.headers) };
  }

  /**
   * Canisters answer with the first part when the whole does not fit a message. A client that asked for the whole gets
   * it: the gateway asks for the other ranges, each certified by itself.
   */
  async #assembled(target: GatewayTarget, request: CanisterHttpRequest, first: Page): Promise<Page> {
    const { from, total } = rangeOf(first);
    if (from !== 0) throw new GatewayCandidError('The first part of the response is not its beginning.');
    if (total > MAX_STREAMED_BYTES) throw new GatewayCandidError(`The response is longer than ${MAX_STREAMED_BYTES} bytes.`);
    const parts = [first.body];
    /** In parts of this size, the rest must be there before it is too many: a page in crumbs would take days. */
    const checkRest = (rest: number, partBytes: number): void => {
      if (rest > partBytes * (MAX_STREAM_CALLBACKS - parts.length)) throw new GatewayCandidError('The response has too many parts.');
    };
    checkRest(total - first.body.length, first.body.length);
    for (let at = first.body.length; at < total; ) {
      const ranged = { ...request, headers: [...request.headers, ['range', `bytes=${at}-`] as const] };
      const result = await queryCanister(this.#network, target.canisterId, 'http_request', encodeRequest(ranged));
      if (result.kind !== 'replied') throw new GatewayCandidError(`A part of the response is missing: ${problemText(result)}`);
      const part = this.#verified(target, ranged, decodeResponse(result.arg));
      const range = part.statusCode === 206 ? rangeOf(part) : undefined;
      if (range?.from !== at || range.total !== total || part.body.length === 0) {
        throw new GatewayCandidError('The parts of the response do not fit together.');
      }
      parts.push(part.body);
      at += part.body.length;
      checkRest(total - at, part.body.length);
    }
    const headers = first.headers.filter(([name]) => !/^(content-range|ic-certificate|ic-certificateexpression)$/i.test(name));
    return { statusCode: 200, headers, body: concatBytes(...parts) };
  }

  /** Follows the streaming callback to its end. */
  async #wholeBody(canisterId: Uint8Array, response: DecodedResponse): Promise<Page> {
    const { statusCode, headers } = response;
    const parts = [response.body];
    let bytes = response.body.length;
    let next: StreamingCallback | undefined = response.streaming;
    for (let calls = 0; next !== undefined; calls++) {
      if (!equalBytes(next.canisterId, canisterId)) throw new GatewayCandidError('The streaming callback is in another canister.');
      if (calls >= MAX_STREAM_CALLBACKS) throw new GatewayCandidError('The stream has too many parts.');
      const result = await queryCanister(this.#network, canisterId, next.method, next.arg);
      if (result.kind !== 'replied') throw new GatewayCandidError(`The streaming callback failed: ${problemText(result)}`);
      const part = decodeCallbackResponse(result.arg);
      if (part === undefined) break;
      bytes += part.body.length;
      if (bytes > MAX_STREAMED_BYTES) throw new GatewayCandidError(`The stream is longer than ${MAX_STREAMED_BYTES} bytes.`);
      parts.push(part.body);
      next = part.nextArg === undefined ? undefined : { ...next, arg: part.nextArg };
    }
    return { statusCode, headers, body: parts.length === 1 ? parts[0]! : concatBytes(...parts) };
  }
}

interface Page {
  readonly statusCode: number;
  readonly headers: HeaderList;
  readonly body: Uint8Array;
}

/** `Content-Range: bytes 0-99/1000` */
function rangeOf(page: Page): { from: number; total: number } {
  const match = /^bytes (\d{1,12})-(\d{1,12})\/(\d{1,12})$/.exec(headerValue(page.headers, 'content-range') ?? '');
  const [from, to, total] = (match ?? []).slice(1).map(Number);
  if (from === undefined || to === undefined || total === undefined || to - from + 1 !== page.body.length || to >= total) {
    throw new GatewayCandidError('The Content-Range of a partial response is wrong.');
  }
  return { from, total };
}

type PageOutcome = Page | { readonly problem: GatewayProblem };

function problem(status: number, title: string, detail: string): PageOutcome {
  return { problem: { status, title, detail } };
}

function problemText(result: CallResult & { kind: 'rejected' | 'unavailable' }): string {
  return result.kind === 'unavailable' ? result.text : `${result.error.errorCode}: ${result.error.rejectMessage}`;
}

function callProblem(result: CallResult & { kind: 'rejected' | 'unavailable' }): PageOutcome {
  if (result.kind === 'unavailable') return problem(503, 'The network is not available', result.text);
  const [status, title] = rejectTitle(result.error);
  return problem(status, title, problemText(result));
}

function rejectTitle(error: UserError): [number, string] {
  switch (error.errorCode) {
    case 'IC0301':
      return [404, 'There is no such canister'];
    case 'IC0537':
      return [404, 'The canister is empty'];
    case 'IC0536':
      return [404, 'The canister serves no pages'];
    case 'IC0508':
    case 'IC0509':
      return [503, 'The canister is stopped'];
    case 'IC0207':
      return [503, 'The canister is out of cycles'];
    default:
      return [500, 'The canister failed to answer'];
  }
}

/** An opaque canister id; other principals cannot serve pages. */
function canisterFromText(text: string | undefined): Uint8Array | undefined {
  if (text === undefined) return undefined;
  const principal = Principal.tryFromText(text);
  if (principal === undefined || principal.isManagement() || principal.isAnonymous() || principal.isSelfAuthenticating()) return undefined;
  return principal.bytes;
}

function canisterParameter(url: string): Uint8Array | undefined {
  const question = url.indexOf('?');
  if (question < 0) return undefined;
  return canisterFromText(new URLSearchParams(url.slice(question + 1).split('#')[0]).get('canisterId') ?? undefined);
}

function refersTo(referer: string | undefined, hostHeader: string | undefined): boolean {
  if (referer === undefined || hostHeader === undefined) return false;
  try {
    return new URL(referer).host === hostHeader;
  } catch {
    return false;
  }
}

function forwardedHeaders(request: IncomingMessage): HeaderList {
  const named = new Set((request.headers.connection ?? '').toLowerCase().split(',').map((name) => name.trim()));
  const headers: [string, string][] = [];
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i]!.toLowerCase();
    if (!HOP_BY_HOP.has(name) && !named.has(name)) headers.push([name, request.rawHeaders[i + 1]!]);
  }
  return headers;
}

/** Verified headers, plus the proof itself for clients that check again. */
function withCertificate(verified: HeaderList, all: HeaderList): HeaderList {
  if (verified === all) return all;
  const proof = all.filter(([name]) => /^ic-certificate(expression)?$/i.test(name));
  return [...verified, ...proof];
}

function isPreflight(request: IncomingMessage): boolean {
  return request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined;
}

function preflightHeaders(request: IncomingMessage): HeaderList {
  return [
    ['access-control-allow-origin', '*'],
    ['access-control-allow-methods', 'GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS'],
    ['access-control-allow-headers', request.headers['access-control-request-headers'] ?? '*'],
    ['access-control-max-age', '7200'],
  ];
}

function respond(request: IncomingMessage, response: ServerResponse, status: number, headers: HeaderList, body: Uint8Array, canisterId: string): void {
  if (response.destroyed) return;
  // Node counts 1xx as interim; anything outside HTTP's range is the canister's mistake.
  const statusCode = status >= 200 && status <= 599 ? status : 502;
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || lower === 'content-length') continue;
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    } catch {
      continue; // A line break in a header would split the response.
    }
    response.appendHeader(name, value);
  }
  response.setHeader('x-ic-canister-id', canisterId);
  if (headerValue(headers, 'access-control-allow-origin') === undefined) {
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-expose-headers', EXPOSED_HEADERS);
  }
  const bodiless = statusCode === 204 || statusCode === 304;
  if (!bodiless) response.setHeader('content-length', body.length);
  response.statusCode = statusCode;
  response.end(bodiless || request.method === 'HEAD' ? undefined : body);
  if (!request.complete) request.resume();
}
