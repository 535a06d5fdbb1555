/** What each file of a figure exports as `measure`. */
export interface Figure {
  readonly value: number;
  readonly unit: string;
  /** The same physical work by a minimal program, run in turn with ours. */
  readonly floor?: number;
}

export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
