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

  /** Removes and returns what fits one block: at most so many messages, and so many bytes unless a single one is larger. */
  take(timeNanos: TimeNanos, maxMessages: number, maxBytes: number): IngressMessage[] {
    const taken: IngressMessage[] = [];
    let bytes = 0;
    for (const message of this.#waiting.values()) {
      if (message.expiryNanos < timeNanos) {
        this.#remove(message);
        continue;
      }
      bytes += message.envelopeBytes;
      if (taken.length >= maxMessages || (bytes > maxBytes && taken.length > 0)) break;
      this.#remove(message);
      taken.push(message);
    }
    return taken;
  }

  #remove(message: IngressMessage): void {
    this.#waiting.delete(message.messageId);
    this.#bytes -= message.envelopeBytes;
  }
}
