/**
 * Every fee and every rule about spending cycles (execution sheet §9).
 *
 * Always: a fee for the reference subnet of 13 nodes scales by the configured subnet size; what is taken is booked as
 * consumed by cause, both for the canister and for the subnet.
 * Never: a balance below zero.
 */
import { addCycles, minCycles, saturatingSub, takeCycles, type Cycles } from '../types/cycles.ts';
import { REFERENCE_SUBNET_SIZE, type SubnetConfig } from '../types/subnet-config.ts';
import type { CanisterState, ConsumptionCause } from '../state/canister-state.ts';
import type { ReplicatedState } from '../state/replicated-state.ts';

const SECONDS_PER_DAY = 86_400n;
const GIB = 1n << 30n;
/** The largest response: what a call prepays the transmission of. */
export const MAX_RESPONSE_BYTES = 2 * 1024 * 1024;

/** A fee of the table for a subnet of this size. */
export function scaleFee(config: SubnetConfig, fee: Cycles): Cycles {
  return (fee * BigInt(config.feeSubnetSize)) / BigInt(REFERENCE_SUBNET_SIZE);
}

export function creationFee(config: SubnetConfig): Cycles {
  return scaleFee(config, config.fees.canisterCreation);
}

/** Price of so many instructions, without the fixed part per message. */
export function instructionsFee(config: SubnetConfig, instructions: number | bigint, memory64: boolean): Cycles {
  const price = memory64 ? config.fees.instructionWasm64 : config.fees.instructionWasm32;
  return scaleFee(config, price * BigInt(instructions));
}

/** The fixed part per message and so many instructions. */
export function executionFee(config: SubnetConfig, instructions: number | bigint, memory64: boolean): Cycles {
  return scaleFee(config, config.fees.updateMessageExecution) + instructionsFee(config, instructions, memory64);
}

export function ingressFee(config: SubnetConfig, envelopeBytes: number): Cycles {
  return scaleFee(config, config.fees.ingressInduction + config.fees.ingressInductionPerByte * BigInt(envelopeBytes));
}

export function transmissionFee(config: SubnetConfig, bytes: number | bigint): Cycles {
  return scaleFee(config, config.fees.transmissionPerByte * BigInt(bytes));
}

export interface CallPrepayment {
  /** Call and request bytes: never given back. */
  readonly request: Cycles;
  /** Largest response: unused part given back. */
  readonly transmission: Cycles;
  /** Executing the callback: unused part given back. */
  readonly execution: Cycles;
}

/** What call_perform takes beside the attached cycles. `bytes` = method name and payload. */
export function callPrepayment(config: SubnetConfig, bytes: number | bigint, memory64: boolean): CallPrepayment {
  return {
    request: scaleFee(config, config.fees.canisterCall) + transmissionFee(config, bytes),
    transmission: transmissionFee(config, MAX_RESPONSE_BYTES),
    execution: executionFee(config, config.instructions.message, memory64),
  };
}

export function totalPrepayment(prepayment: CallPrepayment): Cycles {
  return prepayment.request + prepayment.transmission + prepayment.execution;
}

/** Fee of an HTTP outcall, version 1 pricing (execution sheet §10). Nodes of the subnet count, not the reference. */
export function httpOutcallFee(config: SubnetConfig, requestBytes: bigint, maxResponseBytes: bigint): Cycles {
  if (config.fees.canisterCall === 0n) return 0n;
  const nodes = BigInt(config.feeSubnetSize);
  return (3_000_000n + 60_000n * nodes + 400n * requestBytes + 800n * maxResponseBytes) * nodes;
}

export function thresholdSignatureFee(config: SubnetConfig): Cycles {
  return scaleFee(config, config.fees.thresholdSignature);
}

/** Bytes of storage charged: usage or allocation, whichever is more, and message memory. */
function chargedBytes(canister: CanisterState, extraBytes: bigint, extraMessageBytes: bigint): bigint {
  const usage = BigInt(canister.memoryUsage()) + extraBytes;
  const allocation = BigInt(canister.settings.memoryAllocation);
  return (usage > allocation ? usage : allocation) + BigInt(canister.queues.memoryBytes()) + extraMessageBytes;
}

