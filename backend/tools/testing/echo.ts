/**
 * A module that decodes arguments of given types and encodes them again: what the Candid tests
 * compare with the official vectors and with @dfinity/candid.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Did, Type } from '../bindgen/did.ts';
import { readDid } from '../bindgen/did.ts';
import { TypeEmitter } from '../bindgen/emit-types.ts';
import { BACKEND } from '../bindgen/bindgen.ts';
import type { TestModule } from './module.ts';
import { compileForTest, instantiate, writeTestSource } from './module.ts';

export interface Echo {
  did: Did;
  module: TestModule;
  bytes: Uint8Array;
  fresh(): TestModule;
  /** Argument types of case `i`. */
  types: Type[][];
}

/** Compiles one echo per argument list; `preamble` holds type definitions. */
export async function compileEcho(name: string, preamble: string, argumentLists: string[], debug = false): Promise<Echo> {
  const didFile = join(BACKEND, 'build', 'test', `${name}.did`);
  mkdirSync(join(BACKEND, 'build', 'test'), { recursive: true });
  writeFileSync(didFile, `${preamble}\nservice : {\n${argumentLists.map((a, i) => `  m${i} : ${a} -> ${a};`).join('\n')}\n}\n`);
  const did = await readDid(didFile);
  const emitter = new TypeEmitter(did);
  const types = argumentLists.map((_, i) => did.methods.find((m) => m.name === `m${i}`)?.args ?? []);
  const out: string[] = [];
  types.forEach((list, i) => {
    out.push(
      `export function m${i}(): void {`,
      `  openArgument(${emitter.header(list)});`,
      ...list.map((t, j) => `  const a${j} = ${emitter.read(t)};`),
      '  reader.close();',
      `  writer.begin(${emitter.header(list)});`,
      ...list.map((t, j) => `  ${emitter.write(t, `a${j}`)}`),
      '  sendReply();',
      '}',
    );
  });
  const root = '../..';
  writeTestSource(`${name}-types.ts`, emitter.file(root));
  const entry = writeTestSource(`${name}.ts`, [
    `import * as reader from "${root}/cdk/candid/reader";`,
    `import * as writer from "${root}/cdk/candid/writer";`,
    `import { openArgument, sendReply } from "${root}/cdk/candid/message";`,
    `import { readNat, readInt, writeNat, writeInt } from "${root}/cdk/candid/nat";`,
    `import { readFunc, writeFunc } from "${root}/cdk/candid/func";`,
    `import { readEmpty } from "${root}/cdk/candid/fail";`,
    `import { Principal } from "${root}/cdk/principal/principal";`,
    `import { ${emitter.exported().join(', ')} } from "./${name}-types";`,
    ...out,
  ].join('\n'));
  const { bytes, sourceMap } = await compileForTest(entry, { debug });
  const fresh = (): TestModule => instantiate(bytes, undefined, sourceMap);
  return { did, module: fresh(), bytes, fresh, types };
}
