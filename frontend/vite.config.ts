// The app: one page, its engine in a worker, served from its own origin.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig(({ mode }) => ({
  root: here('.'),
  plugins: [svelte()],
  resolve: process.env['VITEST'] ? { conditions: ['browser'] } : {},
  publicDir: here('public'),
  worker: { format: 'es' as const },
  build: {
    outDir: here('dist/app'),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    // Inlined assets would need `data:` in the content security policy.
    assetsInlineLimit: 0,
    rollupOptions: {
      input: mode === 'design' ? here('dev/design.html') : here('index.html'),
    },
    reportCompressedSize: false,
  },
  server: { host: '127.0.0.1', strictPort: false },
  test: {
    // No test waits for time to pass; the limits only end what hangs, on slow and busy machines too.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    environment: 'node',
    include: ['src/**/*.test.ts', 'identity/src/**/*.test.ts', 'scripts/**/*.test.ts'],
  },
}));
