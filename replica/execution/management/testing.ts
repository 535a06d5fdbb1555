/**
 * For this folder's tests: a subnet's state and calls to its management canister, without rounds.
 *
 * The context does for real what the scheduler would (prepayment, views); answers that the
 * scheduler gives later are collected in `responses`.
 */
import { IDL } from '@dfinity/candid';
import type { CallOrigin, CanisterState } from '../../state/canister-state.ts';
import { ReplicatedState } from '../../state/replicated-state.ts';
import type { Cycles } from '../../types/cycles.ts';
import type { ResponsePayload } from '../../types/messages.ts';
import { Principal } from '../../types/principal.ts';
import type { SubnetConfig } from '../../types/subnet-config.ts';
import { APPLICATION_SUBNET } from '../../types/subnet-config.ts';
import { executionFee, liquidBalance } from '../cycles-account.ts';
import type { SubnetEnvironment } from '../environment.ts';
import type { ManagementContext, ManagementOutcome } from '../management-port.ts';
import { executionOf } from '../management-port.ts';
import { systemView } from '../system-view.ts';
import * as engine from '../wasm/engine.ts';
import { WorkIndex } from '../work-index.ts';
import * as candid from './candid-types.ts';
import { managementCanister } from './management.ts';
import { toWire } from './wire.ts';

export const ROOT_SUBNET = Principal.fromBytes(new Uint8Array(29).fill(1));
export const SUBNET = Principal.fromBytes(new Uint8Array(29).fill(2));
export const FIRST_ALLOCATED = 0x1000n;
/** Ids that may be asked for. */
export const FIRST_CHOSEN = 0x10n;
export const START_NANOS = 1_700_000_000_000_000_000n;

const id = (index: bigint) => Principal.fromCanisterIndex(index);

export interface Answer {
  readonly origin: CallOrigin;
  readonly payload: ResponsePayload;
  readonly refund: Cycles;
}

export type Outcome<T> =
  | { readonly kind: 'reply'; readonly value: T; readonly refund: Cycles }
  | { readonly kind: 'reject'; readonly code: number; readonly message: string; readonly refund: Cycles }
  | { readonly kind: 'pending' };

export class TestSubnet {
  readonly state: ReplicatedState;
  readonly config: SubnetConfig;
  readonly environment: SubnetEnvironment;
  readonly responses: Answer[] = [];
  timeNanos = START_NANOS;

  constructor(config: Partial<SubnetConfig> = {}) {
    this.config = { ...APPLICATION_SUBNET, ...config };
    const allocation = { start: id(FIRST_ALLOCATED), end: id(FIRST_ALLOCATED + 100n) };
    const ranges = [{ start: id(FIRST_CHOSEN), end: id(FIRST_CHOSEN + 9n) }, allocation];
    const node = { id: Principal.fromBytes(Uint8Array.of(9)), publicKey: new Uint8Array(44) };
    const topology = {
      rootSubnetId: ROOT_SUBNET,
      rootKey: new Uint8Array(133),
      registryVersion: 7n,
      subnets: [
        { id: ROOT_SUBNET, kind: 'system' as const, publicKey: new Uint8Array(133), nodes: [], ranges: [{ start: id(0n), end: id(9n) }] },
        { id: SUBNET, kind: 'application' as const, publicKey: new Uint8Array(133), nodes: [node], ranges },
      ],
    };
    this.state = new ReplicatedState(SUBNET, 'application', topology, [allocation]);
    this.environment = {
      config: this.config,
      state: this.state,
      management: managementCanister,
      engine,
      work: new WorkIndex(this.state, this.config),
    };
  }

