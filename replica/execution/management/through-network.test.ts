/** The management canister as canisters and users meet it: through queues, rounds and subnets of a running network. */
import { IDL } from '@dfinity/candid';
import { Principal as WirePrincipal } from '@dfinity/principal';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallOutcome, EmbeddedNetwork } from '../../network/embed.ts';
import { expectReply, startNetwork } from '../../network/embed.ts';
import * as candid from './candid-types.ts';
import { decodeAnswer, PROXY, proxyArgument, type ProxyAnswer } from './proxy.testing.ts';
import { fromText } from './test-modules.ts';
import { NO_SETTINGS } from './testing.ts';

const TRILLION = 1_000_000_000_000n;

const encode = (type: IDL.Type, value: unknown) => new Uint8Array(IDL.encode([type], [value]));
const decode = <T>(type: IDL.Type, bytes: Uint8Array) => IDL.decode([type], bytes)[0] as unknown as T;
const byId = (id: string) => encode(candid.CanisterIdArgs, { canister_id: WirePrincipal.fromText(id) });
const nothing = new Uint8Array(IDL.encode([], []));

let net: EmbeddedNetwork;
beforeAll(async () => {
  net = await startNetwork({ subnets: [{ kind: 'system' }, { kind: 'application' }, { kind: 'application' }] });
});
afterAll(() => net.stop());

async function proxy(subnet = 1, cycles = 1_000n * TRILLION): Promise<string> {
  const id = await net.createCanister({ subnet, cycles });
  await net.install(id, PROXY);
  return id;
}

async function through(
  id: string,
  method: string,
  arg: Uint8Array,
  { cycles = 0n, callee = 'aaaaa-aa' } = {},
): Promise<ProxyAnswer> {
  return decodeAnswer(await net.update(id, 'call', proxyArgument(callee, method, arg, cycles)));
}

function management(method: string, arg: Uint8Array, effective: string): Promise<CallOutcome> {
  return net.update('aaaaa-aa', method, arg, { effective });
}

async function status(id: string): Promise<candid.CanisterStatusReplyCandid> {
  return decode(candid.CanisterStatusReply, expectReply(await management('canister_status', byId(id), id)));
}

