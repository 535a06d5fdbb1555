import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseCommandLine } from './command-line.ts';
import { PocketServer } from './server.ts';

const spec = { state_config: 'New', instruction_config: 'Production', cost_schedule: 'Normal' };
const oneSubnet = JSON.stringify({ subnet_config_set: { application: [spec] } });

describe('requests', () => {
  const server = new PocketServer();
  let url: string;
  beforeAll(async () => {
    url = `http://127.0.0.1:${await server.listen(0)}`;
  });
  afterAll(() => server.close());

  const post = async (path: string, body: string): Promise<{ status: number; body: unknown }> => {
    const response = await fetch(`${url}${path}`, { method: 'POST', body });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  };

  it('creates, lists and deletes instances', async () => {
    const created = await post('/instances', oneSubnet);
    expect(created.status).toBe(201);
    const { instance_id: id } = (created.body as { Created: { instance_id: number } }).Created;
    expect(await (await fetch(`${url}/instances/`)).json()).toContain('Available');
    expect((await fetch(`${url}/instances/${id}`, { method: 'DELETE' })).status).toBe(200);
    expect(await post(`/instances/${id}/update/tick`, '{}')).toMatchObject({ status: 404, body: { message: expect.any(String) } });
  });

  it('keeps blobs by hash, also compressed ones', async () => {
    const content = Buffer.from('blob');
    const plain = await fetch(`${url}/blobstore`, { method: 'POST', body: content });
    const packed = await fetch(`${url}/blobstore`, { method: 'POST', body: gzipSync(content), headers: { 'content-encoding': 'gzip' } });
    const id = await plain.text();
    expect(await packed.text()).toBe(id);
    expect(await (await fetch(`${url}/blobstore/${id}`)).text()).toBe('blob');
    expect((await fetch(`${url}/blobstore/00`)).status).toBe(404);
  });

  it('serves the public interface of an instance under its path', async () => {
    const { body } = await post('/instances/', oneSubnet);
    const { instance_id: id } = (body as { Created: { instance_id: number } }).Created;
    const response = await fetch(`${url}/instances/${id}/api/v2/status`);
    expect(response.headers.get('content-type')).toBe('application/cbor');
  });

  it.each([
    ['/instances', '{', 400],
    ['/instances', '[]', 400],
    ['/instances', '{"subnet_config_set":{}}', 400],
    ['/instances/99/update/tick', '{}', 404],
    ['/instances/x/update/tick', '{}', 404],
    ['/http_gateway', '{"forward_to":{"Replica":"x"}}', 400],
    ['/http_gateway/7/stop', '{}', 404],
    ['/no/such/path', '{}', 404],
  ])('answers %s %s with %i and lives on', async (path, body, status) => {
    expect((await post(path, body)).status).toBe(status);
    expect((await fetch(`${url}/status`)).status).toBe(200);
  });

  it.each([
    ['read/get_cycles', '{}'],
    ['read/get_cycles', '{"canister_id":"%%%"}'],
    ['read/get_cycles', `{"canister_id":"${'A'.repeat(60)}"}`],
    ['read/query', '{"canister_id":"","sender":"BA==","method":5,"payload":""}'],
    ['update/add_cycles', '{"canister_id":"BA==","amount":-1}'],
    ['update/set_time', '{"nanos_since_epoch":1e30}'],
    ['update/await_ingress_message', '{"effective_principal":"None","message_id":""}'],
    ['update/mock_canister_http', '{"subnet_id":{"subnet_id":"BA=="}}'],
    ['read/pub_key', '{"subnet_id":"BA=="}'],
  ])('tells the mistake in %s %s', async (path, body) => {
    const { body: created } = await post('/instances', oneSubnet);
    const { instance_id: id } = (created as { Created: { instance_id: number } }).Created;
    const answer = await post(`/instances/${id}/${path}`, body);
    expect(answer).toMatchObject({ status: 400, body: { message: expect.any(String) } });
  });
});

describe('the process', () => {
  const script = fileURLToPath(new URL('./pocket-ic', import.meta.url));
  const running: ChildProcess[] = [];
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pocket-'));
  });
  afterEach(() => {
    for (const child of running.splice(0)) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });
  const start = (...args: string[]): ChildProcess => {
    const child = spawn(script, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    running.push(child);
    return child;
  };

  it('P4 writes the port when it listens, lets a second one leave, and cleans up', async () => {
    const portFile = join(folder, 'port');
    const first = start('--port-file', portFile, '--ttl', '60');
    await once(first.stdout!, 'data');
    const port = Number.parseInt(readFileSync(portFile, 'utf8'), 10);
    expect((await fetch(`http://127.0.0.1:${port}/status`)).status).toBe(200);
    const second = start('--port-file', portFile, '--some-new-flag');
    expect(await once(second, 'exit')).toEqual([0, null]);
    first.kill();
    expect(await once(first, 'exit')).toEqual([0, null]);
    expect(existsSync(portFile)).toBe(false);
  }, 30_000);

  it('stops by itself when idle for its time', async () => {
    const child = start('--ttl', '0');
    expect(await once(child, 'exit')).toEqual([0, null]);
  }, 30_000);
});

describe('command line', () => {
  it('reads known flags in both forms and ignores others', () => {
    expect(parseCommandLine(['--port-file', 'f', '--ttl=5', '-p', '80', '--hard-ttl', '9', '--new'])).toEqual({
      portFile: 'f',
      port: 80,
      host: '127.0.0.1',
      idleSeconds: 5,
      hardSeconds: 9,
    });
  });

  it.each([[['--ttl', 'x']], [['--port', '70000']], [['--port-file']]])('refuses %j', (args) => {
    expect(() => parseCommandLine(args)).toThrow();
  });
});
