/**
 * Sums up what queries used, until a block takes it along for the canisters' statistics.
 *
 * Queries run outside of the replicated state, on one node each; their statistics become part of the
 * state only through a block. Source: Interface Spec, `canister_status`, "query_stats".
 */
import type { QueryUse } from '../types/batch.ts';
import type { PrincipalKey } from '../types/principal.ts';

/**
 * Blocks between two reports. Each report writes every queried canister's record, so not in every
 * block; the public network reports every 600 blocks, its test server every 60.
 */
const EPOCH_BLOCKS = 60;

export class QueryUseCounter {
  #uses = new Map<PrincipalKey, QueryUse>();

  add(uses: readonly QueryUse[]): void {
    for (const use of uses) {
      const before = this.#uses.get(use.canister.key);
      this.#uses.set(
        use.canister.key,
        before === undefined
          ? use
          : {
              canister: use.canister,
              calls: before.calls + use.calls,
              instructions: before.instructions + use.instructions,
              requestBytes: before.requestBytes + use.requestBytes,
              responseBytes: before.responseBytes + use.responseBytes,
            },
      );
    }
  }

  /** For the block of this height; undefined when it is not one that reports, or nothing was queried. */
  take(height: number): readonly QueryUse[] | undefined {
    if (height % EPOCH_BLOCKS !== 0 || this.#uses.size === 0) return undefined;
    const uses = [...this.#uses.values()].sort((left, right) => left.canister.compare(right.canister));
    this.#uses = new Map();
    return uses;
  }
}