describe('canisters calling the management canister', () => {
  it('M1 create a canister with the attached cycles, and get refunded what a reject leaves', async () => {
    const parent = await proxy();
    const arg = encode(candid.CreateCanisterArgs, { settings: [], sender_canister_version: [] });
    const created = await through(parent, 'create_canister', arg, { cycles: 10n * TRILLION });
    expect(created.refund).toBe(0n);
    const child = decode<candid.CanisterIdArgsCandid>(candid.CanisterIdReply, created.reply!).canister_id.toText();
    const child_status = await through(parent, 'canister_status', byId(child));
    expect(decode<candid.CanisterStatusReplyCandid>(candid.CanisterStatusReply, child_status.reply!)).toMatchObject({
      cycles: 9n * TRILLION + TRILLION / 2n,
      settings: { controllers: [WirePrincipal.fromText(parent)] },
    });
    const poor = await through(parent, 'create_canister', arg, { cycles: 5n });
    expect(poor).toMatchObject({ refund: 5n, code: 4, message: expect.stringMatching(/^Creating a canister requires a fee/) });
  });

  it('manage a canister on another subnet, and deposit cycles there', async () => {
    const parent = await proxy(1);
    const far = await net.createCanister({ subnet: 2, controllers: [parent], cycles: TRILLION });
    const before = await through(parent, 'canister_status', byId(far));
    const cycles = (answer: ProxyAnswer) => decode<candid.CanisterStatusReplyCandid>(candid.CanisterStatusReply, answer.reply!).cycles;
    expect(await through(parent, 'deposit_cycles', byId(far), { cycles: 7n })).toMatchObject({ refund: 0n });
    expect(cycles(await through(parent, 'canister_status', byId(far))) - cycles(before)).toBe(7n);
    const install = encode(candid.InstallCodeArgs, {
      mode: { install: null },
      canister_id: WirePrincipal.fromText(far),
      wasm_module: PROXY,
      arg: nothing,
      sender_canister_version: [],
    });
    // An install must carry its instruction limit.
    await through(parent, 'deposit_cycles', byId(far), { cycles: 10n * TRILLION });
    expect((await through(parent, 'install_code', install)).message).toBeUndefined();
    expect(expectReply(await net.update(far, 'ping', nothing))).toEqual(new Uint8Array(0));
  });

  it('M1 get the deposit back when nobody has the id', async () => {
    const parent = await proxy();
    const missing = WirePrincipal.fromUint8Array(Uint8Array.of(0, 0, 0, 1, 0, 0, 255, 255, 1, 1)).toText();
    expect(await through(parent, 'deposit_cycles', byId(missing), { cycles: 9n })).toMatchObject({ refund: 9n, code: 3 });
  });

  it('raw_rand gives 32 bytes, other ones each time', async () => {
    const parent = await proxy();
    const draw = async () => decode<Uint8Array>(candid.RawRandReply, (await through(parent, 'raw_rand', nothing)).reply!);
    const [first, second] = [await draw(), await draw()];
    expect(first.length).toBe(32);
    expect(Buffer.from(first).equals(Buffer.from(second))).toBe(false);
  });

  it('unknown methods, bad Candid and missing subsystems reject with a refund', async () => {
    const parent = await proxy();
    expect(await through(parent, 'no_such_method', nothing, { cycles: 3n })).toMatchObject({ refund: 3n, message: "Management canister has no method 'no_such_method'" });
    expect(await through(parent, 'start_canister', Uint8Array.of(1), { cycles: 3n })).toMatchObject({ refund: 3n, code: 4 });
    const key_id = { curve: { secp256k1: null }, name: 'key_1' };
    const sign = encode(candid.SignWithEcdsaArgs, { message_hash: new Uint8Array(32), derivation_path: [], key_id });
    expect(await through(parent, 'sign_with_ecdsa', sign, { cycles: 3n })).toMatchObject({ refund: 3n, message: expect.stringMatching(/not available on this network yet/) });
  });

  it('ask a subnet about itself by its id', async () => {
    const parent = await proxy(1);
    const subnet = net.subnets[2]!.id;
    const arg = encode(candid.SubnetIdArgs, { subnet_id: WirePrincipal.fromText(subnet) });
    const answer = await through(parent, 'subnet_info', arg);
    expect(decode(candid.SubnetInfoReply, answer.reply!)).toMatchObject({ replica_version: expect.any(String) });
    expect((await through(parent, 'subnet_info', arg, { callee: subnet })).reply).toBeDefined();
  });

  it('upgrade themselves', async () => {
    const id = await net.createCanister({ subnet: 1, cycles: 1_000n * TRILLION });
    await net.install(id, PROXY);
    expectReply(
      await management(
        'update_settings',
        encode(candid.UpdateSettingsArgs, {
          canister_id: WirePrincipal.fromText(id),
          settings: { ...NO_SETTINGS, controllers: [[WirePrincipal.fromText(id), WirePrincipal.anonymous()]] },
          sender_canister_version: [],
        }),
        id,
      ),
    );
    const arg = encode(candid.InstallCodeArgs, {
      mode: { upgrade: [] },
      canister_id: WirePrincipal.fromText(id),
      wasm_module: PROXY,
      arg: nothing,
      sender_canister_version: [],
    });
    expect((await through(id, 'install_code', arg)).reply).toBeDefined();
  });
});

describe('stopping', () => {
  it('waits for open calls, refuses new ones, and answers everybody who asked', async () => {
    const [busy, other] = [await proxy(1), await proxy(2)];
    // A call to another subnet keeps a call context open over rounds.
    const open = await net.submit(busy, 'call', proxyArgument(other, 'ping', nothing, 0n));
    const first = await net.submit('aaaaa-aa', 'stop_canister', byId(busy), { effective: busy });
    const second = await net.submit('aaaaa-aa', 'stop_canister', byId(busy), { effective: busy });
    if (open.kind !== 'accepted' || first.kind !== 'accepted' || second.kind !== 'accepted') throw new Error('refused');
    expect(decodeAnswer(await net.awaitCall(busy, open.requestId)).reply).toBeDefined();
    expectReply(await net.awaitCall(busy, first.requestId));
    expectReply(await net.awaitCall(busy, second.requestId));
    expect((await status(busy)).status).toEqual({ stopped: null });
    expect(await net.update(busy, 'ping', nothing)).toMatchObject({ kind: 'reject', errorCode: 'IC0508' });
    expectReply(await management('start_canister', byId(busy), busy));
    expectReply(await net.update(busy, 'ping', nothing));
  });

  it('delete needs a stopped canister, and then it is gone for good', async () => {
    const id = await proxy();
    expect(await management('delete_canister', byId(id), id)).toMatchObject({ kind: 'reject', errorCode: 'IC0510' });
    expectReply(await management('stop_canister', byId(id), id));
    expectReply(await management('delete_canister', byId(id), id));
    expect(await net.update(id, 'ping', nothing)).toMatchObject({ kind: 'reject', errorCode: 'IC0301' });
    expect(await management('canister_status', byId(id), id)).toMatchObject({ kind: 'reject', errorCode: 'IC0301' });
  });

  it('uninstalling answers open calls', async () => {
    const [busy, other] = [await proxy(1), await proxy(2)];
    const open = await net.submit(busy, 'call', proxyArgument(other, 'ping', nothing, 0n));
    const gone = await net.submit(
      'aaaaa-aa',
      'uninstall_code',
      encode(candid.VersionedCanisterIdArgs, { canister_id: WirePrincipal.fromText(busy), sender_canister_version: [] }),
      { effective: busy },
    );
    if (open.kind !== 'accepted' || gone.kind !== 'accepted') throw new Error('refused');
    expectReply(await net.awaitCall(busy, gone.requestId));
    expect(await net.awaitCall(busy, open.requestId)).toMatchObject({
      kind: 'reject',
      code: 4,
      message: 'Canister has been uninstalled.',
    });
    expect((await status(busy)).module_hash).toEqual([]);
  });
});

