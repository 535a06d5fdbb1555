/** The published client library, unmodified, against our server: every method of its public interface. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { HttpAgent, Actor } from '@dfinity/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Principal as CorePrincipal } from '@icp-sdk/core/principal';
import {
  CanisterCyclesCostSchedule,
  createIdentity,
  generateRandomIdentity,
  PocketIc,
  PocketIcServer,
  SubnetStateType,
  SubnetType,
} from '@dfinity/pic';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type * as candid from '../execution/management/candid-types.ts';
import { testCanister, TRANSFORMED_STATUS } from './test-canister.ts';

interface Counter {
  get: () => Promise<bigint>;
  inc: () => Promise<bigint>;
  composite: () => Promise<bigint>;
  time: () => Promise<bigint>;
  trap: () => Promise<void>;
  outcall: (args: unknown) => Promise<candid.HttpResponseCandid>;
  /** Replies with the reject message. */
  outcall_error: (args: unknown) => Promise<string>;
}

/** The library carries its own copy of the principal class, with its own type. */
type Principal = Awaited<ReturnType<PocketIc['createCanister']>>;
const Principal = CorePrincipal as unknown as {
  anonymous(): Principal;
  fromText(text: string): Principal;
  fromUint8Array(bytes: Uint8Array): Principal;
};

const outcallTypes = (idl: typeof IDL) => {
  const Header = idl.Record({ name: idl.Text, value: idl.Text });
  const Response = idl.Record({ status: idl.Nat, headers: idl.Vec(Header), body: idl.Vec(idl.Nat8) });
  const Transform = idl.Func(
    [idl.Record({ response: Response, context: idl.Vec(idl.Nat8) })],
    [Response],
    ['query'],
  );
  const Request = idl.Record({
    url: idl.Text,
    max_response_bytes: idl.Opt(idl.Nat64),
    method: idl.Variant({ get: idl.Null, head: idl.Null, post: idl.Null }),
    headers: idl.Vec(Header),
    body: idl.Opt(idl.Vec(idl.Nat8)),
    transform: idl.Opt(idl.Record({ function: Transform, context: idl.Vec(idl.Nat8) })),
    is_replicated: idl.Opt(idl.Bool),
  });
  return { Request, Response };
};

const idlFactory: IDL.InterfaceFactory = ({ IDL: idl }) => {
  const { Request, Response } = outcallTypes(idl as unknown as typeof IDL);
  return idl.Service({
    get: idl.Func([], [idl.Nat64], ['query']),
    inc: idl.Func([], [idl.Nat64], []),
    composite: idl.Func([], [idl.Nat64], ['composite_query']),
    time: idl.Func([], [idl.Nat64], ['query']),
    trap: idl.Func([], [], []),
    outcall: idl.Func([Request], [Response], []),
    outcall_error: idl.Func([Request], [idl.Text], []),
  });
};

const binPath = fileURLToPath(new URL('./pocket-ic', import.meta.url));
const wasm = testCanister();
const TRILLION = 1_000_000_000_000n;
const NEW = { state: { type: SubnetStateType.New } } as const;
const START = Date.UTC(2021, 4, 6, 19, 17, 10);

let server: PocketIcServer;
let pic: PocketIc;

beforeAll(async () => {
  process.env.POCKET_IC_BIN = binPath;
  server = await PocketIcServer.start({ ttl: 30 });
}, 60_000);
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  pic = await PocketIc.create(server.getUrl());
});
afterEach(async () => {
  await pic.tearDown();
});

const setup = (options: object = {}) =>
  pic.setupCanister<Counter>({ idlFactory: idlFactory as never, wasm, ...options });

