/**
 * What `ic0` can see of a canister and its subnet while one message runs.
 *
 * Always: built from the state as it is after the execution prepayment was taken; the state does not change while the
 * view is in use.
 */
import { saturatingSub } from '../types/cycles.ts';
import type { TimeNanos } from '../types/messages.ts';
import { Principal, hexOfBytes, type PrincipalKey } from '../types/principal.ts';
import type { CanisterState } from '../state/canister-state.ts';
import { guaranteedRequestBytes, MESSAGE_OVERHEAD_BYTES } from '../state/queues.ts';
import {
  callPrepayment,
  creationFee,
  freezingThresholdCycles,
  httpOutcallFee,
  reservationFor,
  thresholdSignatureFee,
  totalPrepayment,
} from './cycles-account.ts';
import { logBytes } from './canister-log.ts';
import type { SubnetEnvironment } from './environment.ts';
import type { SystemViewOptions } from './management-port.ts';
import type { EngineError, FeeView, SystemView } from './wasm/types.ts';

/** The one canister that may mint cycles. */
const CYCLES_MINTING_CANISTER = Principal.fromText('rkp4c-7iaaa-aaaaa-aaaca-cai');

/** Names of threshold keys that exist on the network. */
const KEY_NAMES = new Set(['key_1', 'test_key_1', 'dfx_test_key']);

const STATUS_NUMBERS = { running: 1, stopping: 2, stopped: 3 } as const;

export interface ViewOptions extends SystemViewOptions {
  readonly dataCertificate?: () => Uint8Array;
}

export function systemView(
  environment: SubnetEnvironment,
  timeNanos: TimeNanos,
  canister: CanisterState,
  options: ViewOptions = {},
): SystemView {
  const { config, state, work } = environment;
  const memory64 = canister.code?.module.memory64 ?? false;
  const { onDebugPrint, onTrap } = environment;
  return {
    canisterId: canister.id.bytes,
    subnetId: state.subnetId.bytes,
    subnetNodeCount: config.feeSubnetSize,
    timeNanos,
    canisterVersion: options.version ?? canister.version,
    status: STATUS_NUMBERS[canister.status.kind],
    isController: (bytes) => canister.isController(Principal.fromBytes(bytes)),
    environment: canister.settings.environmentVariables.map(({ name, value }) => [name, value] as const),
    rootKey: state.topology.rootKey,
    dataCertificate: options.dataCertificate,
    cyclesBalance: canister.balance,
    freezingLimit: (extraBytes, extraMessageBytes) =>
      freezingThresholdCycles(config, canister, extraBytes, extraMessageBytes),
    checkGrowth: (extraBytes, balance) => growthFault(environment, canister, extraBytes, balance, options.caller),
    subnetMemoryAvailableBytes: BigInt(Math.max(0, config.memoryCapacityBytes - work.memoryBytes) + unusedAllocation(canister)),
    wasmMemoryLimitBytes: BigInt(canister.settings.wasmMemoryLimit),
    globalTimerNanos: options.globalTimerNanos ?? canister.globalTimer,
    admitCall: callAdmission(environment, canister),
    fees: feeView(environment, memory64),
    logCapacityBytes: canister.settings.logMemoryLimit,
    logRemainingBytes: Math.max(0, canister.settings.logMemoryLimit - logBytes(canister)),
    onDebugPrint: onDebugPrint === undefined ? undefined : (text) => onDebugPrint(canister.id, text),
    onTrap: onTrap === undefined ? undefined : (trap) => onTrap(canister.id, trap),
    mayMintCycles: canister.id.equals(CYCLES_MINTING_CANISTER),
  };
}

/** What the canister has allocated and not used is counted as taken, but is its own. */
function unusedAllocation(canister: CanisterState): number {
  const { memoryAllocation } = canister.settings;
  return memoryAllocation === 0 ? 0 : Math.max(0, memoryAllocation - canister.memoryUsage());
}

