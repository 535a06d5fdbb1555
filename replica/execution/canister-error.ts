/**
 * Error texts as clients know them: `Error from Canister <id>: <core>` (http-api sheet §9.1).
 */
import { ErrorCode, userError, type UserError } from '../types/errors.ts';
import type { Principal } from '../types/principal.ts';
import type { SubnetConfig } from '../types/subnet-config.ts';
import type { CanisterState } from '../state/canister-state.ts';
import { freezingThresholdCycles } from './cycles-account.ts';
import type { EngineError } from './wasm/types.ts';

const DOCUMENTATION = 'https://internetcomputer.org/docs/current/references/execution-errors';

export function numericCode(code: EngineError['code']): ErrorCode {
  return Number(code.slice(2)) as ErrorCode;
}

/** The user's view of an error of the engine; `error.message` is the core text with its help. */
export function canisterError(canister: Principal, error: EngineError): UserError {
  return userError(numericCode(error.code), `Error from Canister ${canister.toText()}: ${error.message}`);
}

export function help(suggestion: string, anchor: string): string {
  return `.\n${suggestion} See documentation: ${DOCUMENTATION}#${anchor}`;
}

export function methodNotFound(
  canister: Principal,
  kind: 'update' | 'query' | 'composite_query',
  method: string,
): UserError {
  const text = help('Check that the method being called is exported by the target canister.', 'method-not-found');
  return userError(
    ErrorCode.CanisterMethodNotFound,
    `Error from Canister ${canister.toText()}: Canister has no ${kind} method '${method}'${text}`,
  );
}

export function noModule(canister: Principal): UserError {
  const text = help('Please install code to this canister before calling it.', 'wasm-module-not-found');
  return userError(
    ErrorCode.CanisterWasmModuleNotFound,
    `Error from Canister ${canister.toText()}: Attempted to execute a message, but the canister contains no Wasm module${text}`,
  );
}

export function canisterNotFound(canister: Principal): UserError {
  return userError(ErrorCode.CanisterNotFound, `Canister ${canister.toText()} not found`);
}

/** `needed`: what would have to be above the freezing limit. Only a controller is told how much is missing. */
export function outOfCycles(
  config: SubnetConfig,
  canister: CanisterState,
  needed: bigint,
  caller?: Principal,
): UserError {
  const missing = needed + freezingThresholdCycles(config, canister) - canister.balance;
  const hint =
    caller !== undefined && canister.isController(caller) && missing > 0n
      ? `: please top up the canister with at least ${missing} additional cycles`
      : '';
  return userError(ErrorCode.CanisterOutOfCycles, `Canister ${canister.id.toText()} is out of cycles${hint}`);
}

/** Why the canister's status lets no new call in; undefined when it runs. */
export function statusFault(canister: CanisterState): UserError | undefined {
  switch (canister.status.kind) {
    case 'running':
      return undefined;
    case 'stopping':
      return userError(ErrorCode.CanisterStopping, `Canister ${canister.id.toText()} is stopping`);
    case 'stopped':
      return userError(ErrorCode.CanisterStopped, `Canister ${canister.id.toText()} is stopped`);
  }
}
