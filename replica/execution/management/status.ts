/**
 * Reading a canister: status, metrics, info (history), metadata, logs, and the list of canisters.
 *
 * Always: reads only. The queries and the replicated calls give the same answer on the same state.
 *
 * Source: Interface Spec 0.66, `canister_status`, `canister_metrics`, `canister_info`,
 * `canister_metadata`, `fetch_canister_logs`, `list_canisters`.
 */
import type { CanisterChange, CanisterState, ChangeDetails } from '../../state/canister-state.ts';
import type { ReplicatedState } from '../../state/replicated-state.ts';
import type { UserError } from '../../types/errors.ts';
import { ErrorCode, userError } from '../../types/errors.ts';
import type { Principal } from '../../types/principal.ts';
import type { SubnetConfig } from '../../types/subnet-config.ts';
import { logBytes } from '../canister-log.ts';
import { idleCyclesPerDay } from '../cycles-account.ts';
import { encodeReply } from './candid-codec.ts';
import * as candid from './candid-types.ts';
import { invalidPayload, notController, rejected } from './faults.ts';
import type { CanisterMethod } from './operation.ts';
import { reject, reply } from './operation.ts';
import { opt, settingsToWire, toWire } from './wire.ts';

const STATUS = {
  running: { running: null },
  stopping: { stopping: null },
  stopped: { stopped: null },
} as const;

export function statusReply(config: SubnetConfig, canister: CanisterState): Uint8Array {
  const metrics = canister.memoryMetrics();
  const { queryStats, settings } = canister;
  const value: candid.CanisterStatusReplyCandid = {
    status: STATUS[canister.status.kind],
    ready_for_migration:
      canister.status.kind === 'stopped' &&
      canister.queues.isEmpty() &&
      canister.ingressQueue.length === 0,
    version: canister.version,
    settings: settingsToWire(settings),
    module_hash: opt(canister.code?.module.hash),
    memory_size: BigInt(canister.memoryUsage()),
    memory_metrics: {
      wasm_memory_size: BigInt(metrics.heap),
      stable_memory_size: BigInt(metrics.stable),
      global_memory_size: BigInt(metrics.globals),
      wasm_binary_size: BigInt(metrics.wasmBinary),
      custom_sections_size: BigInt(metrics.customSections),
      canister_history_size: BigInt(metrics.history),
      wasm_chunk_store_size: BigInt(metrics.chunkStore),
      snapshots_size: BigInt(metrics.snapshots),
      log_memory_store_size: BigInt(logBytes(canister)),
    },
    cycles: canister.balance,
    reserved_cycles: canister.reservedBalance,
    idle_cycles_burned_per_day: idleCyclesPerDay(config, canister),
    query_stats: {
      num_calls_total: queryStats.calls,
      num_instructions_total: queryStats.instructions,
      request_payload_bytes_total: queryStats.requestBytes,
      response_payload_bytes_total: queryStats.responseBytes,
    },
  };
  return encodeReply(candid.CanisterStatusReply, value);
}

export const canisterStatus: CanisterMethod<candid.CanisterIdArgsCandid> = {
  argument: candid.CanisterIdArgs,
  run: ({ context }, _args, canister) => ({
    kind: 'reply',
    data: statusReply(context.config, canister),
  }),
};

export function metricsReply(canister: CanisterState): Uint8Array {
  const { consumed } = canister;
  return encodeReply(candid.CanisterMetricsReply, {
    cycles_consumed: {
      memory: consumed.memory,
      compute_allocation: consumed.computeAllocation,
      ingress_induction: consumed.ingressInduction,
      instructions: consumed.instructions,
      request_and_response_transmission: consumed.transmission,
      uninstall: consumed.uninstall,
      canister_creation: consumed.canisterCreation,
      http_outcalls: consumed.httpOutcalls,
      burned_cycles: consumed.burned,
    },
  });
}

export const canisterMetrics: CanisterMethod<candid.CanisterIdArgsCandid> = {
  argument: candid.CanisterIdArgs,
  run: (_operation, _args, canister) => ({ kind: 'reply', data: metricsReply(canister) }),
};

// ---------------------------------------------------------------- history

