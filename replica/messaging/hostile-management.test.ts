/**
 * Management calls with random arguments of the right types, with huge numbers, wrong ids and broken modules, and with
 * mutated bytes, by users and by canisters: no crash, every call answered, and a replay that ends the same.
 */
import { IDL } from '@dfinity/candid';
import { Principal as WirePrincipal } from '@dfinity/principal';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import wabtModule from 'wabt';
import * as candid from '../execution/management/candid-types.ts';
import { MANAGEMENT_METHODS, type ManagementMethod } from '../execution/management/methods.ts';
import { executeQuery } from '../execution/query.ts';
import { stateHash } from '../execution/state-hash.ts';
import { executeEntryPoint } from '../execution/wasm/engine.ts';
import { decodeCanister, encodeCanister } from '../state/codec.ts';
import { Principal } from '../types/principal.ts';
import { SECOND, TestNetwork, USER, type TestSubnet } from './subnets.testing.ts';

const ARGUMENTS: Partial<Record<ManagementMethod, IDL.Type>> = {
  create_canister: candid.CreateCanisterArgs,
  update_settings: candid.UpdateSettingsArgs,
  install_code: candid.InstallCodeArgs,
  install_chunked_code: candid.InstallChunkedCodeArgs,
  upload_chunk: candid.UploadChunkArgs,
  canister_info: candid.CanisterInfoArgs,
  canister_metadata: candid.CanisterMetadataArgs,
  http_request: candid.HttpRequestArgs,
  node_metrics_history: candid.NodeMetricsArgs,
  subnet_info: candid.SubnetIdArgs,
  uninstall_code: candid.VersionedCanisterIdArgs,
  take_canister_snapshot: candid.TakeSnapshotArgs,
  load_canister_snapshot: candid.LoadSnapshotArgs,
  delete_canister_snapshot: candid.SnapshotIdArgs,
  read_canister_snapshot_metadata: candid.SnapshotIdArgs,
  read_canister_snapshot_data: candid.ReadSnapshotDataArgs,
  upload_canister_snapshot_metadata: candid.UploadSnapshotMetadataArgs,
  upload_canister_snapshot_data: candid.UploadSnapshotDataArgs,
  provisional_create_canister_with_cycles: candid.ProvisionalCreateArgs,
  provisional_top_up_canister: candid.ProvisionalTopUpArgs,
  sign_with_ecdsa: candid.SignWithEcdsaArgs,
  sign_with_schnorr: candid.SignWithSchnorrArgs,
  vetkd_derive_key: candid.VetKdDeriveKeyArgs,
};

/** `relay`: u64 cycles, u8 length of the method's name, the name, the argument; calls `aaaaa-aa` and replies whatever comes. */
const RELAY = `(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i32 i32 i32)))
  (import "ic0" "call_new" (func $call_new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_cycles_add128" (func $cycles (param i64 i64)))
  (import "ic0" "call_data_append" (func $call_data (param i32 i32)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (table funcref (elem $answer))
  (memory 2)
  (func $answer (param i32) (call $reply))
  (func (export "canister_update relay")
    (local $name i32)
    (call $arg_copy (i32.const 0) (i32.const 0) (call $arg_size))
    (local.set $name (i32.load8_u (i32.const 8)))
    (call $call_new (i32.const 0) (i32.const 0) (i32.const 9) (local.get $name)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (call $cycles (i64.const 0) (i64.load (i32.const 0)))
    (call $call_data (i32.add (i32.const 9) (local.get $name))
      (i32.sub (call $arg_size) (i32.add (i32.const 9) (local.get $name))))
    (if (call $perform) (then (call $reply)))))`;

/** Thousands of messages a test: generous for a busy machine. */
const TIMEOUT_MS = 120_000;

let relay: Uint8Array;

beforeAll(async () => {
  const wabt = await wabtModule();
  const module = wabt.parseWat('relay.wat', RELAY);
  relay = module.toBinary({}).buffer;
  module.destroy();
});

function relayArgument({ method, arg, cycles }: Call): Uint8Array {
  const name = new TextEncoder().encode(method).slice(0, 255);
  const bytes = new Uint8Array(9 + name.length + arg.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(cycles), true);
  bytes[8] = name.length;
  bytes.set(name, 9);
  bytes.set(arg, 9 + name.length);
  return bytes;
}

/** The smallest valid module: header only. */
const EMPTY_MODULE = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
const IDS = [0n, 1n, 2n, 3n, 0x10_0000n].map((index) => Principal.fromCanisterIndex(index));

const principal = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...IDS, USER).map((id) => WirePrincipal.fromUint8Array(id.bytes)) },
  fc.uint8Array({ maxLength: 29 }).map((bytes) => WirePrincipal.fromUint8Array(bytes)),
);
const blob = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.constant(EMPTY_MODULE),
  fc.constant(new Uint8Array(32)),
  fc.uint8Array({ minLength: 8, maxLength: 30 }).map((bytes) => Uint8Array.of(...EMPTY_MODULE, ...bytes)),
);

