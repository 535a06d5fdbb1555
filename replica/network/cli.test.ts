import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { Caller, smallModule } from '../bench/canisters.ts';
import { NO_ARGUMENTS } from '../bench/envelopes.ts';
import { ReplicaProcess } from '../bench/replica-process.ts';

const CLI = fileURLToPath(new URL('./cli.ts', import.meta.url));
/** Starts of a process, on a machine that others use too. */
const TIMEOUT_MILLIS = 90_000;

const folders: string[] = [];
const replicas: ReplicaProcess[] = [];

afterEach(async () => {
  for (const replica of replicas.splice(0)) {
    await replica.stop('SIGKILL');
    await replica.remove();
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function newReplica(): ReplicaProcess {
  const replica = new ReplicaProcess();
  replicas.push(replica);
  return replica;
}

/** Runs the command until it ends by itself. */
function run(...flags: string[]): Promise<{ code: number | null; output: string; errors: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [CLI, ...flags]);
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.once('exit', (code) => resolve({ code, output, errors }));
  });
}

describe('parley-replica', () => {
  test.each([
    [['--port', 'seven'], '--port'],
    [['--port', '70000'], '--port'],
    [['--system', '-1'], '--system'],
    [['--system', '0', '--application', '0'], 'at least one subnet'],
    [['--host-alias', 'nothing'], '--host-alias'],
    [['--log-level', 'loud'], '--log-level'],
    [['--unknown'], '--unknown'],
  ])(
    'says what is wrong with %j and how to call it',
    async (flags, said) => {
      const { code, errors } = await run(...flags);
      expect(code).toBe(2);
      expect(errors).toContain(said);
      expect(errors).toContain('--state-dir FOLDER');
    },
    TIMEOUT_MILLIS,
  );

  test(
    'stops cleanly on SIGTERM, keeps its state and its keys, and lets nobody else in meanwhile',
    async () => {
      const replica = newReplica();
      await replica.start();
      const { rootKey, subnets, url } = replica.ready;
      const caller = new Caller(url);
      const canister = await caller.createCanister(subnets[2]!.defaultEffectiveCanisterId);
      await caller.install(canister, await smallModule());
      await caller.call(canister, 'inc', NO_ARGUMENTS);
      const state = join(replica.stateDir, 'state');
      const second = await run('--port', '0', '--state-dir', state);
      expect([second.code, second.errors]).toEqual([1, expect.stringContaining('is in use by process')]);
      await replica.stop('SIGTERM');
      expect(existsSync(join(state, 'lock'))).toBe(false);
      // All is in the checkpoint: the log goes on in a file that has nothing but its header.
      const log = join(state, 'subnet-2', 'log');
      expect(readdirSync(log).map((name) => statSync(join(log, name)).size)).toEqual([28]);
      await replica.start();
      expect(replica.ready.rootKey).toBe(rootKey);
      expect([...(await new Caller(replica.ready.url).call(canister, 'inc', NO_ARGUMENTS))]).toEqual([2, 0, 0, 0]);
    },
    TIMEOUT_MILLIS,
  );

  test(
    'refuses a damaged state and says what to do about it',
    async () => {
      const replica = newReplica();
      await replica.start();
      const caller = new Caller(replica.ready.url);
      const canister = await caller.createCanister(replica.ready.subnets[1]!.defaultEffectiveCanisterId);
      await caller.install(canister, await smallModule());
      for (let call = 0; call < 5; call++) await caller.call(canister, 'inc', NO_ARGUMENTS);
      await replica.stop('SIGKILL');
      const state = join(replica.stateDir, 'state');
      const logFolder = join(state, 'subnet-1', 'log');
      const file = join(logFolder, readdirSync(logFolder).sort().at(-1)!);
      const bytes = readFileSync(file);
      bytes[200]! ^= 0xff;
      writeFileSync(file, bytes);
      const { code, errors } = await run('--port', '0', '--state-dir', state);
      expect(code).toBe(1);
      expect(errors).toContain('is damaged at byte');
      expect(errors).toContain('--clean');
    },
    TIMEOUT_MILLIS,
  );

  test(
    'says what to do about a port that is taken',
    async () => {
      const other = createServer();
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
      const { port } = other.address() as AddressInfo;
      const { code, errors } = await run('--port', String(port), '--in-memory', '--system', '1', '--application', '0');
      expect([code, errors]).toEqual([1, `parley-replica: port ${port} of 127.0.0.1 is in use; --port names another, and --port 0 picks a free one\n`]);
      await new Promise((resolve) => other.close(resolve));
    },
    TIMEOUT_MILLIS,
  );

  test(
    '--clean begins anew and touches nothing that is not the network’s',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'parley-clean-'));
      folders.push(folder);
      writeFileSync(join(folder, 'mine.txt'), 'mine');
      writeFileSync(join(folder, 'registry.json'), 'not a registry');
      const { code, errors } = await run('--port', '0', '--state-dir', folder);
      expect([code, errors]).toEqual([1, expect.stringContaining('not a registry')]);
      const child = spawn(process.execPath, [CLI, '--port', '0', '--state-dir', folder, '--clean', '--system', '1', '--application', '0']);
      await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
      child.kill('SIGTERM');
      expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
      expect(readFileSync(join(folder, 'mine.txt'), 'utf8')).toBe('mine');
      expect(readdirSync(folder).sort()).toEqual(['mine.txt', 'registry.json', 'subnet-0']);
    },
    TIMEOUT_MILLIS,
  );
});
