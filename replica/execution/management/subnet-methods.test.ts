import { IDL } from '@dfinity/candid';
import { describe, expect, it } from 'vitest';
import { APPLICATION_SUBNET } from '../../types/subnet-config.ts';
import { Principal } from '../../types/principal.ts';
import * as candid from './candid-types.ts';
import { managementCanister } from './management.ts';
import { MANAGEMENT_METHODS, methodRules } from './methods.ts';
import { ROOT_SUBNET, START_NANOS, SUBNET, TestSubnet } from './testing.ts';
import { toWire } from './wire.ts';

const alice = Principal.fromBytes(Uint8Array.of(1, 1, 1));
const bob = Principal.fromBytes(Uint8Array.of(2, 2, 2));
const nothing = new Uint8Array(IDL.encode([], []));
const encode = (type: IDL.Type, value: unknown) => new Uint8Array(IDL.encode([type], [value]));

describe('every method of the table', () => {
  it('answers malformed and empty arguments with a reject that refunds', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice);
    for (const method of MANAGEMENT_METHODS) {
      for (const arg of [new Uint8Array(0), Uint8Array.of(68, 73, 68, 76, 1), nothing]) {
        const outcome = subnet.raw(method, arg, canister.id, 3n);
        if (outcome.kind === 'pending') expect(method).toBe('raw_rand');
        else expect(outcome.refund).toBe(3n);
        if (methodRules(method)!.query) {
          const query = { sender: alice, methodName: method, arg };
          const result = managementCanister.executeManagementQuery(subnet.state, query, { config: APPLICATION_SUBNET });
          expect(result.kind).toBe('reject');
        }
      }
    }
  });
});

describe('raw_rand', () => {
  it('waits for a later round with its cycles', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice);
    expect(subnet.raw('raw_rand', nothing, canister.id, 6n)).toEqual({ kind: 'pending', instructionsUsed: 0 });
    expect([...subnet.state.subnetCalls.values()]).toMatchObject([
      { kind: 'raw-rand', refund: 6n, madeAtHeight: 42, origin: { sender: canister.id } },
    ]);
  });

  it('is not for users', () => {
    expect(new TestSubnet().raw('raw_rand', nothing, alice)).toMatchObject({
      error: { code: 406, message: 'Only canisters can call ic00 method raw_rand' },
    });
  });
});

describe('subnet_info and node_metrics_history', () => {
  it('are about this subnet only', () => {
    const subnet = new TestSubnet();
    const from = subnet.create(alice).id;
    const ask = (id: Principal) =>
      subnet.call('subnet_info', candid.SubnetIdArgs, { subnet_id: toWire(id) }, { from, reply: candid.SubnetInfoReply });
    expect(ask(SUBNET)).toMatchObject({ value: { registry_version: 7n, replica_version: expect.any(String) } });
    expect(ask(ROOT_SUBNET)).toMatchObject({ kind: 'reject', code: 406 });
  });

  it('give the samples of days that are over, from the time asked for', () => {
    const subnet = new TestSubnet();
    const from = subnet.create(alice).id;
    const day = 86_400_000_000_000n;
    for (const time of [START_NANOS, START_NANOS + 1n, START_NANOS + day, START_NANOS + 3n * day]) {
      subnet.state.nodeMetrics.observe(time, { maker: bob, failed: [alice] });
    }
    const ask = (start: bigint) =>
      subnet.call(
        'node_metrics_history',
        candid.NodeMetricsArgs,
        { subnet_id: toWire(SUBNET), start_at_timestamp_nanos: start },
        { from, reply: candid.NodeMetricsReply },
      );
    const bobs = { node_id: toWire(bob), num_block_failures_total: 0n };
    expect(ask(0n)).toMatchObject({
      value: [
        { timestamp_nanos: START_NANOS + 1n, node_metrics: [{ ...bobs, num_blocks_proposed_total: 2n }, {}] },
        { timestamp_nanos: START_NANOS + day, node_metrics: [{ ...bobs, num_blocks_proposed_total: 3n }, {}] },
      ],
    });
    expect(ask(START_NANOS + 2n)).toMatchObject({ value: [{ timestamp_nanos: START_NANOS + day }] });
    expect(ask(START_NANOS + 3n * day)).toMatchObject({ value: [] });
  });
});

