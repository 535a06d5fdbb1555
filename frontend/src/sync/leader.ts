// One engine at a time over all tabs of this browser: whoever holds the lock leads, and the browser gives
// the lock to the next one the moment its holder is gone, however it went.

/**
 * Waits for its turn, then runs `lead` until `signal` aborts. `lead` answers what ends its lead.
 */
export async function leadWhenFree(name: string, signal: AbortSignal, lead: () => () => void): Promise<void> {
  try {
    await navigator.locks.request(name, { signal }, async () => {
      const end = lead();
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener('abort', () => resolve(), { once: true });
      });
      end();
    });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
