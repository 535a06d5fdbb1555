/** Resident bytes for each of 10,000 small canisters, installed and called once each. */
import type { Figure } from './figure.ts';
import { populate } from './populate.ts';
import { withReplica } from './replica-process.ts';

export async function measure(): Promise<Figure> {
  return withReplica(async (replica) => {
    const before = replica.residentBytes();
    const count = await populate(replica, 10_000);
    return { value: (replica.residentBytes() - before) / count / 1000, unit: 'kB' };
  });
}
