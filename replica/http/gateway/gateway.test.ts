import { IDL } from '@dfinity/candid';
import { Principal as AgentPrincipal } from '@dfinity/principal';
import fc from 'fast-check';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Principal } from '../../types/principal.ts';
import { utf8 } from '../../codec/bytes.ts';
import { encodeHashTree, treeOf } from '../../codec/hash-tree.ts';
import type { HashTree } from '../../codec/hash-tree.ts';
import { sha256 } from '../../codec/sha256.ts';
import { initBls } from '../../crypto/bls.ts';
import type { HttpServer } from '../server.ts';
import { startHttpServer } from '../server.ts';
import type { TestCanister } from '../test-network.ts';
import { NO_METHOD, TestNetwork } from '../test-network.ts';
import { Gateway } from './gateway.ts';
import { HostAliases } from './host-aliases.ts';

// Properties with many runs: on a busy machine they take their time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const Request = IDL.Record({
  method: IDL.Text,
  url: IDL.Text,
  headers: IDL.Vec(IDL.Tuple(IDL.Text, IDL.Text)),
  body: IDL.Vec(IDL.Nat8),
  certificate_version: IDL.Opt(IDL.Nat16),
});
const Token = IDL.Record({ key: IDL.Text, index: IDL.Nat });
const Response = IDL.Record({
  status_code: IDL.Nat16,
  headers: IDL.Vec(IDL.Tuple(IDL.Text, IDL.Text)),
  body: IDL.Vec(IDL.Nat8),
  upgrade: IDL.Opt(IDL.Bool),
  streaming_strategy: IDL.Opt(
    IDL.Variant({ Callback: IDL.Record({ callback: IDL.Func([Token], [IDL.Opt(IDL.Record({ body: IDL.Vec(IDL.Nat8), token: IDL.Opt(Token) }))], ['query']), token: Token }) }),
  ),
});
const Part = IDL.Opt(IDL.Record({ body: IDL.Vec(IDL.Nat8), token: IDL.Opt(Token) }));

interface Asked {
  method: string;
  url: string;
  headers: [string, string][];
  body: Uint8Array;
  certificate_version: [] | [number];
}

const PIECES = ['one ', 'two ', 'three'].map(utf8);
const WHOLE = utf8('one two three');

let network: TestNetwork;
let server: HttpServer;
let site: Uint8Array;
let folder: string;
let tree: HashTree;
let asked: Asked[] = [];
let certify = true;
let partBytes = 5;

function ask(bytes: Uint8Array): Asked {
  const [request] = IDL.decode([Request], bytes) as unknown as [Asked];
  asked.push(request);
  return request;
}

function reply(fields: Partial<{ status_code: number; headers: [string, string][]; body: Uint8Array; upgrade: [] | [boolean]; streaming_strategy: unknown[] }>): Uint8Array {
  return new Uint8Array(IDL.encode([Response], [{ status_code: 200, headers: [], body: new Uint8Array(0), upgrade: [], streaming_strategy: [], ...fields }]));
}

/** Pages certified by version 1. */
const PAGES: Record<string, Uint8Array> = { '/': utf8('<h1>home</h1>'), '/big': WHOLE, '/post': utf8('posted') };

function proof(): [string, string] {
  const certificate = network.certificate(network.application, [[utf8('canister'), site, utf8('certified_data')], [utf8('time')]]);
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  return ['IC-Certificate', `certificate=:${base64(certificate)}:, tree=:${base64(encodeHashTree(tree))}:`];
}

