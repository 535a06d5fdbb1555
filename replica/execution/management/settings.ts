/**
 * Canister settings: reading them from Candid, checking them alone and against the canister.
 *
 * Always: a change is checked completely before any of it is applied.
 *
 * Source: Interface Spec 0.66, `canister_settings`, `create_canister`, `update_settings`.
 */
import { utf8 } from '../../codec/bytes.ts';
import { hashOfMap } from '../../codec/request-id.ts';
import type { CanisterSettings, Visibility } from '../../state/canister-state.ts';
import { saturatingSub, type Cycles } from '../../types/cycles.ts';
import { ErrorCode, userError } from '../../types/errors.ts';
import type { UserError } from '../../types/errors.ts';
import type { CanisterSettingsCandid, EnvironmentVariableCandid, VisibilityCandid } from './candid-types.ts';
import type { Checked } from './faults.ts';
import { contractViolation, failure, invalidSettings, success } from './faults.ts';
import { fromWire, visibilityFromWire } from './wire.ts';

export const MAX_CONTROLLERS = 10;
export const MAX_ALLOWED_VIEWERS = 10;
export const MAX_ENVIRONMENT_VARIABLES = 20;
export const MAX_ENVIRONMENT_NAME_BYTES = 128;
export const MAX_ENVIRONMENT_VALUE_BYTES = 128;
/** 2^48: the public replica's bound, far above any subnet's capacity. */
export const MAX_MEMORY_ALLOCATION = 2n ** 48n;
export const MAX_WASM_MEMORY_LIMIT = 2n ** 48n;
export const MAX_LOG_MEMORY_LIMIT = 2n * 1024n * 1024n;
const MAX_NAT64 = 2n ** 64n - 1n;
const MAX_NAT128 = 2n ** 128n - 1n;

/** Fields given by the caller; absent ones stay as they are. */
export type SettingsChange = Partial<CanisterSettings>;

class OutOfRange extends Error {
  readonly fault: UserError;
  constructor(fault: UserError) {
    super(fault.message);
    this.fault = fault;
  }
}

function within(name: string, value: bigint, max: bigint): bigint {
  if (value <= max) return value;
  throw new OutOfRange(
    invalidSettings(`${name} expected to be in the range of [0..${max}], got ${value}`),
  );
}

function visibility(name: string, value: VisibilityCandid): Visibility {
  const result = visibilityFromWire(value);
  if (result.kind === 'allowed-viewers' && result.principals.length > MAX_ALLOWED_VIEWERS) {
    throw new OutOfRange(
      invalidSettings(
        `Invalid settings: '${name}' has more than ${MAX_ALLOWED_VIEWERS} allowed viewers.`,
      ),
    );
  }
  return result;
}

