// Short news at the edge of the screen: one at a time, gone by itself, announced to screen readers.

import type { FailureCode } from '../domain/failure.ts';
import type { JobAction } from '../domain/job.ts';

export type Notice = { refused: JobAction['do']; code: FailureCode } | { failed: FailureCode } | { copied: true };

/** Long enough to be read by somebody who was looking elsewhere. */
const SHOWN_MS = 10_000;
/** A word that only confirms what was just done. */
const COPIED_SHOWN_MS = 3_000;

class Notices {
  #current = $state.raw<Notice | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;

  get current(): Notice | null {
    return this.#current;
  }

  show(notice: Notice): void {
    this.#current = notice;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.dismiss(), 'copied' in notice ? COPIED_SHOWN_MS : SHOWN_MS);
  }

  dismiss(): void {
    clearTimeout(this.#timer);
    this.#current = null;
  }
}

export const notices = new Notices();
