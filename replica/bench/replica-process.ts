/** The replica as its users run it: the command in a process of its own, on a state folder that is removed afterwards. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../network/cli.ts', import.meta.url));
const READY_TIMEOUT_MILLIS = 60_000;
const POLL_MILLIS = 5;

export interface ReadyFile {
  readonly port: number;
  readonly url: string;
  readonly rootKey: string;
  readonly pid: number;
  readonly subnets: readonly { readonly id: string; readonly kind: string; readonly defaultEffectiveCanisterId: string }[];
}

export class ReplicaProcess {
  readonly stateDir = mkdtempSync(join(tmpdir(), 'parley-bench-'));
  /** More flags of the command. */
  readonly #flags: readonly string[];
  #child: ChildProcess | undefined;
  #ready: ReadyFile | undefined;

  constructor(flags: readonly string[] = []) {
    this.#flags = flags;
  }

  get ready(): ReadyFile {
    if (!this.#ready) throw new Error('not started');
    return this.#ready;
  }

  /** Starts the process and waits for nothing. */
  launch(): void {
    this.#spawn(join(this.stateDir, 'ready.json'));
  }

  #spawn(readyFile: string): ChildProcess {
    if (existsSync(readyFile)) unlinkSync(readyFile);
    const flags = ['--port', '0', '--state-dir', join(this.stateDir, 'state'), '--ready-file', readyFile, ...this.#flags];
    this.#child = spawn(process.execPath, [CLI, ...flags], { stdio: ['ignore', 'ignore', 'pipe'] });
    return this.#child;
  }

  /** Milliseconds from the start of the process until it serves. */
  async start(): Promise<number> {
    const readyFile = join(this.stateDir, 'ready.json');
    const began = performance.now();
    let errors = '';
    const child = this.#spawn(readyFile);
    child.stderr!.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    while (!existsSync(readyFile)) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the replica ended with ${child.signalCode ?? `code ${child.exitCode}`}: ${errors}`);
      if (performance.now() - began > READY_TIMEOUT_MILLIS) throw new Error(`the replica was not ready in time: ${errors}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
    }
    const took = performance.now() - began;
    this.#ready = JSON.parse(readFileSync(readyFile, 'utf8')) as ReadyFile;
    return took;
  }

  /** Of the process with all its threads. */
  residentBytes(): number {
    const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.ready.pid}/status`, 'utf8'));
    return Number(line![1]) * 1024;
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    await ended;
  }

  /** For the end of the process, which waits for nothing. */
  removeNow(): void {
    this.#child?.kill('SIGKILL');
    rmSync(this.stateDir, { recursive: true, force: true });
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.stateDir, { recursive: true });
  }
}

/** A started replica for the length of `use`. */
export async function withReplica<T>(use: (replica: ReplicaProcess) => Promise<T>): Promise<T> {
  const replica = new ReplicaProcess();
  try {
    await replica.start();
    return await use(replica);
  } finally {
    await replica.remove();
  }
}