function environment(
  variables: readonly EnvironmentVariableCandid[],
): CanisterSettings['environmentVariables'] {
  if (variables.length > MAX_ENVIRONMENT_VARIABLES) {
    throw new OutOfRange(
      contractViolation(
        `Too many environment variables: ${variables.length} (max: ${MAX_ENVIRONMENT_VARIABLES})`,
      ),
    );
  }
  const byName = new Map<string, string>();
  for (const { name, value } of variables) {
    if (utf8(name).length > MAX_ENVIRONMENT_NAME_BYTES) {
      throw new OutOfRange(
        contractViolation(
          `Environment variable name too long: ${name} (max: ${MAX_ENVIRONMENT_NAME_BYTES})`,
        ),
      );
    }
    if (utf8(value).length > MAX_ENVIRONMENT_VALUE_BYTES) {
      throw new OutOfRange(
        contractViolation(
          `Environment variable value too long: ${value} (max: ${MAX_ENVIRONMENT_VALUE_BYTES})`,
        ),
      );
    }
    if (byName.has(name)) {
      throw new OutOfRange(invalidSettings(`Duplicate environment variable name: ${name}.`));
    }
    byName.set(name, value);
  }
  return [...byName]
    .map(([name, value]) => ({ name, value }))
    .sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** Reads the given fields and checks each on its own. */
export function parseSettings(wire: CanisterSettingsCandid): Checked<SettingsChange> {
  try {
    const change: SettingsChange = {};
    const [controllers] = wire.controllers;
    if (controllers !== undefined) {
      if (controllers.length > MAX_CONTROLLERS) {
        throw new OutOfRange(
          invalidSettings(
            `Invalid settings: 'controllers' length exceeds maximum size allowed of ${MAX_CONTROLLERS}.`,
          ),
        );
      }
      const unique = new Map(controllers.map(fromWire).map((id) => [id.key, id]));
      change.controllers = [...unique.values()];
    }
    const [compute] = wire.compute_allocation;
    if (compute !== undefined) {
      change.computeAllocation = Number(within('ComputeAllocation', compute, 100n));
    }
    const [memory] = wire.memory_allocation;
    if (memory !== undefined) {
      change.memoryAllocation = Number(within('MemoryAllocation', memory, MAX_MEMORY_ALLOCATION));
    }
    const [freezing] = wire.freezing_threshold;
    if (freezing !== undefined) {
      change.freezingThresholdSeconds = within('FreezingThreshold', freezing, MAX_NAT64);
    }
    const [reserved] = wire.reserved_cycles_limit;
    if (reserved !== undefined) {
      change.reservedCyclesLimit = within('ReservedCyclesLimit', reserved, MAX_NAT128);
    }
    const [minimum] = wire.minimum_incoming_canister_call_cycles;
    if (minimum !== undefined) {
      change.minimumIncomingCanisterCallCycles = within(
        'MinimumIncomingCanisterCallCycles',
        minimum,
        MAX_NAT128,
      );
    }
    const [wasmLimit] = wire.wasm_memory_limit;
    if (wasmLimit !== undefined) {
      change.wasmMemoryLimit = Number(within('WasmMemoryLimit', wasmLimit, MAX_WASM_MEMORY_LIMIT));
    }
    const [threshold] = wire.wasm_memory_threshold;
    if (threshold !== undefined) {
      change.wasmMemoryThreshold = Number(
        within('WasmMemoryThreshold', threshold, MAX_WASM_MEMORY_LIMIT),
      );
    }
    const [logMemory] = wire.log_memory_limit;
    if (logMemory !== undefined) {
      change.logMemoryLimit = Number(within('LogMemoryLimit', logMemory, MAX_LOG_MEMORY_LIMIT));
    }
    const [log] = wire.log_visibility;
    if (log !== undefined) change.logVisibility = visibility('log_visibility', log);
    const [snapshots] = wire.snapshot_visibility;
    if (snapshots !== undefined) {
      change.snapshotVisibility = visibility('snapshot_visibility', snapshots);
    }
    const [status] = wire.status_visibility;
    if (status !== undefined) change.statusVisibility = visibility('status_visibility', status);
    const [variables] = wire.environment_variables;
    if (variables !== undefined) change.environmentVariables = environment(variables);
    return success(change);
  } catch (error) {
    if (error instanceof OutOfRange) return failure(error.fault);
    throw error;
  }
}

/** What a change is checked against. Amounts are those the canister has at the moment of the change. */
export interface SettingsContext {
  readonly current: CanisterSettings;
  readonly balance: Cycles;
  readonly reservedBalance: Cycles;
  /** Bytes used, without message memory. */
  readonly memoryUsage: number;
  /**
   * Percent of compute, and bytes, that nobody but this canister holds. Functions, since the
   * answer takes a walk over all canisters and most changes do not need it.
   */
  readonly computeAvailablePercent: () => number;
  readonly memoryAvailable: () => number;
  /** Cycles that storing so many bytes more would reserve. */
  readonly reservation: (billedBytes: number) => Cycles;
  /** Cycles the canister must keep under these settings. */
  readonly freezingLimit: (settings: CanisterSettings) => Cycles;
}

/** Checks the change against the canister and subnet, and returns all settings as they will be. */
export function applySettings(
  change: SettingsChange,
  context: SettingsContext,
): Checked<CanisterSettings> {
  const { current } = context;
  const next: CanisterSettings = { ...current, ...change };
  const moreCompute = next.computeAllocation > current.computeAllocation;
  const moreMemory = next.memoryAllocation > current.memoryAllocation;

  if (moreCompute) {
    const available = context.computeAvailablePercent();
    if (next.computeAllocation > available) {
      return failure(
        userError(
          ErrorCode.SubnetOversubscribed,
          `Canister requested a compute allocation of ${next.computeAllocation}% which cannot be satisfied ` +
            `because the Subnet's remaining compute capacity is ${available}%.`,
        ),
      );
    }
  }
  if (moreMemory && next.memoryAllocation > context.memoryUsage) {
    const available = context.memoryAvailable();
    if (next.memoryAllocation > available) {
      return failure(
        userError(
          ErrorCode.SubnetOversubscribed,
          `Canister requested ${next.memoryAllocation} bytes of memory but only ${available} bytes are available in the subnet.`,
        ),
      );
    }
  }
  if (next.reservedCyclesLimit < context.reservedBalance) {
    return failure(
      userError(
        ErrorCode.ReservedCyclesLimitIsTooLow,
        `Cannot set the reserved cycles limit ${next.reservedCyclesLimit} below the reserved cycles balance of the canister ${context.reservedBalance}.`,
      ),
    );
  }
  const billedBefore = Math.max(current.memoryAllocation, context.memoryUsage);
  const billedBytes = Math.max(0, next.memoryAllocation - billedBefore);
  const reservation = moreMemory ? context.reservation(billedBytes) : 0n;
  const reserved = context.reservedBalance + reservation;
  if (reservation > 0n && reserved > next.reservedCyclesLimit) {
    return failure(
      userError(
        ErrorCode.ReservedCyclesLimitExceededInMemoryAllocation,
        `Cannot increase memory allocation to ${next.memoryAllocation} due to its reserved cycles limit. ` +
          `The current limit (${next.reservedCyclesLimit}) would be exceeded by ${reserved - next.reservedCyclesLimit}.`,
      ),
    );
  }
  // Only growing allocations are held against the balance, so that an owner can raise the
  // freezing threshold to freeze a canister on purpose.
  if (moreCompute || moreMemory) {
    // What is reserved counts towards the freezing limit.
    const limit = saturatingSub(context.freezingLimit(next), reservation) + reservation;
    if (context.balance < limit) {
      const missing = limit - context.balance;
      return failure(
        moreCompute
          ? userError(
              ErrorCode.InsufficientCyclesInComputeAllocation,
              `Cannot increase compute allocation to ${next.computeAllocation}% due to insufficient cycles. At least ${missing} additional cycles are required.`,
            )
          : userError(
              ErrorCode.InsufficientCyclesInMemoryAllocation,
              `Cannot increase memory allocation to ${next.memoryAllocation} due to insufficient cycles. At least ${missing} additional cycles are required.`,
            ),
      );
    }
  }
  return success(next);
}

/** What the creation entry of the history carries; undefined when no variables were given. */
export function environmentHash(
  variables: CanisterSettings['environmentVariables'],
): Uint8Array | undefined {
  if (variables.length === 0) return undefined;
  return hashOfMap(Object.fromEntries(variables.map(({ name, value }) => [name, value])));
}