describe('logs', () => {
  const query = (subnet: TestSubnet, sender: Principal, args: unknown) =>
    managementCanister.executeManagementQuery(
      subnet.state,
      { sender, methodName: 'fetch_canister_logs', arg: encode(candid.FetchLogsArgs, args) },
      { config: APPLICATION_SUBNET },
    );
  const setUp = () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice);
    canister.log.records = [0, 1, 2].map((index) => ({
      index,
      timeNanos: BigInt(index * 10),
      content: Uint8Array.of(index),
    }));
    return { subnet, canister };
  };
  const indices = (result: ReturnType<typeof query>) => {
    if (result.kind !== 'reply') throw new Error(result.error.message);
    const [value] = IDL.decode([candid.FetchLogsReply], result.data) as unknown as [
      { canister_log_records: { idx: bigint }[] },
    ];
    return value.canister_log_records.map(({ idx }) => Number(idx));
  };

  it('are shown to those whom the visibility admits', () => {
    const { subnet, canister } = setUp();
    const args = { canister_id: toWire(canister.id), filter: [] };
    expect(indices(query(subnet, alice, args))).toEqual([0, 1, 2]);
    expect(query(subnet, bob, args)).toEqual({
      kind: 'reject',
      error: { code: 406, message: `Caller ${bob.toText()} is not allowed to access canister logs` },
    });
    canister.settings.logVisibility = { kind: 'allowed-viewers', principals: [bob] };
    expect(indices(query(subnet, bob, args))).toEqual([0, 1, 2]);
    canister.settings.logVisibility = { kind: 'public' };
    expect(indices(query(subnet, Principal.anonymous(), args))).toEqual([0, 1, 2]);
  });

  it('can be filtered by index and time, end exclusive', () => {
    const { subnet, canister } = setUp();
    const canister_id = toWire(canister.id);
    expect(indices(query(subnet, alice, { canister_id, filter: [{ by_idx: { start: 1n, end: 2n } }] }))).toEqual([1]);
    expect(
      indices(query(subnet, alice, { canister_id, filter: [{ by_timestamp_nanos: { start: 10n, end: 99n } }] })),
    ).toEqual([1, 2]);
  });

  it('are not for replicated calls', () => {
    const { subnet, canister } = setUp();
    const arg = encode(candid.FetchLogsArgs, { canister_id: toWire(canister.id), filter: [] });
    expect(subnet.raw('fetch_canister_logs', arg, alice)).toMatchObject({ kind: 'reject', error: { code: 406 } });
    expect(subnet.raw('fetch_canister_logs', arg, canister.id)).toMatchObject({ kind: 'reject', error: { code: 406 } });
  });
});

describe('queries', () => {
  it('give the same status as the replicated call', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice);
    const arg = encode(candid.CanisterIdArgs, { canister_id: toWire(canister.id) });
    for (const methodName of ['canister_status', 'canister_metrics']) {
      const replicated = subnet.raw(methodName, arg, alice);
      const queried = managementCanister.executeManagementQuery(
        subnet.state,
        { sender: alice, methodName, arg },
        { config: APPLICATION_SUBNET },
      );
      expect(replicated.kind).toBe('reply');
      expect(queried).toMatchObject({ kind: 'reply' });
      if (replicated.kind === 'reply' && queried.kind === 'reply') expect(queried.data).toEqual(replicated.data);
    }
  });

  it('list canisters as ranges, for subnet admins only', () => {
    const subnet = new TestSubnet();
    const [first, , third] = [subnet.create(alice), subnet.create(alice), subnet.create(alice)];
    const list = (sender: Principal) =>
      managementCanister.executeManagementQuery(
        subnet.state,
        { sender, methodName: 'list_canisters', arg: nothing },
        { config: { ...APPLICATION_SUBNET, subnetAdmins: [bob.toText()] } },
      );
    expect(list(alice).kind).toBe('reject');
    const outcome = list(bob);
    if (outcome.kind !== 'reply') throw new Error('rejected');
    const [value] = IDL.decode([candid.ListCanistersReply], outcome.data) as unknown as [
      { canisters: { start: { toText(): string }; end: { toText(): string } }[] },
    ];
    expect(value.canisters.map(({ start, end }) => [start.toText(), end.toText()])).toEqual([
      [first.id.toText(), third.id.toText()],
    ]);
  });
});

