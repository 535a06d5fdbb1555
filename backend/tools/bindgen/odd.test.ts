/** Contracts that are legal and odd, and mistakes that everybody makes once. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { IDL } from '@dfinity/candid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile, finishModule } from '../builder/compile.ts';
import { BuildError } from '../builder/errors.ts';
import { compileEcho } from '../testing/echo.ts';
import { BACKEND, generateAll, generateCanister } from './bindgen.ts';
import { readDid } from './did.ts';
import { caseName, TypeEmitter } from './emit-types.ts';
import { fileName, identifier, propertyName } from './names.ts';
import { toIdl } from './type-table.ts';

const ROOT = mkdtempSync(join(tmpdir(), 'parley-odd-'));

beforeAll(() => { symlinkSync(join(BACKEND, 'cdk'), join(ROOT, 'cdk')); });
afterAll(() => { rmSync(ROOT, { recursive: true, force: true }); });

function write(files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true });
    writeFileSync(join(ROOT, path), text);
  }
}

/** Handlers that return their first argument, or nothing. */
async function writeHandlers(name: string): Promise<void> {
  const did = await readDid(join(ROOT, 'canisters', name, `${name}.did`));
  const types = new TypeEmitter(did);
  const named = types.exported().filter((n) => !/^(read|write)_/.test(n)).join(', ');
  const header = [
    `import { ${named} } from "../../../generated/${name}/types";`,
    'import { Nat, Int } from "../../../cdk/candid/nat";',
    'import { Func } from "../../../cdk/candid/func";',
    'import { Opt } from "../../../cdk/candid/opt";',
    'import { Principal } from "../../../cdk/principal/principal";', '',
  ].join('\n');
  const files: Record<string, string> = {};
  for (const m of did.methods) {
    const folder = m.mode === 'query' || m.mode === 'composite_query' ? 'queries' : 'updates';
    const result = m.results[0] === undefined ? 'void' : types.asType(m.results[0]);
    const args = m.args.map((t, i) => `x${i}: ${types.asType(t)}`).join(', ');
    // Methods whose names differ in punctuation alone share a file.
    const path = `canisters/${name}/${folder}/${fileName(m.name)}.ts`;
    files[path] = `${files[path] ?? header}export function ${identifier(m.name)}(${args}): ${result} { ${result === 'void' ? '' : 'return x0;'} }\n`;
  }
  write(files);
}

async function build(name: string): Promise<Uint8Array> {
  await generateCanister(join(ROOT, 'canisters', name), name, ROOT);
  const { module } = await compile({ root: ROOT, entry: `generated/${name}/main.ts`, debug: true });
  return finishModule(module, { exports: {}, did: '' }).module;
}

const WORDS = [
  'class', 'new', 'delete', 'function', 'this', 'type', 'record', 'variant', 'null', 'true', 'if', 'in', 'of', 'import', 'export', 'return',
  'constructor', 'static', 'public', 'get', 'set', 'tag', 'bits', 'ref', 'value', 'prototype', 'toString', 'length', 'name', 'as', 'u8', 'usize',
  'string', 'number', 'default', 'await', 'async', 'yield', 'let', 'void', 'unreachable', 'load', 'memory', 'reader', 'abort', '__new', 'arguments',
  'undefined', 'NaN', 'operator', 'super', 'enum', 'switch', 'instanceof', 'is', 'declare', 'package', 'readonly', 'override', 'any', 'nat', 'func', 'query',
  'class_', 'class__', '1a', '_1', '$e9$', 'é', 'e9', '日本', 'a b', '', '\\n', 'a\\"b', '🚀', '__proto_',
];

