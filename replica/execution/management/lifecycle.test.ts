import { IDL } from '@dfinity/candid';
import type { Principal as WirePrincipal } from '@dfinity/principal';
import { describe, expect, it } from 'vitest';
import { hashOfMap } from '../../codec/request-id.ts';
import { Principal } from '../../types/principal.ts';
import * as candid from './candid-types.ts';
import { FIRST_ALLOCATED, FIRST_CHOSEN, NO_SETTINGS, ROOT_SUBNET, TestSubnet } from './testing.ts';
import { toWire } from './wire.ts';

const alice = Principal.fromBytes(Uint8Array.of(1, 1, 1));
const bob = Principal.fromBytes(Uint8Array.of(2, 2, 2));
const CREATION_FEE = 500_000_000_000n;

const byId = (id: Principal) => ({ canister_id: toWire(id) });
const creation = (settings: Partial<candid.CanisterSettingsCandid> = {}) => ({
  settings: [{ ...NO_SETTINGS, ...settings }],
  sender_canister_version: [3n],
});
const info = (subnet: TestSubnet, id: Principal, from: Principal) =>
  subnet.call<{
    total_num_changes: bigint;
    recent_changes: candid.ChangeCandid[];
    controllers: WirePrincipal[];
    module_hash: [] | [Uint8Array];
  }>(
    'canister_info',
    candid.CanisterInfoArgs,
    { canister_id: toWire(id), num_requested_changes: [20n] },
    { from, reply: candid.CanisterInfoReply },
  );

describe('create_canister', () => {
  it('takes the fee from the attached cycles and keeps the rest as balance', () => {
    const subnet = new TestSubnet();
    const creator = subnet.create(alice);
    const outcome = subnet.call<candid.CanisterIdArgsCandid>(
      'create_canister',
      candid.CreateCanisterArgs,
      creation(),
      { from: creator.id, payment: CREATION_FEE + 7n, reply: candid.CanisterIdReply },
    );
    if (outcome.kind !== 'reply') throw new Error('rejected');
    expect(outcome.refund).toBe(0n);
    const created = subnet.state.canister(Principal.fromBytes(outcome.value.canister_id.toUint8Array()))!;
    expect(created.balance).toBe(7n);
    expect(created.version).toBe(0n);
    expect(created.consumed.canisterCreation).toBe(CREATION_FEE);
    expect(created.settings.controllers.map(String)).toEqual([creator.id.toText()]);
    const change = info(subnet, created.id, creator.id);
    expect(change).toMatchObject({
      kind: 'reply',
      value: {
        total_num_changes: 1n,
        recent_changes: [
          {
            canister_version: 0n,
            origin: { from_canister: { canister_version: [3n] } },
            details: { creation: { environment_variables_hash: [] } },
          },
        ],
      },
    });
  });

  it('rejects and refunds all when the attached cycles do not cover the fee', () => {
    const subnet = new TestSubnet();
    const creator = subnet.create(alice);
    const before = subnet.state.canisters.size;
    expect(
      subnet.call('create_canister', candid.CreateCanisterArgs, creation(), {
        from: creator.id,
        payment: CREATION_FEE - 1n,
      }),
    ).toMatchObject({ kind: 'reject', code: 403, refund: CREATION_FEE - 1n });
    expect(subnet.state.canisters.size).toBe(before);
  });

  it('rejects and refunds all when a setting is invalid, and gives out no id', () => {
    const subnet = new TestSubnet();
    const creator = subnet.create(alice);
    const outcome = subnet.call(
      'create_canister',
      candid.CreateCanisterArgs,
      creation({ compute_allocation: [101n] }),
      { from: creator.id, payment: 10n ** 15n },
    );
    expect(outcome).toMatchObject({ kind: 'reject', code: 504, refund: 10n ** 15n });
    expect(subnet.create(alice).id.canisterIndex()).toBe(FIRST_ALLOCATED + 1n);
  });

  it('serves canisters of this and of the root subnet only, and no users', () => {
    const subnet = new TestSubnet();
    const create = (from: Principal) =>
      subnet.call('create_canister', candid.CreateCanisterArgs, creation(), {
        from,
        payment: 10n ** 15n,
      });
    expect(create(Principal.fromCanisterIndex(5n)).kind).toBe('reply'); // root subnet's range
    expect(create(Principal.fromCanisterIndex(0xffffn))).toMatchObject({ kind: 'reject', code: 504 });
    expect(create(alice)).toMatchObject({
      kind: 'reject',
      message: 'Only canisters can call ic00 method create_canister',
    });
    expect(ROOT_SUBNET.bytes.length).toBe(29);
  });

  it('lets a subnet admin create without a fee', () => {
    const subnet = new TestSubnet({ subnetAdmins: [alice.toText()] });
    expect(
      subnet.call('create_canister', candid.CreateCanisterArgs, creation(), { from: alice }).kind,
    ).toBe('reply');
  });

  it('rejects settings whose freezing limit the balance cannot carry', () => {
    const subnet = new TestSubnet();
    const creator = subnet.create(alice);
    expect(
      subnet.call(
        'create_canister',
        candid.CreateCanisterArgs,
        creation({ compute_allocation: [50n] }),
        { from: creator.id, payment: CREATION_FEE + 1n },
      ),
    ).toMatchObject({ kind: 'reject', code: 530 });
  });
});

