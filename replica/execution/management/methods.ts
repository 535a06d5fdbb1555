/**
 * Which methods the management canister has, who may call each in which way, and which
 * canister or subnet a call is for.
 *
 * Pure: it looks at names and argument bytes only, so the HTTP boundary, the router and
 * the execution layer can all import it.
 *
 * Source: Interface Spec 0.66, "The IC management canister" (caller matrix) and
 * "HTTPS interface, Effective canister id".
 */
import type { IDL } from '@dfinity/candid';
import type { UserError } from '../../types/errors.ts';
import { ErrorCode, userError } from '../../types/errors.ts';
import { Principal } from '../../types/principal.ts';
import { decodeArgument } from './candid-codec.ts';
import * as candid from './candid-types.ts';

/**
 * What decides where a call is handled:
 * a canister named in the argument, a subnet named in it, or nothing (the caller's own subnet).
 */
export type CallTarget = 'canister_id' | 'target_canister' | 'subnet_id' | 'specified_id' | 'own_subnet';

/** Who may call, beyond the way of calling. `anyone` includes canisters. */
export type CallerRule =
  | 'anyone'
  | 'controllers'
  | 'controllers_or_self'
  | 'status_visibility'
  | 'snapshot_visibility'
  | 'log_visibility'
  /** Controllers and subnet admins; subnets of this network have no admins. */
  | 'controllers_or_admins'
  | 'admins';

export interface MethodRules {
  /** Users may call it through ingress. */
  readonly ingress: boolean;
  /** Canisters may call it in replicated execution. */
  readonly canisters: boolean;
  /** Users may query it, and canisters may from composite queries. */
  readonly query: boolean;
  readonly target: CallTarget;
  readonly callers: CallerRule;
}

const USER_AND_CANISTER = { ingress: true, canisters: true, query: false } as const;
const CANISTER_ONLY = { ingress: false, canisters: true, query: false } as const;
const ALL_WAYS = { ingress: true, canisters: true, query: true } as const;
const QUERY_ONLY = { ingress: false, canisters: false, query: true } as const;

const RULES = {
  create_canister: { ...CANISTER_ONLY, target: 'own_subnet', callers: 'anyone' },
  update_settings: { ...USER_AND_CANISTER, target: 'canister_id', callers: 'controllers' },
  install_code: { ...USER_AND_CANISTER, target: 'canister_id', callers: 'controllers' },
  install_chunked_code: { ...USER_AND_CANISTER, target: 'target_canister', callers: 'controllers' },
  upload_chunk: { ...USER_AND_CANISTER, target: 'canister_id', callers: 'controllers_or_self' },
  clear_chunk_store: { ...USER_AND_CANISTER, target: 'canister_id', callers: 'controllers_or_self' },
  stored_chunks: { ...USER_AND_CANISTER, target: 'canister_id', callers: 'controllers_or_self' },
  uninstall_code: { ...USER_AND_CANISTER, target: 'canister_id', callers: 'controllers_or_admins' },
  start_canister: { ...USER_AND_CANISTER, target: 'canister_id', callers: 'controllers_or_admins' },
  stop_canister: { ...USER_AND_CANISTER, target: 'canister_id', callers: 'controllers_or_admins' },
  delete_canister: { ...USER_AND_CANISTER, target: 'canister_id', callers: 'controllers_or_admins' },
  canister_status: { ...ALL_WAYS, target: 'canister_id', callers: 'status_visibility' },
  canister_metrics: { ...ALL_WAYS, target: 'canister_id', callers: 'controllers_or_admins' },
  canister_info: { ...CANISTER_ONLY, target: 'canister_id', callers: 'anyone' },
  canister_metadata: { ...CANISTER_ONLY, target: 'canister_id', callers: 'anyone' },
  deposit_cycles: { ...CANISTER_ONLY, target: 'canister_id', callers: 'anyone' },
  raw_rand: { ...CANISTER_ONLY, target: 'own_subnet', callers: 'anyone' },
  http_request: { ...CANISTER_ONLY, target: 'own_subnet', callers: 'anyone' },
  node_metrics_history: { ...CANISTER_ONLY, target: 'subnet_id', callers: 'anyone' },
  subnet_info: { ...CANISTER_ONLY, target: 'subnet_id', callers: 'anyone' },
  ecdsa_public_key: { ...CANISTER_ONLY, target: 'own_subnet', callers: 'anyone' },
  sign_with_ecdsa: { ...CANISTER_ONLY, target: 'own_subnet', callers: 'anyone' },
  schnorr_public_key: { ...CANISTER_ONLY, target: 'own_subnet', callers: 'anyone' },
  sign_with_schnorr: { ...CANISTER_ONLY, target: 'own_subnet', callers: 'anyone' },
  vetkd_public_key: { ...CANISTER_ONLY, target: 'own_subnet', callers: 'anyone' },
  vetkd_derive_key: { ...CANISTER_ONLY, target: 'own_subnet', callers: 'anyone' },
  take_canister_snapshot: { ...USER_AND_CANISTER, target: 'canister_id', callers: 'controllers' },
  load_canister_snapshot: { ...USER_AND_CANISTER, target: 'canister_id', callers: 'controllers' },
  delete_canister_snapshot: { ...USER_AND_CANISTER, target: 'canister_id', callers: 'controllers' },
  list_canister_snapshots: {
    ...USER_AND_CANISTER,
    target: 'canister_id',
    callers: 'snapshot_visibility',
  },
  read_canister_snapshot_metadata: {
    ...USER_AND_CANISTER,
    target: 'canister_id',
    callers: 'snapshot_visibility',
  },
  read_canister_snapshot_data: {
    ...USER_AND_CANISTER,
    target: 'canister_id',
    callers: 'snapshot_visibility',
  },
  upload_canister_snapshot_metadata: {
    ...USER_AND_CANISTER,
    target: 'canister_id',
    callers: 'controllers',
  },
  upload_canister_snapshot_data: {
    ...USER_AND_CANISTER,
    target: 'canister_id',
    callers: 'controllers',
  },
  fetch_canister_logs: { ...QUERY_ONLY, target: 'canister_id', callers: 'log_visibility' },
  list_canisters: { ...QUERY_ONLY, target: 'own_subnet', callers: 'admins' },
  provisional_create_canister_with_cycles: {
    ...USER_AND_CANISTER,
    target: 'specified_id',
    callers: 'anyone',
  },
  provisional_top_up_canister: { ...USER_AND_CANISTER, target: 'canister_id', callers: 'anyone' },
  bitcoin_get_balance: { ...CANISTER_ONLY, target: 'own_subnet', callers: 'anyone' },
  bitcoin_get_utxos: { ...CANISTER_ONLY, target: 'own_subnet', callers: 'anyone' },
  bitcoin_send_transaction: { ...CANISTER_ONLY, target: 'own_subnet', callers: 'anyone' },
  bitcoin_get_current_fee_percentiles: { ...CANISTER_ONLY, target: 'own_subnet', callers: 'anyone' },
  bitcoin_get_block_headers: { ...CANISTER_ONLY, target: 'own_subnet', callers: 'anyone' },
} as const satisfies Record<string, MethodRules>;

