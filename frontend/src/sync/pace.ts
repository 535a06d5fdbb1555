// How long to wait before asking again. Quick while somebody is there, sparing otherwise.

export interface Presence {
  /** A tab is on screen. */
  visible: boolean;
  /** Last sign of life: input, or a message that came. Milliseconds. */
  activeAt: number;
  /** Consecutive rounds that failed. */
  failures: number;
}

/** In the middle of a conversation: what is said should be there before one looks up. */
const LIVELY_MS = 250;
const ACTIVE_MS = 600;
const RECENT_MS = 2_000;
const IDLE_MS = 5_000;
const HIDDEN_MS = 20_000;
const HIDDEN_LONG_MS = 60_000;
const MAX_FAILING_MS = 30_000;

const LIVELY_FOR_MS = 20_000;
const ACTIVE_FOR_MS = 60_000;
const RECENT_FOR_MS = 5 * 60_000;
const HIDDEN_LONG_AFTER_MS = 30 * 60_000;

export function pollDelayMs({ visible, activeAt, failures }: Presence, now: number): number {
  const since = now - activeAt;
  const calm = !visible
    ? since > HIDDEN_LONG_AFTER_MS
      ? HIDDEN_LONG_MS
      : HIDDEN_MS
    : since < LIVELY_FOR_MS
      ? LIVELY_MS
      : since < ACTIVE_FOR_MS
        ? ACTIVE_MS
        : since < RECENT_FOR_MS
          ? RECENT_MS
          : IDLE_MS;
  if (failures === 0) return calm;
  return Math.max(calm, Math.min(1_000 * 2 ** Math.min(failures - 1, 6), MAX_FAILING_MS));
}
