/**
 * One PocketIC instance: the operations of the REST protocol on an instance's network.
 *
 * Always: operations run one after the other in order of arrival, so that concurrent requests of a
 * test see whole rounds only. Each takes parsed JSON and gives JSON; a mistake of the client is a
 * BadRequest.
 *
 * Source: PocketIC REST protocol, "Instance".
 */
import { toHex } from '../codec/bytes.ts';
import { sha256 } from '../codec/sha256.ts';
import { utf8 } from '../codec/bytes.ts';
import { deposit } from '../execution/cycles-account.ts';
import { callDestination } from '../execution/management/methods.ts';
import { executionOf } from '../execution/management-port.ts';
import type { CanisterState } from '../state/canister-state.ts';
import { errorCodeText, rejectCodeOf } from '../types/errors.ts';
import type { UserError } from '../types/errors.ts';
import type { Principal } from '../types/principal.ts';
import { BadRequest, base64, bytes, natural, object, principal, text } from './fields.ts';
import type { JsonObject } from './fields.ts';
import type { CallRequest, RunningSubnet } from './instance-network.ts';
import { InstanceNetwork } from './instance-network.ts';
import type { JsonValue } from './json.ts';
import { dueOutcalls, mockOutcall, pendingOutcalls, performOutcalls } from './outcalls.ts';
import { defaultSubnet, subnetsOf } from './topology.ts';

/** 2021-05-06T19:17:10Z, the genesis of the public network. */
const GENESIS_NANOS = 1_620_328_630_000_000_000n;
/** Rounds within which an awaited message must end. */
const MAX_AWAIT_ROUNDS = 100;
const WASM_PAGE_BYTES = 65_536;
/** Pause between rounds of an instance that follows the wall clock. */
const AUTO_PROGRESS_PAUSE_MILLIS = 100;

export type BlobStore = ReadonlyMap<string, Uint8Array>;

interface Reject {
  readonly rejectCode: number;
  readonly rejectMessage: string;
  readonly errorCode: string;
}

function rejectJson(error: Reject, certified: boolean): JsonValue {
  return {
    Err: {
      reject_code: error.rejectCode,
      reject_message: error.rejectMessage,
      error_code: Number(error.errorCode.slice(2)),
      certified,
    },
  };
}

function rejectOf(error: UserError): Reject {
  return {
    rejectCode: rejectCodeOf(error.code),
    rejectMessage: error.message,
    errorCode: errorCodeText(error.code),
  };
}

/** The protocol's forms of the place a message is for. */
type EffectivePrincipal =
  | { readonly kind: 'none' }
  | { readonly kind: 'subnet'; readonly id: Principal }
  | { readonly kind: 'canister'; readonly id: Principal };

function effectivePrincipal(value: JsonValue | undefined): EffectivePrincipal {
  if (value === undefined || value === 'None') return { kind: 'none' };
  const fields = object(value, 'effective_principal');
  if (fields.SubnetId !== undefined) return { kind: 'subnet', id: principal(fields.SubnetId, 'SubnetId') };
  if (fields.CanisterId !== undefined) return { kind: 'canister', id: principal(fields.CanisterId, 'CanisterId') };
  throw new BadRequest('effective_principal must be "None", SubnetId or CanisterId');
}

export interface InstanceConfig {
  readonly onDebugPrint?: (canister: Principal, text: string) => void;
}

export class Instance {
  readonly network: InstanceNetwork;
  #queue: Promise<unknown> = Promise.resolve();
  #autoProgress: NodeJS.Timeout | undefined;
  #autoProgressOn = false;

  private constructor(network: InstanceNetwork) {
    this.network = network;
  }

