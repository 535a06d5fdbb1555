/**
 * Changing the settings of a canister.
 *
 * Source: Interface Spec 0.66, `update_settings`.
 */
import type { CanisterState } from '../../state/canister-state.ts';
import { logBytes } from '../canister-log.ts';
import { freezingThresholdCycles, storageReservation } from '../cycles-account.ts';
import * as candid from './candid-types.ts';
import type { CanisterMethod } from './operation.ts';
import { availableCompute, availableMemory, bumpVersion, reject, replyNothing } from './operation.ts';
import { applySettings, parseSettings } from './settings.ts';

export const updateSettings: CanisterMethod<candid.UpdateSettingsArgsCandid> = {
  argument: candid.UpdateSettingsArgs,
  run(operation, args, canister) {
    const { state, context } = operation;
    const parsed = parseSettings(args.settings);
    if (!parsed.ok) return reject(parsed.error);
    const applied = applySettings(parsed.value, {
      current: canister.settings,
      balance: canister.balance,
      reservedBalance: canister.reservedBalance,
      memoryUsage: canister.memoryUsage(),
      computeAvailablePercent: () => availableCompute(operation, canister),
      memoryAvailable: () => availableMemory(operation, canister),
      reservation: (billedBytes) => storageReservation(context.config, state.metrics.canisterStateBytes, billedBytes),
      freezingLimit: (next) => {
        const before = canister.settings;
        canister.settings = next;
        const limit = freezingThresholdCycles(context.config, canister);
        canister.settings = before;
        return limit;
      },
    });
    if (!applied.ok) return reject(applied.error);
    canister.settings = applied.value;
    trimLog(canister);
    const { controllers } = parsed.value;
    bumpVersion(
      operation,
      canister,
      controllers && {
        details: { kind: 'controllers-change', controllers },
        senderVersion: args.sender_canister_version,
      },
    );
    return replyNothing();
  },
};

/** Drops the oldest records that a smaller log limit no longer holds. */
function trimLog(canister: CanisterState): void {
  const { records } = canister.log;
  let bytes = logBytes(canister);
  let drop = 0;
  while (bytes > canister.settings.logMemoryLimit && drop < records.length) {
    bytes -= records[drop]!.content.length;
    drop += 1;
  }
  if (drop > 0) canister.log.records = records.slice(drop);
}
