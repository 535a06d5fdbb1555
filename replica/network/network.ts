/**
 * All subnets of a network behind the port that the HTTP layer speaks to. It does not know whether a node runs in this
 * thread or in a worker: it has one `SubnetNodeApi` per subnet.
 *
 * Starting: nodes recover by themselves; then the root subnet signs the others' delegations, and each pair of subnets
 * gets the streams that the other still keeps (slices are not stored).
 */
import type {
  PrincipalBytes,
  QueryOutcome,
  ReadStateOutcome,
  ReadStateRequest,
  ReplicaHealth,
  ReplicaPort,
  ReplicaStatus,
  SubmitOutcome,
  Target,
  ValidatedRequest,
  WaitFor,
} from '../http/replica-port.ts';
import type { SubnetNodeApi } from '../node/types.ts';
import { rootSubnet, subnetOfCanister } from '../registry/registry.ts';
import type { Registry, SubnetRecord } from '../registry/registry.ts';
import { Principal } from '../types/principal.ts';
import { APPLICATION_SUBNET, SYSTEM_SUBNET } from '../types/subnet-config.ts';
import type { SubnetStatus } from './subnet-keeper.ts';

export const IMPLEMENTATION_VERSION = 'parley-0.1.0';

/** Clients accept delegations up to 30 days old; certificates are remade long before. */
const DELEGATION_RENEWAL_MILLIS = 24 * 60 * 60 * 1000;

const RUNNING: SubnetStatus = { state: 'running', restarts: 0 };

interface Subnet {
  readonly record: SubnetRecord;
  readonly node: SubnetNodeApi;
}

export class Network implements ReplicaPort {
  readonly registry: Registry;
  /** As in `registry.subnets`. */
  readonly nodes: readonly SubnetNodeApi[];
  readonly #nowNanos: () => bigint;
  readonly #byId = new Map<string, Subnet>();
  /** By the very objects that `subnetOf` and `subnetIds` give out. */
  readonly #byOwnId = new Map<PrincipalBytes, Subnet>();
  /** What `subnetOf` found: the registry does not change, and the HTTP layer gives the same targets again. */
  readonly #serving = new WeakMap<Target, { readonly id: PrincipalBytes | undefined }>();
  readonly #statusOf: (at: number) => SubnetStatus;
  /** As in `registry.subnets`: the last certificate that delegates to it, none for the root subnet. */
  readonly #delegations: (Uint8Array | undefined)[] = [];
  #health: ReplicaHealth = 'starting';
  #certifiedHeight: bigint | undefined;

  /** `statusOf` tells of a subnet by its place in the registry; without it all are taken to run. */
  constructor(registry: Registry, nodes: readonly SubnetNodeApi[], nowNanos: () => bigint, statusOf: (at: number) => SubnetStatus = () => RUNNING) {
    this.registry = registry;
    this.#statusOf = statusOf;
    this.nodes = nodes;
    this.#nowNanos = nowNanos;
    for (const [at, record] of registry.subnets.entries()) {
      const subnet = { record, node: nodes[at]! };
      this.#byId.set(record.id.key, subnet);
      this.#byOwnId.set(record.id.bytes, subnet);
    }
  }

  /** Resolves when every endpoint can answer. */
  async start(): Promise<void> {
    this.#health = 'waiting_for_root_delegation';
    await this.#delegateAll();
    await this.#exchangeStreams();
    this.#health = 'healthy';
  }

