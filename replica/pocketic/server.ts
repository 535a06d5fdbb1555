/**
 * The PocketIC-compatible server: instances, blobs and gateways over REST.
 *
 * Always: an answer to every request, JSON with `message` for what went wrong; every operation is
 * answered when it is done (never "started, ask later"). It listens on the loopback interface only,
 * since instances trust whoever calls.
 *
 * Source: PocketIC REST protocol, "Endpoints".
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { toHex } from '../codec/bytes.ts';
import { sha256 } from '../codec/sha256.ts';
import { handler, startHttpServer } from '../http/server.ts';
import type { HttpServer } from '../http/server.ts';
import { Gateway } from '../http/gateway/gateway.ts';
import { HostAliases } from '../http/gateway/host-aliases.ts';
import { realTimer } from '../http/timer.ts';
import type { Principal } from '../types/principal.ts';
import { BadRequest, natural, object, text } from './fields.ts';
import type { JsonObject } from './fields.ts';
import { Instance } from './instance.ts';
import type { JsonValue } from './json.ts';
import { parseJson, writeJson } from './json.ts';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Uint8Array;
}

function json(value: JsonValue, status = 200): Answer {
  return { status, type: 'application/json', body: writeJson(value) };
}

const NOT_FOUND: Answer = { status: 404, type: 'text/plain', body: '' };

export interface PocketServerOptions {
  /** Told of each request, so that an idle server can stop. */
  readonly onActivity?: (inFlight: number) => void;
  readonly onDebugPrint?: (canister: Principal, text: string) => void;
}

export class PocketServer {
  readonly #options: PocketServerOptions;
  readonly #instances = new Map<number, { readonly instance: Instance; readonly api: ReturnType<typeof handler> }>();
  readonly #deleted = new Set<number>();
  readonly #gateways = new Map<number, HttpServer>();
  readonly #blobs = new Map<string, Uint8Array>();
  readonly #server: Server;
  #nextInstance = 0;
  #nextGateway = 0;
  #inFlight = 0;

  constructor(options: PocketServerOptions = {}) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** Resolves to the port. */
  async listen(port: number, host = '127.0.0.1'): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    for (const gateway of this.#gateways.values()) await gateway.close();
    for (const { instance } of this.#instances.values()) await instance.stop();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#inFlight += 1;
    this.#options.onActivity?.(this.#inFlight);
    response.once('close', () => {
      this.#inFlight -= 1;
      this.#options.onActivity?.(this.#inFlight);
    });
    const path = (request.url ?? '/').split('?')[0]!;
    const api = /^\/instances\/(\d+)(\/api\/.*)$/.exec(path);
    const running = api === null ? undefined : this.#instances.get(Number(api[1]));
    if (api !== null && running !== undefined) {
      request.url = api[2]!;
      running.api(request, response);
      return;
    }
    let answer: Answer;
    try {
      answer = await this.#answer(request, path);
    } catch (error) {
      // Not a client's mistake: ours. The test shall see it.
      const known = error instanceof BadRequest;
      const message = error instanceof Error ? error.message : String(error);
      if (!known) process.stderr.write(`${error instanceof Error ? (error.stack ?? message) : message}\n`);
      answer = json({ message }, known ? error.status : 500);
    }
    response.writeHead(answer.status, { 'content-type': answer.type });
    response.end(answer.body);
  }

  async #answer(request: IncomingMessage, path: string): Promise<Answer> {
    const method = request.method ?? 'GET';
    const parts = path.split('/').filter((part) => part !== '');
    const [first, second, ...rest] = parts;
    switch (first) {
      case 'status':
        return json(null);
      case 'instances':
        if (second === undefined) {
          return method === 'POST' ? this.#create(await readJson(request)) : json(this.#states());
        }
        return this.#instance(request, method, Number(second), rest.join('/'));
      case 'blobstore':
        return method === 'POST' ? this.#putBlob(request) : this.#getBlob(second ?? '');
      case 'http_gateway':
        if (method === 'GET') return json(this.#gatewayList());
        if (second === undefined) return this.#openGateway(await readJson(request));
        if (rest[0] === 'stop') return this.#closeGateway(Number(second));
        return NOT_FOUND;
      default:
        return NOT_FOUND;
    }
  }

  // ---------------------------------------------------------------- instances

  async #create(body: JsonValue): Promise<Answer> {
    let instance: Instance;
    try {
      instance = await Instance.create(body, { onDebugPrint: this.#options.onDebugPrint });
    } catch (error) {
      if (!(error instanceof BadRequest)) throw error;
      return json({ Error: { message: error.message } }, 400);
    }
    const id = this.#nextInstance;
    this.#nextInstance += 1;
    this.#instances.set(id, { instance, api: handler({ network: instance.network.port }) });
    const created = { instance_id: id, topology: instance.topology(), http_gateway_info: null };
    return json({ Created: created }, 201);
  }

  #states(): JsonValue {
    return Array.from({ length: this.#nextInstance }, (_item, id) =>
      this.#deleted.has(id) ? 'Deleted' : 'Available',
    );
  }

  async #instance(request: IncomingMessage, method: string, id: number, operation: string): Promise<Answer> {
    const running = this.#instances.get(id);
    if (running === undefined) throw new BadRequest(`Instance ${id} not found.`, 404);
    const { instance } = running;
    if (method === 'DELETE' && operation === '') {
      this.#instances.delete(id);
      this.#deleted.add(id);
      await instance.stop();
      return json(null);
    }
    if (method === 'GET') {
      const read = this.#get(instance, operation);
      return read === undefined ? NOT_FOUND : json(await instance.inTurn(read));
    }
    if (method !== 'POST') return NOT_FOUND;
    const body = object(await readJson(request), 'body');
    if (operation === 'auto_progress') {
      instance.startAutoProgress();
      return json(null);
    }
    if (operation === 'stop_progress') {
      instance.stopAutoProgress();
      // A round under way ends before the answer.
      return json(await instance.inTurn(() => null));
    }
    const work = this.#post(instance, operation, body);
    return work === undefined ? NOT_FOUND : json(await instance.inTurn(work));
  }

  #get(instance: Instance, operation: string): (() => JsonValue) | undefined {
    switch (operation) {
      case '_/topology':
      case 'read/topology':
        return () => instance.topology();
      case 'read/get_time':
        return () => instance.time();
      case 'read/get_canister_http':
        return () => instance.pendingOutcalls();
      case 'auto_progress':
        return () => instance.autoProgress;
      default:
        return undefined;
    }
  }