describe('canisters and calls', () => {
  it('setupCanister, queries, updates and composite queries', async () => {
    const { actor } = await setup({ arg: Uint8Array.of(7) });
    expect(await actor.get()).toBe(7n);
    expect(await actor.inc()).toBe(8n);
    expect(await actor.composite()).toBe(8n);
  });

  it('createCanister, installCode, createActor, reinstallCode, upgradeCanister', async () => {
    const canisterId = await pic.createCanister();
    await pic.installCode({ canisterId, wasm, arg: new Uint8Array([5]) });
    const actor = pic.createActor<Counter>(idlFactory as never, canisterId);
    expect(await actor.get()).toBe(5n);
    await pic.reinstallCode({ canisterId, wasm, arg: new Uint8Array([6]) });
    expect(await actor.get()).toBe(6n);
    await pic.upgradeCanister({ canisterId, wasm });
    expect(await actor.get()).toBe(1000n);
    await pic.upgradeCanister({ canisterId, wasm, upgradeModeOptions: { skip_pre_upgrade: [true], wasm_memory_persistence: [] } });
    expect(await actor.get()).toBe(1000n);
  });

  it('installs modules too large for one message in chunks', async () => {
    const canisterId = await pic.createCanister();
    // A custom section of 2.5 MB that nobody reads.
    const padding = new Uint8Array(2_500_000);
    const size = [0x80 | (padding.length & 0x7f), 0x80 | ((padding.length >> 7) & 0x7f), 0x80 | ((padding.length >> 14) & 0x7f), padding.length >> 21];
    padding.set([1, 97]);
    const large = new Uint8Array([...wasm, 0, ...size, ...padding]);
    await pic.installCode({ canisterId, wasm: large, arg: new Uint8Array([3]) });
    expect(await pic.createActor<Counter>(idlFactory as never, canisterId).get()).toBe(3n);
  });

  it('queryCall and updateCall with raw bytes and senders', async () => {
    const { canisterId } = await setup();
    const identity = generateRandomIdentity();
    const who = (sender?: Principal) => pic.queryCall({ canisterId, method: 'who', sender });
    expect(Principal.fromUint8Array(await who()).isAnonymous()).toBe(true);
    expect(Principal.fromUint8Array(await who(identity.getPrincipal())).toText()).toBe(identity.getPrincipal().toText());
    const reply = await pic.updateCall({ canisterId, method: 'inc', arg: new Uint8Array(IDL.encode([], [])) });
    expect(IDL.decode([IDL.Nat64], reply)).toEqual([1n]);
    expect(createIdentity('seed').getPrincipal().toText()).toBe(createIdentity('seed').getPrincipal().toText());
  });

  it('delivers sender_info', async () => {
    const { canisterId } = await setup();
    const info = await pic.queryCall({
      canisterId,
      method: 'caller_info',
      senderInfo: { info: Uint8Array.of(1, 2, 3), signer: canisterId },
    });
    expect([...info]).toEqual([1, 2, 3]);
  });

  it('actors act as the principal or identity they are given', async () => {
    const owner = createIdentity('owner');
    const canisterId = await pic.createCanister({ sender: owner.getPrincipal() });
    expect((await pic.getControllers(canisterId)).map(String)).toEqual([owner.getPrincipal().toText()]);
    await expect(pic.installCode({ canisterId, wasm })).rejects.toThrow(/Error code: 512\. Certified: false/);
    await pic.installCode({ canisterId, wasm, sender: owner.getPrincipal() });
    const actor = pic.createActor<Counter>(idlFactory as never, canisterId);
    actor.setIdentity(owner);
    actor.setPrincipal(owner.getPrincipal());
    expect(await actor.inc()).toBe(1n);
  });

  it('reports rejects with codes as numbers and whether they are certified', async () => {
    const { actor, canisterId } = await setup();
    await expect(actor.trap()).rejects.toThrow(
      /Canister call failed: Error from Canister .*: Canister called `ic0\.trap` with message: 'on purpose'[^]*Reject code: 5\. Error code: 503\. Certified: true/,
    );
    await expect(pic.queryCall({ canisterId, method: 'missing' })).rejects.toThrow(/Error code: 536\. Certified: false/);
    const nobody = Principal.fromText('rdmx6-jaaaa-aaaaa-aaadq-cai');
    await expect(pic.queryCall({ canisterId: nobody, method: 'get' })).rejects.toThrow(/Error code: 301/);
    await expect(pic.updateCall({ canisterId: nobody, method: 'get' })).rejects.toThrow(/Error code: 301/);
  });

  it('deferred actors submit now and answer later, also side by side', async () => {
    const { canisterId } = await setup();
    const deferred = pic.createDeferredActor<Counter>(idlFactory as never, canisterId);
    const [first, second] = [await deferred.inc(), await deferred.inc()];
    expect(await pic.createActor<Counter>(idlFactory as never, canisterId).get()).toBe(0n);
    await pic.tick(2);
    expect(await pic.createActor<Counter>(idlFactory as never, canisterId).get()).toBe(2n);
    expect([await first(), await second()]).toEqual([1n, 2n]);
  });

  it('stopCanister, startCanister', async () => {
    const { actor, canisterId } = await setup();
    await pic.stopCanister({ canisterId });
    expect((await pic.canisterStatus({ canisterId })).status).toEqual({ stopped: null });
    await expect(actor.inc()).rejects.toThrow(/Error code: 508/);
    await pic.startCanister({ canisterId });
    expect(await actor.inc()).toBe(1n);
  });

  it('updateCanisterSettings, canisterStatus, getControllers', async () => {
    const controller = generateRandomIdentity().getPrincipal();
    const canisterId = await pic.createCanister({ cycles: 5n * TRILLION, freezingThreshold: 77n });
    await pic.updateCanisterSettings({
      canisterId,
      controllers: [Principal.anonymous(), controller],
      memoryAllocation: 1_000_000n,
      reservedCyclesLimit: 9n,
      logVisibility: { allowedViewers: [controller] },
      snapshotVisibility: { public: null },
      logMemoryLimit: 8_192n,
      wasmMemoryLimit: 1_000_000_000n,
      wasmMemoryThreshold: 10n,
      environmentVariables: [{ name: 'MODE', value: 'test' }],
    });
    expect((await pic.getControllers(canisterId)).length).toBe(2);
    const status = await pic.canisterStatus({ canisterId });
    expect(status).toMatchObject({
      status: { running: null },
      moduleHash: null,
      reservedCycles: 0n,
      settings: {
        memoryAllocation: 1_000_000n,
        freezingThreshold: 77n,
        reservedCyclesLimit: 9n,
        wasmMemoryLimit: 1_000_000_000n,
        wasmMemoryThreshold: 10n,
        environmentVariables: [{ name: 'MODE', value: 'test' }],
      },
    });
    expect(status.cycles).toBeLessThanOrEqual(5n * TRILLION);
    expect(status.idleCyclesBurnedPerDay).toBeGreaterThan(0n);
  });
});

