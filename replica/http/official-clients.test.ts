/**
 * The two official agent libraries, unmodified and with all their checks on, against the embedded network over HTTP,
 * with canisters from three toolchains.
 */
import { Actor, HttpAgent } from '@dfinity/agent';
import { IDL } from '@dfinity/candid';
import { DelegationChain, DelegationIdentity, ECDSAKeyIdentity, Ed25519KeyIdentity } from '@dfinity/identity';
import { Principal as AgentPrincipal } from '@dfinity/principal';
import { Actor as CoreActor, CanisterStatus as CoreCanisterStatus, HttpAgent as CoreAgent } from '@icp-sdk/core/agent';
import type { IDL as CoreIDL } from '@icp-sdk/core/candid';
import { Secp256k1KeyIdentity } from '@icp-sdk/core/identity/secp256k1';
import { Principal as CorePrincipal } from '@icp-sdk/core/principal';
import asc from 'assemblyscript/asc';
import motoko from 'motoko';
import motokoClassical from 'motoko-classical';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import wabtInit from 'wabt';
import { startNetwork } from '../network/embed.ts';
import type { EmbeddedNetwork } from '../network/embed.ts';

// Properties with many runs: on a busy machine they take their time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** Replies with what it was sent; counts in the heap. `greet` answers any text with itself. */
const ECHO = `(module
  (import "ic0" "msg_arg_data_size" (func $size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $copy (param i32 i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "trap" (func $trap (param i32 i32)))
  (memory 1)
  (data (i32.const 0) "boom")
  (func $echo
    (call $copy (i32.const 16) (i32.const 0) (call $size))
    (call $append (i32.const 16) (call $size))
    (call $reply))
  (func (export "canister_update greet") (call $echo))
  (func (export "canister_query peek") (call $echo))
  (func (export "canister_update fail") (call $trap (i32.const 0) (i32.const 4)))
  (func (export "canister_query fail_query") (call $trap (i32.const 0) (i32.const 4))))`;

const MOTOKO = `persistent actor {
  var n : Nat = 0;
  public func greet(name : Text) : async Text { n += 1; "Hello, " # name # "! (" # debug_show n # ")" };
  public query func peek(name : Text) : async Text { "Hello, " # name # "! (" # debug_show n # ")" };
}`;

async function watModule(): Promise<Uint8Array> {
  const wabt = await wabtInit();
  return new Uint8Array(wabt.parseWat('echo.wat', ECHO).toBinary({}).buffer);
}

async function assemblyScriptModule(): Promise<Uint8Array> {
  const source = readFileSync(new URL('./fixtures/assembly/greeter.ts', import.meta.url), 'utf8');
  const compiled = await asc.compileString({ 'greeter.ts': source }, { runtime: 'minimal', use: ['abort=greeter/abort'], optimizeLevel: 3 });
  const { binary } = compiled as unknown as { binary: Uint8Array | null };
  if (binary === null) throw new Error(compiled.stderr.toString());
  const bytes = Buffer.from(binary);
  for (const name of ['canister_update_greet', 'canister_query_peek']) {
    const at = bytes.indexOf(name);
    bytes[at + name.lastIndexOf('_')] = 0x20;
  }
  return new Uint8Array(bytes);
}

interface MotokoCompiler {
  file(path: string): { write(source: string): void; wasm(mode: 'ic'): { wasm: Uint8Array } };
}

/** Current compilers always use enhanced orthogonal persistence; the last line before them knows classical only. */
function motokoModule(compiler: unknown, source: string): Uint8Array {
  const file = (compiler as MotokoCompiler).file('Main.mo');
  file.write(source);
  return new Uint8Array(file.wasm('ic').wasm);
}

type Toolchain = 'wat' | 'assemblyscript' | 'motoko' | 'motoko-classical';
const TOOLCHAINS: Toolchain[] = ['wat', 'assemblyscript', 'motoko', 'motoko-classical'];
let modules: Record<Toolchain, Uint8Array>;
let net: EmbeddedNetwork;

beforeAll(async () => {
  modules = {
    wat: await watModule(),
    assemblyscript: await assemblyScriptModule(),
    motoko: motokoModule(motoko, MOTOKO),
    'motoko-classical': motokoModule(motokoClassical, MOTOKO.replace('persistent actor', 'actor').replace('var n', 'stable var n')),
  };
  net = await startNetwork({ subnets: [{ kind: 'system' }, { kind: 'application' }], port: 0, time: 'real' });
}, 60_000);
afterAll(() => net.stop());

