/**
 * How many blocks each node of the subnet made or failed to make, with one sample a day kept.
 *
 * Always: numbers only grow while a node is listed; samples are of different days (UTC), ascending, at most
 * {@link MAX_SAMPLES}, the last of them the day under way.
 * Source: Interface Spec, `node_metrics_history`. A node whose numbers did not change from one day to the next is left out
 * from then on, as on the public network, so that nodes which are gone do not stay for ever.
 */
import type { BlockMakers } from '../types/batch.ts';
import type { TimeNanos } from '../types/messages.ts';
import type { Principal, PrincipalKey } from '../types/principal.ts';

export const MAX_SAMPLES = 60;
const DAY_NANOS = 86_400_000_000_000n;

export interface NodeBlocks {
  readonly proposed: number;
  readonly failures: number;
}

export interface NodeSample {
  /** Of the last block of its day, or the last block so far. */
  timeNanos: TimeNanos;
  /** Since the beginning, by node. */
  readonly nodes: Map<PrincipalKey, NodeBlocks>;
}

export class NodeMetrics {
  /** Change it with `observe` only. */
  samples: NodeSample[] = [];

  observe(timeNanos: TimeNanos, { maker, failed }: BlockMakers): void {
    const today = this.#sampleOf(timeNanos);
    today.timeNanos = timeNanos;
    add(today.nodes, maker, 1, 0);
    for (const node of failed) add(today.nodes, node, 0, 1);
  }

  #sampleOf(timeNanos: TimeNanos): NodeSample {
    const last = this.samples.at(-1);
    if (last !== undefined && last.timeNanos / DAY_NANOS === timeNanos / DAY_NANOS) return last;
    const today = { timeNanos, nodes: new Map(last?.nodes) };
    const before = this.samples.at(-2);
    for (const [node, { proposed, failures }] of before?.nodes ?? []) {
      const now = today.nodes.get(node);
      if (now?.proposed === proposed && now.failures === failures) today.nodes.delete(node);
    }
    this.samples.push(today);
    if (this.samples.length > MAX_SAMPLES) this.samples.shift();
    return today;
  }

  /** Samples of days that are over, from `startNanos` on. */
  since(startNanos: TimeNanos): readonly NodeSample[] {
    return this.samples.slice(0, -1).filter(({ timeNanos }) => timeNanos >= startNanos);
  }
}

function add(nodes: Map<PrincipalKey, NodeBlocks>, node: Principal, proposed: number, failures: number): void {
  const before = nodes.get(node.key);
  nodes.set(node.key, {
    proposed: (before?.proposed ?? 0) + proposed,
    failures: (before?.failures ?? 0) + failures,
  });
}