function fixed(bits: number, signed: boolean): fc.Arbitrary<unknown> {
  const max = (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
  const value = fc.oneof(
    fc.bigInt({ min: 0n, max: max < 100n ? max : 100n }),
    fc.constantFrom(max, max - 1n),
    fc.bigInt({ min: signed ? -max - 1n : 0n, max }),
  );
  return bits <= 32 ? value.map(Number) : value;
}

/** Random values of a Candid type, as @dfinity/candid encodes them. */
function valueOf(type: IDL.Type): fc.Arbitrary<unknown> {
  if (type instanceof IDL.RecClass) throw new Error('no recursive types here');
  const inner = type as unknown as { _fields: [string, IDL.Type][]; _type: IDL.Type; _bits: number };
  if (type instanceof IDL.RecordClass) {
    return fc.record(Object.fromEntries(inner._fields.map(([name, field]) => [name, valueOf(field)])), {
      noNullPrototype: true,
    });
  }
  if (type instanceof IDL.VariantClass) {
    return fc.oneof(...inner._fields.map(([name, field]) => valueOf(field).map((value) => ({ [name]: value }))));
  }
  if (type instanceof IDL.OptClass)
    return fc.oneof(
      fc.constant([]),
      valueOf(inner._type).map((value) => [value]),
    );
  if (type instanceof IDL.VecClass) {
    const isBlob =
      inner._type instanceof IDL.FixedNatClass && (inner._type as unknown as { _bits: number })._bits === 8;
    return isBlob ? blob : fc.array(valueOf(inner._type), { maxLength: 4 });
  }
  if (type instanceof IDL.FixedNatClass) return fixed(inner._bits, false);
  if (type instanceof IDL.FixedIntClass) return fixed(inner._bits, true);
  if (type instanceof IDL.NatClass) return fixed(200, false);
  if (type instanceof IDL.IntClass) return fixed(200, true);
  if (type instanceof IDL.TextClass)
    return fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('key_1', 'https://example.com'));
  if (type instanceof IDL.PrincipalClass) return principal;
  if (type instanceof IDL.BoolClass) return fc.boolean();
  if (type instanceof IDL.FloatClass) return fc.double();
  if (type instanceof IDL.FuncClass) return fc.tuple(principal, fc.string({ maxLength: 8 }));
  return fc.constant(null);
}

interface Call {
  readonly method: string;
  readonly arg: Uint8Array;
  readonly byCanister: boolean;
  readonly cycles: number;
  readonly advanceSeconds: number;
}

const argument = fc.constantFrom(...MANAGEMENT_METHODS).chain((method) => {
  const type = ARGUMENTS[method] ?? candid.CanisterIdArgs;
  return valueOf(type).map((value) => ({ method: method as string, arg: new Uint8Array(IDL.encode([type], [value])) }));
});

const mutated = fc.tuple(argument, fc.nat(), fc.nat(255), fc.boolean()).map(([{ method, arg }, at, byte, cut]) => {
  const bytes = Uint8Array.from(arg);
  bytes[at % bytes.length] = byte;
  return { method, arg: cut ? bytes.slice(0, at % bytes.length) : bytes };
});

const call: fc.Arbitrary<Call> = fc
  .record({
    content: fc.oneof(
      { weight: 3, arbitrary: argument },
      mutated,
      fc.record({ method: fc.string(), arg: fc.uint8Array() }),
    ),
    byCanister: fc.boolean(),
    cycles: fc.constantFrom(0, 1, 600_000_000_000, 10 ** 14),
    advanceSeconds: fc.constantFrom(0, 0, 0, 20, 400),
  })
  .map(({ content, ...rest }) => ({ ...content, ...rest }));

function network(): TestNetwork {
  const net = new TestNetwork({ subnets: 2, engine: { executeEntryPoint } });
  for (const subnet of net.subnets) {
    for (let index = 0; index < 2; index++) {
      const canister = subnet.addWasm(relay);
      // The first two control each other and themselves.
      canister.settings = { ...canister.settings, controllers: [USER, ...IDS.slice(0, 2)] };
    }
    subnet.batch();
  }
  return net;
}

function send(net: TestNetwork, subnet: TestSubnet, call: Call): void {
  const message = call.byCanister
    ? subnet.message(IDS[0]!, IDS[0]!, 'relay', relayArgument(call))
    : subnet.message(Principal.management(), IDS[0]!, call.method, call.arg);
  subnet.batch({ ingress: [message], xnet: net.slicesFor(subnet) });
  net.settle();
}

test(
  'hostile management calls neither crash nor hang a subnet',
  () => {
    fc.assert(
      fc.property(fc.array(call, { minLength: 1, maxLength: 12 }), (calls) => {
        const net = network();
        const { subnet } = net;
        for (const one of calls) {
          send(net, subnet, one);
          executeQuery(subnet.routing.environment, {
            sender: USER,
            receiver: Principal.management(),
            methodName: one.method,
            arg: one.arg,
          });
          if (one.advanceSeconds > 0) net.advance(BigInt(one.advanceSeconds) * SECOND);
        }
        net.advance(400n * SECOND);
        for (const entry of subnet.state.ingressHistory.values()) expect(entry.status.kind).toMatch(/replied|rejected/);
        for (const canister of subnet.state.canistersInOrder()) {
          expect(canister.balance).toBeGreaterThanOrEqual(0n);
          const bytes = encodeCanister(canister);
          const parts = {
            code: () => canister.code!,
            chunk: (_: unknown, hash: string) => canister.chunks.get(hash)!,
            snapshot: (_: unknown, id: string) => canister.snapshots.get(id)!,
          };
          expect(encodeCanister(decodeCanister(bytes, parts))).toEqual(bytes);
        }
        const again = network();
        for (const batch of subnet.log.slice(1)) again.subnet.batch(batch);
        expect(stateHash(again.subnet.state)).toEqual(stateHash(subnet.state));
      }),
      { numRuns: 120 },
    );
  },
  TIMEOUT_MS,
);
