import { Actor, HttpAgent } from '@dfinity/agent';
import { Ed25519KeyIdentity } from '@dfinity/identity';
import type { IDL } from '@dfinity/candid';
import { Principal as AgentPrincipal } from '@dfinity/principal';
import { Actor as CoreActor, HttpAgent as CoreAgent } from '@icp-sdk/core/agent';
import type { IDL as CoreIDL } from '@icp-sdk/core/candid';
import fc from 'fast-check';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Principal } from '../types/principal.ts';
import { utf8, utf8Decode } from '../codec/bytes.ts';
import type { CborValue } from '../codec/cbor.ts';
import { asMap, decodeCbor, encodeTagged } from '../codec/cbor.ts';
import { lookup, lookupLeaf } from '../codec/hash-tree.ts';
import { hashOfMap } from '../codec/request-id.ts';
import { initBls } from '../crypto/bls.ts';
import { verifyCertificate } from '../crypto/certificate.ts';
import type { HttpServer } from './server.ts';
import { MAX_BODY_BYTES, startHttpServer } from './server.ts';
import { TestNetwork } from './test-network.ts';
import type { Timer } from './timer.ts';

// Properties with many runs: on a busy machine they take their time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let network: TestNetwork;
let server: HttpServer;
let url: string;
const errors: unknown[] = [];
/** Fires only when told to. */
const pending: (() => void)[] = [];
const manualTimer: Timer = {
  after(_ms, callback) {
    pending.push(callback);
    return () => void pending.splice(pending.indexOf(callback), 1);
  },
};

const anonymous = Uint8Array.of(4);
let ROOT_CANISTER: Uint8Array;
let APP_CANISTER: Uint8Array;

beforeAll(async () => {
  await initBls();
  network = new TestNetwork();
  ROOT_CANISTER = network.id(network.root, 7);
  APP_CANISTER = network.id(network.application, 7);
  server = await startHttpServer({ network, timer: manualTimer, onError: (error) => errors.push(error) }, 0);
  url = `http://127.0.0.1:${server.port}`;
});
afterAll(() => server.close());
beforeEach(() => {
  errors.length = 0;
  network.health = 'healthy';
  network.hold = undefined;
  for (const id of [ROOT_CANISTER, APP_CANISTER]) {
    network.install(id, {
      query: (method, arg) => (method === 'greet' ? arg : { rejectCode: 5, errorCode: 'IC0536', rejectMessage: `no query method '${method}'` }),
      update: (method, arg) => (method === 'greet' ? arg : { rejectCode: 5, errorCode: 'IC0536', rejectMessage: `no update method '${method}'` }),
    });
  }
});

function text(bytes: Uint8Array): string {
  return Principal.fromBytes(bytes).toText();
}

function callContent(changes: Record<string, CborValue> = {}): Record<string, CborValue> {
  return {
    request_type: 'call',
    sender: anonymous,
    ingress_expiry: network.nowNanos() + 60_000_000_000n,
    canister_id: APP_CANISTER,
    method_name: 'greet',
    arg: utf8('hello'),
    nonce: new Uint8Array(8).map(() => Math.floor(Math.random() * 256)),
    ...changes,
  };
}

async function post(path: string, body: CborValue | Uint8Array, contentType = 'application/cbor'): Promise<{ status: number; text: string; bytes: Uint8Array; type: string | null }> {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': contentType },
    body: (body instanceof Uint8Array ? body : encodeTagged(body)) as Uint8Array<ArrayBuffer>,
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, bytes, text: new TextDecoder().decode(bytes), type: response.headers.get('content-type') };
}

const canisterPath = (id: Uint8Array, endpoint: string, version: number): string => `/api/v${version}/canister/${text(id)}/${endpoint}`;