/** Storage of so many bytes for so many seconds. */
export function storageFee(config: SubnetConfig, bytes: bigint, seconds: bigint): Cycles {
  return (scaleFee(config, config.fees.storageGibPerSecond) * bytes * seconds) / GIB;
}

/**
 * Cycles to reserve when a canister's storage grows by `bytes` on a subnet that uses `usedBytes`: the price of storing
 * each byte for a time that rises linearly from 0 at the threshold to the longest at capacity.
 */
export function storageReservation(config: SubnetConfig, usedBytes: number, bytes: number): Cycles {
  const threshold = config.storageReservationThresholdBytes;
  const range = config.memoryCapacityBytes - threshold;
  const from = BigInt(Math.max(0, usedBytes - threshold));
  const to = BigInt(Math.max(0, usedBytes + bytes - threshold));
  if (to <= from || range <= 0) return 0n;
  const byteSeconds = ((to * to - from * from) * config.maxStorageReservationSeconds) / (2n * BigInt(range));
  return (scaleFee(config, config.fees.storageGibPerSecond) * byteSeconds) / GIB;
}

/** Of so much growth, what goes beyond the memory allocation, which has been paid for already. */
function billedGrowth(canister: CanisterState, usageBefore: number, grownBytes: number): number {
  const paid = Math.max(usageBefore, canister.settings.memoryAllocation);
  return Math.max(0, usageBefore + grownBytes - paid);
}

export interface ReservationNeed {
  readonly cycles: Cycles;
  /** How far the canister's limit of reserved cycles would be exceeded. */
  readonly overLimit: Cycles;
}

/** What growing by `grownBytes` from the present usage would reserve. */
export function reservationFor(
  config: SubnetConfig,
  state: ReplicatedState,
  canister: CanisterState,
  grownBytes: number,
): ReservationNeed {
  const used = state.metrics.canisterStateBytes;
  if (used + grownBytes <= config.storageReservationThresholdBytes) return { cycles: 0n, overLimit: 0n };
  const cycles = storageReservation(config, used, billedGrowth(canister, canister.memoryUsage(), grownBytes));
  return { cycles, overLimit: saturatingSub(canister.reservedBalance + cycles, canister.settings.reservedCyclesLimit) };
}

/**
 * Moves cycles for growth that has happened from the balance to the reserved balance, as far as they go. `billedBytes`:
 * growth of max(usage, allocation).
 */
export function reserveStorage(
  config: SubnetConfig,
  state: ReplicatedState,
  canister: CanisterState,
  billedBytes: number,
): void {
  const used = state.metrics.canisterStateBytes;
  if (billedBytes <= 0 || used + billedBytes <= config.storageReservationThresholdBytes) return;
  const amount = minCycles(storageReservation(config, used, billedBytes), canister.balance);
  canister.balance -= amount;
  canister.reservedBalance += amount;
  canister.markDirty();
}

/** The same for growth of the memories by a message. */
export function reserveForGrowth(
  config: SubnetConfig,
  state: ReplicatedState,
  canister: CanisterState,
  grownBytes: number,
): void {
  if (grownBytes <= 0 || state.metrics.canisterStateBytes + grownBytes <= config.storageReservationThresholdBytes)
    return;
  reserveStorage(config, state, canister, billedGrowth(canister, canister.memoryUsage() - grownBytes, grownBytes));
}

function computeFee(config: SubnetConfig, percent: number, seconds: bigint): Cycles {
  return scaleFee(config, config.fees.computePercentPerSecond) * BigInt(percent) * seconds;
}

/** Cycles burned per day without doing anything. */
export function idleCyclesPerDay(
  config: SubnetConfig,
  canister: CanisterState,
  extraBytes = 0n,
  extraMessageBytes = 0n,
): Cycles {
  return (
    storageFee(config, chargedBytes(canister, extraBytes, extraMessageBytes), SECONDS_PER_DAY) +
    computeFee(config, canister.settings.computeAllocation, SECONDS_PER_DAY)
  );
}

/** What must stay in the balance, before counting reserved cycles. */
export function freezingLimit(
  config: SubnetConfig,
  canister: CanisterState,
  extraBytes = 0n,
  extraMessageBytes = 0n,
): Cycles {
  const perDay = idleCyclesPerDay(config, canister, extraBytes, extraMessageBytes);
  return (perDay * canister.settings.freezingThresholdSeconds) / SECONDS_PER_DAY;
}