const canister: TestCanister = {
  certifiedData: () => tree.digest(),
  query(method, arg) {
    if (method === 'more') {
      const [{ index }] = IDL.decode([Token], arg) as unknown as [{ index: bigint }];
      const next = index + 1n < BigInt(PIECES.length) ? [{ key: 'big', index: index + 1n }] : [];
      return new Uint8Array(IDL.encode([Part], [[{ body: PIECES[Number(index)]!, token: next }]]));
    }
    if (method !== 'http_request') return NO_METHOD;
    const { url } = ask(arg);
    const path = url.split('?')[0]!;
    const headers: [string, string][] = [['Content-Type', 'text/plain'], ...(certify ? [proof()] : [])];
    if (path === '/big') {
      const callback = [AgentPrincipal.fromUint8Array(site), 'more'];
      return reply({ headers, body: PIECES[0]!, streaming_strategy: [{ Callback: { callback, token: { key: 'big', index: 1n } } }] });
    }
    if (path === '/parts') {
      const from = Number(/bytes=(\d+)-/.exec(asked.at(-1)!.headers.find(([name]) => name === 'range')?.[1] ?? '')?.[1] ?? 0);
      const body = WHOLE.slice(from, from + partBytes);
      const range: [string, string] = ['Content-Range', `bytes ${from}-${from + body.length - 1}/${WHOLE.length}`];
      return reply({ status_code: 206, headers: [headers[0]!, range], body });
    }
    if (path === '/crumbs' || path === '/endless') {
      const from = Number(/bytes=(\d+)-/.exec(asked.at(-1)!.headers.find(([name]) => name === 'range')?.[1] ?? '')?.[1] ?? 0);
      const body = new Uint8Array(from === 0 && path === '/crumbs' ? 100 : 1);
      const total = path === '/crumbs' ? 5000 : 100_000_000;
      return reply({ status_code: 206, headers: [['Content-Range', `bytes ${from}-${from + body.length - 1}/${total}`]], body });
    }
    if (path === '/upgrade') return reply({ upgrade: [true] });
    if (path === '/odd-headers') {
      return reply({ headers: [...headers, ['X-Split', 'a\r\nSet-Cookie: b'], ['bad name', 'x'], ['Transfer-Encoding', 'chunked'], ['Connection', 'close'], ['Content-Length', '3'], ['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2']], body: PAGES['/']! });
    }
    if (path === '/teapot') return reply({ status_code: 42, headers, body: PAGES['/']! });
    if (path === '/not-modified') return reply({ status_code: 304, headers });
    if (path === '/garbage') return utf8('not candid');
    const body = PAGES[path];
    return reply({ status_code: body ? 200 : 404, headers, body: body ?? utf8('missing') });
  },
  update(method, arg) {
    if (method !== 'http_request_update') return NO_METHOD;
    const { body } = ask(arg);
    return reply({ status_code: 201, headers: [['X-From', 'update']], body });
  },
};

beforeAll(async () => {
  await initBls();
  network = new TestNetwork();
  site = network.id(network.application, 5);
  tree = treeOf({ http_assets: Object.fromEntries([...Object.entries(PAGES), ['/odd-headers', PAGES['/']!], ['/teapot', PAGES['/']!], ['/not-modified', new Uint8Array(0)]].map(([path, body]) => [path, sha256(body as Uint8Array)])) });
  network.install(site, canister);
  network.install(network.id(network.application, 6), {});
  folder = mkdtempSync(join(tmpdir(), 'gateway-'));
  const aliases = new HostAliases({ 'parley.localhost': text(site) }, [join(folder, 'host-aliases.json'), join(folder, 'custom-domains.txt')]);
  const timer = { after: (_ms: number, callback: () => void) => (setImmediate(callback), () => {}) };
  server = await startHttpServer({ network, gateway: new Gateway(network, aliases, timer) }, 0);
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  asked = [];
  certify = true;
});

function text(bytes: Uint8Array): string {
  return Principal.fromBytes(bytes).toText();
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

function fetchFrom(host: string, path: string, options: { method?: string; headers?: Record<string, string>; body?: Uint8Array } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { port: server.port, host: '127.0.0.1', path, method: options.method ?? 'GET', headers: { host: `${host}:${server.port}`, ...options.headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks).toString() }));
      },
    );
    request.on('error', reject);
    request.end(options.body);
  });
}

const host = (): string => `${text(site)}.localhost`;

