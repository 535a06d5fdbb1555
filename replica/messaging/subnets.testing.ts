/**
 * Test support: subnets of scripted canisters, driven batch by batch, with streams exchanged between them.
 */
import { createHash } from 'node:crypto';
import { CanisterState, defaultSettings } from '../state/canister-state.ts';
import { ReplicatedState, type NetworkTopology } from '../state/replicated-state.ts';
import type { Batch, BatchOutcome } from '../types/batch.ts';
import type { IngressMessage } from '../types/messages.ts';
import { Principal } from '../types/principal.ts';
import { APPLICATION_SUBNET, type SubnetConfig } from '../types/subnet-config.ts';
import type { WasmEngine } from '../execution/environment.ts';
import type { ManagementCanister } from '../execution/management-port.ts';
import { managementCanister } from '../execution/management/management.ts';
import { compileModule, createExecutionState } from '../execution/wasm/engine.ts';
import {
  encodeProgram,
  scriptedCode,
  scriptedEngine,
  type Op,
  type ScriptedOptions,
} from '../execution/scripted-engine.testing.ts';
import { MessageRouting } from './message-routing.ts';
import { sliceHasNews, sliceOf } from './streams.ts';

export const SECOND = 1_000_000_000n;
export const START = 1_700_000_000n * SECOND;
export const USER = Principal.fromBytes(new Uint8Array(29).fill(7));
export const RICH = 1_000_000_000_000_000n;

const SLICE_BYTES = 4 * 1024 * 1024;

export interface TestSubnetOptions {
  readonly subnets?: number;
  readonly config?: Partial<SubnetConfig>;
  readonly management?: ManagementCanister;
  /** Default: the scripted engine. */
  readonly engine?: WasmEngine;
}

export class TestSubnet {
  readonly id: Principal;
  readonly routing: MessageRouting;
  readonly log: Batch[] = [];
  readonly outcomes: BatchOutcome[] = [];
  readonly #scripts: Map<string, ScriptedOptions>;
  readonly #net: TestNetwork;
  #nextIngress = 0;

  constructor(net: TestNetwork, id: Principal, routing: MessageRouting, scripts: Map<string, ScriptedOptions>) {
    this.#net = net;
    this.id = id;
    this.routing = routing;
    this.#scripts = scripts;
  }

  get state(): ReplicatedState {
    return this.routing.state;
  }

