import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { HostAliases } from './host-aliases.ts';

const ID = 'rdmx6-jaaaa-aaaaa-aaadq-cai';
let folder: string | undefined;

afterEach(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true });
});

test('a damaged file is told once, with what is wrong and what to do, and its former names stay', () => {
  folder = mkdtempSync(join(tmpdir(), 'parley-aliases-'));
  const file = join(folder, 'host-aliases.json');
  const warnings: string[] = [];
  const aliases = new HostAliases({}, [file], (text) => warnings.push(text));
  expect(aliases.canisterFor('parley.localhost')).toBeUndefined();
  writeFileSync(file, JSON.stringify({ parley: ID }));
  expect(aliases.canisterFor('parley.localhost')).toBeDefined();
  expect(warnings).toEqual([]);
  writeFileSync(file, `{"parley": "${ID}"`);
  for (let times = 0; times < 3; times++) expect(aliases.canisterFor('parley.localhost')).toBeDefined();
  expect(warnings).toEqual([expect.stringMatching(new RegExp(`${file} is damaged .*deploy again`))]);
  // One letter of the id is another: its own checksum tells.
  writeFileSync(file, JSON.stringify({ parley: ID.replace('r', 's'), chat: ID }));
  expect(aliases.canisterFor('chat.localhost')).toBeDefined();
  expect(warnings.slice(1)).toEqual([expect.stringContaining('"parley" has no canister id')]);
});
