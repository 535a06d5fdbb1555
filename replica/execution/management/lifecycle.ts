/**
 * Creating, starting, stopping, deleting and funding canisters.
 *
 * Always: cycles attached to a creation end in the new canister's balance and the fee, or go back whole.
 * Never: an id is given out twice, also after its canister is deleted.
 *
 * Source: Interface Spec 0.66, `create_canister`, `start_canister`, `stop_canister`,
 * `delete_canister`, `deposit_cycles`, `provisional_*`.
 */
import { CanisterState, defaultSettings } from '../../state/canister-state.ts';
import type { CanisterStatus } from '../../state/canister-state.ts';
import type { Cycles } from '../../types/cycles.ts';
import { TRILLION } from '../../types/cycles.ts';
import { ErrorCode, rejectCodeOf, userError } from '../../types/errors.ts';
import type { UserError } from '../../types/errors.ts';
import type { Principal } from '../../types/principal.ts';
import { bookConsumed, creationFee, deposit, freezingThresholdCycles, storageReservation } from '../cycles-account.ts';
import { executionOf } from '../management-port.ts';
import * as candid from './candid-types.ts';
import type { Checked } from './faults.ts';
import { contractViolation, failure, invalidPayload, success } from './faults.ts';
import type { CanisterMethod, Operation, Result, SubnetMethod } from './operation.ts';
import {
  availableCompute,
  availableMemory,
  bumpVersion,
  changeOrigin,
  reject,
  reply,
  replyNothing,
} from './operation.ts';
import type { SettingsChange } from './settings.ts';
import { applySettings, environmentHash, parseSettings } from './settings.ts';
import { fromWire, toWire } from './wire.ts';

/** Balance of a canister created without saying how much. */
const DEFAULT_PROVISIONAL_CYCLES: Cycles = 100n * TRILLION;

function createWith(
  operation: Operation,
  args: candid.CreateCanisterArgsCandid,
  balance: Cycles,
  chooseId: () => Checked<Principal>,
): Checked<CanisterState> {
  const { state, call, context } = operation;
  const [given] = args.settings;
  const parsed = given === undefined ? success<SettingsChange>({}) : parseSettings(given);
  if (!parsed.ok) return parsed;

  // A stand-in of the canister to be, so that limits are computed by the same code as later.
  const defaults = defaultSettings([call.sender]);
  const settings = applySettings(parsed.value, {
    current: defaults,
    balance,
    reservedBalance: 0n,
    memoryUsage: 0,
    computeAvailablePercent: () => availableCompute(operation),
    memoryAvailable: () => availableMemory(operation),
    reservation: (billedBytes) => storageReservation(context.config, state.metrics.canisterStateBytes, billedBytes),
    freezingLimit: (next) =>
      freezingThresholdCycles(
        context.config,
        new CanisterState(state.subnetId, next, balance, context.timeNanos),
      ),
  });
  if (!settings.ok) return settings;

  const id = chooseId();
  if (!id.ok) return id;
  const canister = new CanisterState(id.value, settings.value, balance, context.timeNanos);
  canister.recordChange({
    timeNanos: context.timeNanos,
    canisterVersion: canister.version,
    origin: changeOrigin(operation, args.sender_canister_version),
    details: {
      kind: 'creation',
      controllers: settings.value.controllers,
      environmentVariablesHash: environmentHash(settings.value.environmentVariables),
    },
  });
  state.addCanister(canister);
  return success(canister);
}

function nextId(operation: Operation): Checked<Principal> {
  const id = operation.state.allocateCanisterId();
  return id === undefined
    ? failure(
        userError(
          ErrorCode.SubnetOversubscribed,
          'Could not create canister. Subnet has surpassed its canister ID allocation.',
        ),
      )
    : success(id);
}

export const createCanister: SubnetMethod<candid.CreateCanisterArgsCandid> = {
  argument: candid.CreateCanisterArgs,
  run(operation, args) {
    const { state, call, context } = operation;
    const home = state.route(call.sender);
    const fromRoot = home !== undefined && home.equals(state.topology.rootSubnetId);
    if (call.origin.kind === 'canister' && !fromRoot && home?.equals(state.subnetId) !== true) {
      return reject(
        contractViolation(
          'Cannot create canister. Sender should be on the same subnet or on the NNS subnet.',
        ),
      );
    }
    // Subnet admins create by ingress and pay nothing.
    const fee = call.origin.kind === 'ingress' ? 0n : creationFee(context.config);
    if (call.payment < fee) {
      return reject(
        userError(
          ErrorCode.InsufficientCyclesForCreateCanister,
          `Creating a canister requires a fee of ${fee} that is deducted from the canister's initial balance ` +
            `but only ${call.payment} cycles were received with the create_canister request.`,
        ),
      );
    }
    const created = createWith(operation, args, call.payment - fee, () => nextId(operation));
    if (!created.ok) return reject(created.error);
    bookConsumed(state, created.value, fee, 'canisterCreation');
    return reply(candid.CanisterIdReply, { canister_id: toWire(created.value.id) }, 0n);
  },
};

