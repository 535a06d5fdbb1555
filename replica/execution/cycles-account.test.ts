import { describe, expect, test } from 'vitest';
import { CanisterState, defaultSettings } from '../state/canister-state.ts';
import { Principal } from '../types/principal.ts';
import { APPLICATION_SUBNET, SYSTEM_SUBNET } from '../types/subnet-config.ts';
import {
  callPrepayment,
  creationFee,
  executionFee,
  freezingLimit,
  httpOutcallFee,
  idleCyclesPerDay,
  ingressFee,
  liquidBalance,
  scaleFee,
  storageReservation,
  totalPrepayment,
  transmissionFee,
} from './cycles-account.ts';

const CONFIG = APPLICATION_SUBNET;

function canister(balance: bigint): CanisterState {
  return new CanisterState(Principal.fromCanisterIndex(1n), defaultSettings([]), balance, 0n);
}

/** The published fee table for 13 nodes. */
describe('published prices', () => {
  test.each([
    ['creating a canister', creationFee(CONFIG), 500_000_000_000n],
    ['a message of no instructions', executionFee(CONFIG, 0, false), 5_000_000n],
    ['a billion instructions', executionFee(CONFIG, 1_000_000_000, false), 1_005_000_000n],
    ['a billion instructions of a 64-bit module', executionFee(CONFIG, 1_000_000_000, true), 2_005_000_000n],
    ['an ingress message of 1000 bytes', ingressFee(CONFIG, 1000), 3_200_000n],
    ['a byte between canisters', transmissionFee(CONFIG, 1), 1000n],
    [
      'the prepayment of a call of 100 bytes',
      totalPrepayment(callPrepayment(CONFIG, 100, false)),
      260_000n + 100_000n + 2_097_152_000n + 40_005_000_000n,
    ],
    ['an outcall with default limits', httpOutcallFee(CONFIG, 0n, 2_000_000n), 20_849_140_000n],
  ])('%s', (_, price, expected) => {
    expect(price).toBe(expected);
  });

  test('scale with the size of the subnet', () => {
    expect(scaleFee({ ...CONFIG, feeSubnetSize: 34 }, 10_000_000_000n)).toBe(26_153_846_153n);
  });

  test('are zero on a system subnet', () => {
    expect(totalPrepayment(callPrepayment(SYSTEM_SUBNET, 1_000_000, false))).toBe(0n);
    expect(
      executionFee(SYSTEM_SUBNET, 10 ** 9, false) + ingressFee(SYSTEM_SUBNET, 500) + creationFee(SYSTEM_SUBNET),
    ).toBe(0n);
  });
});

describe('freezing', () => {
  test('a gigabyte and one percent for thirty days', () => {
    const state = canister(0n);
    state.settings.memoryAllocation = 1024 ** 3;
    state.settings.computeAllocation = 1;
    const perDay = 127_000n * 86_400n + 10_000_000n * 86_400n;
    expect(idleCyclesPerDay(CONFIG, state)).toBe(perDay);
    expect(freezingLimit(CONFIG, state)).toBe(perDay * 30n);
  });

  test('reserved cycles count towards the limit, and what is below it cannot be spent', () => {
    const state = canister(0n);
    state.settings.memoryAllocation = 1024 ** 3;
    const limit = freezingLimit(CONFIG, state);
    state.balance = limit + 5n;
    expect(liquidBalance(CONFIG, state)).toBe(5n);
    state.reservedBalance = 100n;
    expect(liquidBalance(CONFIG, state)).toBe(105n);
    state.balance = 10n;
    state.reservedBalance = 0n;
    expect(liquidBalance(CONFIG, state)).toBe(0n);
  });
});

describe('storage reservation', () => {
  const GIB = 1024 ** 3;

  test('nothing below the threshold', () => {
    expect(storageReservation(CONFIG, 0, 750 * GIB)).toBe(0n);
  });

  test('the last byte of a full subnet pays for the whole time, half way half of it', () => {
    const perGib = 127_000n * 300_000_000n;
    const last = storageReservation(CONFIG, 2047 * GIB, GIB);
    expect(Number(last) / Number(perGib)).toBeCloseTo(1, 2);
    const half = storageReservation(CONFIG, (750 + 649) * GIB, GIB);
    expect(Number(half) / Number(perGib)).toBeCloseTo(0.5, 2);
  });

  test('growing in steps reserves as much as growing at once', () => {
    const start = 900 * GIB;
    const once = storageReservation(CONFIG, start, 10 * GIB);
    let steps = 0n;
    for (let step = 0; step < 10; step++) steps += storageReservation(CONFIG, start + step * GIB, GIB);
    expect(Number(once - steps)).toBeLessThan(20);
  });
});