/** What the main balance must keep: the freezing limit less the reserved balance, at least 0. */
export function freezingThresholdCycles(
  config: SubnetConfig,
  canister: CanisterState,
  extraBytes = 0n,
  extraMessageBytes = 0n,
): Cycles {
  return saturatingSub(freezingLimit(config, canister, extraBytes, extraMessageBytes), canister.reservedBalance);
}

/** What may be spent without freezing. */
export function liquidBalance(config: SubnetConfig, canister: CanisterState): Cycles {
  return saturatingSub(canister.balance, freezingThresholdCycles(config, canister));
}

export function isFrozen(config: SubnetConfig, canister: CanisterState): boolean {
  return canister.balance < freezingThresholdCycles(config, canister);
}

/** Books `amount`, which has left the balance, as consumed. */
export function bookConsumed(
  state: ReplicatedState,
  canister: CanisterState,
  amount: Cycles,
  cause: ConsumptionCause,
): void {
  if (amount === 0n) return;
  canister.consumed[cause] += amount;
  state.metrics.consumedCycles += amount;
  canister.markDirty();
}

/** Undoes part of {@link bookConsumed}: a prepayment not used. */
export function unbookConsumed(
  state: ReplicatedState,
  canister: CanisterState,
  amount: Cycles,
  cause: ConsumptionCause,
): void {
  if (amount === 0n) return;
  canister.consumed[cause] = saturatingSub(canister.consumed[cause], amount);
  state.metrics.consumedCycles = saturatingSub(state.metrics.consumedCycles, amount);
  canister.markDirty();
}

/** Takes a fee from what may be spent without freezing. False: not enough, and nothing is taken. */
export function takeFee(
  config: SubnetConfig,
  state: ReplicatedState,
  canister: CanisterState,
  amount: Cycles,
  cause: ConsumptionCause,
): boolean {
  if (amount === 0n) return true;
  if (liquidBalance(config, canister) < amount) return false;
  canister.balance = takeCycles(canister.balance, amount);
  bookConsumed(state, canister, amount, cause);
  return true;
}

/** Takes as much as there is of a fee, ignoring the freezing limit. Returns what was taken. */
export function takeFeeUpToBalance(
  state: ReplicatedState,
  canister: CanisterState,
  amount: Cycles,
  cause: ConsumptionCause,
): Cycles {
  const taken = minCycles(amount, canister.balance);
  canister.balance -= taken;
  bookConsumed(state, canister, taken, cause);
  return taken;
}

export function deposit(canister: CanisterState, amount: Cycles): void {
  if (amount === 0n) return;
  canister.balance = addCycles(canister.balance, amount);
  canister.markDirty();
}

/**
 * Charges storage and compute for whole seconds since the last charge: reserved cycles first, then the balance.
 * False: the balance did not suffice; it is 0 now and the canister must be uninstalled.
 */
export function chargeResources(
  config: SubnetConfig,
  state: ReplicatedState,
  canister: CanisterState,
  untilNanos: bigint,
): boolean {
  const seconds = (untilNanos - canister.chargedUntilNanos) / 1_000_000_000n;
  if (seconds <= 0n) return true;
  canister.chargedUntilNanos += seconds * 1_000_000_000n;
  const memory = storageFee(config, chargedBytes(canister, 0n, 0n), seconds);
  const compute = computeFee(config, canister.settings.computeAllocation, seconds);
  if (memory + compute > 0n) canister.markDirty();
  return takeResource(state, canister, memory, 'memory') && takeResource(state, canister, compute, 'computeAllocation');
}

function takeResource(
  state: ReplicatedState,
  canister: CanisterState,
  amount: Cycles,
  cause: ConsumptionCause,
): boolean {
  const fromReserved = minCycles(amount, canister.reservedBalance);
  canister.reservedBalance -= fromReserved;
  bookConsumed(state, canister, fromReserved, cause);
  const rest = amount - fromReserved;
  return takeFeeUpToBalance(state, canister, rest, cause) === rest;
}