  get #context(): ManagementContext {
    const { config, environment, state, timeNanos } = this;
    const { work } = environment;
    work.sync();
    return {
      subnetUse: { memoryBytes: work.memoryBytes, computeAllocation: work.computeAllocation },
      config,
      height: 42,
      timeNanos,
      randomness: new Uint8Array(32).fill(5),
      respond: (origin, payload, refund) => this.responses.push({ origin, payload, refund }),
      rejectCallContext: (_canister, context) => {
        context.deleted = true;
      },
      removeCode: (canister) => {
        if (canister.code !== undefined) executionOf(canister).dispose();
        canister.code = undefined;
        canister.certifiedData = new Uint8Array(0);
        canister.globalTimer = 0n;
        canister.log.records = [];
        canister.version += 1n;
      },
      systemView: (canister, options) => systemView(environment, timeNanos, canister, options),
      prepayExecution: (canister, instructions, memory64) => {
        const fee = executionFee(config, instructions, memory64);
        if (liquidBalance(config, canister) < fee) return undefined;
        canister.balance -= fee;
        return {
          settle: (used) => {
            const spent = executionFee(config, used, memory64);
            canister.balance += fee - spent;
            canister.consumed.instructions += spent;
            state.metrics.consumedCycles += spent;
          },
        };
      },
    };
  }

  /** Calls with bytes as they are. `from` a canister if it has an opaque canister id, else a user. */
  raw(method: string, arg: Uint8Array, from: Principal, payment: Cycles = 0n): ManagementOutcome {
    const origin: CallOrigin =
      from.canisterIndex() === undefined
        ? { kind: 'ingress', messageId: '00'.repeat(32), sender: from }
        : { kind: 'canister', sender: from, callbackId: 1, deadlineNanos: 0n, callee: Principal.management() };
    return managementCanister.executeManagementCall(
      this.state,
      { origin, sender: from, methodName: method, arg, payment },
      this.#context,
    );
  }

  call<T = unknown>(
    method: string,
    argument: IDL.Type,
    args: unknown,
    options: { from: Principal; payment?: Cycles; reply?: IDL.Type },
  ): Outcome<T> {
    const bytes = new Uint8Array(IDL.encode([argument], [args]));
    const outcome = this.raw(method, bytes, options.from, options.payment);
    if (outcome.kind === 'pending') return { kind: 'pending' };
    if (outcome.kind === 'reject') {
      return {
        kind: 'reject',
        code: outcome.error.code,
        message: outcome.error.message,
        refund: outcome.refund,
      };
    }
    const types = options.reply === undefined ? [] : [options.reply];
    const [value] = IDL.decode(types, outcome.data);
    return { kind: 'reply', value: value as T, refund: outcome.refund };
  }

  /** A canister of `controller` with these cycles. */
  create(controller: Principal, cycles: Cycles = 1_000_000_000_000_000n): CanisterState {
    const outcome = this.call<candid.CanisterIdArgsCandid>(
      'provisional_create_canister_with_cycles',
      candid.ProvisionalCreateArgs,
      { amount: [cycles], settings: [], specified_id: [], sender_canister_version: [] },
      { from: controller, reply: candid.CanisterIdReply },
    );
    if (outcome.kind !== 'reply') throw new Error(outcome.kind === 'reject' ? `${outcome.code} ${outcome.message}` : 'pending');
    return this.state.canister(Principal.fromBytes(outcome.value.canister_id.toUint8Array()))!;
  }

  install(
    canister: CanisterState,
    from: Principal,
    wasm: Uint8Array,
    options: { mode?: candid.InstallModeCandid; arg?: Uint8Array } = {},
  ): Outcome<unknown> {
    return this.call(
      'install_code',
      candid.InstallCodeArgs,
      {
        mode: options.mode ?? { install: null },
        canister_id: toWire(canister.id),
        wasm_module: wasm,
        arg: options.arg ?? new Uint8Array(0),
        sender_canister_version: [],
      },
      { from },
    );
  }
}

export const NO_SETTINGS: candid.CanisterSettingsCandid = {
  controllers: [],
  compute_allocation: [],
  memory_allocation: [],
  freezing_threshold: [],
  reserved_cycles_limit: [],
  minimum_incoming_canister_call_cycles: [],
  wasm_memory_limit: [],
  wasm_memory_threshold: [],
  log_visibility: [],
  snapshot_visibility: [],
  status_visibility: [],
  log_memory_limit: [],
  environment_variables: [],
};
