/**
 * The management canister `aaaaa-aa`: takes a call, checks it, hands it to its method.
 *
 * Always: in this order: does the method exist, may it be called this way, does the argument
 * decode, does the canister exist, may the caller; only then the method runs. Attached cycles go
 * back whole unless the method says otherwise.
 * Never: throws for what a caller sent, or leaves a trace of a rejected call in the state (but
 * for fees and logs of failed installations).
 *
 * Source: Interface Spec 0.66, "The IC management canister".
 */
import type { CanisterState, Visibility } from '../../state/canister-state.ts';
import type { UserError } from '../../types/errors.ts';
import type { Principal } from '../../types/principal.ts';
import type { SubnetConfig } from '../../types/subnet-config.ts';
import { canisterNotFound } from '../canister-error.ts';
import type { ManagementCall, ManagementCanister, ManagementOutcome } from '../management-port.ts';
import { decodeArgument, decodeNothing } from './candid-codec.ts';
import * as candid from './candid-types.ts';
import { clearChunkStore, storedChunks, uploadChunk } from './chunk-store.ts';
import { contractViolation, notController, rejected } from './faults.ts';
import { httpRequest } from './http-outcalls.ts';
import { installChunkedCode, installCode, uninstallCode } from './install-code.ts';
import {
  createCanister,
  deleteCanister,
  depositCycles,
  provisionalCreate,
  provisionalTopUp,
  startCanister,
  stopCanister,
} from './lifecycle.ts';
import type { CallerRule, ManagementMethod, MethodRules } from './methods.ts';
import { methodRules, undecodable, unknownMethod } from './methods.ts';
import { bitcoin, thresholdMethod } from './not-yet-built.ts';
import type { CanisterMethod, Operation, Result, SubnetMethod } from './operation.ts';
import { isSubnetAdmin, reject } from './operation.ts';
import {
  deleteSnapshot,
  listSnapshots,
  loadCanisterSnapshot,
  readSnapshotData,
  readSnapshotMetadata,
  takeSnapshot,
  uploadSnapshotData,
  uploadSnapshotMetadata,
} from './snapshots.ts';
import {
  canisterInfo,
  canisterMetadata,
  canisterMetrics,
  canisterStatus,
  listCanistersReply,
  logsReply,
  metricsReply,
  statusReply,
} from './status.ts';
import { nodeMetricsHistory, rawRand, subnetInfo } from './subnet.ts';
import { updateSettings } from './update-settings.ts';
import { fromWire } from './wire.ts';

/** Methods about one existing canister; the rules name the field with its id. */
const CANISTER_METHODS: { readonly [name in ManagementMethod]?: CanisterMethod<never> } = {
  update_settings: updateSettings,
  install_code: installCode,
  install_chunked_code: installChunkedCode,
  upload_chunk: uploadChunk,
  clear_chunk_store: clearChunkStore,
  stored_chunks: storedChunks,
  uninstall_code: uninstallCode,
  start_canister: startCanister,
  stop_canister: stopCanister,
  delete_canister: deleteCanister,
  canister_status: canisterStatus,
  canister_metrics: canisterMetrics,
  canister_info: canisterInfo,
  canister_metadata: canisterMetadata,
  deposit_cycles: depositCycles,
  take_canister_snapshot: takeSnapshot,
  load_canister_snapshot: loadCanisterSnapshot,
  delete_canister_snapshot: deleteSnapshot,
  list_canister_snapshots: listSnapshots,
  read_canister_snapshot_metadata: readSnapshotMetadata,
  read_canister_snapshot_data: readSnapshotData,
  upload_canister_snapshot_metadata: uploadSnapshotMetadata,
  upload_canister_snapshot_data: uploadSnapshotData,
  provisional_top_up_canister: provisionalTopUp,
};

const SUBNET_METHODS: { readonly [name in ManagementMethod]?: SubnetMethod<never> } = {
  create_canister: createCanister,
  provisional_create_canister_with_cycles: provisionalCreate,
  raw_rand: rawRand,
  node_metrics_history: nodeMetricsHistory,
  subnet_info: subnetInfo,
  http_request: httpRequest,
  ecdsa_public_key: thresholdMethod(candid.EcdsaPublicKeyArgs, 'ecdsa'),
  sign_with_ecdsa: thresholdMethod(candid.SignWithEcdsaArgs, 'ecdsa'),
  schnorr_public_key: thresholdMethod(candid.SchnorrPublicKeyArgs, 'schnorr'),
  sign_with_schnorr: thresholdMethod(candid.SignWithSchnorrArgs, 'schnorr'),
  vetkd_public_key: thresholdMethod(candid.VetKdPublicKeyArgs, 'vetkd'),
  vetkd_derive_key: thresholdMethod(candid.VetKdDeriveKeyArgs, 'vetkd'),
  bitcoin_get_balance: bitcoin,
  bitcoin_get_utxos: bitcoin,
  bitcoin_send_transaction: bitcoin,
  bitcoin_get_current_fee_percentiles: bitcoin,
  bitcoin_get_block_headers: bitcoin,
};

// ---------------------------------------------------------------- who may

function admits(visibility: Visibility, principal: Principal): boolean {
  if (visibility.kind === 'public') return true;
  if (visibility.kind === 'controllers') return false;
  return visibility.principals.some((viewer) => viewer.equals(principal));
}

