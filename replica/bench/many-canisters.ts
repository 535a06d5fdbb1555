/** Resident bytes for each of 10,000 small canisters, installed and called once each. */
import type { Figure } from './figure.ts';
import { CANISTERS, populatedReplica } from './populate.ts';

export async function measure(): Promise<Figure> {
  const { emptyBytes, fullBytes } = await populatedReplica();
  return { value: (fullBytes - emptyBytes) / CANISTERS / 1000, unit: 'kB' };
}
