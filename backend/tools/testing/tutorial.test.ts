/** Follows cdk/README.md as a new user would: every file and every step from the text. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { IDL } from '@dfinity/candid';
import { Principal } from '@dfinity/principal';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EmbeddedNetwork } from '../../../replica/network/embed.ts';
import { expectReply } from '../../../replica/network/embed.ts';
import { BACKEND } from '../bindgen/bindgen.ts';
import { buildAll } from '../builder/build.ts';
import { startTestNetwork } from './network.ts';

/** A folder that holds the kit and nothing else; a space in its path must not matter. */
const ROOT = join(mkdtempSync(join(tmpdir(), 'parley-')), 'my backend');

describe('the tutorial', () => {
  let net: EmbeddedNetwork;
  let service: IDL.ServiceClass;

  beforeAll(async () => {
    mkdirSync(ROOT, { recursive: true });
    symlinkSync(join(BACKEND, 'cdk'), join(ROOT, 'cdk'));
    cpSync(join(BACKEND, 'package.json'), join(ROOT, 'package.json'));
    const readme = readFileSync(join(BACKEND, 'cdk', 'README.md'), 'utf8');
    for (const [, path = '', text = ''] of readme.matchAll(/```\w+ (canisters\/\S+)\n([\s\S]*?)```/g)) {
      mkdirSync(dirname(join(ROOT, path)), { recursive: true });
      writeFileSync(join(ROOT, path), text);
    }
    await buildAll({ root: ROOT });
    const bindings = (await import(pathToFileURL(join(ROOT, 'declarations', 'guestbook', 'guestbook.did.js')).href)) as { idlFactory: IDL.InterfaceFactory };
    service = bindings.idlFactory({ IDL }) as IDL.ServiceClass;
    net = await startTestNetwork({ subnets: [{ kind: 'system' }, { kind: 'application' }, { kind: 'application' }] }, ROOT);
  });

  afterAll(async () => {
    await (net as EmbeddedNetwork | undefined)?.stop();
    rmSync(dirname(ROOT), { recursive: true, force: true });
  });

  const call = async (id: string, method: string, ...args: unknown[]): Promise<unknown> => {
    const type = service._fields.find(([name]) => name === method)?.[1];
    if (type === undefined) throw new Error(`no method ${method}`);
    const bytes = new Uint8Array(IDL.encode(type.argTypes, args));
    const outcome = await (type.annotations.includes('query') ? net.query(id, method, bytes) : net.update(id, method, bytes));
    return IDL.decode(type.retTypes, expectReply(outcome))[0];
  };

  it('gives a canister that keeps entries over an upgrade and asks another one on another subnet', async () => {
    const wasm = readFileSync(join(ROOT, 'build', 'guestbook.wasm'));
    const ids: string[] = [];
    for (const subnet of net.subnets.slice(1)) {
      const id = await net.createCanister({ subnet: subnet.id, cycles: 100_000_000_000_000n });
      await net.install(id, wasm, IDL.encode([], []));
      ids.push(id);
    }
    const [here = '', there = ''] = ids;
    expect(await call(here, 'sign', 'Hello')).toBe(0);
    expect(await call(here, 'sign', 'Grüße ☃')).toBe(1);
    await net.install(here, wasm, IDL.encode([], []), { mode: 'upgrade' });
    expect(await call(here, 'size')).toBe(2);
    const entries = (await call(here, 'entries', 0)) as { text: string; author: Principal; at: bigint }[];
    expect(entries.map((e) => e.text)).toEqual(['Hello', 'Grüße ☃']);
    expect(entries[0]?.author.toText()).toBe('2vxsx-fae');
    expect(await call(there, 'size_elsewhere', Principal.fromText(here))).toEqual({ Ok: 2 });
    expect(await call(there, 'size_elsewhere', Principal.fromText('aaaaa-aa'))).toMatchObject({ Err: expect.stringMatching(/size/) as string });
  });

  it('a module carries its interface and imports nothing but ic0', () => {
    const module = new WebAssembly.Module(readFileSync(join(ROOT, 'build', 'guestbook.wasm')));
    expect(WebAssembly.Module.imports(module).every((i) => i.module === 'ic0')).toBe(true);
    const [did] = WebAssembly.Module.customSections(module, 'icp:public candid:service');
    expect(new TextDecoder().decode(did)).toBe(readFileSync(join(ROOT, 'canisters', 'guestbook', 'guestbook.did'), 'utf8'));
    expect(existsSync(join(ROOT, 'build', 'guestbook.wasm.gz'))).toBe(true);
  });

  it('names the canisters there are when asked for another', async () => {
    await expect(buildAll({ root: ROOT, names: ['guestbok'] })).rejects.toThrow(/there is no canister guestbok below .*; there are guestbook$/);
  });

  it('K4 building again gives the same bytes', async () => {
    const before = readFileSync(join(ROOT, 'build', 'guestbook.wasm'));
    await buildAll({ root: ROOT, force: true });
    expect(readFileSync(join(ROOT, 'build', 'guestbook.wasm')).equals(before)).toBe(true);
  });
});
