import { IDL } from '@dfinity/candid';
import { Principal as WirePrincipal } from '@dfinity/principal';
import { describe, expect, it } from 'vitest';
import { Principal } from '../../types/principal.ts';
import * as candid from './candid-types.ts';
import { managementIngressFault } from './ingress-filter.ts';
import type { FilterCanister } from './ingress-filter.ts';
import { callDestination, effectiveCanisterId, MANAGEMENT_METHODS } from './methods.ts';

const canister = Principal.fromCanisterIndex(7n);
const wire = WirePrincipal.fromUint8Array(canister.bytes);
const encode = (type: IDL.Type, value: unknown) => new Uint8Array(IDL.encode([type], [value]));
const byId = encode(candid.CanisterIdArgs, { canister_id: wire });
const alice = Principal.fromBytes(Uint8Array.of(1, 2));
const bob = Principal.fromBytes(Uint8Array.of(3, 4));

describe('effective canister id', () => {
  it('is the canister_id field of the argument', () => {
    expect(effectiveCanisterId('start_canister', byId)?.toText()).toBe(canister.toText());
  });

  it('is target_canister for install_chunked_code', () => {
    const arg = encode(candid.InstallChunkedCodeArgs, {
      mode: { upgrade: [] },
      target_canister: wire,
      store_canister: [],
      chunk_hashes_list: [],
      wasm_module_hash: new Uint8Array(32),
      arg: new Uint8Array(0),
      sender_canister_version: [],
    });
    expect(effectiveCanisterId('install_chunked_code', arg)?.key).toBe(canister.key);
  });

  it('is specified_id for provisional creation, and nothing without it', () => {
    const base = { amount: [], settings: [], sender_canister_version: [] };
    const arg = (specified_id: unknown[]) =>
      encode(candid.ProvisionalCreateArgs, { ...base, specified_id });
    const method = 'provisional_create_canister_with_cycles';
    expect(effectiveCanisterId(method, arg([wire]))?.key).toBe(canister.key);
    expect(callDestination(method, arg([]))).toEqual({ kind: 'anywhere' });
  });

  it('does not exist for unknown methods and undecodable arguments', () => {
    expect(callDestination('no_such_method', byId)).toMatchObject({
      kind: 'fault',
      error: { code: 536, message: "Management canister has no method 'no_such_method'" },
    });
    expect(callDestination('start_canister', new Uint8Array(3))).toMatchObject({
      kind: 'fault',
      error: { code: 408 },
    });
  });

  it('does not treat names of object properties as methods', () => {
    expect(callDestination('constructor', byId).kind).toBe('fault');
  });
});

describe('ingress filter for management calls', () => {
  const entry: FilterCanister = {
    isController: (principal) => principal.equals(alice),
    mayView: (what) => what === 'status',
  };
  const lookup = (id: Principal) => (id.equals(canister) ? entry : undefined);
  const fault = (method: string, arg: Uint8Array, sender: Principal) =>
    managementIngressFault(method, arg, sender, lookup);

  it('lets controllers pass and nobody else', () => {
    expect(fault('stop_canister', byId, alice)).toBeUndefined();
    expect(fault('stop_canister', byId, bob)).toEqual({
      code: 512,
      message: `Only controllers of canister ${canister.toText()} can call ic00 method stop_canister`,
    });
  });

  it('lets those pass whom the visibility setting admits', () => {
    expect(fault('canister_status', byId, bob)).toBeUndefined();
    expect(fault('list_canister_snapshots', byId, bob)?.code).toBe(512);
  });

  it('lets subnet admins create, start, stop, delete and look, but not change', () => {
    const admin = (method: string) => managementIngressFault(method, byId, bob, () => ({ ...entry, mayView: () => false }), true);
    for (const method of ['create_canister', 'start_canister', 'delete_canister', 'canister_status', 'canister_metrics']) {
      expect(admin(method)).toBeUndefined();
    }
    for (const method of ['update_settings', 'install_code', 'take_canister_snapshot']) expect(admin(method)?.code).toBe(512);
  });

  it('refuses methods for canisters only', () => {
    for (const method of ['raw_rand', 'canister_info', 'create_canister', 'http_request']) {
      expect(fault(method, byId, alice)).toEqual({
        code: 406,
        message: `Only canisters can call ic00 method ${method}`,
      });
    }
    expect(fault('fetch_canister_logs', byId, alice)?.code).toBe(406);
  });

  it('reports a missing canister and an undecodable argument', () => {
    const other = encode(candid.CanisterIdArgs, { canister_id: WirePrincipal.anonymous() });
    expect(fault('start_canister', other, alice)?.code).toBe(301);
    expect(fault('start_canister', Uint8Array.of(1), alice)).toEqual({
      code: 408,
      message: 'Failed to decode payload for ic00 method: start_canister',
    });
  });

  it('answers for every method of the table', () => {
    for (const method of MANAGEMENT_METHODS) {
      expect(() => fault(method, new Uint8Array(0), bob)).not.toThrow();
    }
  });
});
