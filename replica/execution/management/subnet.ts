/**
 * Methods about the subnet itself: randomness, node metrics, versions.
 *
 * Source: Interface Spec 0.66, `raw_rand`, `node_metrics_history`, `subnet_info`.
 */
import { ErrorCode, userError } from '../../types/errors.ts';
import type { UserError } from '../../types/errors.ts';
import { Principal } from '../../types/principal.ts';
import * as candid from './candid-types.ts';
import type { Operation, Result, SubnetMethod } from './operation.ts';
import { reject, reply } from './operation.ts';
import { fromWire, toWire } from './wire.ts';

/** The version of this replica, as `subnet_info` and the status endpoint show it. */
export const REPLICA_VERSION = 'parley-0.1.0';

/**
 * Answered in the next round with that round's randomness: the caller's state is fixed before
 * the bytes exist.
 */
export const rawRand: SubnetMethod<undefined> = {
  run({ state, call, context }): Result {
    state.addSubnetCall({
      kind: 'raw-rand',
      origin: call.origin,
      refund: call.payment,
      madeAtNanos: context.timeNanos,
      madeAtHeight: context.height,
    });
    return { kind: 'pending' };
  },
};

/** Calls about another subnet are routed there; one that arrives here is a mistake of the caller. */
function foreignSubnet(operation: Operation, args: candid.SubnetIdArgsCandid): UserError | undefined {
  const id = fromWire(args.subnet_id);
  if (id.equals(operation.state.subnetId)) return undefined;
  return userError(
    ErrorCode.CanisterRejectedMessage,
    `Provided target subnet ID ${id.toText()} does not match current subnet ID ${operation.state.subnetId.toText()}.`,
  );
}

export const subnetInfo: SubnetMethod<candid.SubnetIdArgsCandid> = {
  argument: candid.SubnetIdArgs,
  run(operation, args) {
    const fault = foreignSubnet(operation, args);
    if (fault !== undefined) return reject(fault);
    return reply(candid.SubnetInfoReply, {
      replica_version: REPLICA_VERSION,
      registry_version: operation.state.topology.registryVersion,
    });
  },
};

/** One sample for each of the last days that are over; the day under way has none yet. */
export const nodeMetricsHistory: SubnetMethod<candid.NodeMetricsArgsCandid> = {
  argument: candid.NodeMetricsArgs,
  run(operation, args) {
    const fault = foreignSubnet(operation, args);
    if (fault !== undefined) return reject(fault);
    const samples = operation.state.nodeMetrics.since(args.start_at_timestamp_nanos);
    return reply(
      candid.NodeMetricsReply,
      samples.map(({ timeNanos, nodes }) => ({
        timestamp_nanos: timeNanos,
        node_metrics: [...nodes].map(([node, { proposed, failures }]) => ({
          node_id: toWire(Principal.fromKey(node)),
          num_blocks_proposed_total: BigInt(proposed),
          num_block_failures_total: BigInt(failures),
        })),
      })),
    );
  },
};