  addCanister(options: ScriptedOptions & { cycles?: bigint; controllers?: readonly Principal[] } = {}): CanisterState {
    const id = this.state.allocateCanisterId()!;
    const canister = new CanisterState(
      id,
      defaultSettings(options.controllers ?? [USER]),
      options.cycles ?? RICH,
      this.#net.now,
    );
    canister.code = scriptedCode(options, this.#net.now);
    this.#scripts.set(id.key, options);
    this.state.addCanister(canister);
    return canister;
  }

  /** A canister that runs this module; its start function and canister_init do not run. */
  addWasm(wasm: Uint8Array, cycles = RICH): CanisterState {
    const compiled = compileModule(wasm);
    if (!compiled.ok) throw new Error(compiled.error.message);
    const execution = createExecutionState(compiled.module);
    if (!execution.ok) throw new Error(execution.error.message);
    const id = this.state.allocateCanisterId()!;
    const canister = new CanisterState(id, defaultSettings([USER]), cycles, this.#net.now);
    canister.code = { module: compiled.module, execution: execution.state, installedAtNanos: this.#net.now };
    this.state.addCanister(canister);
    return canister;
  }

  ingress(canister: Principal, program: readonly Op[], methodName = 'run', sender = USER): IngressMessage {
    return this.message(canister, canister, methodName, encodeProgram(program), sender);
  }

  message(
    receiver: Principal,
    effective: Principal,
    methodName: string,
    arg: Uint8Array,
    sender = USER,
  ): IngressMessage {
    const number = `${this.id.key}-${this.#nextIngress++}`;
    return {
      messageId: createHash('sha256').update(number).digest('hex'),
      sender,
      receiver,
      effectiveCanisterId: effective,
      methodName,
      arg,
      expiryNanos: this.#net.now + 240n * SECOND,
      envelopeBytes: arg.length + 300,
    };
  }

  batch(part: Partial<Batch> = {}): BatchOutcome {
    const height = this.state.height + 1;
    const batch: Batch = {
      height,
      timeNanos: this.#net.now,
      randomness: createHash('sha256').update(`randomness ${height}`).digest(),
      ingress: [],
      xnet: [],
      consensusResponses: [],
      ...part,
    };
    this.log.push(batch);
    const outcome = this.routing.executeBatch(batch);
    this.outcomes.push(outcome);
    return outcome;
  }

  /** Sends, runs until quiet, and gives the final status of each as text. */
  call(...messages: readonly IngressMessage[]): readonly string[] {
    this.batch({ ingress: messages });
    this.#net.settle();
    return messages.map((message) => this.status(message));
  }

  status(message: IngressMessage): string {
    const entry = this.state.ingressHistory.get(message.messageId);
    if (entry === undefined) return 'unknown';
    const { status } = entry;
    switch (status.kind) {
      case 'replied':
        return `replied ${new TextDecoder().decode(status.reply)}`;
      case 'rejected':
        return `rejected ${status.error.code} ${status.error.message}`;
      default:
        return status.kind;
    }
  }
}

export class TestNetwork {
  now = START;
  readonly subnets: TestSubnet[] = [];

  constructor(options: TestSubnetOptions = {}) {
    const count = options.subnets ?? 1;
    const ids = Array.from({ length: count }, (_, index) => Principal.fromBytes(new Uint8Array(29).fill(100 + index)));
    const topology: NetworkTopology = {
      rootSubnetId: ids[0]!,
      rootKey: new Uint8Array(133),
      registryVersion: 1n,
      subnets: ids.map((id, index) => ({
        id,
        kind: 'application',
        publicKey: new Uint8Array(133),
        nodes: [],
        ranges: [rangeOf(index)],
      })),
    };
    ids.forEach((id, index) => {
      const state = new ReplicatedState(id, 'application', topology, [rangeOf(index)]);
      const scripts = new Map<string, ScriptedOptions>();
      const routing = new MessageRouting({
        config: { ...APPLICATION_SUBNET, ...options.config },
        state,
        management: options.management ?? managementCanister,
        engine: options.engine ?? scriptedEngine((id) => scripts.get(Principal.fromBytes(id).key) ?? {}),
      });
      this.subnets.push(new TestSubnet(this, id, routing, scripts));
    });
  }

  get subnet(): TestSubnet {
    return this.subnets[0]!;
  }

  /** Slices for `to` that it has not taken in. */
  slicesFor(to: TestSubnet): Batch['xnet'] {
    const slices = [];
    for (const from of this.subnets) {
      const stream = from.state.streams.get(to.id.key);
      if (from === to || stream === undefined) continue;
      const received = to.state.streams.get(from.id.key)?.signalsEnd ?? 0;
      const slice = sliceOf(stream, received, SLICE_BYTES);
      if (sliceHasNews(to.state, from.id, slice)) slices.push({ from: from.id, slice });
    }
    return slices;
  }

  /** Rounds on all subnets until nothing is left to do at this time. Throws when that does not end. */
  settle(maxRounds = 1000): void {
    for (let round = 0; round < maxRounds; round++) {
      let busy = false;
      for (const subnet of this.subnets) {
        const xnet = this.slicesFor(subnet);
        const more = subnet.outcomes.at(-1)?.moreWork ?? false;
        if (xnet.length === 0 && !more) continue;
        busy = true;
        subnet.batch({ xnet });
      }
      if (!busy) return;
    }
    throw new Error(`not quiet after ${maxRounds} rounds`);
  }

  advance(nanos: bigint): void {
    this.now += nanos;
    for (const subnet of this.subnets) subnet.batch({ xnet: this.slicesFor(subnet) });
    this.settle();
  }
}

function rangeOf(index: number): { start: Principal; end: Principal } {
  const start = BigInt(index) * 0x10_0000n;
  return { start: Principal.fromCanisterIndex(start), end: Principal.fromCanisterIndex(start + 0xf_ffffn) };
}
