/** Waits that can be given up; a port, so that tests and simulations need no clock. */
export interface Timer {
  /** Calls back after `ms` unless the returned function was called before. */
  after(ms: number, callback: () => void): () => void;
}

export const realTimer: Timer = {
  after(ms, callback) {
    const handle = setTimeout(callback, ms);
    return () => clearTimeout(handle);
  },
};
