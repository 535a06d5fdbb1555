// Builds both sites into `dist/app` and `dist/identity`: bindings, pages, icons, service worker.

import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { injectManifest } from 'workbox-build';
import { writeBindings } from './bindings.ts';
import { writeIcons } from './icons.ts';

const path = (relative: string): string => fileURLToPath(new URL(`../${relative}`, import.meta.url));

await writeBindings();
await build({ configFile: path('vite.config.ts'), logLevel: 'warn' });
await build({ configFile: path('vite.identity.config.ts'), logLevel: 'warn' });
await writeIcons(path('dist/app'), true);
await writeIcons(path('dist/identity'), false);

// Last: it lists what the other steps wrote.
await build({ configFile: path('vite.service-worker.config.ts'), logLevel: 'warn' });
const { count, size, warnings } = await injectManifest({
  globDirectory: path('dist/app'),
  globPatterns: ['**/*.{html,js,css,svg,webmanifest}', 'icon-192.png'],
  globIgnores: ['sw.js'],
  swSrc: path('dist/app/sw.js'),
  swDest: path('dist/app/sw.js'),
  // Hashed names never change their content.
  dontCacheBustURLsMatching: /^assets\//,
  maximumFileSizeToCacheInBytes: 4 * 1024 * 1024,
});
for (const warning of warnings) console.warn(warning);
const files = await readdir(path('dist/identity'), { recursive: true });
console.log(`frontend: app precaches ${count} files, ${Math.round(size / 1024)} kB; identity page has ${files.length} files`);
