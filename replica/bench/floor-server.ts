/**
 * The floor: a bare HTTP server that does the physical work of an update or a query and nothing else.
 *
 * Update: decode the envelope, verify the Ed25519 signature, append to a file and sync it, sign with BLS, answer.
 * Query: decode, verify, sign with Ed25519, answer. Requests that arrive while a sync is under way share the next sync
 * and the next BLS signature, as ours do: without that the floor would be lower than what a simple program reaches.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { closeSync, fdatasync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asMap, decodeCbor, encodeTagged } from '../codec/cbor.ts';
import { domainSeparated, hashOfMap } from '../codec/request-id.ts';
import { sha256 } from '../codec/sha256.ts';
import { BlsSecretKey, initBls } from '../crypto/bls.ts';
import { NodeSigningKey } from '../crypto/keys.ts';

export class FloorProcess {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(port: number, child: ChildProcess) {
    this.port = port;
    this.#child = child;
  }

  static start(): Promise<FloorProcess> {
    return new Promise((resolve, reject) => {
      const child = fork(fileURLToPath(import.meta.url), [], { execArgv: [] });
      child.once('message', (port: number) => resolve(new FloorProcess(port, child)));
      child.once('exit', (code) => reject(new Error(`the floor ended with code ${code}`)));
    });
  }

  async stop(): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#child.disconnect();
    await ended;
  }
}

interface Envelope {
  readonly requestId: Uint8Array;
  readonly arg: Uint8Array;
}

function opened(body: Buffer): Envelope {
  const { content, sender_pubkey: publicKey, sender_sig: signature } = asMap(decodeCbor(body))!;
  const fields = asMap(content!)!;
  const requestId = hashOfMap(fields);
  const key = createPublicKey({ key: Buffer.from(publicKey as Uint8Array), format: 'der', type: 'spki' });
  if (!verify(null, domainSeparated('ic-request', requestId), key, signature as Uint8Array)) throw new Error('bad signature');
  return { requestId, arg: fields['arg'] as Uint8Array };
}

async function serve(): Promise<void> {
  await initBls();
  const blsKey = BlsSecretKey.fromSeed(new Uint8Array(32).fill(1));
  const nodeKey = NodeSigningKey.fromSeed(new Uint8Array(32).fill(2));
  const folder = mkdtempSync(join(tmpdir(), 'parley-floor-'));
  const fd = openSync(join(folder, 'log'), 'a');
  let waiting: { readonly envelope: Envelope; readonly response: ServerResponse }[] = [];
  let syncing = false;
  const flush = (): void => {
    if (syncing || waiting.length === 0) return;
    syncing = true;
    const group = waiting;
    waiting = [];
    for (const { envelope } of group) writeSync(fd, envelope.requestId);
    fdatasync(fd, (error) => {
      if (error) throw error;
      const signature = blsKey.sign(sha256(Buffer.concat(group.map(({ envelope }) => envelope.requestId))));
      for (const { envelope, response } of group) answer(response, { status: 'replied', certificate: signature, arg: envelope.arg });
      syncing = false;
      flush();
    });
  };
  const answer = (response: ServerResponse, body: Parameters<typeof encodeTagged>[0]): void => {
    const bytes = encodeTagged(body);
    response.writeHead(200, { 'content-type': 'application/cbor', 'content-length': bytes.length }).end(bytes);
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const envelope = opened(Buffer.concat(chunks));
      if (request.url!.includes('call')) {
        waiting.push({ envelope, response });
        flush();
      } else {
        answer(response, { status: 'replied', reply: { arg: envelope.arg }, signature: nodeKey.sign(envelope.requestId) });
      }
    });
  });
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port));
  process.once('disconnect', () => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
    process.exit(0);
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) void serve();
