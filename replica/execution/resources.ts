/**
 * Charging canisters for storage and compute, and emptying those that cannot pay (execution sheet §2, §9).
 *
 * Canisters touched by a round are charged when at least ten seconds have passed since the last charge; all others at
 * least once an hour of batch time. The amount is a function of the seconds passed and the use in between, which only
 * changes when the canister is touched, so only the moment of running out differs from charging all every ten seconds.
 */
import type { PrincipalKey } from '../types/principal.ts';
import type { CanisterState } from '../state/canister-state.ts';
import { bookConsumed, chargeResources } from './cycles-account.ts';
import type { Round } from './environment.ts';
import { removeCode } from './management-calls.ts';

const CHARGE_INTERVAL_NANOS = 10_000_000_000n;
const SWEEP_INTERVAL_NANOS = 3_600_000_000_000n;

/** Charges the canisters in `touched`, and once in a while all. */
export function chargeForResources(round: Round, touched: Iterable<PrincipalKey>): void {
  const { state, timeNanos } = round;
  if (timeNanos - state.lastChargeNanos >= SWEEP_INTERVAL_NANOS) {
    state.lastChargeNanos = timeNanos;
    for (const canister of state.canistersInOrder()) charge(round, canister);
    return;
  }
  for (const key of [...touched].sort()) {
    const canister = state.canisters.get(key);
    if (canister !== undefined) charge(round, canister);
  }
}

function charge(round: Round, canister: CanisterState): void {
  if (round.timeNanos - canister.chargedUntilNanos < CHARGE_INTERVAL_NANOS) return;
  if (!chargeResources(round.config, round.state, canister, round.timeNanos)) uninstallOutOfCycles(round, canister);
}

/** The balance is 0 and more is due: nothing of the code stays; id, controllers and settings do. */
function uninstallOutOfCycles(round: Round, canister: CanisterState): void {
  removeCode(round, canister);
  canister.clearChunks();
  for (const id of [...canister.snapshots.keys()]) canister.deleteSnapshot(id);
  // The changes go, their number stays; running out is none itself.
  canister.history.changes = [];
  canister.settings = { ...canister.settings, computeAllocation: 0, memoryAllocation: 0 };
  const lost = canister.balance + canister.reservedBalance;
  canister.balance = 0n;
  canister.reservedBalance = 0n;
  bookConsumed(round.state, canister, lost, 'uninstall');
  canister.markDirty();
}
