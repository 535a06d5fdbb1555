/**
 * The errors of the management canister: one constructor each, so that code and text stay together.
 *
 * Texts are part of the interface: client test suites match on them.
 * Source: Interface Spec, "Error codes"; the texts are the public replica's.
 */
import { toHex } from '../../codec/bytes.ts';
import type { UserError } from '../../types/errors.ts';
import { ErrorCode, userError } from '../../types/errors.ts';
import type { Principal } from '../../types/principal.ts';

/** What a step of a management operation ends with. */
export type Checked<T> = { readonly ok: true; readonly value: T } | Failure;
export interface Failure {
  readonly ok: false;
  readonly error: UserError;
}

export function success<T>(value: T): Checked<T> {
  return { ok: true, value };
}

export function failure(error: UserError): Failure {
  return { ok: false, error };
}

export function notController(
  id: Principal,
  controllers: readonly Principal[],
  sender: Principal,
): UserError {
  const list = controllers.map((controller) => controller.toText()).join(' ');
  return userError(
    ErrorCode.CanisterInvalidController,
    `Only the controllers of the canister ${id.toText()} can control it.\n` +
      `Canister's controllers: ${list}\nSender's ID: ${sender.toText()}`,
  );
}

export function invalidSettings(text: string): UserError {
  return userError(
    ErrorCode.CanisterContractViolation,
    `Could not validate the settings: ${text} `,
  );
}

export function chunkStoreError(text: string): UserError {
  return userError(
    ErrorCode.CanisterContractViolation,
    `Error from Wasm chunk store: ${text}.`,
  );
}

/** How snapshot ids are shown: hex, as everywhere in clients. */
export function snapshotNotFound(canister: Principal, snapshotId: Uint8Array): UserError {
  return userError(
    ErrorCode.CanisterSnapshotNotFound,
    `Could not find the snapshot ID ${toHex(snapshotId)} for canister ${canister.toText()}.`,
  );
}

export function snapshotNotOwned(canister: Principal, snapshotId: Uint8Array): UserError {
  return userError(
    ErrorCode.CanisterRejectedMessage,
    `The snapshot ${toHex(snapshotId)} does not belong to canister ${canister.toText()}.`,
  );
}

export function invalidPayload(text: string): UserError {
  return userError(ErrorCode.InvalidManagementPayload, text);
}

export function rejected(text: string): UserError {
  return userError(ErrorCode.CanisterRejectedMessage, text);
}

export function contractViolation(text: string): UserError {
  return userError(ErrorCode.CanisterContractViolation, text);
}