describe('subsystems that do not exist yet', () => {
  const key_id = { curve: { secp256k1: null }, name: 'key_1' };
  it.each<[string, IDL.Type, unknown, RegExp]>([
    ['ecdsa_public_key', candid.EcdsaPublicKeyArgs, { canister_id: [], derivation_path: [], key_id }, /ecdsa:Secp256k1:key_1, existing keys: \[\]\. Threshold keys are not available/],
    ['sign_with_ecdsa', candid.SignWithEcdsaArgs, { message_hash: new Uint8Array(31), derivation_path: [], key_id }, /exactly 32 bytes/],
    ['sign_with_schnorr', candid.SignWithSchnorrArgs, { message: new Uint8Array(1), derivation_path: [], key_id: { algorithm: { ed25519: null }, name: 'x' }, aux: [] }, /schnorr:Ed25519:x/],
    ['vetkd_derive_key', candid.VetKdDeriveKeyArgs, { input: new Uint8Array(0), context: new Uint8Array(0), transport_public_key: new Uint8Array(48), key_id: { curve: { bls12_381_g2: null }, name: 'x' } }, /vetkd:Bls12_381_G2:x/],
  ])('%s rejects with a plain text and refunds', (method, type, args, text) => {
    const subnet = new TestSubnet();
    const from = subnet.create(alice).id;
    const outcome = subnet.call(method, type, args, { from, payment: 10n });
    expect(outcome).toMatchObject({ kind: 'reject', code: 406, refund: 10n, message: expect.stringMatching(text) });
  });

  const request = {
    url: 'https://example.com',
    max_response_bytes: [],
    method: { get: null },
    headers: [],
    body: [],
    transform: [],
    is_replicated: [],
  };
  it.each<[string, object, RegExp]>([
    ['a correct request', {}, /not available on this network yet/],
    ['a response limit over 2 MB', { max_response_bytes: [2_000_001n] }, /max_response_bytes expected to be in the range \[0\.\.2000000\], got 2000001/],
    ['a long URL', { url: `https://${'a'.repeat(8192)}` }, /url size 8200 exceeds 8192/],
    ['another scheme', { url: 'ftp://example.com' }, /https/],
    ['a foreign transform', { transform: [{ function: [toWire(bob), 'f'], context: new Uint8Array(0) }] }, /transform principal id expected to be/],
    ['65 headers', { headers: Array(65).fill({ name: 'a', value: 'b' }) }, /number of HTTP headers/],
    ['PUT by all replicas', { method: { put: null } }, /PUT is only allowed/],
    ['a large body', { body: [new Uint8Array(2_000_001)] }, /exceeds 2000000/],
  ])('http_request rejects %s', (_title, change, text) => {
    const subnet = new TestSubnet();
    const from = subnet.create(alice).id;
    const outcome = subnet.call('http_request', candid.HttpRequestArgs, { ...request, ...change }, { from });
    expect(outcome).toMatchObject({ kind: 'reject', code: 406, message: expect.stringMatching(text) });
  });

  it('bitcoin methods reject', () => {
    const subnet = new TestSubnet();
    expect(subnet.raw('bitcoin_get_balance', nothing, subnet.create(alice).id)).toMatchObject({
      error: { code: 406 },
    });
  });
});
