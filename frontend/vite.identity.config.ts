// The identity page: a site of its own, because a passkey belongs to the origin that made it.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here('identity'),
  plugins: [svelte({ configFile: here('svelte.config.js') })],
  publicDir: here('identity/public'),
  build: {
    outDir: here('dist/identity'),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: { host: '127.0.0.1', strictPort: false },
});