describe('cycles and stable memory', () => {
  it('getCyclesBalance, addCycles without loss of digits', async () => {
    const canisterId = await pic.createCanister({ cycles: 123_456_789_012_345_678_901n });
    expect(await pic.getCyclesBalance(canisterId)).toBe(123_456_789_012_345_678_901n);
    expect(await pic.addCycles(canisterId, 10n ** 25n)).toBe(123_456_789_012_345_678_901n + 10n ** 25n);
    await expect(pic.getCyclesBalance(Principal.fromText('rdmx6-jaaaa-aaaaa-aaadq-cai'))).rejects.toThrow(/CanisterNotFound/);
  });

  it('setStableMemory replaces the content, padded to whole pages; getStableMemory gives it back', async () => {
    const { canisterId } = await setup();
    const content = new Uint8Array(70_000).fill(9);
    await pic.setStableMemory(canisterId, content);
    const stored = await pic.getStableMemory(canisterId);
    expect(stored.length).toBe(131_072);
    expect(stored.slice(0, 70_000)).toEqual(content);
    expect(stored.slice(70_000).every((byte) => byte === 0)).toBe(true);
    await pic.setStableMemory(canisterId, Uint8Array.of(1));
    expect((await pic.getStableMemory(canisterId)).slice(0, 3)).toEqual(Uint8Array.of(1, 0, 0));
    await pic.tick();
    expect((await pic.getStableMemory(canisterId)).length).toBe(65_536);
  });
});

describe('time and rounds', () => {
  it('getTime starts at genesis; setTime and advanceTime act from the next round', async () => {
    const { actor } = await setup();
    expect(Math.floor(await pic.getTime())).toBe(START);
    const later = START + 86_400_000;
    await pic.setTime(later);
    expect(await pic.getTime()).toBe(later);
    expect(await actor.time()).toBeLessThan(BigInt(later) * 1_000_000n);
    await pic.tick();
    expect(await actor.time()).toBe(BigInt(later) * 1_000_000n);
    await pic.advanceTime(5_000);
    await pic.tick(3);
    expect(await actor.time()).toBe((BigInt(later) + 5_000n) * 1_000_000n + 2n);
    await pic.setTime(new Date(later + 60_000));
    expect(await pic.getTime()).toBe(later + 60_000);
    await expect(pic.setTime(later)).rejects.toThrow(/SettingTimeIntoPast/);
  });

  it('setCertifiedTime, advanceCertifiedTime, resetTime and resetCertifiedTime act at once', async () => {
    const { actor } = await setup();
    await pic.setCertifiedTime(START + 1_000);
    expect(await actor.time()).toBe(BigInt(START + 1_000) * 1_000_000n);
    await pic.advanceCertifiedTime(1_000);
    expect(await actor.time()).toBe(BigInt(START + 2_000) * 1_000_000n);
    await pic.resetTime();
    await pic.tick();
    expect(Number((await actor.time()) / 1_000_000n)).toBeGreaterThan(Date.UTC(2024, 0));
    await pic.resetCertifiedTime();
    // The server's clock and ours are one, read in two ways.
    expect(Number((await actor.time()) / 1_000_000n)).toBeLessThan(Date.now() + 60_000);
  });
});