  /** What a subnet that was started again has missed; `node` is the new one, which others are not led to yet. */
  async rejoin(at: number, node: SubnetNodeApi): Promise<void> {
    const { subnets } = this.registry;
    if (at > 0) await node.setDelegation(await this.#delegationOf(at));
    for (const [other, record] of subnets.entries()) {
      if (other === at) continue;
      await passOn(this.nodes[other]!, node, record, subnets[at]!);
      await passOn(node, this.nodes[other]!, subnets[at]!, record);
    }
  }

  /** Renews the delegations from time to time; returns how to stop. Where a node is broken, the old ones stay. */
  keepDelegationsFresh(): () => void {
    const timer = setInterval(() => void this.#delegateAll().catch(() => {}), DELEGATION_RENEWAL_MILLIS);
    timer.unref();
    return () => clearInterval(timer);
  }

  async #delegateAll(): Promise<void> {
    await Promise.all(
      this.nodes.map(async (node, at) => {
        if (at > 0) await node.setDelegation(await this.#delegationOf(at));
      }),
    );
  }

  /** The last one serves while the root subnet does not. */
  async #delegationOf(at: number): Promise<Uint8Array> {
    try {
      return (this.#delegations[at] = await this.nodes[0]!.delegate(this.registry.subnets[at]!.id.bytes));
    } catch (error) {
      const last = this.#delegations[at];
      if (!last) throw error;
      return last;
    }
  }

  async #exchangeStreams(): Promise<void> {
    const { subnets } = this.registry;
    for (const [from, sender] of this.nodes.entries()) {
      for (const [to, receiver] of this.nodes.entries()) {
        if (from !== to) await passOn(sender, receiver, subnets[from]!, subnets[to]!);
      }
    }
  }

  deliverSlice(from: Principal, to: PrincipalBytes, slice: Uint8Array): void {
    void this.#byId.get(Principal.fromBytes(to).key)?.node.receiveSlice(from.bytes, slice);
  }

  rootCertified(height: number): void {
    this.#certifiedHeight = BigInt(height);
  }

  markUnhealthy(): void {
    this.#health = 'certified_state_behind';
  }

  /** Of the subnet at this place in the registry. */
  subnetStatus(at: number): SubnetStatus {
    return this.#statusOf(at);
  }

  // -------------------------------------------------------------------------------------------------------------------

  status(): ReplicaStatus {
    return {
      rootKey: rootSubnet(this.registry).publicKey,
      health: this.#health,
      ...(this.#certifiedHeight !== undefined && { certifiedHeight: this.#certifiedHeight }),
      implVersion: IMPLEMENTATION_VERSION,
    };
  }

  nowNanos(): bigint {
    return this.#nowNanos();
  }

  subnetOf(target: Target): PrincipalBytes | undefined {
    let serving = this.#serving.get(target);
    if (serving === undefined) this.#serving.set(target, (serving = { id: this.#subnetOf(target) }));
    return serving.id;
  }

  #subnetOf(target: Target): PrincipalBytes | undefined {
    if (target.kind === 'subnet') return this.#byId.get(Principal.fromBytes(target.subnetId).key)?.record.id.bytes;
    const id = Principal.fromBytes(target.effectiveCanisterId);
    // Clients refuse a delegated certificate for the management canister's id; the root subnet needs no delegation.
    if (id.isManagement()) return rootSubnet(this.registry).id.bytes;
    return subnetOfCanister(this.registry, id)?.id.bytes;
  }

  subnetIds(): readonly PrincipalBytes[] {
    return this.registry.subnets.map((subnet) => subnet.id.bytes);
  }

  maxIngressBytes(subnetId: PrincipalBytes): number {
    return (this.#subnet(subnetId).record.kind === 'system' ? SYSTEM_SUBNET : APPLICATION_SUBNET).maxIngressBytes;
  }

  submitIngress(subnetId: PrincipalBytes, request: ValidatedRequest, waitFor: WaitFor): Promise<SubmitOutcome> {
    return this.#subnet(subnetId).node.submitIngress(request, waitFor);
  }

  query(subnetId: PrincipalBytes, request: ValidatedRequest): Promise<QueryOutcome> {
    return this.#subnet(subnetId).node.query(request);
  }

  readState(subnetId: PrincipalBytes, request: ReadStateRequest): Promise<ReadStateOutcome> {
    return this.#subnet(subnetId).node.readState(request);
  }

  #subnet(id: PrincipalBytes): Subnet {
    const subnet = this.#byOwnId.get(id) ?? this.#byId.get(Principal.fromBytes(id).key);
    if (!subnet) throw new Error(`no subnet ${Principal.fromBytes(id).toText()}`);
    return subnet;
  }
}

/** All of the stream between two subnets that its sender still keeps. */
async function passOn(sender: SubnetNodeApi, receiver: SubnetNodeApi, from: SubnetRecord, to: SubnetRecord): Promise<void> {
  const slice = await sender.sliceFor(to.id.bytes);
  if (slice) await receiver.receiveSlice(from.id.bytes, slice);
}
