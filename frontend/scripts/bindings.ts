// Writes TypeScript bindings for the canisters that the pages call, from their Candid contracts.
// The output is not committed: it is made before each build.

import { generate } from '@icp-sdk/bindgen/core';
import { mkdtemp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CANISTERS = ['user_index', 'local_index', 'user', 'group', 'internet_identity'];

const backend = fileURLToPath(new URL('../../backend/canisters/', import.meta.url));
const outDir = fileURLToPath(new URL('../generated/', import.meta.url));

export async function writeBindings(): Promise<void> {
  await mkdir(outDir, { recursive: true });
  for (const canister of CANISTERS) {
    const scratch = await mkdtemp(join(tmpdir(), 'parley-bindings-'));
    try {
      await generate({
        didFile: join(backend, canister, `${canister}.did`),
        outDir: scratch,
        output: { force: true, actor: { disabled: true }, declarations: { typescript: true, rootExports: true, flat: true } },
      });
      for (const name of await readdir(scratch)) {
        const text = await readFile(join(scratch, name), 'utf8');
        await writeFile(join(outDir, name), text.replaceAll('@icp-sdk/core/', '@dfinity/'));
      }
    } finally {
      await rm(scratch, { recursive: true });
    }
  }
}

if (import.meta.filename === process.argv[1]) await writeBindings();
