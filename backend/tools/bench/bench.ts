/**
 * `npm run bench -w backend [-- NAME…] [-- --update]`: one JSON line per figure.
 *
 * The figures are instructions and bytes, so they are exact and the same on every machine. The
 * committed table is bench/table.json; `--update` rewrites it, and the test beside this file fails
 * when a figure is more than 2 % above its row.
 */
import { readdirSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { BACKEND } from '../bindgen/bindgen.ts';
import type { Figure } from './figures.ts';
import * as kitFigures from './figures.ts';

export const TABLE = join(BACKEND, 'bench', 'table.json');

type Group = () => Promise<Figure[]>;

/** Every exported function of figures.ts and of bench/*.figures.ts. */
export async function groups(): Promise<Group[]> {
  const found: Group[] = Object.values(kitFigures);
  const folder = join(BACKEND, 'bench');
  for (const file of existsSync(folder) ? readdirSync(folder).filter((f) => f.endsWith('.figures.ts')).sort() : []) {
    const loaded = (await import(pathToFileURL(join(folder, file)).href)) as Record<string, unknown>;
    found.push(...Object.values(loaded).filter((x): x is Group => typeof x === 'function'));
  }
  return found;
}

export async function measure(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const group of await groups()) figures.push(...await group());
  return figures;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2);
  const names = args.filter((a) => !a.startsWith('--'));
  const figures: Figure[] = [];
  for (const group of await groups()) {
    for (const figure of await group()) {
      figures.push(figure);
      if (names.length === 0 || names.includes(figure.name)) console.log(JSON.stringify(figure));
    }
  }
  if (args.includes('--update')) writeFileSync(TABLE, `[\n${figures.map((f) => `  ${JSON.stringify(f)}`).join(',\n')}\n]\n`);
}