describe('odd contracts', () => {
  it('labels that are keywords, Unicode or numbers carry their values', async () => {
    const fields = WORDS.map((w) => `"${w}" : nat32`).join('; ');
    const cases = WORDS.map((w, i) => `"${w}"${i % 3 === 0 ? '' : i % 3 === 1 ? ' : nat32' : ' : text'}`).join('; ');
    const echo = await compileEcho('odd-labels', `type R = record { ${fields}; 1 : bool }; type V = variant { ${cases}; 1 }; type E = variant { ${WORDS.map((w) => `"${w}"`).join('; ')} };`, ['(R)', '(V)', '(E)'], true);
    const [record, variant, choice] = echo.types.map(([type]) => toIdl(type!));
    const labels = WORDS.map((w) => JSON.parse(`"${w}"`) as string);
    const value = Object.fromEntries([...labels.map((label, i) => [label, i]), ['_1_', true]]);
    const bytes = new Uint8Array(IDL.encode([record!], [value]));
    expect(Buffer.from(echo.module.call('m0', bytes)).equals(Buffer.from(bytes))).toBe(true);
    labels.forEach((label, i) => {
      const some = new Uint8Array(IDL.encode([variant!], [{ [label]: i % 3 === 0 ? null : i % 3 === 1 ? i : `text ${i}` }]));
      expect(Buffer.from(echo.module.call('m1', some)).equals(Buffer.from(some)), label).toBe(true);
      const one = new Uint8Array(IDL.encode([choice!], [{ [label]: null }]));
      expect(Buffer.from(echo.module.call('m2', one)).equals(Buffer.from(one)), label).toBe(true);
    });
  });

  it('distinct labels have distinct names', () => {
    const labels = [...WORDS, 'class___', '_1_', '_2_', '2', '_2', '__2', '$', '$$', '$32$', '\u0e99', 'é9', 'readonly_'];
    for (const nameOf of [identifier, propertyName, (label: string) => caseName({ label } as never)]) {
      const named = labels.filter((l) => nameOf !== identifier || !/^_\d+_$/.test(l)).map(nameOf);
      expect(new Set(named).size).toBe(named.length);
      for (const name of named) expect(name).toMatch(/^[A-Za-z_$][\w$]*$/);
    }
  });

  it('methods, types and imports of any name build, clients and replies included', async () => {
    const methods = ['class', 'of', 'async', 'null', 'init', 'reader', 'openArgument', 'Principal', 'memory', 'x', 'x_reply', 'x-y', 'x_y', 'é', '日本語', '', '../evil', '1a', 'constructor', 'a'.repeat(3000)];
    const deep = Array.from({ length: 10 }, (_, i) => `type D${i + 1} = record { a : vec D${i}; b : opt D${i} };`).join('\n');
    write({
      'canisters/odd/other.did': 'type Imported = record { a : nat; b : opt Imported };',
      'canisters/odd/odd.did': `import "other.did";
        // service : { fake : () -> () }
        type T = record { nat; text; record { bool; opt nat8 } };
        type foo = nat; type Foo = text;
        type reader = record { a : nat32; b : opt reader };
        type Principal = record { principal };
        type GetResults = variant { a : nat; b };
        type L = opt L; type W = vec W;
        type Mixed = record { nat; 7 : text; bool; a : nat };
        type F = func (nat, text) -> (nat) query;
        type S = service { a : F; b : (S) -> (S) };
        type Refs = record { f : F; s : S; h : service {}; cb : func (F) -> () oneway };
        type E = variant {};
        type D0 = record { nat; nat };
        ${deep}
        service : (nat, opt T) -> {
          ${methods.map((m) => `"${m}" : (nat32) -> (nat32);`).join('\n')}
          types : (T, foo, Foo, reader, Principal, L, W, Mixed, Imported) -> (T) query;
          get : (GetResults) -> (GetResults);
          several : (nat32) -> (nat32);
          references : (Refs) -> (Refs);
          nothing : (null, reserved, opt null, vec null, opt empty, opt E, record {}) -> () query;
          deep : (D10) -> ();
          announce : (text) -> () oneway;
          forward : (text) -> (text) composite_query;
        }`,
      'canisters/odd/lifecycle/init.ts': 'import { Nat } from "../../../cdk/candid/nat";\nimport { T } from "../../../generated/odd/types";\nexport function init(n: Nat, t: T | null): void {}\n',
    });
    await expect(writeHandlers('odd').then(() => build('odd'))).resolves.toBeDefined();
    for (const file of ['client', 'replies', 'types']) {
      const { module } = await compile({ root: ROOT, entry: `generated/odd/${file}.ts`, debug: true });
      expect(WebAssembly.validate(module as BufferSource)).toBe(true);
    }
  });

  it('results of several methods, and a type of the same name, do not collide', async () => {
    write({ 'canisters/results/results.did': 'type GetResults = record { a : nat32 }; service : { get : (GetResults) -> (nat32, text); Get : () -> (nat32, nat8) }' });
    write({
      'canisters/results/updates/get.ts': [
        'import { GetResults } from "../../../generated/results/types";',
        'import { GetResults_, GetResults__ } from "../../../generated/results/replies";',
        'export function Get(): GetResults_ { return new GetResults_(1, 2); }',
        'export function get(a: GetResults): GetResults__ { return new GetResults__(a.a, "x"); }', '',
      ].join('\n'),
    });
    await expect(build('results')).resolves.toBeDefined();
  });

  it('a service without methods builds', async () => {
    write({ 'canisters/empty/empty.did': 'service : {}' });
    await expect(build('empty')).resolves.toBeDefined();
  });
});

