/** Queries a second to one subnet. */
import type { Figure } from './figure.ts';
import { measureThroughput } from './throughput.ts';

export function measure(): Promise<Figure> {
  return measureThroughput('query', 8000);
}