export type ManagementMethod = keyof typeof RULES;

/** All method names, in the order of the table. */
export const MANAGEMENT_METHODS = Object.keys(RULES) as readonly ManagementMethod[];

/** The rules of a method, or undefined if the management canister has no such method. */
export function methodRules(name: string): MethodRules | undefined {
  return Object.hasOwn(RULES, name) ? RULES[name as ManagementMethod] : undefined;
}

/** Where a management call goes. `anywhere`: the argument names no place. */
export type CallDestination =
  | { readonly kind: 'canister'; readonly id: Principal }
  | { readonly kind: 'subnet'; readonly id: Principal }
  | { readonly kind: 'anywhere' }
  | { readonly kind: 'fault'; readonly error: UserError };

const NAMED_BY: Record<'canister_id' | 'target_canister' | 'subnet_id', IDL.Type> = {
  canister_id: candid.CanisterIdArgs,
  target_canister: candid.TargetCanisterArgs,
  subnet_id: candid.SubnetIdArgs,
};

/** Where a call of `method` with these argument bytes is to be handled. Never throws. */
export function callDestination(method: string, arg: Uint8Array): CallDestination {
  const rules = methodRules(method);
  if (rules === undefined) return { kind: 'fault', error: unknownMethod(method) };
  switch (rules.target) {
    case 'own_subnet':
      return { kind: 'anywhere' };
    case 'specified_id': {
      const decoded = decodeArgument<candid.ProvisionalCreateArgsCandid>(
        candid.ProvisionalCreateArgs,
        arg,
      );
      if ('fault' in decoded) return { kind: 'fault', error: undecodable(decoded.fault) };
      const [id] = decoded.value.specified_id;
      return id === undefined
        ? { kind: 'anywhere' }
        : { kind: 'canister', id: Principal.fromBytes(id.toUint8Array()) };
    }
    default: {
      const decoded = decodeArgument<Record<string, { toUint8Array(): Uint8Array }>>(
        NAMED_BY[rules.target],
        arg,
      );
      if ('fault' in decoded) return { kind: 'fault', error: undecodable(decoded.fault) };
      const id = Principal.fromBytes(decoded.value[rules.target]!.toUint8Array());
      return { kind: rules.target === 'subnet_id' ? 'subnet' : 'canister', id };
    }
  }
}

/**
 * The effective canister id of a management call: the canister the argument is about.
 *
 * Undefined when the call has none of its own: creation without `specified_id` (any id of
 * the wanted subnet serves), methods that name no canister, unknown methods, undecodable
 * arguments. Use {@link callDestination} to tell these apart.
 */
export function effectiveCanisterId(method: string, arg: Uint8Array): Principal | undefined {
  const destination = callDestination(method, arg);
  return destination.kind === 'canister' ? destination.id : undefined;
}

export function unknownMethod(method: string): UserError {
  return userError(
    ErrorCode.CanisterMethodNotFound,
    `Management canister has no method '${method}'`,
  );
}

export function undecodable(fault: string): UserError {
  return userError(ErrorCode.InvalidManagementPayload, `Error decoding candid: ${fault}`);
}