describe('official clients', () => {
  const idl: IDL.InterfaceFactory = ({ IDL: I }) =>
    I.Service({ greet: I.Func([I.Text], [I.Text], []), missing: I.Func([], [], []) });
  const idlQuery: IDL.InterfaceFactory = ({ IDL: I }) =>
    I.Service({ greet: I.Func([I.Text], [I.Text], ['query']), missing: I.Func([], [], ['query']) });

  it.each(['root', 'application'] as const)('@dfinity/agent calls and queries a canister on the %s subnet, checking every certificate and signature', async (where) => {
    const canisterId = where === 'root' ? ROOT_CANISTER : APP_CANISTER;
    for (const identity of [undefined, Ed25519KeyIdentity.generate()]) {
      const agent = await HttpAgent.create({ host: url, identity, shouldFetchRootKey: true, retryTimes: 0, verifyQuerySignatures: true });
      const updates = Actor.createActor<{ greet(t: string): Promise<string>; missing(): Promise<void> }>(idl, { agent, canisterId: AgentPrincipal.fromUint8Array(canisterId) });
      const queries = Actor.createActor<{ greet(t: string): Promise<string>; missing(): Promise<void> }>(idlQuery, { agent, canisterId: AgentPrincipal.fromUint8Array(canisterId) });
      expect(await updates.greet('a')).toBe('a');
      expect(await queries.greet('b')).toBe('b');
      await expect(updates.missing()).rejects.toThrow(/IC0536/);
      await expect(queries.missing()).rejects.toThrow(/IC0536/);
    }
  });

  it.each(['root', 'application'] as const)('@icp-sdk/core calls and queries a canister on the %s subnet, checking every certificate and signature', async (where) => {
    const canisterId = text(where === 'root' ? ROOT_CANISTER : APP_CANISTER);
    const agent = await CoreAgent.create({ host: url, shouldFetchRootKey: true, retryTimes: 0, verifyQuerySignatures: true });
    const factory = (annotations: string[]): CoreIDL.InterfaceFactory => ({ IDL: I }) =>
      I.Service({ greet: I.Func([I.Text], [I.Text], annotations), missing: I.Func([], [], annotations) });
    const make = (annotations: string[]): Promise<Record<string, (...args: string[]) => Promise<unknown>>> =>
      Promise.resolve(
        CoreActor.createActor(factory(annotations), { agent, canisterId }),
      );
    const [updates, queries] = [await make([]), await make(['query'])];
    expect(await updates['greet']!('a')).toBe('a');
    expect(await queries['greet']!('b')).toBe('b');
    await expect(updates['missing']!()).rejects.toThrow(/IC0536/);
    await expect(queries['missing']!()).rejects.toThrow(/IC0536/);
  });
});

describe('status', () => {
  it('tells health and root key without authentication', async () => {
    const response = await fetch(`${url}/api/v2/status`);
    expect(response.headers.get('content-type')).toBe('application/cbor');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect([...bytes.subarray(0, 3)]).toEqual([0xd9, 0xd9, 0xf7]);
    expect(decodeCbor(bytes)).toMatchObject({ replica_health_status: 'healthy', root_key: network.root.keys.keyDer, certified_height: 1 });
  });

  it('is all that answers while the replica is not healthy', async () => {
    network.health = 'starting';
    expect(decodeCbor(new Uint8Array(await (await fetch(`${url}/api/v2/status`)).arrayBuffer()))).toMatchObject({ replica_health_status: 'starting' });
    for (const endpoint of ['call', 'query', 'read_state']) {
      const { status, text: body } = await post(canisterPath(APP_CANISTER, endpoint, 2), { content: callContent() });
      expect(status).toBe(503);
      expect(body).toBe('Replica is unhealthy: starting. Check the /api/v2/status for more information.');
    }
  });
});

