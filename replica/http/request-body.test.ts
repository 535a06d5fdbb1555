import { request as httpRequest } from 'node:http';
import type { ClientRequest } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { utf8 } from '../codec/bytes.ts';
import { encodeTagged } from '../codec/cbor.ts';
import { initBls } from '../crypto/bls.ts';
import { Principal } from '../types/principal.ts';
import { Gateway } from './gateway/gateway.ts';
import { HostAliases } from './gateway/host-aliases.ts';
import type { HttpServer } from './server.ts';
import { startHttpServer } from './server.ts';
import { TestNetwork } from './test-network.ts';
import { realTimer } from './timer.ts';

const MAX_BYTES = 1000;

let network: TestNetwork;
let server: HttpServer;
let canister: string;
let release = (): void => {};

beforeAll(async () => {
  await initBls();
  network = new TestNetwork();
  const id = network.id(network.application, 7);
  network.install(id, { query: (_, arg) => arg, update: (_, arg) => arg });
  canister = Principal.fromBytes(id).toText();
  const gateway = new Gateway(network, new HostAliases(), realTimer);
  server = await startHttpServer({ network, gateway, maxBodyBytesInFlight: MAX_BYTES }, 0);
});
afterAll(() => server.close());
afterEach(() => release());

function callOf(argBytes: number): Uint8Array<ArrayBuffer> {
  const content = {
    request_type: 'call',
    sender: Uint8Array.of(4),
    ingress_expiry: network.nowNanos() + 60_000_000_000n,
    canister_id: Principal.fromText(canister).bytes,
    method_name: 'echo',
    arg: utf8('x'.repeat(argBytes)),
    nonce: crypto.getRandomValues(new Uint8Array(8)),
  };
  return encodeTagged({ content }) as Uint8Array<ArrayBuffer>;
}

async function call(argBytes: number): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${server.port}/api/v4/canister/${canister}/call`, {
    method: 'POST',
    headers: { 'content-type': 'application/cbor' },
    body: callOf(argBytes),
  });
  return { status: response.status, text: await response.text() };
}

/** A request to the gateway that announces more than it sends for now. */
function beginUpload(bytes: number): ClientRequest {
  const request = httpRequest({ port: server.port, method: 'POST', path: '/', headers: { host: `${canister}.localhost`, 'content-length': 10 * MAX_BYTES } });
  request.on('error', () => {});
  request.write(new Uint8Array(bytes));
  return request;
}

describe('bodies of all requests together', () => {
  test('that are more than fits are refused with 503 until others are answered', async () => {
    network.hold = new Promise((resolve) => (release = resolve));
    const submitted = vi.spyOn(network, 'submitIngress');
    const first = call(600);
    await expect.poll(() => submitted.mock.calls.length).toBe(1);
    expect(await call(600)).toMatchObject({ status: 503, text: expect.stringMatching(/overloaded.*try again later/) });
    release();
    network.hold = undefined;
    expect((await first).status).toBe(200);
    // Each of many in turn: nothing stays counted, of the refused ones neither.
    for (let times = 0; times < 5; times++) expect((await call(600)).status).toBe(200);
  });

  test('count what has arrived and not what is announced, and nothing any more of who went away', async () => {
    const idle = beginUpload(1);
    expect((await call(500)).status).toBe(200);
    const uploads = beginUpload(900);
    await expect.poll(async () => (await call(500)).status).toBe(503);
    uploads.destroy();
    await expect.poll(async () => (await call(500)).status).toBe(200);
    idle.destroy();
  });
});