  /** From the body of a create-instance request. Throws BadRequest. */
  static async create(body: JsonValue, config: InstanceConfig = {}): Promise<Instance> {
    const fields = object(body, 'body');
    const subnets = subnetsOf(fields.subnet_config_set);
    const features = Object.entries(object(fields.icp_features ?? {}, 'icp_features'));
    const wanted = features.filter(([, value]) => value !== undefined && value !== null);
    if (wanted.length > 0) {
      throw new BadRequest(
        `icp_features ${wanted.map(([name]) => name).join(', ')}: the system canisters of the public network are not available here.`,
      );
    }
    const autoProgress = object(fields.initial_time ?? {}, 'initial_time').AutoProgress;
    const timestamp = object(fields.initial_time ?? {}, 'initial_time').Timestamp;
    const startNanos =
      timestamp === undefined
        ? GENESIS_NANOS
        : natural(object(timestamp, 'Timestamp').nanos_since_epoch, 'nanos_since_epoch');
    const network = await InstanceNetwork.start(subnets, {
      startNanos,
      onDebugPrint: config.onDebugPrint,
      dueResponses: dueOutcalls,
    });
    const instance = new Instance(network);
    if (autoProgress !== undefined) instance.startAutoProgress();
    return instance;
  }

  /** Runs `work` after everything that came before it. */
  inTurn<T>(work: () => Promise<T> | T): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => {});
    return result;
  }

  async stop(): Promise<void> {
    this.stopAutoProgress();
    await this.inTurn(() => this.network.stop());
  }

  // ---------------------------------------------------------------- reads

  topology(): JsonValue {
    const { subnets } = this.network;
    const range = ({ start, end }: { start: Principal; end: Principal }): JsonValue => ({
      start: { canister_id: base64(start.bytes) },
      end: { canister_id: base64(end.bytes) },
    });
    const configs = subnets.map(({ spec, record }) => [
      record.id.toText(),
      {
        subnet_kind: spec.pocketKind,
        subnet_seed: [...sha256(utf8(`pocket-subnet ${record.id.toText()}`))],
        instruction_config: spec.instructionConfig,
        canister_ranges: record.ranges.map(range),
        size: spec.size,
      },
    ]);
    const preferred = subnets[defaultSubnet(subnets.map(({ spec }) => spec))]!;
    return {
      subnet_configs: Object.fromEntries(configs) as JsonObject,
      default_effective_canister_id: {
        canister_id: base64(preferred.record.allocationRanges[0]!.start.bytes),
      },
    };
  }

  time(): JsonValue {
    return { nanos_since_epoch: this.network.timeNanos };
  }

  #canister(body: JsonObject): CanisterState {
    const id = principal(body.canister_id, 'canister_id');
    const canister = this.network.canister(id);
    if (canister === undefined) throw new BadRequest(`CanisterNotFound(CanisterId(${id.toText()}))`);
    return canister;
  }

  #withCode(body: JsonObject): CanisterState {
    const canister = this.#canister(body);
    if (canister.code === undefined) {
      throw new BadRequest(`CanisterIsEmpty(CanisterId(${canister.id.toText()}))`);
    }
    return canister;
  }

  cycles(body: JsonObject): JsonValue {
    return { cycles: this.#canister(body).balance };
  }

  controllers(body: JsonObject): JsonValue {
    return this.#canister(body).settings.controllers.map(({ bytes: id }) => ({ principal_id: base64(id) }));
  }

  stableMemory(body: JsonObject): JsonValue {
    const execution = executionOf(this.#withCode(body));
    return { blob: base64(execution.readStable(0, execution.stableBytes)) };
  }

  subnet(body: JsonObject): JsonValue {
    const id = principal(body.canister_id, 'canister_id');
    if (this.network.canister(id) === undefined) return null;
    return { subnet_id: base64(this.network.subnetOf(id)!.record.id.bytes) };
  }

  publicKey(body: JsonObject): JsonValue {
    const id = principal(body.subnet_id, 'subnet_id');
    const subnet = this.network.subnetById(id);
    if (subnet === undefined) throw new BadRequest(`SubnetNotFound(${id.toText()})`);
    return [...subnet.record.publicKey];
  }

  async query(body: JsonObject): Promise<JsonValue> {
    const { subnet, call } = this.#call(body);
    const outcome = await subnet.node.query(this.network.request(call));
    if (outcome.kind === 'replied') return { Ok: base64(outcome.arg) };
    if (outcome.kind === 'rejected') return rejectJson(outcome.error, false);
    throw new BadRequest(outcome.text, outcome.httpStatus);
  }

  pendingOutcalls(): JsonValue {
    return this.network.subnets.flatMap(pendingOutcalls);
  }

  // ---------------------------------------------------------------- calls

  /** Where a call goes and what it is, by the protocol's rules for the effective principal. */
  #call(body: JsonObject): { readonly subnet: RunningSubnet; readonly call: CallRequest } {
    const canisterId = principal(body.canister_id, 'canister_id');
    const methodName = text(body.method, 'method');
    const arg = bytes(body.payload, 'payload');
    const { subnet, effectiveId } = this.#route(
      effectivePrincipal(body.effective_principal),
      canisterId,
      methodName,
      arg,
    );
    const info = body.sender_info;
    const senderInfo =
      info === undefined || info === null
        ? undefined
        : {
            info: bytes(object(info, 'sender_info').info, 'info'),
            signer: principal(object(info, 'sender_info').signer, 'signer').bytes,
          };
    return {
      subnet,
      call: {
        sender: principal(body.sender, 'sender'),
        canisterId,
        effectiveId,
        methodName,
        arg,
        ...(senderInfo && { senderInfo }),
      },
    };
  }

  #route(
    place: EffectivePrincipal,
    canisterId: Principal,
    methodName: string,
    arg: Uint8Array,
  ): { readonly subnet: RunningSubnet; readonly effectiveId: Principal } {
    const destination = canisterId.isManagement()
      ? callDestination(methodName, arg)
      : ({ kind: 'canister', id: canisterId } as const);
    const named = destination.kind === 'canister' ? destination.id : undefined;
    if (place.kind === 'subnet') {
      const subnet = this.network.subnetById(place.id);
      if (subnet === undefined) throw new BadRequest(`SubnetNotFound(${place.id.toText()})`);
      return { subnet, effectiveId: named ?? subnet.record.allocationRanges[0]!.start };
    }
    const id = place.kind === 'canister' ? place.id : named;
    const { subnets } = this.network;
    const fallback = subnets[defaultSubnet(subnets.map(({ spec }) => spec))]!;
    if (id === undefined) {
      return { subnet: fallback, effectiveId: fallback.record.allocationRanges[0]!.start };
    }
    const subnet = this.network.subnetOf(id);
    if (subnet !== undefined) return { subnet, effectiveId: id };
    if (methodName === 'provisional_create_canister_with_cycles') {
      throw new BadRequest(
        `The effective canister ID ${id.toText()} does not belong to an existing subnet and it is not a mainnet canister ID.`,
      );
    }
    // Whatever the default subnet says of an id that nobody hosts: the canister does not exist.
    return { subnet: fallback, effectiveId: id };
  }

  async submit(body: JsonObject): Promise<JsonValue> {
    const { subnet, call } = this.#call(body);
    const request = this.network.request(call);
    const outcome = await subnet.node.submitIngress(request, 'acceptance');
    if (outcome.kind === 'rejected') return rejectJson(outcome.error, false);
    if (outcome.kind === 'unavailable') throw new BadRequest(outcome.text, outcome.httpStatus);
    return {
      Ok: {
        effective_principal: { SubnetId: base64(subnet.record.id.bytes) },
        message_id: base64(request.requestId),
      },
    };
  }

  #message(body: JsonObject): { readonly subnet: RunningSubnet; readonly id: Uint8Array } {
    const place = effectivePrincipal(body.effective_principal);
    const subnet =
      place.kind === 'subnet'
        ? this.network.subnetById(place.id)
        : place.kind === 'canister'
          ? this.network.subnetOf(place.id)
          : undefined;
    if (subnet === undefined) throw new BadRequest('BadIngressMessage("unknown effective principal")');
    return { subnet, id: bytes(body.message_id, 'message_id') };
  }

  #ended(subnet: RunningSubnet, id: Uint8Array): JsonValue | undefined {
    const status = this.network.ended(subnet, id);
    if (status?.kind === 'replied') return { Ok: base64(status.reply) };
    if (status?.kind === 'rejected') return rejectJson(rejectOf(status.error), true);
    return undefined;
  }

  async await(body: JsonObject): Promise<JsonValue> {
    const { subnet, id } = this.#message(body);
    for (let round = 0; round <= MAX_AWAIT_ROUNDS; round += 1) {
      const result = this.#ended(subnet, id);
      if (result !== undefined) return result;
      if (round < MAX_AWAIT_ROUNDS) await this.network.tick();
    }
    throw new BadRequest(
      `BadIngressMessage("Failed to answer to ingress 0x${toHex(id)} after ${MAX_AWAIT_ROUNDS} rounds.")`,
    );
  }

  ingressStatus(body: JsonObject): JsonValue {
    const { subnet, id } = this.#message(object(body.raw_message_id, 'raw_message_id'));
    const given = body.raw_caller;
    if (given !== undefined && given !== null) {
      const caller =
        typeof given === 'string'
          ? principal(given, 'raw_caller')
          : principal(object(given, 'raw_caller').principal_id, 'principal_id');
      const entry = subnet.state.ingressHistory.get(toHex(id));
      if (entry !== undefined && !entry.sender.equals(caller)) throw new BadRequest('Forbidden', 403);
    }
    return this.#ended(subnet, id) ?? null;
  }

  // ---------------------------------------------------------------- changes

  async tick(): Promise<JsonValue> {
    await this.network.tick();
    return null;
  }

  async setTime(body: JsonObject, certified: boolean): Promise<JsonValue> {
    const nanos = natural(body.nanos_since_epoch, 'nanos_since_epoch');
    const before = this.network.timeNanos;
    if (!this.network.setTime(nanos)) throw new BadRequest(`SettingTimeIntoPast((${before}, ${nanos}))`);
    if (certified) await this.network.tick();
    return null;
  }

  addCycles(body: JsonObject): JsonValue {
    const canister = this.#canister(body);
    deposit(canister, natural(body.amount, 'amount', 128));
    return { cycles: canister.balance };
  }

  setStableMemory(body: JsonObject, blobs: BlobStore): JsonValue {
    const canister = this.#withCode(body);
    const id = toHex(bytes(body.blob_id, 'blob_id'));
    const blob = blobs.get(id);
    if (blob === undefined) throw new BadRequest(`BlobNotFound(${id})`);
    const execution = executionOf(canister);
    // Through zero, so that nothing of the old content shows behind a shorter blob.
    execution.resizeStable(0);
    execution.resizeStable(Math.ceil(blob.length / WASM_PAGE_BYTES) * WASM_PAGE_BYTES);
    execution.writeStable(0, blob);
    canister.markDirty();
    return null;
  }

  mockOutcall(body: JsonObject): JsonValue {
    const id = principal(object(body.subnet_id, 'subnet_id').subnet_id, 'subnet_id');
    const subnet = this.network.subnetById(id);
    if (subnet === undefined) throw new BadRequest(`SubnetNotFound(${id.toText()})`);
    mockOutcall(subnet, body);
    return null;
  }

  // ---------------------------------------------------------------- following the wall clock

  get autoProgress(): boolean {
    return this.#autoProgressOn;
  }

  startAutoProgress(): void {
    if (this.#autoProgressOn) throw new BadRequest('Auto progress mode has already been enabled.');
    this.#autoProgressOn = true;
    const inFlight = this.network.subnets.map(() => new Set<number>());
    const step = async (): Promise<void> => {
      for (const [index, subnet] of this.network.subnets.entries()) {
        performOutcalls(subnet, inFlight[index]!);
      }
      this.network.setTime(BigInt(Date.now()) * 1_000_000n);
      await this.network.tick();
    };
    const loop = (): void => {
      if (!this.#autoProgressOn) return;
      void this.inTurn(step).finally(() => {
        if (this.#autoProgressOn) this.#autoProgress = setTimeout(loop, AUTO_PROGRESS_PAUSE_MILLIS);
      });
    };
    loop();
  }

  stopAutoProgress(): void {
    this.#autoProgressOn = false;
    clearTimeout(this.#autoProgress);
  }
}