describe('calls', () => {
  it.each([3, 4])('answer in version %i with a certificate of exactly time and request status', async (version) => {
    const content = callContent();
    const { status, bytes } = await post(canisterPath(APP_CANISTER, 'call', version), { content });
    expect(status).toBe(200);
    const reply = asMap(decodeCbor(bytes))!;
    expect(reply['status']).toBe('replied');
    const { tree } = verifyCertificate(reply['certificate'] as Uint8Array, network.root.keys.keyDer);
    const at = [utf8('request_status'), hashOfMap(content)];
    expect(utf8Decode(lookupLeaf(tree, [...at, utf8('reply')])!)).toBe('hello');
    expect(lookup(tree, [utf8('time')]).kind).toBe('found');
    expect(lookup(tree, [utf8('subnet')]).kind).toBe('unknown');
  });

  it('answer in version 2 with 202 and an empty body, and never run twice', async () => {
    const content = callContent();
    const before = network.calls;
    for (let i = 0; i < 2; i++) {
      const { status, bytes } = await post(canisterPath(APP_CANISTER, 'call', 2), { content });
      expect(status).toBe(202);
      expect(bytes.length).toBe(0);
    }
    expect((await post(canisterPath(APP_CANISTER, 'call', 4), { content })).status).toBe(200);
    expect(network.calls).toBe(before + 1);
  });

  it('answer 202 when the result takes too long', async () => {
    let release = (): void => {};
    network.hold = new Promise((resolve) => (release = resolve));
    const answer = post(canisterPath(APP_CANISTER, 'call', 4), { content: callContent() });
    await expect.poll(() => pending.length).toBe(1);
    pending[0]!();
    const { status, text: body } = await answer;
    expect(status).toBe(202);
    expect(body).toMatch(/within the replica defined timeout/);
    release();
  });

  it('answer refusals of the ingress filter with 200', async () => {
    const nobody = network.id(network.application, 99);
    const body = { content: callContent({ canister_id: nobody }) };
    const v2 = decodeCbor((await post(canisterPath(nobody, 'call', 2), body)).bytes);
    expect(v2).toEqual({ reject_code: 3, reject_message: 'Canister not found', error_code: 'IC0301' });
    const v4 = decodeCbor((await post(canisterPath(nobody, 'call', 4), body)).bytes);
    expect(v4).toEqual({ status: 'non_replicated_rejection', reject_code: 3, reject_message: 'Canister not found', error_code: 'IC0301' });
  });

  it('must go to the canister in the URL', async () => {
    const { status, text: body } = await post(canisterPath(ROOT_CANISTER, 'call', 4), { content: callContent() });
    expect(status).toBe(400);
    expect(body).toBe(`Specified CanisterId ${text(APP_CANISTER)} does not match effective canister id in URL ${text(ROOT_CANISTER)}`);
  });

  it('may not be larger than the subnet takes', async () => {
    const { status, text: body } = await post(canisterPath(APP_CANISTER, 'call', 4), { content: callContent({ arg: new Uint8Array(2 * 1024 * 1024) }) });
    expect(status).toBe(413);
    expect(body).toMatch(/is too large. Message byte size \d+ is larger than the max allowed 2097152\./);
  });

  it('must not have expired', async () => {
    const { status, text: body } = await post(canisterPath(APP_CANISTER, 'call', 4), { content: callContent({ ingress_expiry: 1n }) });
    expect(status).toBe(400);
    expect(body).toMatch(/^Invalid request expiry: /);
  });

  it('to subnets are for creating canisters only', async () => {
    const path = `/api/v4/subnet/${text(network.application.keys.id)}/call`;
    const { status } = await post(path, { content: callContent() });
    expect(status).toBe(400);
    const creation = callContent({ canister_id: new Uint8Array(0), method_name: 'create_canister' });
    expect(decodeCbor((await post(path, { content: creation })).bytes)).toMatchObject({ error_code: 'IC0301' });
    expect((await post(path.replace('v4', 'v3'), { content: creation })).status).toBe(404);
  });

  it('to canister ids outside every subnet are refused', async () => {
    const nowhere = new Uint8Array(10).fill(255);
    const { status, text: body } = await post(canisterPath(nowhere, 'call', 4), { content: callContent({ canister_id: nowhere }) });
    expect(status).toBe(400);
    expect(body).toMatch(/canister_not_found/);
  });
});

