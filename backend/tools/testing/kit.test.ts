/** The kit on a network with two application subnets: what the mock cannot show. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { IDL } from '@dfinity/candid';
import { Principal } from '@dfinity/principal';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CallOutcome, EmbeddedNetwork } from '../../../replica/network/embed.ts';
import { expectReply, startNetwork } from '../../../replica/network/embed.ts';
import { BACKEND, generateCanister } from '../bindgen/bindgen.ts';
import { buildCanister } from '../builder/build.ts';

const FOLDER = 'tools/testing/assembly/kit';

describe('the kit on a network', () => {
  let net: EmbeddedNetwork;
  let service: IDL.ServiceClass;
  let wasm: Uint8Array;
  let here: string;
  let there: string;

  beforeAll(async () => {
    await generateCanister(join(BACKEND, FOLDER), 'kit');
    await buildCanister({ name: 'kit', root: BACKEND, debug: true, folder: FOLDER });
    wasm = readFileSync(join(BACKEND, 'build', 'kit.debug.wasm'));
    const bindings = (await import(pathToFileURL(join(BACKEND, 'declarations', 'kit', 'kit.did.js')).href)) as { idlFactory: IDL.InterfaceFactory };
    service = bindings.idlFactory({ IDL }) as IDL.ServiceClass;
    net = await startNetwork({ subnets: [{ kind: 'system' }, { kind: 'application' }, { kind: 'application' }] });
  }, 120_000);

  beforeEach(async () => {
    [here, there] = await Promise.all([1, 2].map(async (i) => {
      const id = await net.createCanister({ subnet: net.subnets[i]?.id ?? i, cycles: 100_000_000_000_000n });
      await net.install(id, wasm, new Uint8Array(IDL.encode([IDL.Text], [`greetings from ${i}`])));
      return id;
    })) as [string, string];
  });

  afterAll(async () => { await (net as EmbeddedNetwork | undefined)?.stop(); });

  const type = (method: string): IDL.FuncClass => {
    const found = service._fields.find(([name]) => name === method)?.[1];
    if (found === undefined) throw new Error(`no method ${method}`);
    return found;
  };
  const outcome = (id: string, method: string, ...args: unknown[]): Promise<CallOutcome> => {
    const t = type(method);
    const bytes = new Uint8Array(IDL.encode(t.argTypes, args));
    return t.annotations.some((a) => a.includes('query')) ? net.query(id, method, bytes) : net.update(id, method, bytes);
  };
  const call = async (id: string, method: string, ...args: unknown[]): Promise<unknown> => {
    const values = IDL.decode(type(method).retTypes, expectReply(await outcome(id, method, ...args)));
    return values.length > 1 ? values : values[0];
  };
  const manage = async (method: string, id: string): Promise<void> => {
    const arg = new Uint8Array(IDL.encode([IDL.Record({ canister_id: IDL.Principal })], [{ canister_id: Principal.fromText(id) }]));
    expectReply(await net.update('aaaaa-aa', method, arg, { effective: id }));
  };
  const p = (id: string): Principal => Principal.fromText(id);

  it('gives init its arguments and keeps state over an upgrade', async () => {
    expect(await call(here, 'greeting')).toBe('greetings from 1');
    await net.install(here, wasm, new Uint8Array(IDL.encode([IDL.Text], ['other'])), { mode: 'upgrade' });
    expect(await call(here, 'greeting')).toBe('greetings from 1');
  });

  it('returns several results', async () => {
    expect(await call(here, 'two', 41)).toEqual([42, 'after 41']);
  });

  it('continues in a named function with its context, guaranteed and best-effort', async () => {
    expect(await call(here, 'relay', p(there), 'hi', 0)).toEqual({ Ok: 'relayed hi' });
    expect(await call(here, 'relay', p(there), 'hi', 30)).toEqual({ Ok: 'relayed hi' });
    expect(await call(here, 'relay', p(here), 'self', 0)).toEqual({ Ok: 'relayed self' });
  });

  it('tells reject codes and what to do about them', async () => {
    expect(await call(here, 'relay_missing', p(there))).toMatchObject({ Err: { code: 5, retry: 1, sent: true } });
    expect(await call(here, 'relay', Principal.fromUint8Array(Uint8Array.of(0, 0, 0, 0, 0, 0xf0, 0, 1, 1, 1)), 'x', 0)).toMatchObject({ Err: { code: 3, retry: 2 } });
    await manage('stop_canister', there);
    expect(await call(here, 'relay', p(there), 'x', 0)).toMatchObject({ Err: { code: 5, retry: 1 } });
  });

  it('moves cycles and gives back the rest', async () => {
    expect(await call(here, 'send_cycles', p(there), 1_000_000n, 400_000n)).toBe(600_000n);
  });

  it('answers a composite query from several canisters', async () => {
    expect(await call(here, 'greetings', [p(here), p(here)])).toEqual(['greetings from 1', 'greetings from 1']);
    expect(await call(here, 'greetings', [])).toEqual([]);
  });

  it('C3 a trap shows the source line and leaves the canister working', async () => {
    const trapped = await outcome(here, 'fails', 2);
    expect(trapped).toMatchObject({ kind: 'reject', code: 5, message: expect.stringContaining(`the number is too large at ${FOLDER}/updates/fails.ts:3:`) as string });
    expect(await outcome(here, 'fails', 9)).toMatchObject({ kind: 'reject', message: expect.stringContaining('Index out of range') as string });
    expect(await call(here, 'echo', 'still here')).toBe('still here');
  });

  it('refuses a bad argument with a clear text', async () => {
    const refused = await net.update(here, 'echo', Uint8Array.of(0x44, 0x49, 0x44, 0x4c, 0, 1, 0x7d, 5));
    expect(refused).toMatchObject({ kind: 'reject', code: 5, message: expect.stringContaining('Candid: value is not of the expected type') as string });
  });

  it('inspect_message keeps outsiders from methods for canisters', async () => {
    expect(await outcome(here, 'c2c_deliver', { first: 0n, envelopes: [] })).toMatchObject({ kind: 'reject', code: 4 });
  });

  it('T1 T2 T3 runs timers in time, isolates one that traps, and repeats', async () => {
    await call(here, 'set_timers');
    await net.time.advance(900);
    expect(await call(here, 'ticks')).toEqual([]);
    await net.time.advance(200);
    expect(await call(here, 'ticks')).toEqual(['one']);
    await net.time.advance(1_000);
    expect(await call(here, 'ticks')).toEqual(['one', 'every two']);
    await net.time.advance(1_000);
    expect(await call(here, 'ticks')).toEqual(['one', 'every two', 'three']);
    for (let i = 0; i < 4; i++) await net.time.advance(1_000);
    expect(await call(here, 'ticks')).toEqual(['one', 'every two', 'three', 'every two', 'every two']);
  });

  it('refuses the timer method to everybody else', async () => {
    expect(await net.update(here, '<kit> timer', Uint8Array.of(1, 0, 0, 0))).toMatchObject({ kind: 'reject' });
  });

  it('R1 draws random bytes once the seed is there', async () => {
    await net.time.advance(1_000);
    const a = (await call(here, 'random', 40)) as [Uint8Array];
    const b = (await call(here, 'random', 40)) as [Uint8Array];
    expect(a[0].length).toBe(40);
    expect(Buffer.from(a[0]).equals(Buffer.from(b[0]))).toBe(false);
  });

  it('O1 O3 delivers once and in order to the other subnet, over a stopped receiver and upgrades of both', async () => {
    await call(here, 'post', p(there), ['a', 'b']);
    await net.settle();
    expect(await call(there, 'received')).toEqual(['a', 'b']);
    await manage('stop_canister', there);
    await call(here, 'post', p(there), ['c']);
    await call(here, 'post', p(there), ['d', 'e']);
    await net.time.advance(10_000);
    expect(await call(here, 'waiting', p(there))).toBe(3);
    await net.install(here, wasm, new Uint8Array(IDL.encode([IDL.Text], [''])), { mode: 'upgrade' });
    await net.install(there, wasm, new Uint8Array(IDL.encode([IDL.Text], [''])), { mode: 'upgrade' });
    await manage('start_canister', there);
    for (let i = 0; i < 12; i++) await net.time.advance(30_000);
    expect(await call(there, 'received')).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(await call(here, 'waiting', p(there))).toBe(0);
    expect(await call(here, 'dead_letters')).toBe(0n);
  });

  it('O4 gives up what is addressed to nobody', async () => {
    await call(here, 'post', Principal.fromUint8Array(Uint8Array.of(0, 0, 0, 0, 0, 0xf0, 0, 1, 1, 1)), ['x']);
    await net.time.advance(1_000);
    expect(await call(here, 'dead_letters')).toBe(1n);
  });
});
