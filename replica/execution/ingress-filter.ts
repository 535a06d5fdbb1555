/**
 * Whether a user's message may enter a block (http-api sheet §2.1, "ingress filter").
 *
 * Runs on one node before consensus, to keep work out that nobody pays for; execution checks again. Signature, expiry
 * and sizes have been checked before. Changes nothing.
 */
import { ErrorCode, userError, type UserError } from '../types/errors.ts';
import type { IngressMessage } from '../types/messages.ts';
import type { Principal } from '../types/principal.ts';
import type { CanisterState } from '../state/canister-state.ts';
import { canisterError, canisterNotFound, outOfCycles, statusFault } from './canister-error.ts';
import { ingressFee, liquidBalance } from './cycles-account.ts';
import type { SubnetEnvironment } from './environment.ts';
import { managementIngressFault, type FilterCanister } from './management/ingress-filter.ts';
import { mayView } from './management/management.ts';
import { effectiveCanisterId } from './management/methods.ts';
import { isSubnetAdmin } from './management/operation.ts';
import { executionOf } from './management-port.ts';
import { systemView } from './system-view.ts';

/** A larger update_settings must be paid before it is executed. */
const MAX_DELAYED_SETTINGS_BYTES = 366;

/** Undefined: the message may enter. */
export function filterIngress(environment: SubnetEnvironment, ingress: IngressMessage): UserError | undefined {
  return (
    paymentFault(environment, ingress) ??
    (ingress.receiver.isManagement() ? managementFault(environment, ingress) : canisterFault(environment, ingress))
  );
}

function paymentFault({ config, state }: SubnetEnvironment, ingress: IngressMessage): UserError | undefined {
  const isManagement = ingress.receiver.isManagement();
  const payerId = isManagement ? effectiveCanisterId(ingress.methodName, ingress.arg) : ingress.receiver;
  if (payerId === undefined) return undefined;
  const payer = state.canister(payerId);
  if (payer === undefined) {
    // A creation with a chosen id names a canister that must not exist yet.
    return isManagement && ingress.methodName.startsWith('provisional_create') ? undefined : canisterNotFound(payerId);
  }
  if (isManagement && ingress.methodName === 'update_settings' && ingress.arg.length <= MAX_DELAYED_SETTINGS_BYTES) {
    return undefined;
  }
  const fee = ingressFee(config, ingress.envelopeBytes);
  return fee > liquidBalance(config, payer) ? outOfCycles(config, payer, fee, ingress.sender) : undefined;
}

function managementFault({ config, state }: SubnetEnvironment, ingress: IngressMessage): UserError | undefined {
  const lookup = (id: Principal): FilterCanister | undefined => {
    const canister = state.canister(id);
    if (canister === undefined) return undefined;
    return {
      isController: (principal) => canister.isController(principal),
      mayView: (what, principal) => mayView(canister, what, principal),
    };
  };
  const { methodName, arg, sender } = ingress;
  return managementIngressFault(methodName, arg, sender, lookup, isSubnetAdmin(config, sender));
}

function canisterFault(environment: SubnetEnvironment, ingress: IngressMessage): UserError | undefined {
  const canister = environment.state.canister(ingress.receiver);
  if (canister === undefined) return canisterNotFound(ingress.receiver);
  const fault = statusFault(canister);
  if (fault !== undefined) return fault;
  if (canister.code === undefined) {
    return userError(ErrorCode.CanisterWasmModuleNotFound, 'Requested canister has no wasm module');
  }
  if (canister.code.module.compositeQueries.has(ingress.methodName)) {
    return userError(
      ErrorCode.CompositeQueryCalledInReplicatedMode,
      `Composite query '${ingress.methodName}' of canister ${canister.id.toText()} cannot be called in replicated mode`,
    );
  }
  if (!canister.code.module.entryPoints.has('canister_inspect_message')) return undefined;
  return inspect(environment, canister, ingress);
}

/** Asks the canister itself. Not accepting, trapping and running too long all refuse. */
function inspect(
  environment: SubnetEnvironment,
  canister: CanisterState,
  ingress: IngressMessage,
): UserError | undefined {
  const execution = executionOf(canister);
  const { senderInfo } = ingress;
  const outcome = environment.engine.executeEntryPoint(execution, {
    entry: { kind: 'inspectMessage', method: ingress.methodName },
    message: {
      caller: ingress.sender.bytes,
      callerInfo: senderInfo === undefined ? undefined : { signer: senderInfo.signer.bytes, data: senderInfo.info },
      payload: ingress.arg,
    },
    system: systemView(environment, environment.state.timeNanos, canister, { caller: ingress.sender }),
    instructionLimit: BigInt(environment.config.instructions.inspectMessage),
  });
  if (outcome.error !== null) return canisterError(canister.id, outcome.error);
  execution.rollback();
  if (outcome.delta!.accepted) return undefined;
  return userError(
    ErrorCode.CanisterRejectedMessage,
    `Error from Canister ${canister.id.toText()}: Canister rejected the message`,
  );
}
