/**
 * What a management method works with, and the few steps many of them share.
 */
import type { IDL } from '@dfinity/candid';
import type { CanisterState, ChangeDetails, ChangeOrigin } from '../../state/canister-state.ts';
import type { ReplicatedState } from '../../state/replicated-state.ts';
import { saturatingSub, type Cycles } from '../../types/cycles.ts';
import type { UserError } from '../../types/errors.ts';
import { ErrorCode, userError } from '../../types/errors.ts';
import type { Principal } from '../../types/principal.ts';
import type { SubnetConfig } from '../../types/subnet-config.ts';
import { outOfCycles } from '../canister-error.ts';
import { freezingThresholdCycles, instructionsFee, reservationFor, takeFee } from '../cycles-account.ts';
import type { ManagementCall, ManagementContext } from '../management-port.ts';
import { encodeReply, emptyReply } from './candid-codec.ts';
import type { Opt } from './candid-types.ts';

/** One call being executed. `instructionsUsed` is reported also when the call is rejected. */
export interface Operation {
  readonly state: ReplicatedState;
  readonly call: ManagementCall;
  readonly context: ManagementContext;
  instructionsUsed: number;
}

export type Result =
  /** All attached cycles go back unless `refund` says otherwise. */
  | { readonly kind: 'reply'; readonly data: Uint8Array; readonly refund?: Cycles }
  /** All attached cycles go back. */
  | { readonly kind: 'reject'; readonly error: UserError }
  /** Kept in the state with origin and attached cycles; answered later. */
  | { readonly kind: 'pending' };

export function reply(type: IDL.Type, value: unknown, refund?: Cycles): Result {
  return { kind: 'reply', data: encodeReply(type, value), refund };
}

export function replyNothing(refund?: Cycles): Result {
  return { kind: 'reply', data: emptyReply(), refund };
}

export function reject(error: UserError): Result {
  return { kind: 'reject', error };
}

/** A method that is about one canister of this subnet, which exists and which the caller may use so. */
export interface CanisterMethod<Args> {
  readonly argument: IDL.Type;
  run(operation: Operation, args: Args, canister: CanisterState): Result;
}

/** A method that is not about one existing canister. Without `argument`, it takes none. */
export interface SubnetMethod<Args> {
  readonly argument?: IDL.Type;
  run(operation: Operation, args: Args): Result;
}

/** Who made the change, for the canister history. */
export function changeOrigin(operation: Operation, senderVersion: Opt<bigint>): ChangeOrigin {
  const { origin, sender } = operation.call;
  if (origin.kind === 'ingress') return { kind: 'user', user: sender };
  const [version] = senderVersion;
  return version === undefined
    ? { kind: 'canister', canister: sender }
    : { kind: 'canister', canister: sender, version };
}

/** Increments the canister's version and, with `details`, records the change under the new version. */
export function bumpVersion(
  operation: Operation,
  canister: CanisterState,
  change?: { readonly details: ChangeDetails; readonly senderVersion: Opt<bigint> },
): void {
  canister.version += 1n;
  canister.markDirty();
  if (change === undefined) return;
  canister.recordChange({
    timeNanos: operation.context.timeNanos,
    canisterVersion: canister.version,
    origin: changeOrigin(operation, change.senderVersion),
    details: change.details,
  });
}

/**
 * Charges instructions that the replica itself executes for the canister (chunks, snapshots):
 * no fee per message, and the work counts to the round. Undefined: paid.
 */
export function chargeInstructions(
  operation: Operation,
  canister: CanisterState,
  instructions: number,
): UserError | undefined {
  const { state, context } = operation;
  // The price of 32-bit modules: nothing of the module runs.
  const fee = instructionsFee(context.config, instructions, false);
  if (!takeFee(context.config, state, canister, fee, 'instructions')) {
    return outOfCycles(context.config, canister, fee, operation.call.sender);
  }
  operation.instructionsUsed += instructions;
  return undefined;
}

/** Bytes of the subnet that nobody but `canister` uses or has allocated. */
export function availableMemory({ context }: Operation, canister?: CanisterState): number {
  const own = canister === undefined ? 0 : Math.max(canister.settings.memoryAllocation, canister.memoryUsage());
  return Math.max(0, context.config.memoryCapacityBytes - (context.subnetUse.memoryBytes - own));
}

/** Percent of compute allocation that nobody but `canister` holds. */
export function availableCompute({ context }: Operation, canister?: CanisterState): number {
  const own = canister?.settings.computeAllocation ?? 0;
  return Math.max(0, context.config.computeCapacityPercent - (context.subnetUse.computeAllocation - own));
}

/**
 * Whether the canister can afford `extraBytes` more memory: the subnet must have it, and the balance must stay above the
 * freezing limit that it would have then. Undefined: it can. Ask before anything of the canister has changed.
 */
export function growthFault(
  operation: Operation,
  canister: CanisterState,
  extraBytes: number,
): UserError | undefined {
  if (extraBytes <= 0) return undefined;
  const { state, context } = operation;
  const available = availableMemory(operation, canister) - canister.memoryUsage();
  if (extraBytes > available && canister.memoryUsage() + extraBytes > canister.settings.memoryAllocation) {
    return userError(
      ErrorCode.SubnetOversubscribed,
      `Canister requested ${extraBytes} bytes of memory but only ${Math.max(0, available)} bytes are available in the subnet.`,
    );
  }
  const reservation = reservationFor(context.config, state, canister, extraBytes);
  if (reservation.overLimit > 0n) {
    return userError(
      ErrorCode.ReservedCyclesLimitExceededInMemoryGrow,
      `Canister cannot grow memory by ${extraBytes} bytes due to its reserved cycles limit. ` +
        `The current limit (${canister.settings.reservedCyclesLimit}) would be exceeded by ${reservation.overLimit}.`,
    );
  }
  const threshold =
    saturatingSub(freezingThresholdCycles(context.config, canister, BigInt(extraBytes)), reservation.cycles) +
    reservation.cycles;
  if (canister.balance >= threshold) return undefined;
  return userError(
    ErrorCode.InsufficientCyclesInMemoryGrow,
    `Canister cannot grow memory by ${extraBytes} bytes due to insufficient cycles. ` +
      `At least ${threshold - canister.balance} additional cycles are required.`,
  );
}

/** Subnet admins are those the subnet's configuration names; most subnets have none. */
export function isSubnetAdmin(config: SubnetConfig, principal: Principal): boolean {
  return config.subnetAdmins?.includes(principal.toText()) ?? false;
}
