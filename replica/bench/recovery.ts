/** From the start of the process to ready, with 10,000 canisters each called once, after `kill -9`. */
import type { Figure } from './figure.ts';
import { populate } from './populate.ts';
import { ReplicaProcess } from './replica-process.ts';

export async function measure(): Promise<Figure> {
  const replica = new ReplicaProcess();
  try {
    await replica.start();
    await populate(replica, 10_000);
    await replica.stop('SIGKILL');
    return { value: (await replica.start()) / 1000, unit: 's' };
  } finally {
    await replica.remove();
  }
}
