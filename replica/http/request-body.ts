/** Reading request bodies within bounds: of each, and of all together. */
import type { IncomingMessage } from 'node:http';

/**
 * Bytes of bodies that requests under way hold. What counts is what has arrived, not what a header announces: nobody
 * keeps others out by promises.
 */
export class BodyBudget {
  readonly #maxBytes: number;
  readonly #held = new Map<IncomingMessage, number>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** False, and nothing taken, if it does not fit any more. */
  take(request: IncomingMessage, bytes: number): boolean {
    if (this.#bytes + bytes > this.#maxBytes) return false;
    this.#bytes += bytes;
    this.#held.set(request, (this.#held.get(request) ?? 0) + bytes);
    return true;
  }

  /** The request is answered, or gone. */
  release(request: IncomingMessage): void {
    this.#bytes -= this.#held.get(request) ?? 0;
    this.#held.delete(request);
  }
}

export type Body = Uint8Array | 'too-large' | 'overloaded' | 'aborted';

/**
 * The body as one buffer, unless it exceeds `maxBytes` (by its header or in fact), all bodies together exceed the budget,
 * or the sender goes away. Whoever answers the request releases what it holds of the budget.
 */
export function readBody(request: IncomingMessage, maxBytes: number, budget: BodyBudget): Promise<Body> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.resolve('too-large');
  return new Promise((resolve) => {
    let chunks: Buffer[] = [];
    let length = 0;
    const refuse = (why: 'too-large' | 'overloaded'): void => {
      request.removeAllListeners('data');
      // Not held until the request ends: its sender may take his time.
      chunks = [];
      budget.release(request);
      resolve(why);
    };
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) refuse('too-large');
      else if (!budget.take(request, chunk.length)) refuse('overloaded');
      else chunks.push(chunk);
    });
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    request.on('error', () => resolve('aborted'));
    request.on('close', () => resolve('aborted'));
  });
}