describe('subnets', () => {
  it('a topology of every kind, with keys and places', async () => {
    const many = await PocketIc.create(server.getUrl(), {
      nns: NEW,
      sns: NEW,
      ii: NEW,
      fiduciary: NEW,
      bitcoin: NEW,
      system: [NEW],
      application: [NEW, { ...NEW, costSchedule: CanisterCyclesCostSchedule.Free, enableBenchmarkingInstructionLimits: true }],
    });
    try {
      const topology = await many.getTopology();
      expect(topology.map(({ type }) => type).sort()).toEqual(
        [SubnetType.NNS, SubnetType.SNS, SubnetType.InternetIdentity, SubnetType.Fiduciary, SubnetType.Bitcoin, SubnetType.System, SubnetType.Application, SubnetType.Application].sort(),
      );
      expect((await many.getNnsSubnet())!.size).toBe(40);
      for (const subnet of [await many.getSnsSubnet(), await many.getInternetIdentitySubnet(), await many.getFiduciarySubnet(), await many.getBitcoinSubnet()]) {
        expect(subnet!.canisterRanges.length).toBeGreaterThan(1);
      }
      expect((await many.getSystemSubnets()).length).toBe(1);
      const [first, free] = await many.getApplicationSubnets();
      expect((await many.getPubKey(first!.id)).length).toBe(133);

      const preferred = await many.getDefaultEffectiveCanisterId();
      expect(preferred.toText()).toBe(first!.canisterRanges.at(-1)!.start.toText());
      const here = await many.createCanister();
      expect((await many.getCanisterSubnetId(here))!.toText()).toBe(first!.id.toText());
      const there = await many.createCanister({ targetSubnetId: free!.id, cycles: 10n });
      expect((await many.getCanisterSubnetId(there))!.toText()).toBe(free!.id.toText());
      await many.installCode({ canisterId: there, wasm, targetSubnetId: free!.id });
      // The library gives a number where one suffices.
      expect(BigInt(await many.getCyclesBalance(there))).toBe(10n);
      const ledger = Principal.fromText('ryjl3-tyaaa-aaaaa-aaaba-cai');
      expect(await many.getCanisterSubnetId(ledger)).toBeNull();
      expect((await many.createCanister({ targetCanisterId: ledger })).toText()).toBe(ledger.toText());
      expect((await many.getCanisterSubnetId(ledger))!.toText()).toBe((await many.getNnsSubnet())!.id.toText());

      // A call from one subnet to another and back.
      await many.installCode({ canisterId: here, wasm });
      const reply = await many.updateCall({ canisterId: here, method: 'inc_at', arg: there.toUint8Array() });
      expect(IDL.decode([IDL.Nat64], reply)).toEqual([1n]);
    } finally {
      await many.tearDown();
    }
  }, 60_000);

  it('says what it cannot do', async () => {
    await expect(
      PocketIc.create(server.getUrl(), { application: [{ state: { type: SubnetStateType.FromPath, path: '/x' } as never }] }),
    ).rejects.toThrow(/state directory/);
  });
});