interface Greeter {
  greet(name: string): Promise<string>;
  peek(name: string): Promise<string>;
  fail(): Promise<void>;
  fail_query(): Promise<void>;
  missing(): Promise<void>;
  missing_query(): Promise<void>;
}

const service: IDL.InterfaceFactory = ({ IDL: I }) =>
  I.Service({
    greet: I.Func([I.Text], [I.Text], []),
    peek: I.Func([I.Text], [I.Text], ['query']),
    fail: I.Func([], [], []),
    fail_query: I.Func([], [], ['query']),
    missing: I.Func([], [], []),
    missing_query: I.Func([], [], ['query']),
  });
const coreService: CoreIDL.InterfaceFactory = ({ IDL: I }) =>
  I.Service({
    greet: I.Func([I.Text], [I.Text], []),
    peek: I.Func([I.Text], [I.Text], ['query']),
    missing: I.Func([], [], []),
    missing_query: I.Func([], [], ['query']),
  });

function agentOptions(): { host: string; shouldFetchRootKey: true; verifyQuerySignatures: true; retryTimes: number } {
  return { host: net.url!, shouldFetchRootKey: true, verifyQuerySignatures: true, retryTimes: 0 };
}

async function installed(toolchain: Toolchain, subnet: number): Promise<string> {
  const id = await net.createCanister({ subnet, cycles: 10_000_000_000_000n });
  await net.install(id, modules[toolchain]);
  return id;
}

describe.each([0, 1])('on subnet %i', (subnet) => {
  describe.each(TOOLCHAINS)('a canister made with %s', (toolchain) => {
    let id: string;
    beforeAll(async () => {
      id = await installed(toolchain, subnet);
    });
    const expected = (name: string, n: number): string => (toolchain === 'wat' ? name : `Hello, ${name}! (${n})`);

    it('answers @dfinity/agent', async () => {
      const agent = await HttpAgent.create({ ...agentOptions(), identity: Ed25519KeyIdentity.generate() });
      const actor = Actor.createActor<Greeter>(service, { agent, canisterId: id });
      expect(await actor.greet('ada')).toBe(expected('ada', 1));
      expect(await actor.peek('bob')).toBe(expected('bob', 1));
      await expect(actor.missing()).rejects.toThrow(/IC0536/);
      await expect(actor.missing_query()).rejects.toThrow(/IC0536/);
    });

    it('answers @icp-sdk/core', async () => {
      const agent = await CoreAgent.create(agentOptions());
      const actor = CoreActor.createActor<Greeter>(coreService, { agent, canisterId: id });
      expect(await actor.greet('ada')).toBe(expected('ada', 2));
      expect(await actor.peek('bob')).toBe(expected('bob', 2));
      await expect(actor.missing()).rejects.toThrow(/IC0536/);
      await expect(actor.missing_query()).rejects.toThrow(/IC0536/);
    });
  });
});

describe('identities', () => {
  it('of every scheme and through delegations are let in', async () => {
    const id = await installed('wat', 1);
    const session = Ed25519KeyIdentity.generate();
    const owner = await ECDSAKeyIdentity.generate();
    const targets = { targets: [AgentPrincipal.fromText(id)] };
    const chain = await DelegationChain.create(owner, session.getPublicKey(), new Date(Date.now() + 3_600_000), targets);
    const identities = [
      Ed25519KeyIdentity.generate(),
      await ECDSAKeyIdentity.generate(),
      Secp256k1KeyIdentity.generate() as unknown as Ed25519KeyIdentity,
      DelegationIdentity.fromDelegation(session, chain),
    ];
    for (const identity of identities) {
      const agent = await HttpAgent.create({ ...agentOptions(), identity });
      const actor = Actor.createActor<Greeter>(service, { agent, canisterId: id });
      expect(await actor.greet('x')).toBe('x');
      expect(await actor.peek('y')).toBe('y');
    }
    const other = await installed('wat', 1);
    const agent = await HttpAgent.create({ ...agentOptions(), identity: identities[3]! });
    await expect(Actor.createActor<Greeter>(service, { agent, canisterId: other }).greet('x')).rejects.toThrow(/is not one of the delegation targets/);
  });
});

