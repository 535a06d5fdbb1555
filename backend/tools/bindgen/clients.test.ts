/** Clients for canisters that are not ours: everything in them compiles, called by somebody or not. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compileForTest } from '../testing/module.ts';
import { BACKEND, generateClient, interfaceNames } from './bindgen.ts';
import { readDid } from './did.ts';
import { identifier } from './names.ts';

describe('generated clients', () => {
  it.each(interfaceNames())('the client of %s compiles as a whole, with a function for each method', async (name) => {
    const didFile = join(BACKEND, 'cdk', 'interfaces', `${name}.did`);
    await generateClient(didFile, name, `generated/clients/${name}`);
    // What an entry file exports is compiled even if nothing calls it.
    const { bytes } = await compileForTest(`generated/clients/${name}/client.ts`);
    const exported = WebAssembly.Module.exports(new WebAssembly.Module(bytes as BufferSource)).map((e) => e.name);
    const { methods } = await readDid(didFile);
    expect(methods.length).toBeGreaterThan(0);
    for (const method of methods) {
      expect(exported).toContain(identifier(method.name));
      if (method.mode !== 'oneway') expect(exported).toContain(`${identifier(method.name)}_reply`);
    }
  });
});
