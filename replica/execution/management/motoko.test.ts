/** Motoko actors, both ways of persistence, installed and upgraded as their users do. */
import { IDL } from '@dfinity/candid';
import motoko from 'motoko';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EmbeddedNetwork } from '../../network/embed.ts';
import { expectReply, startNetwork } from '../../network/embed.ts';

interface Compiler {
  readonly compiler: { gcFlags(flag: string): void };
  write(path: string, content: string): void;
  wasm(path: string, mode: 'ic'): { readonly wasm: Uint8Array };
}
const compiler = motoko as unknown as Compiler;

const source = (extra: string): string => `persistent actor {
  var total : Nat = 0;
  transient var calls : Nat = 0;
  public func add(k : Nat) : async Nat { total += k; calls += 1; total };
  public query func seen() : async (Nat, Nat) { (total, calls) };
  ${extra}
}`;

function compile(persistence: 'enhancedOP' | 'classicOP', extra = ''): Uint8Array {
  compiler.write('Main.mo', source(extra));
  compiler.compiler.gcFlags(persistence);
  return Uint8Array.from(compiler.wasm('Main.mo', 'ic').wasm);
}

const nat = (value: bigint): Uint8Array => new Uint8Array(IDL.encode([IDL.Nat], [value]));
const nothing = new Uint8Array(IDL.encode([], []));

let net: EmbeddedNetwork;
beforeAll(async () => {
  net = await startNetwork({ subnets: [{ kind: 'application' }] });
});
afterAll(() => net.stop());

const seen = async (id: string): Promise<unknown> =>
  IDL.decode([IDL.Nat, IDL.Nat], expectReply(await net.query(id, 'seen', nothing)));

// In this order: the compiler cannot go back from classical persistence.
describe('Motoko with enhanced orthogonal persistence', () => {
  it('keeps its variables with keep, and refuses an upgrade that does not say', async () => {
    const first = compile('enhancedOP');
    const second = compile('enhancedOP', 'public query func more() : async Nat { total + 1 };');
    const id = await net.createCanister();
    await net.install(id, first, nothing);
    expectReply(await net.update(id, 'add', nat(5n)));
    await expect(net.install(id, second, nothing, { mode: 'upgrade' })).rejects.toThrow(/Missing upgrade option/);
    await net.install(id, second, nothing, { mode: 'upgrade', wasmMemoryPersistence: 'keep' });
    expect(await seen(id)).toEqual([5n, 0n]);
    expect(IDL.decode([IDL.Nat], expectReply(await net.query(id, 'more', nothing)))).toEqual([6n]);
    expectReply(await net.update(id, 'add', nat(2n)));
    expect(await seen(id)).toEqual([7n, 1n]);
  }, 60_000);
});

describe('Motoko with classical persistence', () => {
  it('keeps its variables through stable memory, and loses them on reinstall', async () => {
    const wasm = compile('classicOP');
    const id = await net.createCanister();
    await net.install(id, wasm, nothing);
    expectReply(await net.update(id, 'add', nat(5n)));
    await net.install(id, wasm, nothing, { mode: 'upgrade' });
    expect(await seen(id)).toEqual([5n, 0n]);
    await net.install(id, wasm, nothing, { mode: 'reinstall' });
    expect(await seen(id)).toEqual([0n, 0n]);
  }, 60_000);
});
