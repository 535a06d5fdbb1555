/** Many timers over the one global timer. Filled in next. */
export function fireTimers(): void {}
export function restoreTimers(): void {}
