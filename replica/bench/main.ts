/**
 * Prints each figure as one JSON line {"name", "value", "unit", "floor"?}: `npm run bench -w replica [-- NAME…]`.
 *
 * A figure is a file of its name in this folder that exports `measure`.
 */
import { existsSync } from 'node:fs';
import { rounded } from './figure.ts';
import type { Figure } from './figure.ts';

const NAMES = [
  'startup',
  'update-latency',
  'update-throughput',
  'query-throughput',
  'xnet-latency',
  'rollback',
  'many-canisters',
  'recovery',
  'install',
  'metering',
];

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
    console.log(JSON.stringify({ name, value: rounded(value), unit, ...(floor !== undefined && { floor: rounded(floor) }) }));
  } catch (error) {
    failed = true;
    process.stderr.write(`${name}: ${(error as Error).stack ?? String(error)}\n`);
  }
}
process.exit(failed ? 1 : 0);