  #post(instance: Instance, operation: string, body: JsonObject): (() => JsonValue | Promise<JsonValue>) | undefined {
    switch (operation) {
      case 'read/query':
        return () => instance.query(body);
      case 'read/get_cycles':
        return () => instance.cycles(body);
      case 'read/get_stable_memory':
        return () => instance.stableMemory(body);
      case 'read/get_subnet':
        return () => instance.subnet(body);
      case 'read/get_controllers':
        return () => instance.controllers(body);
      case 'read/pub_key':
        return () => instance.publicKey(body);
      case 'read/ingress_status':
        return () => instance.ingressStatus(body);
      case 'update/submit_ingress_message':
        return () => instance.submit(body);
      case 'update/await_ingress_message':
        return () => instance.await(body);
      case 'update/tick':
        return () => instance.tick();
      case 'update/set_time':
        return () => instance.setTime(body, false);
      case 'update/set_certified_time':
        return () => instance.setTime(body, true);
      case 'update/add_cycles':
        return () => instance.addCycles(body);
      case 'update/set_stable_memory':
        return () => instance.setStableMemory(body, this.#blobs);
      case 'update/mock_canister_http':
        return () => instance.mockOutcall(body);
      default:
        return undefined;
    }
  }

  // ---------------------------------------------------------------- blobs

  async #putBlob(request: IncomingMessage): Promise<Answer> {
    const raw = await readBody(request);
    const blob = request.headers['content-encoding'] === 'gzip' ? new Uint8Array(gunzipSync(raw)) : raw;
    const id = toHex(sha256(blob));
    this.#blobs.set(id, blob);
    return { status: 200, type: 'text/plain', body: id };
  }

  #getBlob(id: string): Answer {
    const blob = this.#blobs.get(id);
    return blob === undefined ? NOT_FOUND : { status: 200, type: 'application/octet-stream', body: blob };
  }

  // ---------------------------------------------------------------- gateways

  async #openGateway(body: JsonValue): Promise<Answer> {
    const fields = object(body, 'body');
    const target = object(fields.forward_to, 'forward_to').PocketIcInstance;
    if (target === undefined) throw new BadRequest('forward_to must be a PocketIcInstance');
    const running = this.#instances.get(Number(natural(target, 'PocketIcInstance')));
    if (running === undefined) return json({ Error: { message: `Instance ${String(target)} not found.` } }, 400);
    if (fields.https_config !== undefined && fields.https_config !== null) {
      return json({ Error: { message: 'HTTPS gateways are not supported.' } }, 400);
    }
    const port = fields.port === undefined || fields.port === null ? 0 : Number(natural(fields.port, 'port', 16));
    const host = fields.ip_addr === undefined || fields.ip_addr === null ? '127.0.0.1' : text(fields.ip_addr, 'ip_addr');
    const network = running.instance.network.port;
    let gateway: HttpServer;
    try {
      const pages = new Gateway(network, new HostAliases(), realTimer);
      gateway = await startHttpServer(
        {
          network,
          gateway: pages,
          mount: (_request, response, path) => {
            if (path !== '/_/topology') return false;
            response.writeHead(200, { 'content-type': 'application/json' });
            response.end(writeJson(running.instance.topology()));
            return true;
          },
        },
        port,
        host,
      );
    } catch (error) {
      return json({ Error: { message: (error as Error).message } }, 400);
    }
    const id = this.#nextGateway;
    this.#nextGateway += 1;
    this.#gateways.set(id, gateway);
    return json({ Created: { instance_id: id, port: gateway.port } }, 201);
  }

  #gatewayList(): JsonValue {
    return [...this.#gateways].map(([id, { port }]) => ({ instance_id: id, port }));
  }

  async #closeGateway(id: number): Promise<Answer> {
    const gateway = this.#gateways.get(id);
    if (gateway === undefined) throw new BadRequest(`HTTP gateway ${id} not found.`, 404);
    this.#gateways.delete(id);
    await gateway.close();
    return json(null);
  }
}

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return new Uint8Array(Buffer.concat(chunks));
}

async function readJson(request: IncomingMessage): Promise<JsonValue> {
  const body = await readBody(request);
  if (body.length === 0) return {};
  try {
    return parseJson(new TextDecoder().decode(body));
  } catch {
    throw new BadRequest('The body is not JSON.');
  }
}
