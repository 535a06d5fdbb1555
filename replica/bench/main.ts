/**
 * Prints each figure as one JSON line {"name", "value", "unit", "floor"?, "bar"}: `npm run bench -w replica [-- NAME…]`.
 *
 * A figure is a file of its name in this folder that exports `measure`.
 */
import { existsSync } from 'node:fs';
import { rounded } from './figure.ts';
import type { Figure } from './figure.ts';

/** In the order in which they run, with the bar each has to stay under (or over). */
const BARS: Record<string, string> = {
  startup: '≤ 1.5 s',
  'update-latency': '≤ 2 × floor',
  'update-throughput': '≥ 0.5 × floor',
  'query-throughput': '≥ 0.5 × floor',
  'xnet-latency': '≤ 3 × update-latency (the floor here)',
  rollback: '≤ 1.5',
  'many-canisters': '≤ 100 kB',
  recovery: '≤ 5 s',
  install: '≤ 100 ms',
  metering: '≤ 2',
};
const NAMES = Object.keys(BARS);

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !NAMES.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`no figure ${unknown.join(', ')}; there are ${NAMES.join(', ')}\n`);
  process.exit(2);
}
let failed = false;
for (const name of wanted.length > 0 ? wanted : NAMES) {
  const file = new URL(`./${name}.ts`, import.meta.url);
  try {
    if (!existsSync(file)) throw new Error('not written yet');
    const { measure } = (await import(file.href)) as { measure: () => Promise<Figure> };
    const { value, unit, floor } = await measure();
    console.log(JSON.stringify({ name, value: rounded(value), unit, ...(floor !== undefined && { floor: rounded(floor) }), bar: BARS[name] }));
  } catch (error) {
    failed = true;
    process.stderr.write(`${name}: ${(error as Error).stack ?? String(error)}\n`);
  }
}
process.exit(failed ? 1 : 0);
