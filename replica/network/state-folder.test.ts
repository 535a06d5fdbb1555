import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { initBls } from '../crypto/bls.ts';
import { toHex } from '../codec/bytes.ts';
import { encodeSecrets } from '../registry/keys.ts';
import { encodeRegistry } from '../registry/registry.ts';
import { openNetwork, StateFolderError } from './state-folder.ts';
import type { NetworkFiles } from './state-folder.ts';

const SHAPES = [{ kind: 'system' as const }, { kind: 'application' as const }];
const SUBNETS = [0, 1];

beforeAll(initBls);

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'parley-state-folder-'));
  folders.push(folder);
  return folder;
}

function open(folder: string): NetworkFiles {
  const files = openNetwork(folder, undefined, SHAPES, 1);
  files.release();
  return files;
}

/** With states beside its keys, as after a first start. */
function madeFolder(): string {
  const folder = newFolder();
  open(folder);
  for (const at of SUBNETS) mkdirSync(join(folder, `subnet-${at}`, 'checkpoint'));
  return folder;
}

const contentsOf = ({ registry, subnets }: NetworkFiles): string[] => [encodeRegistry(registry), ...subnets.map(({ secrets }) => encodeSecrets(secrets))];

function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const DAMAGES: readonly ((bytes: Buffer, random: (below: number) => number) => Buffer)[] = [
  (bytes, random) => {
    const at = random(bytes.length);
    bytes[at]! ^= 1 << random(8);
    return bytes;
  },
  (bytes, random) => bytes.subarray(0, random(bytes.length)),
  (bytes, random) => {
    const at = random(bytes.length);
    return bytes.fill(0, at, Math.min(bytes.length, at + 1 + random(200)));
  },
  () => Buffer.alloc(0),
];

test('a damaged registry.json or keys.json is refused by name and with what to do, or read as it was written', () => {
  const made = madeFolder();
  const expected = contentsOf(open(made));
  const random = randomFrom(1);
  let refused = 0;
  for (const name of ['registry.json', 'subnet-0/keys.json', 'subnet-1/keys.json']) {
    for (let times = 0; times < 60; times++) {
      const folder = newFolder();
      cpSync(made, folder, { recursive: true });
      const path = join(folder, name);
      writeFileSync(path, DAMAGES[times % DAMAGES.length]!(readFileSync(path), random));
      try {
        expect(contentsOf(open(folder)), `${name}, ${times}: ${toHex(readFileSync(path))}`).toEqual(expected);
      } catch (error) {
        if (!(error instanceof StateFolderError)) throw error;
        expect(error.message).toMatch(/--clean/);
        expect(error.message).toContain(`${path} is damaged`);
        refused++;
      }
    }
  }
  expect(refused).toBeGreaterThan(100);
});

test.each([
  ['registry.json', 'states of subnets beside it'],
  ['subnet-1/keys.json', 'it is missing'],
])('%s that is gone is not made anew over the states that are there', (name, said) => {
  const folder = madeFolder();
  rmSync(join(folder, name));
  expect(() => open(folder)).toThrow(said);
});

test('keys of another subnet are refused', () => {
  const folder = madeFolder();
  cpSync(join(folder, 'subnet-0', 'keys.json'), join(folder, 'subnet-1', 'keys.json'));
  expect(() => open(folder)).toThrow('are not those of the subnet');
});

test('a start that ended before the registry was written makes everything anew', () => {
  const folder = newFolder();
  open(folder);
  rmSync(join(folder, 'registry.json'));
  expect(open(folder).registry.subnets.length).toBe(2);
});
