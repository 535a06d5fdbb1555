/**
 * `npm run generate -w backend`: writes everything that follows from the .did files.
 *
 *   generated/<canister>/{types,main,replies,client}.ts   AssemblyScript
 *   generated/<canister>/exports.json                     wasm export → entry point name
 *   generated/clients/<name>/{types,client}.ts            for interfaces/<name>.did
 *   declarations/<canister>/<canister>.did.{js,d.ts}      for @dfinity/agent
 *
 * None of it is committed. A file is rewritten only when its text changes.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Did } from './did.ts';
import { readDid } from './did.ts';
import { BuildError } from '../builder/errors.ts';
import { writeWhole } from '../builder/write-whole.ts';
import { clientFiles, entryFiles } from './emit-entry.ts';

export const BACKEND = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

export function writeIfChanged(path: string, text: string): void {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  mkdirSync(dirname(path), { recursive: true });
  writeWhole(path, text);
}

/** Client bindings in the form that @dfinity/agent users know. */
function writeDeclarations(name: string, did: Did, root: string): void {
  const dir = join(root, 'declarations', name);
  const note = '// Generated from the .did file. Do not edit.\n/* eslint-disable */\n';
  writeIfChanged(join(dir, `${name}.did.js`), note + did.js.replaceAll('@icp-sdk/core/candid', '@dfinity/candid'));
  writeIfChanged(join(dir, `${name}.did.d.ts`), note + did.ts
    .replaceAll('@icp-sdk/core/agent', '@dfinity/agent')
    .replaceAll('@icp-sdk/core/candid', '@dfinity/candid')
    .replaceAll('@icp-sdk/core/principal', '@dfinity/principal'));
}

/** Generates for one canister folder that contains `<name>.did`. */
export async function generateCanister(folder: string, name: string, root: string = BACKEND): Promise<void> {
  const did = await readDid(join(folder, `${name}.did`));
  writeDeclarations(name, did, root);
  const out = join(root, 'generated', name);
  const { files, exports } = entryFiles(did, folder, out, '../..');
  for (const [file, text] of files) writeIfChanged(join(out, file), text);
  writeIfChanged(join(out, 'exports.json'), `${JSON.stringify(exports, null, 2)}\n`);
}

/** Declarations, types and client alone: enough for others to call a canister that is not finished. */
export async function generateClient(didFile: string, name: string, folder: string, root: string = BACKEND): Promise<void> {
  const did = await readDid(didFile);
  writeDeclarations(name, did, root);
  const depth = folder.split('/').length;
  for (const [file, text] of clientFiles(did, Array(depth).fill('..').join('/'))) writeIfChanged(join(root, folder, file), text);
}

/** Folders below canisters/ that hold a .did of their own name. */
export function canisterNames(root: string = BACKEND): string[] {
  const base = join(root, 'canisters');
  if (!existsSync(base)) return [];
  return readdirSync(base).filter((name) => existsSync(join(base, name, `${name}.did`))).sort();
}

/** External interfaces that our canisters call. */
export function interfaceNames(root: string = BACKEND): string[] {
  const base = join(root, 'cdk', 'interfaces');
  if (!existsSync(base)) return [];
  return readdirSync(base).filter((f) => f.endsWith('.did')).map((f) => f.slice(0, -4)).sort();
}

/** Generates everything; returns the canisters that could not be, with the reason. */
export async function generateAll(root: string = BACKEND): Promise<Map<string, string>> {
  const failed = new Map<string, string>();
  for (const name of interfaceNames(root)) await generateClient(join(root, 'cdk', 'interfaces', `${name}.did`), name, `generated/clients/${name}`, root);
  for (const name of canisterNames(root)) {
    const folder = join(root, 'canisters', name);
    try {
      await generateCanister(folder, name, root);
    } catch (error) {
      if (!(error instanceof BuildError)) throw error;
      failed.set(name, error.message);
      // Not all handlers are there: others can call it already, unless the contract itself is wrong.
      await generateClient(join(folder, `${name}.did`), name, `generated/${name}`, root).catch((again: unknown) => {
        if (!(again instanceof BuildError)) throw again;
      });
    }
  }
  return failed;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const failed = await generateAll().catch((error: unknown) => {
    if (!(error instanceof BuildError)) throw error;
    console.error(error.message);
    process.exit(1);
  });
  for (const [name, reason] of failed) console.error(`${name}: ${reason}`);
  console.log(`generated ${canisterNames().length - failed.size} of ${canisterNames().length} canisters, ${interfaceNames().length} interfaces`);
  // A canister in the making must not keep the others from being generated: the build reports it.
}
