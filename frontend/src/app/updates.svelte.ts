// The service worker, from the page's side: registers it after the first paint, and knows when a new
// version is waiting.

import type { Workbox } from 'workbox-window';
import { trustedScriptUrl } from './trusted-types.ts';

class Updates {
  #ready = $state.raw(false);
  #workbox: Workbox | null = null;

  get ready(): boolean {
    return this.#ready;
  }

  async register(): Promise<void> {
    if (!('serviceWorker' in navigator)) return;
    const { Workbox } = await import('workbox-window');
    const workbox = new Workbox(trustedScriptUrl('/sw.js') as unknown as string);
    this.#workbox = workbox;
    workbox.addEventListener('waiting', () => {
      this.#ready = true;
    });
    // Another tab may have said yes: then this page is old as well.
    workbox.addEventListener('controlling', (event) => {
      if (event.isUpdate) location.reload();
    });
    await workbox.register();
  }

  dismiss(): void {
    this.#ready = false;
  }

  apply(): void {
    this.#ready = false;
    this.#workbox?.messageSkipWaiting();
  }
}

export const updates = new Updates();