/** Undefined: the caller may. */
function callerFault(
  rule: CallerRule,
  canister: CanisterState,
  sender: Principal,
  config: SubnetConfig,
): UserError | undefined {
  if (rule === 'anyone' || canister.isController(sender)) return undefined;
  const admin = isSubnetAdmin(config, sender);
  const self = canister.id.equals(sender);
  const { settings } = canister;
  switch (rule) {
    case 'controllers_or_self':
      if (self) return undefined;
      break;
    case 'controllers_or_admins':
      if (admin) return undefined;
      break;
    case 'status_visibility':
      if (self || admin || admits(settings.statusVisibility, sender)) return undefined;
      break;
    case 'snapshot_visibility':
      if (admits(settings.snapshotVisibility, sender)) return undefined;
      break;
    case 'log_visibility':
      if (admits(settings.logVisibility, sender)) return undefined;
      return rejected(`Caller ${sender.toText()} is not allowed to access canister logs`);
    default:
  }
  return notController(canister.id, settings.controllers, sender);
}

/** What the HTTP boundary's filter asks about a canister; see ingress-filter.ts. */
export function mayView(
  canister: CanisterState,
  what: 'status' | 'snapshots' | 'logs',
  principal: Principal,
): boolean {
  const { settings } = canister;
  const visibility = {
    status: settings.statusVisibility,
    snapshots: settings.snapshotVisibility,
    logs: settings.logVisibility,
  }[what];
  return canister.isController(principal) || admits(visibility, principal);
}

/** Undefined: the method may be called this way. */
function wayFault(
  rules: MethodRules,
  { methodName, origin, sender }: ManagementCall,
  config: SubnetConfig,
): UserError | undefined {
  if (origin.kind === 'canister') {
    if (rules.canisters) return undefined;
    return rejected(`${methodName} API is not accessible in replicated mode`);
  }
  if (rules.ingress) return undefined;
  if (methodName === 'create_canister' && isSubnetAdmin(config, sender)) return undefined;
  return rejected(`Only canisters can call ic00 method ${methodName}`);
}

// ---------------------------------------------------------------- calls

function execute(operation: Operation): Result {
  const { call, context, state } = operation;
  const rules = methodRules(call.methodName);
  if (rules === undefined) return reject(unknownMethod(call.methodName));
  const name = call.methodName as ManagementMethod;
  const way = wayFault(rules, call, context.config);
  if (way !== undefined) return reject(way);

  const subnetMethod = SUBNET_METHODS[name];
  if (subnetMethod !== undefined) {
    const { argument } = subnetMethod;
    const decoded =
      argument === undefined
        ? decodeNothing(call.arg)
        : decodeArgument<unknown>(argument, call.arg);
    if ('fault' in decoded) return reject(undecodable(decoded.fault));
    return subnetMethod.run(operation, decoded.value as never);
  }

  const canisterMethod = CANISTER_METHODS[name];
  if (canisterMethod === undefined) throw new Error(`${name} has rules but no implementation`);
  const decoded = decodeArgument<Record<string, never>>(canisterMethod.argument, call.arg);
  if ('fault' in decoded) return reject(undecodable(decoded.fault));
  const field = rules.target === 'target_canister' ? 'target_canister' : 'canister_id';
  const id = fromWire(decoded.value[field] as never);
  const canister = state.canister(id);
  if (canister === undefined) return reject(canisterNotFound(id));
  const fault = callerFault(rules.callers, canister, call.sender, context.config);
  if (fault !== undefined) return reject(fault);
  return canisterMethod.run(operation, decoded.value as never, canister);
}

export const managementCanister: ManagementCanister = {
  executeManagementCall(state, call, context): ManagementOutcome {
    const operation: Operation = { state, call, context, instructionsUsed: 0 };
    const result = execute(operation);
    const { instructionsUsed } = operation;
    if (result.kind === 'pending') return { kind: 'pending', instructionsUsed };
    if (result.kind === 'reject') {
      return { kind: 'reject', error: result.error, refund: call.payment, instructionsUsed };
    }
    return {
      kind: 'reply',
      data: result.data,
      refund: result.refund ?? call.payment,
      instructionsUsed,
    };
  },

  executeManagementQuery(state, { sender, methodName, arg }, { config }) {
    const rules = methodRules(methodName);
    if (rules === undefined) return { kind: 'reject', error: unknownMethod(methodName) };
    if (!rules.query) {
      return {
        kind: 'reject',
        error: rejected(`Query method ${methodName} of the management canister does not exist.`),
      };
    }
    if (methodName === 'list_canisters') {
      const decoded = decodeNothing(arg);
      if ('fault' in decoded) return { kind: 'reject', error: undecodable(decoded.fault) };
      if (!isSubnetAdmin(config, sender)) {
        return {
          kind: 'reject',
          error: contractViolation('Only subnet admins can call list_canisters.'),
        };
      }
      return { kind: 'reply', data: listCanistersReply(state) };
    }
    const decoded = decodeArgument<candid.FetchLogsArgsCandid>(
      methodName === 'fetch_canister_logs' ? candid.FetchLogsArgs : candid.CanisterIdArgs,
      arg,
    );
    if ('fault' in decoded) return { kind: 'reject', error: undecodable(decoded.fault) };
    const id = fromWire(decoded.value.canister_id);
    const canister = state.canister(id);
    if (canister === undefined) return { kind: 'reject', error: canisterNotFound(id) };
    const fault = callerFault(rules.callers, canister, sender, config);
    if (fault !== undefined) return { kind: 'reject', error: fault };
    switch (methodName as ManagementMethod) {
      case 'canister_status':
        return { kind: 'reply', data: statusReply(config, canister) };
      case 'canister_metrics':
        return { kind: 'reply', data: metricsReply(canister) };
      case 'fetch_canister_logs': {
        const logs = logsReply(canister, decoded.value);
        return 'data' in logs
          ? { kind: 'reply', data: logs.data }
          : { kind: 'reject', error: logs.error };
      }
      default:
        throw new Error(`${methodName} may be queried but has no query`);
    }
  },
};
