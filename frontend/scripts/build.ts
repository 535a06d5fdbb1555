// Builds both sites into `dist/app` and `dist/identity`: bindings, pages, icons, service worker.

import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { generateSW } from 'workbox-build';
import { writeBindings } from './bindings.ts';
import { writeIcons } from './icons.ts';

const path = (relative: string): string => fileURLToPath(new URL(`../${relative}`, import.meta.url));

await writeBindings();
await build({ configFile: path('vite.config.ts'), logLevel: 'warn' });
await build({ configFile: path('vite.identity.config.ts'), logLevel: 'warn' });
await writeIcons(path('dist/app'), true);
await writeIcons(path('dist/identity'), false);

const { count, size, warnings } = await generateSW({
  globDirectory: path('dist/app'),
  globPatterns: ['**/*.{html,js,css,svg,webmanifest}', 'icon-192.png'],
  swDest: path('dist/app/sw.js'),
  inlineWorkboxRuntime: true,
  sourcemap: false,
  mode: 'production',
  cleanupOutdatedCaches: true,
  // The first visit is already good for going offline; a new version waits until the person agrees.
  clientsClaim: true,
  skipWaiting: false,
  navigateFallback: '/index.html',
  navigateFallbackDenylist: [/^\/api\//, /^\/_\//, /^\/\.well-known\//],
  // Hashed names never change their content.
  dontCacheBustURLsMatching: /^assets\//,
  maximumFileSizeToCacheInBytes: 4 * 1024 * 1024,
  runtimeCaching: [
    {
      urlPattern: ({ sameOrigin, url }) => sameOrigin && url.pathname === '/parley-config.json',
      handler: 'NetworkFirst',
      options: { cacheName: 'parley-config', networkTimeoutSeconds: 4 },
    },
  ],
});
for (const warning of warnings) console.warn(warning);
const files = await readdir(path('dist/identity'), { recursive: true });
console.log(`frontend: app precaches ${count} files, ${Math.round(size / 1024)} kB; identity page has ${files.length} files`);
