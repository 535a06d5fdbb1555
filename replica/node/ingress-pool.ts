/**
 * Ingress messages that passed the filter and wait for a block, oldest first.
 *
 * Never: two with the same id, or one after its expiry.
 */
import type { IngressMessage, MessageId, TimeNanos } from '../types/messages.ts';

/**
 * Messages waiting at most. At the block limit of 1000 messages it is a few seconds of work; beyond that, refusing
 * (503, clients retry) is better than answering after the client has given up.
 */
const MAX_WAITING = 10_000;
/** The same for large messages, at 4 MiB in a block; without it, waiting messages alone could fill the memory. */
const MAX_WAITING_BYTES = 256 * 1024 * 1024;

export class IngressPool {
  readonly #waiting = new Map<MessageId, IngressMessage>();
  #bytes = 0;

  has(id: MessageId): boolean {
    return this.#waiting.has(id);
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** False when full. */
  add(message: IngressMessage): boolean {
    if (this.#waiting.size >= MAX_WAITING || this.#bytes + message.envelopeBytes > MAX_WAITING_BYTES) return false;
    this.#waiting.set(message.messageId, message);
    this.#bytes += message.envelopeBytes;
    return true;
  }

  /**
   * Removes and returns what fits one block, oldest first: at most so many messages and bytes. `alone`: the block is empty
   * so far, so that a single message may be larger. Only the embedding API can submit such; it would wait for ever.
   */
  take(
    timeNanos: TimeNanos,
    maxMessages: number,
    maxBytes: number,
    { alone }: { readonly alone: boolean },
  ): { readonly messages: IngressMessage[]; readonly bytes: number } {
    const messages: IngressMessage[] = [];
    let bytes = 0;
    for (const message of this.#waiting.values()) {
      if (message.expiryNanos < timeNanos) {
        this.#remove(message);
        continue;
      }
      const fits = bytes + message.envelopeBytes <= maxBytes || (alone && messages.length === 0);
      if (messages.length >= maxMessages || !fits) break;
      bytes += message.envelopeBytes;
      this.#remove(message);
      messages.push(message);
    }
    return { messages, bytes };
  }

  #remove(message: IngressMessage): void {
    this.#waiting.delete(message.messageId);
    this.#bytes -= message.envelopeBytes;
  }
}
