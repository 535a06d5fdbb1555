// What tabs and engines tell each other. Nothing here is needed for correctness: state lives in the
// database; these messages only make things quicker or tell the person something.

import type { FailureCode } from '../domain/failure.ts';
import type { JobAction } from '../domain/job.ts';

/** `expired` means that the person has to sign in again; local reading goes on. */
export type Connection = 'connecting' | 'online' | 'offline' | 'unreachable' | 'expired';

export type TabMessage =
  /** From a tab: who looks, and when there was the last sign of life. */
  | { kind: 'presence'; tab: string; visible: boolean; activeAt: number }
  /** From an engine that just became the leader: tabs answer with their presence. */
  | { kind: 'who' }
  /** From the leading engine. */
  | { kind: 'connection'; connection: Connection }
  | { kind: 'refused'; action: JobAction['do']; code: FailureCode }
  /** From a tab that opened: the leader repeats its connection. */
  | { kind: 'hello' }
  /** From any tab: something was done that the network should be asked about now. */
  | { kind: 'poke' }
  /** Local data is about to be wiped: every tab starts over. */
  | { kind: 'signed-out' };

export interface TabChannel {
  post(message: TabMessage): void;
  listen(onmessage: (message: TabMessage) => void): () => void;
  close(): void;
}

export function openTabChannel(name = 'parley'): TabChannel {
  const channel = new BroadcastChannel(name);
  return {
    post: (message) => channel.postMessage(message),
    listen(onmessage) {
      const handler = (event: MessageEvent): void => onmessage(event.data as TabMessage);
      channel.addEventListener('message', handler);
      return () => channel.removeEventListener('message', handler);
    },
    close: () => channel.close(),
  };
}
