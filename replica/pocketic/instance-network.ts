/**
 * The network inside a PocketIC instance: the replica's own nodes, in this process and in memory,
 * stepped round by round under a clock that only the test moves.
 *
 * Always: nothing runs between `tick`s; all subnets share one time, which strictly increases with
 * every round; two runs of the same program give the same states.
 */
import { keyedRandomness } from '../consensus/solo.ts';
import { toHex } from '../codec/bytes.ts';
import { hashOfMap } from '../codec/request-id.ts';
import { BlsSecretKey, initBls } from '../crypto/bls.ts';
import { signStateRoot } from '../crypto/certificate.ts';
import { NodeSigningKey, selfAuthenticatingId } from '../crypto/keys.ts';
import { executionOf } from '../execution/management-port.ts';
import { managementCanister } from '../execution/management/management.ts';
import { executeEntryPoint } from '../execution/wasm/engine.ts';
import type { ValidatedRequest } from '../http/replica-port.ts';
import { MessageRouting } from '../messaging/message-routing.ts';
import { Network } from '../network/network.ts';
import { NOT_DURABLE } from '../node/durable-state.ts';
import { Eviction } from '../node/eviction.ts';
import { SubnetNode } from '../node/subnet-node.ts';
import type { NodeHost } from '../node/types.ts';
import { secretsFromSeed } from '../registry/keys.ts';
import type { Registry, SubnetRecord } from '../registry/registry.ts';
import { subnetOfCanister, topologyOf } from '../registry/registry.ts';
import { ReplicatedState } from '../state/replicated-state.ts';
import type { CanisterState } from '../state/canister-state.ts';
import type { IngressStatus } from '../state/replicated-state.ts';
import type { ConsensusResponse } from '../types/batch.ts';
import { Principal } from '../types/principal.ts';
import type { SubnetConfig } from '../types/subnet-config.ts';
import { APPLICATION_SUBNET, SYSTEM_SUBNET } from '../types/subnet-config.ts';
import { SteppedConsensus } from './stepped-consensus.ts';
import type { PocketSubnet, TextRange } from './topology.ts';

/** Keys are not secrets here, and the same in every instance. */
const SEED = 1;
const INGRESS_TTL_NANOS = 300_000_000_000n;
/** A signed envelope is about this much larger than its argument. */
const ENVELOPE_OVERHEAD_BYTES = 350;

export interface RunningSubnet {
  readonly spec: PocketSubnet;
  readonly record: SubnetRecord;
  readonly node: SubnetNode;
  readonly state: ReplicatedState;
  readonly config: SubnetConfig;
  readonly environment: MessageRouting['environment'];
  /** Answers of consensus that go into the next block. */
  readonly responses: ConsensusResponse[];
}

export interface CallRequest {
  readonly sender: Principal;
  readonly canisterId: Principal;
  readonly effectiveId: Principal;
  readonly methodName: string;
  readonly arg: Uint8Array;
  readonly senderInfo?: { readonly info: Uint8Array; readonly signer: Uint8Array };
}

function rangesOf(ranges: readonly TextRange[]): SubnetRecord['ranges'] {
  return ranges.map(([start, end]) => ({
    start: Principal.fromText(start),
    end: Principal.fromText(end),
  }));
}

export interface InstanceOptions {
  readonly startNanos: bigint;
  readonly onDebugPrint?: (canister: Principal, text: string) => void;
  /** Answers of consensus that no test gave: time-outs. Called before each block of a subnet. */
  readonly dueResponses?: (subnet: RunningSubnet, timeNanos: bigint) => readonly ConsensusResponse[];
}

export class InstanceNetwork {
  readonly subnets: readonly RunningSubnet[];
  readonly port: Network;
  readonly registry: Registry;
  readonly #clock: { nanos: bigint };
  /** The time that the next round will have, if a test set one. */
  #wantedNanos: bigint | undefined;
  #nonce = 0n;

  private constructor(
    registry: Registry,
    subnets: readonly RunningSubnet[],
    port: Network,
    clock: { nanos: bigint },
  ) {
    this.registry = registry;
    this.subnets = subnets;
    this.port = port;
    this.#clock = clock;
  }

