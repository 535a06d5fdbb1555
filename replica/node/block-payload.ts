/**
 * What goes into the next block: users' messages and slices of streams, within one bound of bytes for both.
 *
 * Always: at an even height users' messages choose first, at an odd one the slices, so that neither starves the other;
 * among the slices another subnet is first each time. Signals travel even when there is no room for messages.
 * Source: consensus sheet §5 (4 MiB, sections in rotating priority).
 */
import type { SlicePool } from '../p2p/slice-pool.ts';
import type { ReplicatedState } from '../state/replicated-state.ts';
import type { Batch } from '../types/batch.ts';
import type { TimeNanos } from '../types/messages.ts';
import type { SubnetConfig } from '../types/subnet-config.ts';
import type { IngressPool } from './ingress-pool.ts';

export interface BlockParts {
  readonly config: Pick<SubnetConfig, 'maxIngressMessagesPerBlock' | 'maxBlockPayloadBytes'>;
  readonly ingress: IngressPool;
  readonly slices: SlicePool;
}

export function blockPayload(
  { config, ingress, slices }: BlockParts,
  state: ReplicatedState,
  timeNanos: TimeNanos,
): Pick<Batch, 'ingress' | 'xnet'> {
  const max = config.maxBlockPayloadBytes;
  const height = state.height + 1;
  if (height % 2 === 0) {
    const first = ingress.take(timeNanos, config.maxIngressMessagesPerBlock, max, { alone: true });
    return { ingress: first.messages, xnet: slices.take(state, Math.max(0, max - first.bytes), height).slices };
  }
  const first = slices.take(state, max, height);
  const room = Math.max(0, max - first.bytes);
  const rest = ingress.take(timeNanos, config.maxIngressMessagesPerBlock, room, { alone: first.bytes === 0 });
  return { ingress: rest.messages, xnet: first.slices };
}