describe('users calling the management canister', () => {
  it('are refused before a block for what is not theirs', async () => {
    const id = await net.createCanister({ subnet: 1, controllers: [id29()] });
    expect(await management('stop_canister', byId(id), id)).toMatchObject({ kind: 'reject', errorCode: 'IC0512', message: `Only controllers of canister ${id} can call ic00 method stop_canister` });
    expect(await management('raw_rand', nothing, id)).toMatchObject({ errorCode: 'IC0406', message: 'Only canisters can call ic00 method raw_rand' });
  });

  it('query status and logs', async () => {
    const id = await proxy();
    const answer = await net.query('aaaaa-aa', 'canister_status', byId(id), { effective: id });
    expect(decode(candid.CanisterStatusReply, expectReply(answer))).toMatchObject({ status: { running: null } });
    const logs = await net.query('aaaaa-aa', 'fetch_canister_logs', byId(id), { effective: id });
    expect(decode(candid.FetchLogsReply, expectReply(logs))).toEqual({ canister_log_records: [] });
    expect(await net.query('aaaaa-aa', 'install_code', nothing, { effective: id })).toMatchObject({ kind: 'reject' });
  });

  it('pay for what they do out of the canister, except for small settings changes of a frozen one', async () => {
    const id = await net.createCanister({ subnet: 1, cycles: TRILLION });
    const settings = (change: object) =>
      management(
        'update_settings',
        encode(candid.UpdateSettingsArgs, { canister_id: WirePrincipal.fromText(id), settings: { ...NO_SETTINGS, ...change }, sender_canister_version: [] }),
        id,
      );
    expectReply(await settings({ memory_allocation: [2n ** 20n] }));
    expectReply(await settings({ freezing_threshold: [2n ** 64n - 1n] }));
    expect(await management('stop_canister', byId(id), id)).toMatchObject({ kind: 'reject', errorCode: 'IC0207' });
    expectReply(await settings({ freezing_threshold: [0n] }));
    expectReply(await management('stop_canister', byId(id), id));
  });

  it('take, list and load snapshots', async () => {
    const id = await proxy();
    const canister_id = WirePrincipal.fromText(id);
    const take = encode(candid.TakeSnapshotArgs, { canister_id, replace_snapshot: [], uninstall_code: [true], sender_canister_version: [] });
    const { id: snapshot_id } = decode<{ id: Uint8Array }>(candid.SnapshotReply, expectReply(await management('take_canister_snapshot', take, id)));
    expect(await net.update(id, 'ping', nothing)).toMatchObject({ errorCode: 'IC0537' });
    expect(decode<unknown[]>(candid.ListSnapshotsReply, expectReply(await management('list_canister_snapshots', byId(id), id)))).toHaveLength(1);
    expectReply(await management('load_canister_snapshot', encode(candid.LoadSnapshotArgs, { canister_id, snapshot_id, sender_canister_version: [] }), id));
    expectReply(await net.update(id, 'ping', nothing));
  });
});

function id29(): Uint8Array {
  return new Uint8Array(29).fill(7);
}

describe('query statistics', () => {
  it('appear in the status after an epoch of 60 blocks', async () => {
    const id = await proxy();
    const before = await status(id);
    for (let count = 0; count < 3; count += 1) await net.query(id, 'missing', nothing);
    const wasm = fromText(`(module
      (import "ic0" "msg_reply" (func $reply))
      (func (export "canister_query nothing") (call $reply)))`);
    await net.install(id, wasm, nothing, { mode: 'reinstall' });
    for (let count = 0; count < 5; count += 1) expectReply(await net.query(id, 'nothing', nothing));
    await net.tick(60);
    const { query_stats } = await status(id);
    expect(before.query_stats.num_calls_total).toBe(0n);
    expect(query_stats).toMatchObject({ num_calls_total: 5n, request_payload_bytes_total: 30n, response_payload_bytes_total: 0n });
    expect(query_stats.num_instructions_total).toBeGreaterThan(0n);
  });
});