function growthFault(
  { config, state }: SubnetEnvironment,
  canister: CanisterState,
  extraBytes: bigint,
  balance: bigint,
  caller: Principal | undefined,
): EngineError | null {
  const reservation = reservationFor(config, state, canister, Number(extraBytes));
  if (reservation.overLimit > 0n) {
    const limit = canister.settings.reservedCyclesLimit;
    return {
      code: 'IC0534',
      message:
        `Canister cannot grow memory by ${extraBytes} bytes due to its reserved cycles limit. ` +
        `The current limit (${limit}) would be exceeded by ${reservation.overLimit}.`,
    };
  }
  const threshold = freezingThresholdCycles(config, canister, extraBytes);
  const missing = saturatingSub(threshold, reservation.cycles) + reservation.cycles - balance;
  if (missing <= 0n) return null;
  const hint =
    caller !== undefined && canister.isController(caller) ? ` At least ${missing} additional cycles are required.` : '';
  return {
    code: 'IC0532',
    message: `Canister cannot grow memory by ${extraBytes} bytes due to insufficient cycles.${hint}`,
  };
}

/**
 * Whether one more call fits: queue slots to the callee, callbacks, memory for the response.
 * Counts the calls already made by the same message, which are only applied after it.
 */
function callAdmission(environment: SubnetEnvironment, canister: CanisterState): SystemView['admitCall'] {
  const { config, work } = environment;
  const earlierPerCallee = new Map<PrincipalKey, number>();
  let counted = 0;
  let earlierGuaranteed = 0;
  return (callee, requestBytes, bestEffort, earlier) => {
    if (earlier.length < counted) {
      // The message is run once more.
      earlierPerCallee.clear();
      counted = 0;
      earlierGuaranteed = 0;
    }
    for (; counted < earlier.length; counted++) {
      const call = earlier[counted]!;
      const key = hexOfBytes(call.callee) as PrincipalKey;
      earlierPerCallee.set(key, (earlierPerCallee.get(key) ?? 0) + 1);
      if (call.timeoutSeconds === undefined) earlierGuaranteed += memoryOf(call.payload.length + Buffer.byteLength(call.method));
    }
    const key = hexOfBytes(callee) as PrincipalKey;
    if (!canister.queues.canSendRequest(key, config.queueCapacity, earlierPerCallee.get(key) ?? 0)) return false;
    const openHere = canister.callbacks.size + earlier.length;
    if (
      openHere >= config.callbacksGuaranteedPerCanister &&
      work.callbacks + earlier.length >= config.callbacksSoftLimit
    ) {
      return false;
    }
    if (bestEffort) return true;
    const memory = work.guaranteedBytes + earlierGuaranteed + memoryOf(requestBytes);
    return memory <= config.guaranteedResponseMemoryBytes;
  };
}

/** Message memory of a guaranteed-response request with this many bytes of method name and payload. */
function memoryOf(requestBytes: number): number {
  return guaranteedRequestBytes(requestBytes + MESSAGE_OVERHEAD_BYTES);
}

function feeView({ config }: SubnetEnvironment, memory64: boolean): FeeView {
  const keyFee = (name: string): bigint | null => (KEY_NAMES.has(name) ? thresholdSignatureFee(config) : null);
  return {
    callPrepayment: (nameBytes, payloadBytes) =>
      totalPrepayment(callPrepayment(config, nameBytes + payloadBytes, memory64)),
    costCall: (nameBytes, payloadBytes) => totalPrepayment(callPrepayment(config, nameBytes + payloadBytes, memory64)),
    costCreateCanister: () => creationFee(config),
    costHttpRequest: (requestBytes, maxResponseBytes) => httpOutcallFee(config, requestBytes, maxResponseBytes),
    costSignWithEcdsa: keyFee,
    costSignWithSchnorr: keyFee,
    costVetKdDeriveKey: keyFee,
  };
}
