/**
 * The official `icp` tool, unmodified, with this replica as its managed network: the real binary, the real launcher
 * process, a project in a folder with a space in its name.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import motoko from 'motoko';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NODE = join(ROOT, 'node_modules/.bin/node');
const ICP = join(ROOT, 'node_modules/@icp-sdk/icp-cli-linux-x64/bin/icp');
const LAUNCHER = fileURLToPath(new URL('./icp-cli-network-launcher', import.meta.url));

/** The tool's package holds a program for Linux on x64 only. */
const runnable = existsSync(ICP) && process.platform === 'linux' && process.arch === 'x64';

let folder: string;
let project: string;

interface Ran {
  readonly code: number;
  readonly out: string;
}

function run(file: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = process.env): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(file, args, { cwd, env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, out: stdout + stderr });
    });
  });
}

function icp(...args: string[]): Promise<Ran> {
  const home = join(folder, 'home');
  const env = { PATH: process.env['PATH'], HOME: home, ICP_HOME: home, DO_NOT_TRACK: '1', ICP_CLI_NETWORK_LAUNCHER_PATH: LAUNCHER };
  return run(ICP, args, project, env);
}

/** Fails with everything that the tool said. */
async function succeeds(...args: string[]): Promise<string> {
  const { code, out } = await icp(...args);
  if (code !== 0) throw new Error(`icp ${args.join(' ')}\n${out}`);
  return out;
}

interface Descriptor {
  readonly gateway: { readonly port: number };
  readonly 'candid-ui-canister-id': string;
}

/** What the tool keeps about the running network; the port differs from start to start. */
function descriptor(): Descriptor {
  return JSON.parse(readFileSync(join(project, '.icp/cache/networks/local/descriptor.json'), 'utf8')) as Descriptor;
}

function greeter(greeting: string): Uint8Array {
  const file = (motoko as unknown as { file(p: string): { write(s: string): void; wasm(m: 'ic'): { wasm: Uint8Array } } }).file('Main.mo');
  file.write(`import Prim "mo:⛔";
    persistent actor {
      var n : Nat = 0;
      transient let greeting = "${greeting}";
      public func greet(name : Text) : async Text { n += 1; Prim.debugPrint("greeted " # name); greeting # ", " # name # "! (" # debug_show n # ")" };
      public query func peek() : async Nat { n };
    }`);
  return new Uint8Array(file.wasm('ic').wasm);
}

function pageFrom(host: string, port = descriptor().gateway.port): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path: '/', headers: { host: `${host}:${port}` } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode!, body: Buffer.concat(chunks).toString() }));
    });
    request.on('error', reject);
    request.end();
  });
}

