import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Principal } from '../../types/principal.ts';
import * as candid from './candid-types.ts';
import { NO_SETTINGS, TestSubnet } from './testing.ts';
import { toWire } from './wire.ts';

const alice = Principal.fromBytes(Uint8Array.of(1, 1, 1));
const bob = Principal.fromBytes(Uint8Array.of(2, 2, 2));

function update(
  subnet: TestSubnet,
  id: Principal,
  settings: Partial<candid.CanisterSettingsCandid>,
  from = alice,
) {
  return subnet.call(
    'update_settings',
    candid.UpdateSettingsArgs,
    { canister_id: toWire(id), settings: { ...NO_SETTINGS, ...settings }, sender_canister_version: [] },
    { from },
  );
}

function status(subnet: TestSubnet, id: Principal, from = alice) {
  const outcome = subnet.call<candid.CanisterStatusReplyCandid>(
    'canister_status',
    candid.CanisterIdArgs,
    { canister_id: toWire(id) },
    { from, reply: candid.CanisterStatusReply },
  );
  if (outcome.kind !== 'reply') throw new Error(outcome.kind === 'reject' ? `${outcome.code} ${outcome.message}` : 'pending');
  return outcome.value;
}

describe('update_settings', () => {
  it('changes what is given, leaves the rest, counts the version', () => {
    const subnet = new TestSubnet();
    const { id } = subnet.create(alice);
    const before = status(subnet, id).settings;
    expect(
      update(subnet, id, {
        freezing_threshold: [5n],
        log_visibility: [{ public: null }],
        snapshot_visibility: [{ allowed_viewers: [toWire(bob)] }],
        minimum_incoming_canister_call_cycles: [8n],
        log_memory_limit: [100n],
        wasm_memory_threshold: [9n],
      }).kind,
    ).toBe('reply');
    const after = status(subnet, id);
    expect(after.version).toBe(1n);
    expect(after.settings).toMatchObject({
      ...before,
      freezing_threshold: 5n,
      log_visibility: { public: null },
      minimum_incoming_canister_call_cycles: 8n,
      log_memory_limit: 100n,
      wasm_memory_threshold: 9n,
      snapshot_visibility: { allowed_viewers: [expect.anything()] },
    });
  });

  it('records a history entry only when controllers are given, without duplicates', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice);
    update(subnet, canister.id, { compute_allocation: [0n] });
    expect(canister.history.totalChanges).toBe(1);
    update(subnet, canister.id, { controllers: [[toWire(alice), toWire(bob), toWire(alice)]] });
    expect(canister.history.changes.at(-1)).toMatchObject({
      canisterVersion: 2n,
      details: { kind: 'controllers-change' },
    });
    expect(canister.settings.controllers.map(String)).toEqual([alice.toText(), bob.toText()]);
    update(subnet, canister.id, { controllers: [[]] }, bob);
    expect(canister.settings.controllers).toEqual([]);
    expect(update(subnet, canister.id, {})).toMatchObject({ code: 512 });
  });

  const many = (count: number) => Array.from({ length: count }, (_, index) => toWire(Principal.fromCanisterIndex(BigInt(index))));
  it.each<[string, Partial<candid.CanisterSettingsCandid>, RegExp]>([
    ['eleven controllers', { controllers: [many(11)] }, /^Could not validate the settings: Invalid settings: 'controllers' length exceeds maximum size allowed of 10\. $/],
    ['compute above 100', { compute_allocation: [101n] }, /ComputeAllocation expected to be in the range of \[0\.\.100\], got 101/],
    ['memory above 2^48', { memory_allocation: [2n ** 48n + 1n] }, /MemoryAllocation/],
    ['freezing threshold of 65 bits', { freezing_threshold: [2n ** 64n] }, /FreezingThreshold/],
    ['reserved limit of 129 bits', { reserved_cycles_limit: [2n ** 128n] }, /ReservedCyclesLimit/],
    ['minimum call cycles of 129 bits', { minimum_incoming_canister_call_cycles: [2n ** 128n] }, /MinimumIncoming/],
    ['wasm memory limit above 2^48', { wasm_memory_limit: [2n ** 48n + 1n] }, /WasmMemoryLimit/],
    ['wasm memory threshold above 2^48', { wasm_memory_threshold: [2n ** 48n + 1n] }, /WasmMemoryThreshold/],
    ['log memory above 2 MiB', { log_memory_limit: [2n * 1024n * 1024n + 1n] }, /LogMemoryLimit/],
    ['eleven viewers', { log_visibility: [{ allowed_viewers: many(11) }] }, /log_visibility/],
    ['eleven status viewers', { status_visibility: [{ allowed_viewers: many(11) }] }, /status_visibility/],
    ['21 environment variables', { environment_variables: [Array.from({ length: 21 }, (_, i) => ({ name: `v${i}`, value: '' }))] }, /Too many environment variables: 21 \(max: 20\)/],
    ['a long variable name', { environment_variables: [[{ name: 'é'.repeat(65), value: '' }]] }, /name too long/],
    ['a long variable value', { environment_variables: [[{ name: 'a', value: 'x'.repeat(129) }]] }, /value too long/],
    ['a repeated variable', { environment_variables: [[{ name: 'a', value: '1' }, { name: 'a', value: '2' }]] }, /Duplicate/],
  ])('rejects %s and changes nothing', (_title, settings, text) => {
    const subnet = new TestSubnet();
    const { id } = subnet.create(alice);
    const before = status(subnet, id);
    const outcome = update(subnet, id, { freezing_threshold: [1n], ...settings });
    expect(outcome).toMatchObject({ kind: 'reject', code: 504, message: expect.stringMatching(text) });
    expect(status(subnet, id)).toEqual(before);
  });

  it('rejects allocations that the subnet or the balance cannot carry', () => {
    const subnet = new TestSubnet({ memoryCapacityBytes: 2 ** 40, computeCapacityPercent: 60 });
    const rich = subnet.create(alice, 10n ** 30n);
    const poor = subnet.create(alice, 10n);
    expect(update(subnet, poor.id, { memory_allocation: [2n ** 30n] })).toMatchObject({ code: 531 });
    expect(update(subnet, poor.id, { compute_allocation: [1n] })).toMatchObject({ code: 530 });
    expect(update(subnet, rich.id, { memory_allocation: [2n ** 40n + 1n] })).toMatchObject({ code: 101 });
    expect(update(subnet, rich.id, { memory_allocation: [2n ** 39n], compute_allocation: [60n] }).kind).toBe('reply');
    const other = subnet.create(alice, 10n ** 30n);
    expect(update(subnet, other.id, { memory_allocation: [2n ** 40n] })).toMatchObject({ code: 101 });
    expect(update(subnet, other.id, { compute_allocation: [1n] })).toMatchObject({
      code: 101,
      message: "Canister requested a compute allocation of 1% which cannot be satisfied because the Subnet's remaining compute capacity is 0%.",
    });
    rich.reservedBalance = 9n;
    expect(update(subnet, rich.id, { reserved_cycles_limit: [8n] })).toMatchObject({ code: 540 });
  });

  it('refuses a memory allocation that would reserve more cycles than the limit allows, with IC0533', () => {
    const subnet = new TestSubnet({ storageReservationThresholdBytes: 0, memoryCapacityBytes: 2 ** 30 });
    const canister = subnet.create(alice);
    const before = canister.balance;
    canister.settings.reservedCyclesLimit = 1_000_000n;
    const allocate = (bytes: bigint, more = {}) => update(subnet, canister.id, { memory_allocation: [bytes], ...more });
    expect(allocate(2n ** 28n)).toMatchObject({
      kind: 'reject',
      code: 533,
      message: expect.stringMatching(
        /^Cannot increase memory allocation to 268435456 due to its reserved cycles limit. The current limit \(1000000\) would be exceeded by \d+\.$/,
      ),
    });
    expect([canister.settings.memoryAllocation, canister.balance]).toEqual([0, before]);
    // A higher limit in the same call counts; what is allocated already is not reserved for again.
    expect(allocate(2n ** 28n, { reserved_cycles_limit: [10n ** 15n] }).kind).toBe('reply');
    canister.settings.reservedCyclesLimit = 0n;
    expect(allocate(2n ** 28n - 1n).kind).toBe('reply');
  });

  it('needs the cycles that the allocation reserves, with IC0531', () => {
    const subnet = new TestSubnet({ storageReservationThresholdBytes: 0, memoryCapacityBytes: 2 ** 30 });
    const canister = subnet.create(alice, 10_000_000_000n);
    expect(update(subnet, canister.id, { memory_allocation: [2n ** 28n] })).toMatchObject({ kind: 'reject', code: 531 });
  });

  it('lets an owner freeze a canister on purpose', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice, 10n);
    expect(update(subnet, canister.id, { freezing_threshold: [2n ** 64n - 1n] }).kind).toBe('reply');
  });

  it('drops the oldest log records when the limit shrinks', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice);
    const record = (index: number) => ({ index, timeNanos: 1n, content: new Uint8Array(10) });
    canister.log.records = [record(0), record(1), record(2)];
    update(subnet, canister.id, { log_memory_limit: [25n] });
    expect(canister.log.records.map(({ index }) => index)).toEqual([1, 2]);
  });

  it('shows in the status what was set, for any valid settings', () => {
    const visibility = fc.oneof(
      fc.constant({ controllers: null }),
      fc.constant({ public: null }),
      fc.uint8Array({ maxLength: 29 }).map((bytes) => ({ allowed_viewers: [toWire(Principal.fromBytes(bytes))] })),
    );
    const opt = <T>(value: fc.Arbitrary<T>) => fc.oneof(fc.constant([] as []), fc.tuple(value));
    const settings = fc.record({
      freezing_threshold: opt(fc.bigInt(0n, 2n ** 64n - 1n)),
      reserved_cycles_limit: opt(fc.bigInt(0n, 2n ** 128n - 1n)),
      minimum_incoming_canister_call_cycles: opt(fc.bigInt(0n, 2n ** 128n - 1n)),
      wasm_memory_limit: opt(fc.bigInt(0n, 2n ** 48n)),
      wasm_memory_threshold: opt(fc.bigInt(0n, 2n ** 48n)),
      log_memory_limit: opt(fc.bigInt(0n, 2n ** 21n)),
      log_visibility: opt(visibility),
      status_visibility: opt(visibility),
      snapshot_visibility: opt(visibility),
    });
    const subnet = new TestSubnet();
    const { id } = subnet.create(alice);
    fc.assert(
      fc.property(settings, (given) => {
        const before = status(subnet, id).settings as unknown as Record<string, unknown>;
        expect(update(subnet, id, given as never).kind).toBe('reply');
        const after = status(subnet, id).settings as unknown as Record<string, unknown>;
        const text = (value: unknown) =>
          JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? `${item}` : item));
        for (const [name, value] of Object.entries(given)) {
          expect(text(after[name])).toBe(text(value.length === 0 ? before[name] : value[0]));
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('canister_status', () => {
  it('is for controllers, the canister itself, and whom the visibility admits', () => {
    const subnet = new TestSubnet();
    const canister = subnet.create(alice);
    expect(status(subnet, canister.id, canister.id).status).toEqual({ running: null });
    expect(() => status(subnet, canister.id, bob)).toThrow(/512/);
    update(subnet, canister.id, { status_visibility: [{ allowed_viewers: [toWire(bob)] }] });
    expect(status(subnet, canister.id, bob).cycles).toBe(canister.balance);
  });

  it('shows an empty canister with all fields that official clients insist on', () => {
    const subnet = new TestSubnet();
    const value = status(subnet, subnet.create(alice).id);
    expect(value).toMatchObject({
      version: 0n,
      ready_for_migration: false,
      module_hash: [],
      reserved_cycles: 0n,
      query_stats: { num_calls_total: 0n },
      memory_metrics: { log_memory_store_size: 0n, wasm_chunk_store_size: 0n, snapshots_size: 0n },
      settings: {
        minimum_incoming_canister_call_cycles: 0n,
        log_memory_limit: 4096n,
        snapshot_visibility: { controllers: null },
        status_visibility: { controllers: null },
        wasm_memory_limit: 3n * 1024n ** 3n,
        freezing_threshold: 2_592_000n,
        reserved_cycles_limit: 5_000_000_000_000n,
      },
    });
    expect(value.memory_size).toBe(value.memory_metrics.canister_history_size);
  });
});
