/**
 * Sends prepared bodies over kept connections, so many at a time, and takes the time of each. Runs in a process of its
 * own (`runLoad`), on bare sockets: a client library would use more of the machine than the server.
 */
import { fork } from 'node:child_process';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

export interface LoadRequest {
  readonly port: number;
  readonly path: string;
  readonly bodies: readonly Uint8Array[];
  readonly inFlight: number;
}

export interface LoadResult {
  /** Milliseconds of each request, in order of completion. */
  readonly latencies: readonly number[];
  /** Milliseconds from first to last. */
  readonly total: number;
  /** Requests by HTTP status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Body of the last answer. */
  readonly sample: Uint8Array;
}

/** Runs the load in another process. */
export function runLoad(request: LoadRequest): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [], { serialization: 'advanced', execArgv: [] });
    child.once('message', (result: LoadResult) => resolve(result));
    child.once('exit', (code) => reject(new Error(`the load ended with code ${code}`)));
    child.send(request);
  });
}

class Connection {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #done: ((answer: { status: string; body: Buffer }) => void) | undefined;

  constructor(port: number, onFailure: (error: Error) => void) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#socket.on('error', onFailure);
  }

  send(bytes: Buffer): Promise<{ status: string; body: Buffer }> {
    return new Promise((resolve) => {
      this.#done = resolve;
      this.#socket.write(bytes);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const headerEnd = this.#received.indexOf('\r\n\r\n');
    if (headerEnd < 0) return;
    const head = this.#received.toString('latin1', 0, headerEnd);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    const end = headerEnd + 4 + length;
    if (this.#received.length < end) return;
    const body = Buffer.from(this.#received.subarray(headerEnd + 4, end));
    this.#received = this.#received.subarray(end);
    this.#done?.({ status: head.slice(9, 12), body });
  }
}

async function run({ port, path, bodies, inFlight }: LoadRequest): Promise<LoadResult> {
  const messages = bodies.map((body) =>
    Buffer.concat([
      Buffer.from(`POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/cbor\r\ncontent-length: ${body.length}\r\n\r\n`),
      body,
    ]),
  );
  const latencies: number[] = [];
  const statuses: Record<string, number> = {};
  let sample: Uint8Array = new Uint8Array(0);
  let next = 0;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      const connection = new Connection(port, (error) => {
        throw error;
      });
      while (next < messages.length) {
        const message = messages[next++]!;
        const sent = performance.now();
        const { status, body } = await connection.send(message);
        latencies.push(performance.now() - sent);
        statuses[status] = (statuses[status] ?? 0) + 1;
        sample = new Uint8Array(body);
      }
      connection.close();
    }),
  );
  return { latencies, total: performance.now() - began, statuses, sample };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.once('message', (request: LoadRequest) => {
    void run(request).then((result) => process.send!(result, () => process.disconnect!()));
  });
}
