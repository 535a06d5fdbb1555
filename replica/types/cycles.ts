/**
 * Cycles: unsigned 128-bit amounts held as bigint. Additions saturate at 2^128 - 1, as balances do;
 * a negative amount is a broken invariant and throws.
 */

export type Cycles = bigint;

export const MAX_CYCLES: Cycles = (1n << 128n) - 1n;
export const TRILLION: Cycles = 1_000_000_000_000n;

export function addCycles(left: Cycles, right: Cycles): Cycles {
  const sum = left + right;
  return sum > MAX_CYCLES ? MAX_CYCLES : sum;
}

/** Subtracts exactly; throws when `right` exceeds `left`. */
export function takeCycles(left: Cycles, right: Cycles): Cycles {
  if (right > left) throw new RangeError(`cycles would become negative: ${left} - ${right}`);
  return left - right;
}

export function saturatingSub(left: Cycles, right: Cycles): Cycles {
  return right > left ? 0n : left - right;
}

export function minCycles(left: Cycles, right: Cycles): Cycles {
  return left < right ? left : right;
}
