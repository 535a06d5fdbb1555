// The service worker, from the page's side: registers it after the first paint, and knows when a new
// version is waiting.

import type { Workbox } from 'workbox-window';
import { trustedScriptUrl } from './trusted-types.ts';

const ASK_AGAIN_MS = 60 * 60_000;

class Updates {
  #ready = $state.raw(false);
  #agreed = false;
  #workbox: Workbox | null = null;

  get ready(): boolean {
    return this.#ready;
  }

  /** `beforeReload` stores what must survive the page. */
  async register(beforeReload: () => Promise<void>): Promise<void> {
    if (!('serviceWorker' in navigator)) return;
    const { Workbox } = await import('workbox-window');
    const workbox = new Workbox(trustedScriptUrl('/sw.js') as unknown as string);
    this.#workbox = workbox;
    workbox.addEventListener('waiting', () => {
      this.#ready = true;
    });
    // The first worker takes over a page that had none; any later one means a new version, which this tab or
    // another has agreed to: then this page is old. A forced reload leaves a page without any.
    let controlled = navigator.serviceWorker.controller !== null;
    navigator.serviceWorker.addEventListener('controllerchange', () => {
      if (controlled || this.#agreed) void beforeReload().finally(() => location.reload());
      controlled = true;
    });
    await workbox.register();
    // A messenger stays open for days; the browser by itself asks only when a page is opened.
    setInterval(() => void workbox.update().catch(() => undefined), ASK_AGAIN_MS);
  }

  dismiss(): void {
    this.#ready = false;
  }

  apply(): void {
    this.#ready = false;
    this.#agreed = true;
    this.#workbox?.messageSkipWaiting();
  }
}

export const updates = new Updates();
