/** From the start of the process to ready, with 10,000 canisters each called once, after `kill -9`. */
import type { Figure } from './figure.ts';
import { populatedReplica } from './populate.ts';

export async function measure(): Promise<Figure> {
  const { replica } = await populatedReplica();
  await replica.stop('SIGKILL');
  return { value: (await replica.start()) / 1000, unit: 's' };
}
