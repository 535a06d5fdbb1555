/** Between the state's types and the Candid library's, both ways, once. */
import { Principal as WirePrincipal } from '@dfinity/principal';
import type { CanisterSettings, Visibility } from '../../state/canister-state.ts';
import { Principal } from '../../types/principal.ts';
import type {
  DefiniteCanisterSettingsCandid,
  Opt,
  VisibilityCandid,
} from './candid-types.ts';

/** The guard has checked that it has at most 29 bytes. */
export function fromWire(principal: WirePrincipal): Principal {
  return Principal.fromBytes(principal.toUint8Array());
}

export function toWire(principal: Principal): WirePrincipal {
  return WirePrincipal.fromUint8Array(principal.bytes);
}

export function opt<T>(value: T | undefined): Opt<T> {
  return value === undefined ? [] : [value];
}

export function visibilityFromWire(value: VisibilityCandid): Visibility {
  if ('controllers' in value) return { kind: 'controllers' };
  if ('public' in value) return { kind: 'public' };
  return { kind: 'allowed-viewers', principals: value.allowed_viewers.map(fromWire) };
}

export function visibilityToWire(value: Visibility): VisibilityCandid {
  switch (value.kind) {
    case 'controllers':
      return { controllers: null };
    case 'public':
      return { public: null };
    case 'allowed-viewers':
      return { allowed_viewers: value.principals.map(toWire) };
  }
}

export function settingsToWire(settings: CanisterSettings): DefiniteCanisterSettingsCandid {
  return {
    controllers: settings.controllers.map(toWire),
    compute_allocation: BigInt(settings.computeAllocation),
    memory_allocation: BigInt(settings.memoryAllocation),
    freezing_threshold: settings.freezingThresholdSeconds,
    reserved_cycles_limit: settings.reservedCyclesLimit,
    minimum_incoming_canister_call_cycles: settings.minimumIncomingCanisterCallCycles,
    wasm_memory_limit: BigInt(settings.wasmMemoryLimit),
    wasm_memory_threshold: BigInt(settings.wasmMemoryThreshold),
    log_visibility: visibilityToWire(settings.logVisibility),
    snapshot_visibility: visibilityToWire(settings.snapshotVisibility),
    status_visibility: visibilityToWire(settings.statusVisibility),
    log_memory_limit: BigInt(settings.logMemoryLimit),
    environment_variables: settings.environmentVariables.map(({ name, value }) => ({
      name,
      value,
    })),
  };
}
