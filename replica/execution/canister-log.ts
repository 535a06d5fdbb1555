/**
 * The canister log: a ring of records bounded by content bytes (execution sheet §12).
 */
import type { TimeNanos } from '../types/messages.ts';
import type { CanisterState } from '../state/canister-state.ts';

export function logBytes(canister: CanisterState): number {
  let bytes = 0;
  for (const record of canister.log.records) bytes += record.content.length;
  return bytes;
}

/** Appends, cutting a record that alone exceeds the limit and dropping the oldest until all fit. */
export function appendLogs(canister: CanisterState, timeNanos: TimeNanos, contents: readonly Uint8Array[]): void {
  if (contents.length === 0) return;
  const limit = canister.settings.logMemoryLimit;
  const { log } = canister;
  let used = logBytes(canister);
  for (const content of contents) {
    const kept = content.length > limit ? content.slice(0, limit) : content;
    log.records.push({ index: log.nextIndex++, timeNanos, content: kept });
    used += kept.length;
  }
  let drop = 0;
  while (used > limit && drop < log.records.length) used -= log.records[drop++]!.content.length;
  if (drop > 0) log.records.splice(0, drop);
  canister.markDirty();
}