function detailsToWire(details: ChangeDetails): candid.ChangeDetailsCandid {
  switch (details.kind) {
    case 'creation':
      return {
        creation: {
          controllers: details.controllers.map(toWire),
          environment_variables_hash: opt(details.environmentVariablesHash),
        },
      };
    case 'code-uninstall':
      return { code_uninstall: null };
    case 'code-deployment':
      return {
        code_deployment: {
          mode: { [details.mode]: null } as { install: null },
          module_hash: details.moduleHash,
        },
      };
    case 'load-snapshot':
      return {
        load_snapshot: {
          from_canister_id: opt(details.fromCanister && toWire(details.fromCanister)),
          snapshot_id: details.snapshotId,
          canister_version: details.canisterVersion,
          taken_at_timestamp: details.takenAtNanos,
          source:
            details.source === 'metadata-upload'
              ? { metadata_upload: null }
              : { taken_from_canister: null },
        },
      };
    case 'controllers-change':
      return { controllers_change: { controllers: details.controllers.map(toWire) } };
  }
}

function changeToWire(change: CanisterChange): candid.ChangeCandid {
  const { origin } = change;
  return {
    timestamp_nanos: change.timeNanos,
    canister_version: change.canisterVersion,
    origin:
      origin.kind === 'user'
        ? { from_user: { user_id: toWire(origin.user) } }
        : {
            from_canister: {
              canister_id: toWire(origin.canister),
              canister_version: opt(origin.version),
            },
          },
    details: detailsToWire(change.details),
  };
}

export const canisterInfo: CanisterMethod<candid.CanisterInfoArgsCandid> = {
  argument: candid.CanisterInfoArgs,
  run(_operation, args, canister) {
    const [requested = 0n] = args.num_requested_changes;
    const { changes, totalChanges } = canister.history;
    const count = requested > BigInt(changes.length) ? changes.length : Number(requested);
    return reply(candid.CanisterInfoReply, {
      total_num_changes: BigInt(totalChanges),
      recent_changes: changes.slice(changes.length - count).map(changeToWire),
      module_hash: opt(canister.code?.module.hash),
      controllers: canister.settings.controllers.map(toWire),
    });
  },
};

export const canisterMetadata: CanisterMethod<candid.CanisterMetadataArgsCandid> = {
  argument: candid.CanisterMetadataArgs,
  run({ call }, args, canister) {
    const id = canister.id.toText();
    if (canister.code === undefined) {
      return reject(
        userError(
          ErrorCode.CanisterWasmModuleNotFound,
          `The canister ${id} has no Wasm module and hence no metadata is available.`,
        ),
      );
    }
    const section = canister.code.module.customSections.find(({ name }) => name === args.name);
    if (section === undefined) {
      return reject(
        rejected(`The canister ${id} has no metadata section with the name ${args.name}.`),
      );
    }
    if (section.visibility === 'private' && !canister.isController(call.sender)) {
      return reject(notController(canister.id, canister.settings.controllers, call.sender));
    }
    return reply(candid.CanisterMetadataReply, { value: section.content });
  },
};

// ---------------------------------------------------------------- logs

export function logsReply(
  canister: CanisterState,
  args: candid.FetchLogsArgsCandid,
): { readonly data: Uint8Array } | { readonly error: UserError } {
  const [filter] = args.filter;
  let records = canister.log.records;
  if (filter !== undefined) {
    const byIndex = 'by_idx' in filter;
    const { start, end } = byIndex ? filter.by_idx : filter.by_timestamp_nanos;
    if (start > end) return { error: invalidPayload(`Invalid log range: ${start} > ${end}`) };
    records = records.filter((record) => {
      const key = byIndex ? BigInt(record.index) : record.timeNanos;
      return start <= key && key < end;
    });
  }
  return {
    data: encodeReply(candid.FetchLogsReply, {
      canister_log_records: records.map((record) => ({
        idx: BigInt(record.index),
        timestamp_nanos: record.timeNanos,
        content: record.content,
      })),
    }),
  };
}

// ---------------------------------------------------------------- list

/** Existing ids as inclusive ranges of consecutive ones, ascending. */
export function listCanistersReply(state: ReplicatedState): Uint8Array {
  const ranges: { start: Principal; end: Principal }[] = [];
  for (const { id } of state.canistersInOrder()) {
    const last = ranges.at(-1);
    const lastIndex = last?.end.canisterIndex();
    const index = id.canisterIndex();
    if (last !== undefined && lastIndex !== undefined && index === lastIndex + 1n) last.end = id;
    else ranges.push({ start: id, end: id });
  }
  return encodeReply(candid.ListCanistersReply, {
    canisters: ranges.map(({ start, end }) => ({ start: toWire(start), end: toWire(end) })),
  });
}