describe('finding the canister', () => {
  it('goes by host name, friendly name, query parameter, and the page that refers to a part', async () => {
    const answers = [
      await fetchFrom(host(), '/'),
      await fetchFrom(host().toUpperCase(), '/'),
      await fetchFrom('parley.localhost', '/'),
      await fetchFrom('127.0.0.1', `/?canisterId=${text(site)}`),
      await fetchFrom('127.0.0.1', '/', { headers: { referer: `http://127.0.0.1:${server.port}/x?canisterId=${text(site)}` } }),
    ];
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 200, body: '<h1>home</h1>' });
      expect(answer.headers['x-ic-canister-id']).toBe(text(site));
    }
  });

  it('follows the files of host names as they change', async () => {
    expect((await fetchFrom('chat.localhost', '/')).status).toBe(404);
    writeFileSync(join(folder, 'host-aliases.json'), JSON.stringify({ chat: text(site), broken: 'x', number: 1 }));
    expect((await fetchFrom('chat.localhost', '/')).status).toBe(200);
    writeFileSync(join(folder, 'host-aliases.json'), '{ half a file');
    expect((await fetchFrom('chat.localhost', '/')).status).toBe(200);
    writeFileSync(join(folder, 'host-aliases.json'), '{}');
    expect((await fetchFrom('chat.localhost', '/')).status).toBe(404);
    writeFileSync(join(folder, 'custom-domains.txt'), `front.local.localhost:${text(site)}\n\nnonsense\n`);
    expect((await fetchFrom('front.local.localhost', '/')).status).toBe(200);
  });

  it('does not take strangers’ referrers, other principals or unknown hosts', async () => {
    const stranger = { referer: `http://elsewhere.example/?canisterId=${text(site)}` };
    expect((await fetchFrom('127.0.0.1', '/x', { headers: stranger })).status).toBe(404);
    expect((await fetchFrom('aaaaa-aa.localhost', '/')).status).not.toBe(200);
    expect((await fetchFrom('127.0.0.1', '/x?canisterId=2vxsx-fae')).status).toBe(404);
    const unknown = await fetchFrom('nobody.localhost', '/x');
    expect(unknown.status).toBe(404);
    expect(unknown.body).toMatch(/parley\.localhost/);
  });

  it('leaves the public interface reachable under every host', async () => {
    expect((await fetchFrom(host(), '/api/v2/status')).headers['content-type']).toBe('application/cbor');
  });
});

describe('asking the canister', () => {
  it('hands over method, URL, end-to-end headers and body, asking for certification version 2', async () => {
    const headers = { 'X-Custom': 'a', connection: 'keep-alive, x-hop', 'x-hop': '1', te: 'trailers', range: 'bytes=0-1', cookie: 'c=1' };
    await fetchFrom(host(), '/post?q=1', { method: 'POST', body: utf8('body'), headers });
    expect(asked).toHaveLength(1);
    const [request] = asked as [Asked];
    expect(request).toMatchObject({ method: 'POST', url: '/post?q=1', certificate_version: [2] });
    expect(new TextDecoder().decode(Uint8Array.from(request.body))).toBe('body');
    const names = Object.fromEntries(request.headers);
    expect(names).toMatchObject({ 'x-custom': 'a', range: 'bytes=0-1', cookie: 'c=1', host: `${host()}:${server.port}` });
    for (const hop of ['connection', 'x-hop', 'te', 'keep-alive']) expect(names[hop]).toBeUndefined();
  });

  it('upgrades to an update call when asked to', async () => {
    const answer = await fetchFrom(host(), '/upgrade', { method: 'POST', body: utf8('data') });
    expect(answer).toMatchObject({ status: 201, body: 'data' });
    expect(answer.headers['x-from']).toBe('update');
  });

  it('collects a streamed body and verifies the whole of it', async () => {
    expect(await fetchFrom(host(), '/big')).toMatchObject({ status: 200, body: 'one two three' });
    const original = PIECES[1]!;
    PIECES[1] = utf8('TWO ');
    expect((await fetchFrom(host(), '/big')).status).toBe(503);
    PIECES[1] = original;
  });

  it('assembles a response in parts for clients that want the whole, and passes parts to those that ask for ranges', async () => {
    const raw = `${text(site)}.raw.localhost`;
    const whole = await fetchFrom(raw, '/parts');
    expect(whole).toMatchObject({ status: 200, body: 'one two three' });
    expect(whole.headers['content-range']).toBeUndefined();
    expect(asked.map(({ headers }) => headers.find(([name]) => name === 'range')?.[1])).toEqual([undefined, 'bytes=5-', 'bytes=10-']);
    const part = await fetchFrom(raw, '/parts', { headers: { range: 'bytes=4-' } });
    expect(part).toMatchObject({ status: 206, body: 'two t' });
    expect(part.headers['content-range']).toBe('bytes 4-8/13');
    partBytes = 0;
    expect((await fetchFrom(raw, '/parts')).status).toBe(502);
    partBytes = 5;
  });

  it('gives up on a response in more parts than a large page has', async () => {
    const raw = `${text(site)}.raw.localhost`;
    asked = [];
    expect((await fetchFrom(raw, '/endless')).status).toBe(502);
    expect(asked.length).toBe(1);
    expect((await fetchFrom(raw, '/crumbs')).status).toBe(502);
    expect(asked.length).toBe(3);
  });

  it('answers HEAD without a body but with its length', async () => {
    const answer = await fetchFrom(host(), '/', { method: 'HEAD' });
    expect(answer).toMatchObject({ status: 200, body: '' });
    expect(answer.headers['content-length']).toBe('13');
  });

  it('refuses bodies beyond what the subnet takes', async () => {
    expect((await fetchFrom(host(), '/post', { method: 'POST', body: new Uint8Array(2 * 1024 * 1024) })).status).toBe(413);
  });
});

