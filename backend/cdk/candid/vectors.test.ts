/**
 * Every assertion of the official Candid test data, run through the compiled kit. The data is read
 * from beside the repository when it is there; it is not part of it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { IDL } from '@dfinity/candid';
import { describe, expect, it } from 'vitest';
import { compileEcho } from '../../tools/testing/echo.ts';
import { toIdl } from '../../tools/bindgen/type-table.ts';
import type { Input } from './vectors.ts';
import { parseArguments, parseVectors, withoutComments } from './vectors.ts';

const FOLDER = fileURLToPath(new URL('../../../../shared/vectors/candid', import.meta.url));

describe.skipIf(!existsSync(FOLDER))(`official Candid vectors${existsSync(FOLDER) ? '' : ` (skipped: ${FOLDER} is not there)`}`, () => {
  const files = existsSync(FOLDER) ? readdirSync(FOLDER).filter((f) => f.endsWith('.test.did')).sort() : [];

  it('claims every file', () => {
    expect(files).toEqual(['construct.test.did', 'overshoot.test.did', 'prim.test.did', 'reference.test.did', 'spacebomb.test.did', 'subtypes.test.did']);
  });

  for (const file of files) {
    it(`${file}: every assertion holds`, async () => {
      const source = readFileSync(join(FOLDER, file), 'utf8');
      const { preamble, assertions } = parseVectors(source);
      expect(assertions.length).toBe((withoutComments(source).match(/^assert\b/gm) ?? []).length);
      const echo = await compileEcho(`vectors-${file.replace(/\W+/g, '-')}`, preamble, assertions.map((a) => a.types));
      const wrong: string[] = [];
      assertions.forEach((a, i) => {
        const types = (echo.types[i] ?? []).map(toIdl);
        const run = (input: Input): string => {
          const bytes = 'blob' in input ? input.blob : new Uint8Array(IDL.encode(types, parseArguments(input.text, types)));
          return Buffer.from(echo.fresh().call(`m${i}`, bytes)).toString('hex');
        };
        let problem = '';
        try {
          const left = run(a.left);
          if (!a.decodes) problem = `decoded, as ${left}`;
          else if (a.right !== undefined) {
            const right = run(a.right);
            if ((left === right) !== a.same) problem = `${left} against ${right}`;
          }
        } catch (error) {
          if (a.decodes) problem = String(error);
          else if (!/Candid: |textual|cannot read|does not fit|negative|expected|unclosed|no empty|escape/.test(String(error))) problem = `fails for another reason: ${String(error)}`;
        }
        if (problem !== '') wrong.push(`line ${a.line} ${a.types} "${a.name}": ${problem}`);
      });
      expect(wrong).toEqual([]);
    });
  }
});