describe('read_state', () => {
  const read = async (paths: Uint8Array[][], version = 3, id = APP_CANISTER): ReturnType<typeof post> =>
    post(canisterPath(id, 'read_state', version), { content: { request_type: 'read_state', sender: anonymous, ingress_expiry: 0n, paths } });
  const readSubnet = async (paths: Uint8Array[][], version = 3): ReturnType<typeof post> =>
    post(`/api/v${version}/subnet/${text(network.application.keys.id)}/read_state`, {
      content: { request_type: 'read_state', sender: anonymous, ingress_expiry: 0n, paths },
    });
  const treeOfAnswer = (bytes: Uint8Array): ReturnType<typeof verifyCertificate>['tree'] =>
    verifyCertificate(asMap(decodeCbor(bytes))!['certificate'] as Uint8Array, network.root.keys.keyDer).tree;

  it('always shows the time', async () => {
    expect(lookup(treeOfAnswer((await read([])).bytes), [utf8('time')]).kind).toBe('found');
  });

  it('proves absence', async () => {
    const unknown = [utf8('request_status'), new Uint8Array(32)];
    expect(lookup(treeOfAnswer((await read([unknown])).bytes), unknown).kind).toBe('absent');
  });

  it('hides flat ranges of other subnets in version 3 and shows them in version 2', async () => {
    const at = [utf8('subnet'), network.application.keys.id, utf8('canister_ranges')];
    const rootAt = [utf8('subnet'), network.root.keys.id, utf8('canister_ranges')];
    const [v2, v3] = await Promise.all([read([[utf8('subnet')]], 2), read([[utf8('subnet')]], 3)]);
    expect(lookup(treeOfAnswer(v2.bytes), at).kind).toBe('found');
    expect(lookup(treeOfAnswer(v3.bytes), at).kind).toBe('unknown');
    expect(lookup(treeOfAnswer(v3.bytes), rootAt).kind).toBe('found');
    expect((await read([at], 2)).status).toBe(200);
    expect((await read([at], 3)).status).toBe(404);
    expect((await read([rootAt], 3)).status).toBe(200);
  });

  it('shows metrics of a subnet to readers of that subnet only', async () => {
    const at = [utf8('subnet'), network.application.keys.id, utf8('metrics')];
    expect((await read([at])).status).toBe(404);
    expect(lookup(treeOfAnswer((await read([[utf8('subnet')]])).bytes), at).kind).toBe('unknown');
    expect(lookup(treeOfAnswer((await readSubnet([at])).bytes), at).kind).toBe('found');
    expect((await readSubnet([[utf8('subnet'), network.root.keys.id, utf8('metrics')]])).status).toBe(400);
  });

  it.each<[string, (() => Uint8Array[][]), number, number]>([
    ['an empty path', () => [[]], 404, 404],
    ['an unknown root', () => [[utf8('secrets')]], 404, 404],
    ['a root that is not text', () => [[Uint8Array.of(0xff)]], 404, 404],
    ['all canisters', () => [[utf8('canister')]], 404, 404],
    ['all of a canister', () => [[utf8('canister'), APP_CANISTER]], 404, 404],
    ['certified data', () => [[utf8('canister'), APP_CANISTER, utf8('certified_data')]], 404, 404],
    ['controllers', () => [[utf8('canister'), APP_CANISTER, utf8('controllers')]], 200, 404],
    ['metadata', () => [[utf8('canister'), APP_CANISTER, utf8('metadata'), utf8('candid:service')]], 200, 404],
    ['all metadata', () => [[utf8('canister'), APP_CANISTER, utf8('metadata')]], 404, 404],
    ['metadata whose name is not text', () => [[utf8('canister'), APP_CANISTER, utf8('metadata'), Uint8Array.of(0xff)]], 400, 404],
    ['another canister', () => [[utf8('canister'), ROOT_CANISTER, utf8('controllers')]], 400, 404],
    ['a principal of 30 bytes', () => [[utf8('canister'), new Uint8Array(30), utf8('controllers')]], 400, 404],
    ['sharded ranges', () => [[utf8('canister_ranges'), network.application.keys.id]], 404, 200],
    ['sharded ranges of two subnets', () => [network.application, network.root].map((s) => [utf8('canister_ranges'), s.keys.id]), 404, 400],
    ['all sharded ranges', () => [[utf8('canister_ranges')]], 404, 404],
    ['a request id of 31 bytes', () => [[utf8('request_status'), new Uint8Array(31)]], 400, 400],
    ['two request ids', () => [1, 2].map((n) => [utf8('request_status'), new Uint8Array(32).fill(n)]), 400, 400],
    ['one request id twice', () => [[utf8('request_status'), new Uint8Array(32)], [utf8('request_status'), new Uint8Array(32), utf8('reply')]], 200, 200],
    ['all requests', () => [[utf8('request_status')]], 404, 404],
    ['an unknown part of a request', () => [[utf8('request_status'), new Uint8Array(32), utf8('sender')]], 404, 404],
    ['nodes', () => [[utf8('subnet'), network.application.keys.id, utf8('node')]], 200, 200],
    ['an unknown part of a subnet', () => [[utf8('subnet'), network.application.keys.id, utf8('secret')]], 404, 404],
    ['boundary nodes', () => [[utf8('api_boundary_nodes')]], 200, 200],
    ['below the time', () => [[utf8('time'), utf8('x')]], 404, 404],
  ])('answers for %s', async (_, paths, onCanister, onSubnet) => {
    expect((await read(paths())).status).toBe(onCanister);
    expect((await readSubnet(paths())).status).toBe(onSubnet);
  });

  it('does not tell others about a request', async () => {
    const content = callContent();
    await post(canisterPath(APP_CANISTER, 'call', 4), { content });
    const identity = Ed25519KeyIdentity.generate();
    const body = { request_type: 'read_state', sender: identity.getPrincipal().toUint8Array(), ingress_expiry: content['ingress_expiry'], paths: [[utf8('request_status'), hashOfMap(content)]] };
    const sig = new Uint8Array(await identity.sign(Uint8Array.of(10, ...utf8('ic-request'), ...hashOfMap(body as Record<string, CborValue>))));
    const envelope = { content: body as CborValue, sender_pubkey: new Uint8Array(identity.getPublicKey().toDer()), sender_sig: sig };
    expect((await post(canisterPath(APP_CANISTER, 'read_state', 3), envelope)).status).toBe(403);
    expect((await read([[utf8('request_status'), hashOfMap(content)]])).status).toBe(200);
  });
});