describe('mistakes', () => {
  const DID = 'service : {\n  // Greets.\n  greet : (name : text) -> (text) query;\n}\n';
  const GOOD = 'export function greet(name: string): string { return "Hello, " + name; }\n';
  const cases: [mistake: string, files: Record<string, string>, message: RegExp][] = [
    ['a missing handler', { 'm.did': DID }, /method greet has no handler: expected .*canisters\/m\d+\/queries\/greet\.ts with "export function greet"/],
    ['a handler that is not exported', { 'm.did': DID, 'queries/greet.ts': GOOD.replace('export ', '') }, /queries\/greet\.ts does not export function greet/],
    ['a handler in the wrong folder', { 'm.did': DID, 'updates/greet.ts': GOOD }, /expected .*queries\/greet\.ts/],
    ['a wrong result', { 'm.did': DID, 'queries/greet.ts': 'export function greet(name: string): u32 { return 1; }\n' }, /not assignable[\s\S]*The \.did asks for: export function greet\(a0: string\): string in canisters\/m\d+\/queries\/greet\.ts/],
    ['a wrong argument', { 'm.did': DID, 'queries/greet.ts': 'export function greet(name: u32): string { return ""; }\n' }, /The \.did asks for: export function greet\(a0: string\): string/],
    ['an argument too few', { 'm.did': DID, 'queries/greet.ts': 'export function greet(): string { return ""; }\n' }, /The \.did asks for: export function greet\(a0: string\): string/],
    ['an error in the handler itself', { 'm.did': DID, 'queries/greet.ts': 'export function greet(name: string): string { return nam; }\n' }, /Cannot find name 'nam'[\s\S]*in canisters\/m\d+\/queries\/greet\.ts\(1,/],
    ['a slip in the contract', { 'm.did': 'service : {\n  greet : (text -> (text);\n}\n' }, /m\.did:2:17: Unrecognized token/],
    ['a slip after letters of several bytes', { 'm.did': '// Grüße ☃\nservice : { "é" : (text -> () }\n' }, /m\.did:2:25: Unrecognized token/],
    ['a type that nobody defines', { 'm.did': 'service : { greet : (Nmae) -> () }' }, /m\.did: Unbound type identifier Nmae/],
    ['a method twice', { 'm.did': 'service : { greet : () -> ();\n greet : () -> () }' }, /m\.did:1:\d+: label 'greet' hash collision/],
    ['a type defined by itself', { 'm.did': 'type A = B; type B = A; service : { m : (A) -> () }' }, /m\.did: A has cyclic type definition/],
    ['a contract without a service', { 'm.did': 'type A = nat;' }, /m\.did: it has no `service : \{ … \}`/],
    ['an empty contract', { 'm.did': '' }, /m\.did: it has no `service/],
    ['an import that is not there', { 'm.did': 'import "nowhere.did"; service : {}' }, /m\.did: .*nowhere\.did/],
    ['init arguments without init', { 'm.did': 'service : (text) -> {}' }, /init\.ts is missing/],
    ['Math.random', { 'm.did': DID, 'queries/greet.ts': 'export function greet(name: string): string { return Math.random().toString(); }\n' }, /only functions of ic0 may be imported, found env\.seed \(Math\.random: use cdk\/random\.ts\)/],
    ['console.log', { 'm.did': DID, 'queries/greet.ts': 'export function greet(name: string): string { console.log(name); return name; }\n' }, /found env\.console\.log \(console\.log: use print\(\) of cdk\/api\.ts\)/],
    ['Date.now', { 'm.did': DID, 'queries/greet.ts': 'export function greet(name: string): string { return Date.now().toString(); }\n' }, /found env\.Date\.now \(Date\.now: use time\(\) of cdk\/api\.ts\)/],
    ['an import of one’s own', { 'm.did': DID, 'queries/greet.ts': '@external("env", "mine") declare function mine(): void;\nexport function greet(name: string): string { mine(); return name; }\n' }, /found env\.mine$/],
  ];
  cases.forEach(([mistake, files, message], i) => {
    it(`${mistake} is told in the author's terms`, async () => {
      const name = `m${i}`;
      write(Object.fromEntries(Object.entries(files).map(([path, text]) => [`canisters/${name}/${path === 'm.did' ? `${name}.did` : path}`, text])));
      const error = await build(name).then(() => undefined, (e: unknown) => e);
      expect(error).toBeInstanceOf(BuildError);
      expect((error as Error).message.replaceAll(`${name}.did`, 'm.did')).toMatch(message);
    });
  });

  it('one canister in the making leaves the others to be generated, and can be called', async () => {
    const root = join(ROOT, 'apart');
    write({
      'apart/canisters/good/good.did': 'service : {}',
      'apart/canisters/making/making.did': DID,
      'apart/canisters/wrong/wrong.did': 'service : {',
    });
    const failed = await generateAll(root);
    expect([...failed.keys()]).toEqual(['making', 'wrong']);
    expect(existsSync(join(root, 'generated', 'good', 'main.ts'))).toBe(true);
    expect(existsSync(join(root, 'generated', 'making', 'client.ts'))).toBe(true);
  });
});
