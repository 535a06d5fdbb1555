/** The kit on a network with two application subnets: what the mock cannot show. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { IDL } from '@dfinity/candid';
import { Principal } from '@dfinity/principal';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CallOutcome, EmbeddedNetwork } from '../../../replica/network/embed.ts';
import { expectReply } from '../../../replica/network/embed.ts';
import { BACKEND, generateCanister, generateClient } from '../bindgen/bindgen.ts';
import { buildCanister } from '../builder/build.ts';
import { logLines } from './logs.ts';
import { parseMetrics } from './metrics-page.ts';
import { startTestNetwork } from './network.ts';

const FOLDER = 'tools/testing/assembly/kit';

describe('the kit on a network', () => {
  let net: EmbeddedNetwork;
  let service: IDL.ServiceClass;
  let wasm: Uint8Array;
  let here: string;
  let there: string;

  beforeAll(async () => {
    await generateClient(join(BACKEND, 'cdk', 'interfaces', 'icrc_ledger.did'), 'icrc_ledger', 'generated/clients/icrc_ledger');
    await generateCanister(join(BACKEND, FOLDER), 'kit');
    await buildCanister({ name: 'kit', root: BACKEND, debug: true, folder: FOLDER });
    wasm = readFileSync(join(BACKEND, 'build', 'kit.debug.wasm'));
    const bindings = (await import(pathToFileURL(join(BACKEND, 'declarations', 'kit', 'kit.did.js')).href)) as { idlFactory: IDL.InterfaceFactory };
    service = bindings.idlFactory({ IDL }) as IDL.ServiceClass;
    net = await startTestNetwork({ subnets: [{ kind: 'system' }, { kind: 'application' }, { kind: 'application' }] });
  });

  beforeEach(async () => {
    [here, there] = await Promise.all([1, 2].map(async (i) => {
      const id = await net.createCanister({ subnet: net.subnets[i]?.id ?? i, cycles: 100_000_000_000_000n });
      await net.install(id, wasm, new Uint8Array(IDL.encode([IDL.Text], [`greetings from ${i}`])));
      return id;
    })) as [string, string];
  });

  afterAll(async () => {
    // The timer that traps on purpose is tried again.
    (net as EmbeddedNetwork | undefined)?.takeUnheardTraps();
    await (net as EmbeddedNetwork | undefined)?.stop();
  });

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
    expect(net.takeUnheardTraps()).toEqual([expect.stringContaining(`a task that traps at ${FOLDER}/updates/set-timers.ts`)]);
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

  it.each([
    ['is no Candid', 'hello'],
    ['is empty', ''],
    ['ends early', 'DIDL\x00\x01\x71\x05ab'],
    ['goes on too long', 'DIDL\x00\x01\x71\x01abc'],
    ['has another type', 'DIDL\x00\x01\x7e\x01'],
    ['is not UTF-8', 'DIDL\x00\x01\x71\x01\xff'],
  ])('C3 a reply that %s frees the slot, keeps what was before the call, undoes the continuation', async (_, bytes) => {
    const rejected = await outcome(here, 'relay_bytes', p(there), Buffer.from(bytes, 'latin1'));
    expect(rejected).toMatchObject({ kind: 'reject', code: 5, message: expect.stringContaining('Candid: ') as string });
    expect(await call(here, 'open_calls')).toBe(0);
    expect(await call(here, 'ticks')).toEqual(['before']);
    expect(await call(here, 'received')).toEqual(['before']);
    expect(await call(here, 'relay_bytes', p(there), Buffer.from('DIDL\x00\x01\x71\x04good', 'latin1'))).toBe('good');
    expect(await call(here, 'ticks')).toEqual(['before', 'before', 'after']);
    expect(await call(here, 'received')).toEqual(['before', 'before', 'after']);
  });

  describe('log', () => {
    it('controllers read one line a call, with its level and fields, from the level set upwards', async () => {
      for (const level of [0, 1, 2, 3]) await call(here, 'log', 1, level, 'started');
      await call(here, 'log', 0, 0, 'details');
      expect(await logLines(net, here)).toEqual(['info started units=7', 'warn started units=7', 'error started units=7', 'debug details units=7']);
    });

    it('no text makes a second line', async () => {
      await call(here, 'log', 1, 1, 'a\nerror b\r\n\tc\0\x7f');
      expect(await logLines(net, here)).toEqual(['info a error b   c   units=15']);
    });

    it('long texts are cut between characters', async () => {
      await call(here, 'log', 1, 1, `${'x'.repeat(399)}😀`);
      await call(here, 'log', 1, 1, `${'x'.repeat(398)}😀`);
      expect(await logLines(net, here)).toEqual([`info ${'x'.repeat(399)}…`, `info ${'x'.repeat(398)}😀…`]);
    });
  });

  describe('metrics page', () => {
    const NASTY = 'a "quoted" C:\\path\\n\nline\\ {x="1"} 2 é😀';

    it('is well formed whatever the help texts and label values are', async () => {
      const families = parseMetrics((await call(here, 'metrics', NASTY, 1)) as string);
      expect(families.get('kit_messages_total')).toEqual({ help: NASTY, kind: 'counter', samples: new Map([['', 2n ** 64n - 1n]]) });
      expect(families.get('kit_waiting')).toEqual({ help: 'By destination', kind: 'gauge', samples: new Map([[`destination=${NASTY}`, 7n], ['destination=number 0', 0n]]) });
      expect([...families.keys()].slice(2)).toEqual(['heap_bytes', 'stable_bytes', 'cycles', 'canister_version']);
      for (const name of ['heap_bytes', 'stable_bytes', 'cycles', 'canister_version']) expect(families.get(name)?.samples.get('')).toBeGreaterThan(0n);
    });

    it('is bounded: whole samples are left out and counted', async () => {
      const text = (await call(here, 'metrics', 'x', 30_000)) as string;
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(2 ** 20);
      expect(Buffer.byteLength(text)).toBeGreaterThan(2 ** 20 - 512);
      const families = parseMetrics(text);
      const written = BigInt(families.get('kit_waiting')?.samples.size ?? 0);
      const system = BigInt(['heap_bytes', 'stable_bytes', 'cycles', 'canister_version'].filter((name) => families.get(name)?.samples.size !== 1).length);
      expect(families.get('metrics_dropped')?.samples.get('')).toBe(30_001n - written + system);
    });

    it('a text too long for the page leaves room for the rest', async () => {
      const families = parseMetrics((await call(here, 'metrics', 'é'.repeat(2 ** 19), 1)) as string);
      expect([...families.keys()]).toEqual(['kit_waiting', 'heap_bytes', 'stable_bytes', 'cycles', 'canister_version', 'metrics_dropped']);
      expect(families.get('kit_waiting')?.samples).toEqual(new Map([['destination=number 0', 0n]]));
      expect(families.get('metrics_dropped')?.samples.get('')).toBe(2n);
    });
  });

  describe('the ledger client', () => {
    const FEE = 100_000_000n;
    let ledger: string;

    beforeAll(async () => {
      await generateCanister(join(BACKEND, 'canisters', 'cycles_ledger'), 'cycles_ledger');
      await buildCanister({ name: 'cycles_ledger', root: BACKEND, debug: false });
    });

    beforeEach(async () => {
      const Init = IDL.Record({
        initial_balances: IDL.Vec(IDL.Record({ account: IDL.Record({ owner: IDL.Principal, subaccount: IDL.Opt(IDL.Vec(IDL.Nat8)) }), amount: IDL.Nat })),
      });
      ledger = await net.createCanister({ subnet: 0, cycles: 100_000_000_000_000n });
      const arg = { initial_balances: [{ account: { owner: p(here), subaccount: [] }, amount: 10n * FEE }] };
      await net.install(ledger, readFileSync(join(BACKEND, 'build', 'cycles_ledger.wasm')), new Uint8Array(IDL.encode([Init], [arg])));
    });

    it('reads balances and transfers', async () => {
      expect(await call(here, 'ledger_balance', p(ledger), p(here))).toBe(10n * FEE);
      expect(await call(here, 'ledger_transfer', p(ledger), p(there), 3n * FEE)).toMatchObject({ Ok: expect.any(BigInt) as bigint });
      expect(await call(here, 'ledger_balance', p(ledger), p(here))).toBe(6n * FEE);
      expect(await call(here, 'ledger_balance', p(ledger), p(there))).toBe(3n * FEE);
    });

    it('hands on the ledger\'s errors and amounts beyond 64 bits', async () => {
      expect(await call(here, 'ledger_transfer', p(ledger), p(there), 2n ** 200n)).toEqual({ InsufficientFunds: 10n * FEE });
      expect(await call(here, 'ledger_balance', p(ledger), p(here))).toBe(10n * FEE);
    });

    it('tells a canister that is no ledger from one', async () => {
      expect(await call(here, 'ledger_transfer', p(there), p(here), 1n)).toEqual({ Rejected: expect.stringContaining('icrc1_transfer') as string });
    });
  });
});