describe('HTTP outcalls', () => {
  const request = (change: object = {}) => ({
    url: 'https://example.com/x',
    max_response_bytes: [1_000n],
    method: { post: null },
    headers: [{ name: 'a', value: 'b' }],
    body: [new TextEncoder().encode('question')],
    transform: [],
    is_replicated: [],
    ...change,
  });
  const reply = (text: string) => ({
    type: 'success' as const,
    statusCode: 200,
    headers: [['x', 'y']] as [string, string][],
    body: new TextEncoder().encode(text),
  });
  async function begin(method: 'outcall' | 'outcall_error' = 'outcall') {
    const { canisterId } = await setup({ cycles: 1_000n * TRILLION });
    const deferred = pic.createDeferredActor<Counter>(idlFactory as never, canisterId);
    const answer = await deferred[method](request() as never);
    await pic.tick(2);
    const [pending] = await pic.getPendingHttpsOutcalls();
    return { answer, pending: pending!, canisterId };
  }

  it('getPendingHttpsOutcalls shows them, mockPendingHttpsOutcall answers', async () => {
    const { answer, pending } = await begin();
    expect(pending).toMatchObject({ httpMethod: 'POST', url: 'https://example.com/x', headers: [['a', 'b']], maxResponseBytes: 1000 });
    expect(new TextDecoder().decode(pending.body)).toBe('question');
    await pic.mockPendingHttpsOutcall({ requestId: pending.requestId, subnetId: pending.subnetId, response: reply('answer') });
    expect(await pic.getPendingHttpsOutcalls()).toEqual([]);
    const response = (await answer()) as candid.HttpResponseCandid;
    expect(response).toMatchObject({ status: 200n, headers: [{ name: 'x', value: 'y' }] });
    expect(new TextDecoder().decode(Uint8Array.from(response.body))).toBe('answer');
  });

  it('responses pass the transform function of the canister', async () => {
    const { canisterId } = await setup({ cycles: 1_000n * TRILLION });
    const deferred = pic.createDeferredActor<Counter>(idlFactory as never, canisterId);
    const transform = [{ function: [canisterId, 'transform'], context: new Uint8Array(0) }];
    const answer = await deferred.outcall(request({ transform }) as never);
    await pic.tick(2);
    const [pending] = await pic.getPendingHttpsOutcalls();
    await pic.mockPendingHttpsOutcall({ requestId: pending!.requestId, subnetId: pending!.subnetId, response: reply('any') });
    expect((await answer()) as unknown).toMatchObject({ status: TRANSFORMED_STATUS });
  });

  it.each([
    ['a mocked reject', { response: { type: 'reject' as const, statusCode: 1, message: 'no route' } }, /no route/],
    ['a body over the limit', { response: reply('x'.repeat(1_001)) }, /Http body exceeds size limit of 1000 bytes/],
    ['replicas that disagree', { response: reply('0'), additionalResponses: Array.from({ length: 12 }, (_, i) => reply(`${i}`)) }, /No consensus could be reached/],
  ])('%s rejects the call', async (_title, mock, text) => {
    const { answer, pending } = await begin('outcall_error');
    await pic.mockPendingHttpsOutcall({ requestId: pending.requestId, subnetId: pending.subnetId, ...mock });
    expect(await answer()).toMatch(text);
  });

  it('unanswered ones time out after a minute', async () => {
    const { answer } = await begin('outcall_error');
    await pic.advanceTime(61_000);
    expect(await answer()).toBe('Canister http request timed out');
  });

  it('refuses answers to nothing, and wrong numbers of answers', async () => {
    const { pending } = await begin();
    const { subnetId, requestId } = pending;
    await expect(pic.mockPendingHttpsOutcall({ subnetId, requestId: requestId + 1, response: reply('') })).rejects.toThrow(/InvalidCanisterHttpRequestId/);
    await expect(
      pic.mockPendingHttpsOutcall({ subnetId, requestId, response: reply(''), additionalResponses: [reply('')] }),
    ).rejects.toThrow(/InvalidMockCanisterHttpResponses\(\(2, 13\)\)/);
  });
});

describe('live mode', () => {
  it('makeLive opens a gateway for agents and performs outcalls; stopLive ends both', async () => {
    const { canisterId } = await setup({ cycles: 1_000n * TRILLION });
    const site = createServer((_request, response) => response.end('live')).listen(0, '127.0.0.1');
    try {
      const port = await pic.makeLive();
      const agent = await HttpAgent.create({ host: `http://127.0.0.1:${port}`, shouldFetchRootKey: true });
      const actor = Actor.createActor<Counter>(idlFactory as never, { agent: agent as never, canisterId: canisterId.toText() });
      expect(await actor.inc()).toBe(1n);
      expect(await actor.get()).toBe(1n);
      const { port: sitePort } = site.address() as AddressInfo;
      const response = await actor.outcall({
        url: `http://127.0.0.1:${sitePort}/`,
        max_response_bytes: [],
        method: { get: null },
        headers: [],
        body: [],
        transform: [],
        is_replicated: [],
      } as never);
      expect(new TextDecoder().decode(Uint8Array.from(response.body))).toBe('live');
      await pic.stopLive();
      await expect(fetch(`http://127.0.0.1:${port}/api/v2/status`)).rejects.toThrow();
    } finally {
      site.close();
    }
  }, 30_000);
});