describe('answering the client', () => {
  it('passes headers on, except those that are unsafe or concern the connection', async () => {
    const answer = await fetchFrom(host(), '/odd-headers');
    expect(answer.status).toBe(200);
    expect(answer.headers['x-split']).toBeUndefined();
    expect(answer.headers['transfer-encoding']).toBeUndefined();
    expect(answer.headers['content-length']).toBe('13');
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(answer.headers['access-control-allow-origin']).toBe('*');
  });

  it('turns impossible status codes into 502 and keeps 304 without a body', async () => {
    expect((await fetchFrom(host(), '/teapot')).status).toBe(502);
    const notModified = await fetchFrom(host(), '/not-modified');
    expect(notModified.status).toBe(304);
    expect(notModified.headers['content-length']).toBeUndefined();
  });

  it('answers preflights itself', async () => {
    const answer = await fetchFrom(host(), '/', { method: 'OPTIONS', headers: { 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-a' } });
    expect(answer.status).toBe(204);
    expect(answer.headers['access-control-allow-headers']).toBe('x-a');
    expect(asked).toHaveLength(0);
  });

  it('shows an error page instead of a response that does not verify, except under raw host names', async () => {
    certify = false;
    const page = await fetchFrom(host(), '/', { headers: { accept: 'text/html' } });
    expect(page.status).toBe(503);
    expect(page.headers['content-type']).toMatch(/^text\/html/);
    expect(page.body).toMatch(/could not be verified/);
    expect(page.body).not.toMatch(/home/);
    const plain = await fetchFrom(host(), '/');
    expect(plain.headers['content-type']).toMatch(/^text\/plain/);
    expect((await fetchFrom(`${text(site)}.raw.localhost`, '/')).body).toBe('<h1>home</h1>');
  });

  it('explains missing canisters, canisters without pages, and replies that are not HTTP', async () => {
    const empty = text(network.id(network.application, 6));
    expect((await fetchFrom(`${empty}.localhost`, '/')).status).toBe(404);
    const nowhere = text(new Uint8Array(10).fill(250));
    expect(await fetchFrom(`${nowhere}.localhost`, '/')).toMatchObject({ status: 404, body: expect.stringMatching(/IC0301/) as string });
    expect((await fetchFrom(host(), '/garbage')).status).toBe(502);
  });

  it('never shows a page with any byte of its certified data path changed', async () => {
    const good = PAGES['/']!;
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        PAGES['/'] = good.slice();
        PAGES['/']![at]! ^= change;
        expect((await fetchFrom(host(), '/')).status).toBe(503);
      }),
      { numRuns: 30 },
    );
    PAGES['/'] = good;
  });
});