describe('the server', () => {
  it('refuses wrong content types, methods, principals and paths with a text', async () => {
    const content = encodeTagged({ content: callContent() });
    const cases: [number, string, RequestInit][] = [
      [400, canisterPath(APP_CANISTER, 'call', 4), { method: 'POST', body: content as Uint8Array<ArrayBuffer>, headers: { 'content-type': 'application/json' } }],
      [400, canisterPath(APP_CANISTER, 'call', 4), { method: 'POST', body: content as Uint8Array<ArrayBuffer> }],
      [405, canisterPath(APP_CANISTER, 'call', 4), { method: 'GET' }],
      [405, '/api/v2/status', { method: 'POST' }],
      [400, '/api/v4/canister/not-a-principal/call', { method: 'POST', headers: { 'content-type': 'application/cbor' } }],
      [404, '/api/v5/canister/aaaaa-aa/call', { method: 'POST' }],
      [404, '/api/v4/canister/aaaaa-aa/query', { method: 'POST' }],
      [404, '/api/v2/canister/aaaaa-aa', { method: 'POST' }],
      [404, '/api/', { method: 'GET' }],
      [404, '/nothing', { method: 'GET' }],
    ];
    for (const [status, path, init] of cases) {
      const response = await fetch(url + path, init);
      expect([path, response.status]).toEqual([path, status]);
      expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
      expect((await response.text()).length).toBeGreaterThan(0);
    }
  });

  it('takes the content type in any case', async () => {
    expect((await post(canisterPath(APP_CANISTER, 'call', 4), { content: callContent() }, 'Application/CBOR')).status).toBe(200);
  });

  it('takes envelopes without the self-describing tag', async () => {
    expect((await post(canisterPath(APP_CANISTER, 'call', 4), encodeTagged({ content: callContent() }).subarray(3))).status).toBe(200);
  });

  it('answers preflights', async () => {
    const response = await fetch(url + canisterPath(APP_CANISTER, 'call', 4), { method: 'OPTIONS' });
    expect(response.status).toBe(200);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('access-control-allow-methods')).toMatch(/POST/);
    expect(response.headers.get('access-control-allow-headers')).toMatch(/content-type/);
  });

  it('refuses bodies beyond 5 MiB, announced or not', async () => {
    const path = canisterPath(APP_CANISTER, 'call', 4);
    expect((await post(path, new Uint8Array(MAX_BODY_BYTES + 1))).status).toBe(413);
    const status = await new Promise<number | undefined>((resolve) => {
      const request = httpRequest(url + path, { method: 'POST', headers: { 'content-type': 'application/cbor', 'transfer-encoding': 'chunked' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.on('error', () => {});
      for (let i = 0; i < 6; i++) request.write(new Uint8Array(1024 * 1024));
    });
    expect(status).toBe(413);
  });

  it('reports failures behind an endpoint as 500 and lives on', async () => {
    network.install(APP_CANISTER, { query: () => { throw new Error('broken'); } });
    const content = callContent({ request_type: 'query' });
    expect((await post(canisterPath(APP_CANISTER, 'query', 3), { content })).status).toBe(500);
    expect(errors.length).toBe(1);
    expect((await fetch(`${url}/api/v2/status`)).status).toBe(200);
  });

  it('answers thousands of mangled bodies with 4xx texts, or with 200 where the meaning survived', async () => {
    const identity = Ed25519KeyIdentity.generate();
    const content = callContent({ sender: identity.getPrincipal().toUint8Array() });
    const sig = new Uint8Array(await identity.sign(Uint8Array.of(10, ...utf8('ic-request'), ...hashOfMap(content))));
    const original = encodeTagged({ content, sender_pubkey: new Uint8Array(identity.getPublicKey().toDer()), sender_sig: sig });
    expect((await post(canisterPath(APP_CANISTER, 'call', 4), original)).status).toBe(200);
    const before = network.calls;
    const mutation = fc.oneof(
      fc.tuple(fc.nat(original.length - 1), fc.nat(255)).map(([at, value]) => original.slice().fill(value, at, at + 1)),
      fc.nat(original.length - 1).map((length) => original.slice(0, length)),
      fc.tuple(fc.nat(original.length), fc.uint8Array({ minLength: 1, maxLength: 20 })).map(([at, extra]) => Uint8Array.of(...original.slice(0, at), ...extra, ...original.slice(at))),
      fc.uint8Array({ maxLength: 64 }),
    );
    await fc.assert(
      fc.asyncProperty(mutation, fc.constantFrom('call', 'query', 'read_state'), async (body, endpoint) => {
        const { status } = await post(canisterPath(APP_CANISTER, endpoint, 3), body);
        expect([200, 202, 400, 413]).toContain(status);
        if (endpoint !== 'call') expect(status).toBe(400);
      }),
      { numRuns: 1500 },
    );
    expect(errors).toEqual([]);
    expect(network.calls).toBe(before);
  });

  it('survives bytes that are not HTTP', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.string().map((s) => utf8(`GET ${s} HTTP/1.1\r\n\r\n`))), async (bytes) => {
        await new Promise<void>((resolve) => {
          const socket = connect(server.port, '127.0.0.1', () => socket.end(bytes));
          socket.on('data', () => {});
          socket.on('close', () => resolve());
          socket.on('error', () => resolve());
        });
      }),
      { numRuns: 200 },
    );
    expect((await fetch(`${url}/api/v2/status`)).status).toBe(200);
    expect(errors).toEqual([]);
  });
});
