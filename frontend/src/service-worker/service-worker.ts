// The service worker: the app's files on the device, so that it opens without a network. Messages never
// pass through here; the engine keeps them in the database.

import { clientsClaim } from 'workbox-core';
import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute, type PrecacheEntry } from 'workbox-precaching';
import { NavigationRoute, registerRoute } from 'workbox-routing';
import { NetworkFirst } from 'workbox-strategies';

/** https://www.w3.org/TR/service-workers/#register-router-method; not in every browser. */
interface InstallEvent extends Event {
  addRoutes?(rules: { condition: { urlPattern: string }; source: 'network' }[]): Promise<void>;
  waitUntil(done: Promise<void>): void;
}

interface MessageEvent extends Event {
  readonly data: unknown;
}

interface Scope {
  addEventListener(type: 'install', listener: (event: InstallEvent) => void): void;
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
  skipWaiting(): Promise<void>;
}

declare global {
  interface Window {
    /** The files of the build; their list is written here in its last step. */
    readonly __WB_MANIFEST: (PrecacheEntry | string)[];
  }
}

const scope = self as unknown as Scope;

// Calls go past the worker. It need not wake for each of them, and it can make way for its successor, which a
// browser lets happen only while the worker has nothing to do.
scope.addEventListener('install', (event) => {
  const routed = event.addRoutes?.([{ condition: { urlPattern: '/api/*' }, source: 'network' }]);
  if (routed) event.waitUntil(routed.catch(() => undefined));
});

// A new version waits until the person agrees (`app/updates.svelte.ts`); the first is good for going offline at once.
scope.addEventListener('message', (event) => {
  if ((event.data as { type?: unknown } | null)?.type === 'SKIP_WAITING') void scope.skipWaiting();
});
clientsClaim();

precacheAndRoute(self.__WB_MANIFEST);
cleanupOutdatedCaches();
registerRoute(new NavigationRoute(createHandlerBoundToURL('/index.html'), { denylist: [/^\/api\//, /^\/_\//, /^\/\.well-known\//] }));
registerRoute(
  ({ sameOrigin, url }) => sameOrigin && url.pathname === '/parley-config.json',
  new NetworkFirst({ cacheName: 'parley-config', networkTimeoutSeconds: 4 }),
);