describe('traps and missing canisters', () => {
  it('reach the client with their codes and texts', async () => {
    const id = await installed('wat', 1);
    const agent = await HttpAgent.create(agentOptions());
    const actor = Actor.createActor<Greeter>(service, { agent, canisterId: id });
    await expect(actor.fail()).rejects.toThrow(/Canister called `ic0.trap` with message: 'boom'/);
    await expect(actor.fail_query()).rejects.toThrow(/IC0503/);
    const empty = await net.createCanister({ subnet: 1, cycles: 1_000_000_000_000n });
    await expect(Actor.createActor<Greeter>(service, { agent, canisterId: empty }).greet('x')).rejects.toThrow(/IC0537/);
  });
});

const managementService: IDL.InterfaceFactory = ({ IDL: I }) => {
  const Canister = I.Record({ canister_id: I.Principal });
  return I.Service({
    provisional_create_canister_with_cycles: I.Func([I.Record({ amount: I.Opt(I.Nat) })], [Canister], []),
    install_code: I.Func(
      [I.Record({ mode: I.Variant({ install: I.Null }), canister_id: I.Principal, wasm_module: I.Vec(I.Nat8), arg: I.Vec(I.Nat8) })],
      [],
      [],
    ),
    canister_status: I.Func([Canister], [I.Record({ module_hash: I.Opt(I.Vec(I.Nat8)) })], []),
    stop_canister: I.Func([Canister], [], []),
    delete_canister: I.Func([Canister], [], []),
  });
};

interface Management {
  provisional_create_canister_with_cycles(arg: { amount: [bigint] }): Promise<{ canister_id: AgentPrincipal }>;
  install_code(arg: { mode: { install: null }; canister_id: AgentPrincipal; wasm_module: Uint8Array; arg: Uint8Array }): Promise<void>;
  canister_status(arg: { canister_id: AgentPrincipal }): Promise<{ module_hash: [Uint8Array] | [] }>;
  stop_canister(arg: { canister_id: AgentPrincipal }): Promise<void>;
  delete_canister(arg: { canister_id: AgentPrincipal }): Promise<void>;
}

describe('the management canister', () => {
  it.each(['an id of the subnet', 'the management canister itself'])('creates by way of %s, installs, reports and deletes', async (way) => {
    const agent = await HttpAgent.create({ ...agentOptions(), identity: Ed25519KeyIdentity.generate() });
    const near = way === 'an id of the subnet' ? await net.createCanister({ subnet: 1, cycles: 1_000_000_000_000n }) : 'aaaaa-aa';
    const managementAt = (effective: string): Management =>
      Actor.createActor<Management>(managementService, {
        agent,
        canisterId: 'aaaaa-aa',
        callTransform: () => ({ effectiveCanisterId: AgentPrincipal.fromText(effective) }),
      }) as unknown as Management;
    const { canister_id } = await managementAt(near).provisional_create_canister_with_cycles({ amount: [10_000_000_000_000n] });
    const management = managementAt(canister_id.toText());
    await management.install_code({ mode: { install: null }, canister_id, wasm_module: modules.motoko, arg: new Uint8Array(IDL.encode([], [])) });
    const status = await management.canister_status({ canister_id });
    expect(status.module_hash[0]).toHaveLength(32);
    expect(await Actor.createActor<Greeter>(service, { agent, canisterId: canister_id }).greet('z')).toBe('Hello, z! (1)');
    await management.stop_canister({ canister_id });
    await management.delete_canister({ canister_id });
    await expect(management.canister_status({ canister_id })).rejects.toThrow(/IC0301/);
  });
});

describe('read_state', () => {
  it('shows controllers, module hash, metadata and subnet to @icp-sdk/core', async () => {
    const id = await installed('motoko', 1);
    const agent = await CoreAgent.create(agentOptions());
    const status = await CoreCanisterStatus.request({
      agent,
      canisterId: CorePrincipal.fromText(id),
      paths: ['time', 'controllers', 'module_hash', 'candid', 'subnet'],
    });
    expect(status.get('time')).toBeInstanceOf(Date);
    expect(status.get('controllers')).toHaveLength(1);
    expect(status.get('module_hash')).toMatch(/^[0-9a-f]{64}$/);
    expect(status.get('candid')).toMatch(/greet/);
    expect(status.get('subnet')).toMatchObject({ subnetId: net.subnets[1]!.id });
  });
});