describe('provisional_create_canister_with_cycles', () => {
  const create = (subnet: TestSubnet, args: Partial<candid.ProvisionalCreateArgsCandid>, from = alice) =>
    subnet.call<candid.CanisterIdArgsCandid>(
      'provisional_create_canister_with_cycles',
      candid.ProvisionalCreateArgs,
      { amount: [], settings: [], specified_id: [], sender_canister_version: [], ...args },
      { from, reply: candid.CanisterIdReply },
    );

  it('gives 100 T by default and sequential ids', () => {
    const subnet = new TestSubnet();
    const first = create(subnet, {});
    const second = create(subnet, { amount: [5n] });
    if (first.kind !== 'reply' || second.kind !== 'reply') throw new Error('rejected');
    const canister = subnet.state.canister(Principal.fromBytes(first.value.canister_id.toUint8Array()))!;
    expect(canister.balance).toBe(100_000_000_000_000n);
    expect(canister.id.canisterIndex()).toBe(FIRST_ALLOCATED);
    expect(second.value.canister_id.toText()).toBe(Principal.fromCanisterIndex(FIRST_ALLOCATED + 1n).toText());
  });

  it('gives the id asked for once, and only outside the automatic range', () => {
    const subnet = new TestSubnet();
    const wanted = toWire(Principal.fromCanisterIndex(FIRST_CHOSEN));
    expect(create(subnet, { specified_id: [wanted] })).toMatchObject({ kind: 'reply' });
    expect(create(subnet, { specified_id: [wanted] })).toMatchObject({ kind: 'reject', code: 538 });
    const automatic = toWire(Principal.fromCanisterIndex(FIRST_ALLOCATED + 50n));
    expect(create(subnet, { specified_id: [automatic] })).toMatchObject({ kind: 'reject', code: 408 });
    const foreign = toWire(Principal.fromCanisterIndex(3n));
    expect(create(subnet, { specified_id: [foreign] })).toMatchObject({ kind: 'reject', code: 405 });
    expect(create(subnet, { specified_id: [toWire(alice)] })).toMatchObject({ kind: 'reject', code: 405 });
  });

  it('keeps the environment variables and their hash in the history', () => {
    const subnet = new TestSubnet();
    const outcome = create(subnet, {
      settings: [{ ...NO_SETTINGS, environment_variables: [[{ name: 'b', value: '2' }, { name: 'a', value: '1' }]] }],
    });
    if (outcome.kind !== 'reply') throw new Error('rejected');
    const id = Principal.fromBytes(outcome.value.canister_id.toUint8Array());
    expect(subnet.state.canister(id)!.settings.environmentVariables).toEqual([
      { name: 'a', value: '1' },
      { name: 'b', value: '2' },
    ]);
    const history = info(subnet, id, subnet.create(bob).id);
    if (history.kind !== 'reply') throw new Error('rejected');
    const [change] = history.value.recent_changes;
    expect(change!.origin).toMatchObject({ from_user: {} });
    const details = change!.details as { creation: { environment_variables_hash: [Uint8Array] } };
    expect(Buffer.from(details.creation.environment_variables_hash[0]).toString('hex')).toBe(
      Buffer.from(hashOfMap({ a: '1', b: '2' })).toString('hex'),
    );
  });

  it('tops up without a limit', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice, 1n);
    const args = { canister_id: toWire(canister.id), amount: 9n };
    expect(
      subnet.call('provisional_top_up_canister', candid.ProvisionalTopUpArgs, args, { from: bob }).kind,
    ).toBe('reply');
    expect(canister.balance).toBe(10n);
  });
});