/** Whether a caller may have this id. Undefined: yes. */
function specifiedIdFault(operation: Operation, id: Principal): UserError | undefined {
  const { state } = operation;
  const inRange = (ranges: readonly { readonly start: Principal; readonly end: Principal }[]) =>
    id.canisterIndex() !== undefined &&
    ranges.some(({ start, end }) => start.compare(id) <= 0 && id.compare(end) <= 0);
  const own = state.topology.subnets.find((subnet) => subnet.id.equals(state.subnetId));
  if (!inRange(own?.ranges ?? [])) {
    return userError(
      ErrorCode.CanisterNotHostedBySubnet,
      `Unsuccessful validation of specified ID: Specified CanisterId ${id.toText()} is not hosted by subnet ${state.subnetId.toText()}.`,
    );
  }
  // Ids of these ranges are given out in sequence and never twice; a chosen one could be both.
  if (inRange(state.allocationRanges)) {
    return invalidPayload(
      `The \`specified_id\` ${id.toText()} is invalid because it belongs to the canister allocation ranges of the test environment.`,
    );
  }
  if (state.canister(id) !== undefined) {
    return userError(
      ErrorCode.CanisterAlreadyInstalled,
      `Canister ${id.toText()} is already installed.`,
    );
  }
  return undefined;
}

export const provisionalCreate: SubnetMethod<candid.ProvisionalCreateArgsCandid> = {
  argument: candid.ProvisionalCreateArgs,
  run(operation, args) {
    const [specified] = args.specified_id;
    const [amount = DEFAULT_PROVISIONAL_CYCLES] = args.amount;
    if (amount > 2n ** 128n - 1n) {
      return reject(invalidPayload(`Amount of cycles ${amount} does not fit 128 bits.`));
    }
    const created = createWith(operation, args, amount, () => {
      if (specified === undefined) return nextId(operation);
      const id = fromWire(specified);
      const fault = specifiedIdFault(operation, id);
      return fault === undefined ? success(id) : failure(fault);
    });
    if (!created.ok) return reject(created.error);
    return reply(candid.CanisterIdReply, { canister_id: toWire(created.value.id) });
  },
};

export const provisionalTopUp: CanisterMethod<candid.ProvisionalTopUpArgsCandid> = {
  argument: candid.ProvisionalTopUpArgs,
  run(_operation, args, canister) {
    deposit(canister, args.amount);
    return replyNothing();
  },
};

export const depositCycles: CanisterMethod<candid.CanisterIdArgsCandid> = {
  argument: candid.CanisterIdArgs,
  run(operation, _args, canister) {
    deposit(canister, operation.call.payment);
    return replyNothing(0n);
  },
};

export const startCanister: CanisterMethod<candid.CanisterIdArgsCandid> = {
  argument: candid.CanisterIdArgs,
  run(operation, _args, canister) {
    cancelStopRequests(operation, canister);
    canister.status = { kind: 'running' };
    bumpVersion(operation, canister);
    return replyNothing();
  },
};

function cancelStopRequests(operation: Operation, canister: CanisterState): void {
  if (canister.status.kind !== 'stopping') return;
  const error = userError(
    ErrorCode.CanisterStoppingCancelled,
    `Canister ${canister.id.toText()}'s stop request was cancelled.`,
  );
  for (const request of canister.status.stopRequests) {
    operation.context.respond(
      request.origin,
      {
        kind: 'reject',
        code: rejectCodeOf(error.code),
        message: error.message,
        errorCode: error.code,
      },
      request.refund,
    );
  }
}

export const stopCanister: CanisterMethod<candid.CanisterIdArgsCandid> = {
  argument: candid.CanisterIdArgs,
  run(operation, _args, canister): Result {
    const { call, context } = operation;
    if (canister.status.kind === 'stopped') {
      bumpVersion(operation, canister);
      return replyNothing();
    }
    const pending: Extract<CanisterStatus, { kind: 'stopping' }> =
      canister.status.kind === 'stopping'
        ? canister.status
        : { kind: 'stopping', stopRequests: [] };
    pending.stopRequests.push({
      origin: call.origin,
      refund: call.payment,
      requestedAtNanos: context.timeNanos,
    });
    canister.status = pending;
    bumpVersion(operation, canister);
    return { kind: 'pending' };
  },
};

export const deleteCanister: CanisterMethod<candid.CanisterIdArgsCandid> = {
  argument: candid.CanisterIdArgs,
  run(operation, _args, canister) {
    const { state, call } = operation;
    const id = canister.id.toText();
    if (call.sender.equals(canister.id)) {
      return reject(
        userError(ErrorCode.CanisterInvalidController, `Canister ${id} cannot delete itself.`),
      );
    }
    if (canister.status.kind !== 'stopped') {
      return reject(
        userError(
          ErrorCode.CanisterNotStopped,
          `Canister ${id} must be stopped before it is deleted.`,
        ),
      );
    }
    if (
      canister.queues.hasInput() ||
      canister.queues.hasOutput() ||
      canister.ingressQueue.length > 0
    ) {
      return reject(
        userError(
          ErrorCode.CanisterQueueNotEmpty,
          `Canister ${id} has messages in its queues and cannot be deleted now. Please retry after some time.`,
        ),
      );
    }
    // The rest of the cycles is lost with the canister, and counts as consumed by the subnet.
    state.metrics.consumedCycles += canister.balance + canister.reservedBalance;
    if (canister.code !== undefined) executionOf(canister).dispose();
    state.removeCanister(canister.id);
    return replyNothing();
  },
};
