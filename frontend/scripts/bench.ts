// How much JavaScript stands between a visitor and the chat list, compressed as it travels. Counted from
// the built page itself: its scripts and everything they import before they may run, and what the shell
// asks for to draw the list. The engine's worker is counted apart: it starts after the first paint.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const dist = fileURLToPath(new URL('../dist/app/', import.meta.url));

const STATIC_IMPORT = /(?:\bimport|\bfrom)\s*["'](\.{1,2}\/[^"']+\.js)["']/g;

async function closure(entry: string, seen = new Map<string, number>()): Promise<Map<string, number>> {
  if (seen.has(entry)) return seen;
  const code = await readFile(join(dist, entry), 'utf8');
  seen.set(entry, gzipSync(code, { level: 9 }).length);
  for (const [, relative = ''] of code.matchAll(STATIC_IMPORT)) {
    await closure(new URL(relative, `file:///${entry}`).pathname.slice(1), seen);
  }
  return seen;
}

const total = (files: Map<string, number>): number => [...files.values()].reduce((sum, bytes) => sum + bytes, 0);

const html = await readFile(join(dist, 'index.html'), 'utf8');
const entries = [...html.matchAll(/<script[^>]+src="\/([^"]+)"/g)].map(([, src = '']) => src);
const initial = new Map<string, number>();
for (const entry of entries) await closure(entry, initial);
const preloads = [...html.matchAll(/<link[^>]+rel="modulepreload"[^>]+href="\/([^"]+)"/g)].map(([, href = '']) => href);
for (const entry of preloads) await closure(entry, initial);

const report = (name: string, bytes: number, bar?: number): void =>
  console.log(JSON.stringify({ name, value: Math.round(bytes / 100) / 10, unit: 'kB gzip', ...(bar === undefined ? {} : { bar }) }));

report('js-initial', total(initial), 180);

const { readdir } = await import('node:fs/promises');
const assets = await readdir(join(dist, 'assets'));
const worker = assets.find((name) => /^engine\.worker-.*\.js$/.test(name));
if (worker) report('js-engine-worker', total(await closure(`assets/${worker}`)));
const identity = fileURLToPath(new URL('../dist/identity/assets/', import.meta.url));
let identityBytes = 0;
for (const name of await readdir(identity)) {
  if (name.endsWith('.js')) identityBytes += gzipSync(await readFile(join(identity, name)), { level: 9 }).length;
}
report('js-identity-page', identityBytes);
