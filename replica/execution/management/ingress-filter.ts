/**
 * The management canister's part of the ingress filter: may this user's call enter a block?
 *
 * Runs before consensus on one node, so it protects the subnet from work nobody pays for;
 * execution checks everything again. Payment (the effective canister pays) and expiry are
 * checked by the caller of this function.
 *
 * Always: pure, never throws, reads only through `lookup`.
 *
 * Source: Interface Spec, "HTTPS interface, Request: Call"; the public replica's texts.
 */
import type { UserError } from '../../types/errors.ts';
import { ErrorCode, userError } from '../../types/errors.ts';
import type { Principal } from '../../types/principal.ts';
import { callDestination, methodRules, unknownMethod } from './methods.ts';

/** What the filter must know of the canister a call is about. */
export interface FilterCanister {
  isController(principal: Principal): boolean;
  /** Whether a non-controller may read what the visibility setting guards. */
  mayView(what: 'status' | 'snapshots' | 'logs', principal: Principal): boolean;
}

/** Undefined: the call may enter. Otherwise the error the user is told. */
export function managementIngressFault(
  method: string,
  arg: Uint8Array,
  sender: Principal,
  lookup: (id: Principal) => FilterCanister | undefined,
  isSubnetAdmin = false,
): UserError | undefined {
  const rules = methodRules(method);
  if (rules === undefined) return unknownMethod(method);
  if (method === 'fetch_canister_logs') {
    return userError(
      ErrorCode.CanisterRejectedMessage,
      'fetch_canister_logs API is not accessible via ingress in replicated mode',
    );
  }
  if (!rules.ingress) {
    if (method === 'create_canister' && isSubnetAdmin) return undefined;
    return userError(
      ErrorCode.CanisterRejectedMessage,
      `Only canisters can call ic00 method ${method}`,
    );
  }
  const destination = callDestination(method, arg);
  if (destination.kind === 'fault') {
    return userError(
      ErrorCode.InvalidManagementPayload,
      `Failed to decode payload for ic00 method: ${method}`,
    );
  }
  if (rules.callers === 'anyone' || destination.kind !== 'canister') return undefined;

  const canister = lookup(destination.id);
  if (canister === undefined) {
    return userError(ErrorCode.CanisterNotFound, `Canister ${destination.id.toText()} not found`);
  }
  if (canister.isController(sender)) return undefined;
  const forAdmins = rules.callers === 'controllers_or_admins' || rules.callers === 'status_visibility';
  if (isSubnetAdmin && forAdmins) return undefined;
  if (rules.callers === 'status_visibility' && canister.mayView('status', sender)) return undefined;
  if (rules.callers === 'snapshot_visibility' && canister.mayView('snapshots', sender)) {
    return undefined;
  }
  return userError(
    ErrorCode.CanisterInvalidController,
    `Only controllers of canister ${destination.id.toText()} can call ic00 method ${method}`,
  );
}