describe('start, stop and delete', () => {
  const act = (subnet: TestSubnet, method: string, id: Principal, from = alice, payment = 0n) =>
    subnet.call(method, candid.CanisterIdArgs, byId(id), { from, payment });

  it('stop waits for the scheduler, start cancels it, versions grow', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice);
    expect(act(subnet, 'stop_canister', canister.id)).toEqual({ kind: 'pending' });
    expect(act(subnet, 'stop_canister', canister.id)).toEqual({ kind: 'pending' });
    expect(canister.status).toMatchObject({ kind: 'stopping', stopRequests: [{}, {}] });
    expect(canister.version).toBe(2n);
    expect(act(subnet, 'start_canister', canister.id).kind).toBe('reply');
    expect(canister.status.kind).toBe('running');
    expect(canister.version).toBe(3n);
    expect(subnet.responses.map(({ payload }) => payload)).toEqual(
      Array(2).fill({
        kind: 'reject',
        code: 5,
        errorCode: 511,
        message: `Canister ${canister.id.toText()}'s stop request was cancelled.`,
      }),
    );
  });

  it('keeps the cycles attached to a stop call for its answer', () => {
    const subnet = new TestSubnet();
    const owner = subnet.create(alice);
    const canister = subnet.create(owner.id);
    act(subnet, 'stop_canister', canister.id, owner.id, 12n);
    expect(canister.status).toMatchObject({ stopRequests: [{ refund: 12n }] });
  });

  it('stop of a stopped canister replies at once', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice);
    canister.status = { kind: 'stopped' };
    expect(act(subnet, 'stop_canister', canister.id).kind).toBe('reply');
  });

  it('deletes a stopped canister only, and never gives its id out again', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice);
    expect(act(subnet, 'delete_canister', canister.id)).toMatchObject({
      kind: 'reject',
      code: 510,
      message: `Canister ${canister.id.toText()} must be stopped before it is deleted.`,
    });
    canister.status = { kind: 'stopped' };
    canister.settings.controllers = [alice, canister.id];
    expect(act(subnet, 'delete_canister', canister.id, canister.id)).toMatchObject({
      code: 512,
      message: `Canister ${canister.id.toText()} cannot delete itself.`,
    });
    const before = subnet.state.metrics.consumedCycles;
    expect(act(subnet, 'delete_canister', canister.id).kind).toBe('reply');
    expect(subnet.state.canister(canister.id)).toBeUndefined();
    expect(subnet.state.metrics.consumedCycles - before).toBe(canister.balance);
    expect(subnet.create(alice).id.canisterIndex()).toBe(FIRST_ALLOCATED + 1n);
  });

  it('refuses everybody but controllers, naming them', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice);
    const stranger = subnet.create(bob).id;
    for (const method of ['start_canister', 'stop_canister', 'delete_canister', 'clear_chunk_store']) {
      expect(act(subnet, method, canister.id, stranger, 5n)).toEqual({
        kind: 'reject',
        code: 512,
        message:
          `Only the controllers of the canister ${canister.id.toText()} can control it.\n` +
          `Canister's controllers: ${alice.toText()}\nSender's ID: ${stranger.toText()}`,
        refund: 5n,
      });
    }
  });

  it('lets subnet admins start, stop and delete, but not change settings', () => {
    const subnet = new TestSubnet({ subnetAdmins: [bob.toText()] });
    const canister = subnet.create(alice);
    expect(act(subnet, 'stop_canister', canister.id, bob).kind).toBe('pending');
    expect(
      subnet.call(
        'update_settings',
        candid.UpdateSettingsArgs,
        { ...byId(canister.id), settings: NO_SETTINGS, sender_canister_version: [] },
        { from: bob },
      ),
    ).toMatchObject({ code: 512 });
  });
});

describe('deposit_cycles', () => {
  it('moves all attached cycles, or refunds them when the target is missing', () => {
    const subnet = new TestSubnet();
    const donor = subnet.create(alice);
    const target = subnet.create(bob, 1n);
    const give = (id: Principal) =>
      subnet.call('deposit_cycles', candid.CanisterIdArgs, byId(id), { from: donor.id, payment: 4n });
    expect(give(target.id)).toMatchObject({ kind: 'reply', refund: 0n });
    expect(target.balance).toBe(5n);
    const missing = Principal.fromCanisterIndex(77n);
    expect(give(missing)).toEqual({
      kind: 'reject',
      code: 301,
      message: `Canister ${missing.toText()} not found`,
      refund: 4n,
    });
  });
});

describe('bad calls', () => {
  it('are rejected with their cycles, whatever the bytes', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice);
    expect(subnet.raw('start_canister', new Uint8Array(0), alice)).toMatchObject({
      kind: 'reject',
      error: { code: 408 },
    });
    expect(subnet.raw('start_canister', Uint8Array.of(1, 2, 3), canister.id, 9n)).toMatchObject({
      kind: 'reject',
      refund: 9n,
    });
    expect(subnet.raw('toString', new Uint8Array(IDL.encode([], [])), alice)).toMatchObject({
      kind: 'reject',
      error: { code: 536, message: "Management canister has no method 'toString'" },
    });
    const wrongType = new Uint8Array(IDL.encode([IDL.Record({ canister_id: IDL.Text })], [{ canister_id: 'x' }]));
    const outcome = subnet.raw('start_canister', wrongType, alice);
    expect(outcome).toMatchObject({ kind: 'reject', error: { code: 408 } });
    if (outcome.kind === 'reject') expect(outcome.error.message).toMatch(/^Error decoding candid: /);
  });
});
