/** From the start of the process to ready: default network, empty state. */
import { percentile } from './figure.ts';
import type { Figure } from './figure.ts';
import { ReplicaProcess } from './replica-process.ts';

const TIMES = 5;

export async function measure(): Promise<Figure> {
  const samples: number[] = [];
  for (let time = 0; time < TIMES; time++) {
    const replica = new ReplicaProcess();
    samples.push(await replica.start());
    await replica.remove();
  }
  return { value: percentile(samples, 0.5) / 1000, unit: 's' };
}