describe.runIf(runnable)('the icp tool', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    const built = await run(NODE, ['tools/builder/build.ts', 'icp_ledger', 'cycles_minting', 'cycles_ledger'], join(ROOT, 'backend'));
    if (built.code !== 0) throw new Error(built.out);
    folder = mkdtempSync(join(tmpdir(), 'icp tool '));
    project = join(folder, 'a project');
    mkdirSync(project);
    mkdirSync(join(folder, 'home'));
    writeFileSync(
      join(project, 'icp.yaml'),
      `networks:
  - name: local
    mode: managed
    gateway:
      port: 0
canisters:
  - name: greeter
    build:
      steps:
        - type: pre-built
          path: greeter.wasm
    settings:
      log_visibility: public
`,
    );
    writeFileSync(join(project, 'greeter.wasm'), greeter('Hello'));
    await succeeds('identity', 'new', 'ada', '--storage', 'plaintext');
    await succeeds('network', 'start', '-d');
  }, 180_000);

  afterAll(async () => {
    await icp('network', 'stop');
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it('finds the network healthy and its identities funded', async () => {
    expect(await succeeds('network', 'ping', '--wait-healthy')).toMatch(/"replica_health_status": "healthy"/);
    expect(await succeeds('token', 'balance', '--identity', 'ada')).toMatch(/1000000\.00000000 ICP/);
    expect(await succeeds('cycles', 'balance', '--identity', 'ada')).toMatch(/1_000_000_000_000_000 cycles/);
  });

  it('deploys, calls, upgrades with state kept, and deploys again without change', async () => {
    expect(await succeeds('deploy', '--identity', 'ada')).toMatch(/Deployed canisters/);
    expect(await succeeds('canister', 'call', 'greeter', 'greet', '("bob")', '--identity', 'ada')).toMatch(/"Hello, bob! \(1\)"/);
    writeFileSync(join(project, 'greeter.wasm'), greeter('Good day'));
    expect(await succeeds('deploy', '-y', '--identity', 'ada')).toMatch(/Deployed canisters/);
    expect(await succeeds('canister', 'call', 'greeter', 'greet', '("bob")', '--identity', 'ada')).toMatch(/"Good day, bob! \(2\)"/);
    expect(await succeeds('deploy', '-y', '--identity', 'ada')).toMatch(/Deployed canisters/);
    expect(await succeeds('canister', 'call', 'greeter', 'peek', '()', '--query', '--identity', 'ada')).toMatch(/2/);
  });

  it('tells a missing method apart', async () => {
    const { code, out } = await icp('canister', 'call', 'greeter', 'nothing', '()', '--identity', 'ada');
    expect(code).not.toBe(0);
    expect(out).toMatch(/nothing/);
  });

  it('shows status, logs, settings and metadata', async () => {
    const status = await succeeds('canister', 'status', 'greeter', '--identity', 'ada');
    expect(status).toMatch(/Status: Running/);
    expect(status).toMatch(/PUBLIC_CANISTER_ID:greeter/);
    expect(await succeeds('canister', 'logs', 'greeter', '--identity', 'ada')).toMatch(/greeted bob/);
    await succeeds('canister', 'settings', 'update', 'greeter', '--freezing-threshold', '40d', '--identity', 'ada');
    expect(await succeeds('canister', 'settings', 'show', 'greeter', '--identity', 'ada')).toMatch(/Freezing threshold: 3_456_000/);
    expect(await succeeds('canister', 'metadata', 'greeter', 'candid:service', '--identity', 'ada')).toMatch(/greet: \(name: text\)/);
  });

  it('takes a snapshot and goes back to it', async () => {
    await succeeds('canister', 'stop', 'greeter', '--identity', 'ada');
    const [, snapshot] = /snapshot ([0-9a-f]+)/.exec(await succeeds('canister', 'snapshot', 'create', 'greeter', '--identity', 'ada'))!;
    expect(await succeeds('canister', 'snapshot', 'list', 'greeter', '--identity', 'ada')).toMatch(snapshot!);
    await succeeds('canister', 'start', 'greeter', '--identity', 'ada');
    await succeeds('canister', 'call', 'greeter', 'greet', '("eve")', '--identity', 'ada');
    await succeeds('canister', 'stop', 'greeter', '--identity', 'ada');
    await succeeds('canister', 'snapshot', 'restore', 'greeter', snapshot!, '--identity', 'ada');
    await succeeds('canister', 'start', 'greeter', '--identity', 'ada');
    expect(await succeeds('canister', 'call', 'greeter', 'peek', '()', '--query', '--identity', 'ada')).toMatch(/\(2 : nat\)/);
    await succeeds('canister', 'snapshot', 'delete', 'greeter', snapshot!, '--identity', 'ada');
  });

  it('takes a snapshot to disk, brings it back, and restores from that', async () => {
    const disk = join(folder, 'snapshot');
    await succeeds('canister', 'stop', 'greeter', '--identity', 'ada');
    const [, taken] = /snapshot ([0-9a-f]+)/.exec(await succeeds('canister', 'snapshot', 'create', 'greeter', '--identity', 'ada'))!;
    await succeeds('canister', 'snapshot', 'download', 'greeter', taken!, '-o', disk, '--identity', 'ada');
    await succeeds('canister', 'snapshot', 'delete', 'greeter', taken!, '--identity', 'ada');
    const [, brought] = /snapshot ([0-9a-f]+)/.exec(await succeeds('canister', 'snapshot', 'upload', 'greeter', '-i', disk, '--identity', 'ada'))!;
    await succeeds('canister', 'start', 'greeter', '--identity', 'ada');
    await succeeds('canister', 'install', 'greeter', '--mode', 'reinstall', '-y', '--identity', 'ada');
    expect(await succeeds('canister', 'call', 'greeter', 'peek', '()', '--query', '--identity', 'ada')).toMatch(/\(0 : nat\)/);
    await succeeds('canister', 'stop', 'greeter', '--identity', 'ada');
    await succeeds('canister', 'snapshot', 'restore', 'greeter', brought!, '--identity', 'ada');
    await succeeds('canister', 'start', 'greeter', '--identity', 'ada');
    expect(await succeeds('canister', 'call', 'greeter', 'peek', '()', '--query', '--identity', 'ada')).toMatch(/\(2 : nat\)/);
    await succeeds('canister', 'snapshot', 'delete', 'greeter', brought!, '--identity', 'ada');
  });

  it('tops up, and gets the cycles back when it deletes', async () => {
    await succeeds('canister', 'top-up', 'greeter', '--amount', '1t', '--identity', 'ada');
    await succeeds('canister', 'stop', 'greeter', '--identity', 'ada');
    expect(await succeeds('canister', 'delete', 'greeter', '--identity', 'ada')).toMatch(/Recovered \d+ cycles/);
  });

  it('serves the tool’s own Candid page, certified, through the gateway', async () => {
    const page = await pageFrom(`${descriptor()['candid-ui-canister-id']}.localhost`);
    expect(page.status).toBe(200);
    expect(page.body).toMatch(/Candid UI/);
  });

  it('stops the network and starts a new one', async () => {
    const { port } = descriptor().gateway;
    await succeeds('network', 'stop');
    await expect(pageFrom('localhost', port)).rejects.toThrow(/ECONNREFUSED/);
    await succeeds('network', 'start', '-d');
    expect(await succeeds('network', 'ping', '--wait-healthy')).toMatch(/healthy/);
  });
});