  static async start(specs: readonly PocketSubnet[], options: InstanceOptions): Promise<InstanceNetwork> {
    await initBls();
    const secrets = specs.map((_spec, index) => secretsFromSeed(SEED, index));
    const subnetKeys = secrets.map(({ subnetSeed }) => BlsSecretKey.fromSeed(subnetSeed));
    const nodeKeys = secrets.map(({ nodeSeed }) => NodeSigningKey.fromSeed(nodeSeed));
    const registry: Registry = {
      version: 1n,
      subnets: specs.map((spec, index) => {
        const publicKey = subnetKeys[index]!.publicKeyDer();
        const nodePublicKey = nodeKeys[index]!.publicKeyDer;
        const nodeId = Principal.fromBytes(selfAuthenticatingId(nodePublicKey));
        return {
          id: Principal.fromBytes(selfAuthenticatingId(publicKey)),
          kind: spec.kind,
          publicKey,
          nodes: [{ id: nodeId, publicKey: nodePublicKey }],
          ranges: rangesOf(spec.ranges),
          allocationRanges: rangesOf(spec.allocationRanges),
        };
      }),
    };
    const topology = topologyOf(registry);
    const clock = { nanos: options.startNanos };
    // Set once the nodes exist; they only use it afterwards.
    const transport: { network?: Network } = {};
    const subnets = specs.map((spec, index): RunningSubnet => {
      const record = registry.subnets[index]!;
      const config = {
        ...(spec.kind === 'system' ? SYSTEM_SUBNET : APPLICATION_SUBNET),
        ...spec.config,
      };
      const state = new ReplicatedState(record.id, spec.kind, topology, record.allocationRanges);
      const routing = new MessageRouting({
        config,
        state,
        management: managementCanister,
        engine: { executeEntryPoint },
        onDebugPrint: options.onDebugPrint,
      });
      const host: NodeHost = {
        sendSlice: (to, slice) => transport.network?.deliverSlice(record.id, to, slice),
        certified: (height) => {
          if (index === 0) transport.network?.rootCertified(height);
        },
        log: () => {},
        broken: (reason) => {
          process.stderr.write(`subnet ${record.id.toText()} stopped: ${reason}\n`);
        },
      };
      const responses: ConsensusResponse[] = [];
      const node: SubnetNode = new SubnetNode({
        state,
        config,
        routing,
        consensus: (payload) =>
          new SteppedConsensus(payload, keyedRandomness(secrets[index]!.randomnessKey), (timeNanos) => [
            ...responses.splice(0),
            ...(options.dueResponses?.(running, timeNanos) ?? []),
          ]),
        durable: NOT_DURABLE,
        clock: { nowNanos: () => clock.nanos, wakeAt: () => {} },
        host,
        nodeKey: nodeKeys[index]!,
        signRoot: (rootHash) => signStateRoot(subnetKeys[index]!, rootHash),
        eviction: new Eviction((canister) =>
          canister.code === undefined ? undefined : executionOf(canister),
        ),
      });
      const running: RunningSubnet = {
        spec,
        record,
        node,
        state,
        config,
        environment: routing.environment,
        responses,
      };
      return running;
    });
    const port = new Network(
      registry,
      subnets.map(({ node }) => node),
      () => clock.nanos,
    );
    transport.network = port;
    const network = new InstanceNetwork(registry, subnets, port, clock);
    await port.start();
    await network.tick();
    return network;
  }

  // ---------------------------------------------------------------- time and rounds

  /** The time of the last round, or the one set since for the next. */
  get timeNanos(): bigint {
    return this.#wantedNanos ?? this.#clock.nanos;
  }

  /** For the next round. False: it would go back. */
  setTime(nanos: bigint): boolean {
    if (nanos < this.timeNanos) return false;
    if (nanos > this.timeNanos) this.#wantedNanos = nanos;
    return true;
  }

  /** One round on every subnet. */
  async tick(): Promise<void> {
    this.#clock.nanos = this.#wantedNanos ?? this.#clock.nanos + 1n;
    this.#wantedNanos = undefined;
    await Promise.all(this.subnets.map(({ node }) => node.makeBlock()));
  }

  // ---------------------------------------------------------------- canisters

  subnetById(id: Principal): RunningSubnet | undefined {
    return this.subnets.find(({ record }) => record.id.equals(id));
  }

  /** By the routing table, whether or not the canister exists. */
  subnetOf(canister: Principal): RunningSubnet | undefined {
    const record = subnetOfCanister(this.registry, canister);
    return record && this.subnetById(record.id);
  }

  canister(id: Principal): CanisterState | undefined {
    return this.subnetOf(id)?.state.canister(id);
  }

  // ---------------------------------------------------------------- calls

  /** Every request is another one, even with equal content. */
  request(call: CallRequest): ValidatedRequest {
    const nonce = new Uint8Array(8);
    this.#nonce += 1n;
    new DataView(nonce.buffer).setBigUint64(0, this.#nonce);
    const ingressExpiryNanos = this.timeNanos + INGRESS_TTL_NANOS;
    return {
      requestId: hashOfMap({
        request_type: 'call',
        sender: call.sender.bytes,
        ingress_expiry: ingressExpiryNanos,
        nonce,
        canister_id: call.canisterId.bytes,
        method_name: call.methodName,
        arg: call.arg,
      }),
      sender: call.sender.bytes,
      canisterId: call.canisterId.bytes,
      methodName: call.methodName,
      arg: call.arg,
      ingressExpiryNanos,
      effectiveId: call.effectiveId.bytes,
      envelopeBytes: call.arg.length + ENVELOPE_OVERHEAD_BYTES,
      ...(call.senderInfo && { senderInfo: call.senderInfo }),
    };
  }

  /** The end of a message on a subnet; undefined while it has none. */
  ended(subnet: RunningSubnet, requestId: Uint8Array): IngressStatus | undefined {
    return subnet.node.ended(toHex(requestId));
  }

  async stop(): Promise<void> {
    for (const { node } of this.subnets) await node.stop({ crash: true });
  }
}
