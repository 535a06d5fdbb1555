/**
 * A network of two subnets kept in memory, whose canisters are functions: real certificates, delegations and node
 * signatures, no execution. For tests of everything above `ReplicaPort`; not used by the replica itself.
 */
import { utf8 } from '../codec/bytes.ts';
import { encodeTagged } from '../codec/cbor.ts';
import { encodeCertificate } from '../codec/certificate.ts';
import type { HashTree, Path } from '../codec/hash-tree.ts';
import { EMPTY, leaf, setPath, treeOf, witness } from '../codec/hash-tree.ts';
import { encodeUleb128 } from '../codec/leb128.ts';
import { toHex, compareBytes, equalBytes } from '../codec/bytes.ts';
import { signStateRoot } from '../crypto/certificate.ts';
import { NodeSigningKey } from '../crypto/keys.ts';
import { signQueryResponse } from '../crypto/query-signature.ts';
import { delegationCertificate, testSubnet } from '../crypto/test-network.ts';
import type { TestSubnet } from '../crypto/test-network.ts';
import { isHiddenFromReadState } from './read-state-paths.ts';
import type {
  QueryOutcome,
  ReadStateOutcome,
  ReadStateRequest,
  ReplicaHealth,
  ReplicaPort,
  ReplicaStatus,
  SubmitOutcome,
  Target,
  UserError,
  ValidatedRequest,
  WaitFor,
} from './replica-port.ts';

export type CanisterReply = Uint8Array | UserError;

export interface TestCanister {
  query?(method: string, arg: Uint8Array, request: ValidatedRequest): CanisterReply;
  update?(method: string, arg: Uint8Array, request: ValidatedRequest): CanisterReply;
  certifiedData?: () => Uint8Array;
}

export const NO_METHOD: UserError = { rejectCode: 5, errorCode: 'IC0536', rejectMessage: 'Canister has no such method' };

interface Subnet {
  readonly keys: TestSubnet;
  readonly node: NodeSigningKey;
  readonly range: readonly [Uint8Array, Uint8Array];
  statuses: HashTree;
  senders: Map<string, Uint8Array>;
}

function canisterId(index: number): Uint8Array {
  const id = new Uint8Array(10);
  new DataView(id.buffer).setUint32(4, index);
  id[8] = 1;
  id[9] = 1;
  return id;
}

export class TestNetwork implements ReplicaPort {
  readonly root: Subnet;
  readonly application: Subnet;
  readonly canisters = new Map<string, TestCanister>();
  health: ReplicaHealth = 'healthy';
  clock: () => bigint = () => BigInt(Date.now()) * 1_000_000n;
  /** Set to hold back answers of `submitIngress`. */
  hold: Promise<void> | undefined;
  calls = 0;

  /** Needs `initBls` to have run. */
  constructor() {
    const make = (seed: number, from: number): Subnet => ({
      keys: testSubnet(seed),
      node: NodeSigningKey.fromSeed(new Uint8Array(32).fill(seed)),
      range: [canisterId(from), canisterId(from + 0xffff)],
      statuses: EMPTY,
      senders: new Map(),
    });
    this.root = make(1, 0);
    this.application = make(2, 0x10000);
  }

  /** The n-th canister id of a subnet. */
  id(subnet: Subnet, n: number): Uint8Array {
    return canisterId((subnet === this.root ? 0 : 0x10000) + n);
  }

  install(id: Uint8Array, canister: TestCanister): void {
    this.canisters.set(toHex(id), canister);
  }

  status(): ReplicaStatus {
    return { rootKey: this.root.keys.keyDer, health: this.health, certifiedHeight: 1n, implVersion: 'test' };
  }

  nowNanos(): bigint {
    return this.clock();
  }

  subnetIds(): readonly Uint8Array[] {
    return [this.root.keys.id, this.application.keys.id];
  }

  maxIngressBytes(): number {
    return 2 * 1024 * 1024;
  }

  subnetOf(target: Target): Uint8Array | undefined {
    const found = [this.root, this.application].find((subnet) =>
      target.kind === 'subnet'
        ? equalBytes(subnet.keys.id, target.subnetId)
        : compareBytes(subnet.range[0], target.effectiveCanisterId) <= 0 &&
          compareBytes(target.effectiveCanisterId, subnet.range[1]) <= 0,
    );
    return found?.keys.id;
  }

  #subnet(id: Uint8Array): Subnet {
    return equalBytes(id, this.root.keys.id) ? this.root : this.application;
  }

  async submitIngress(subnetId: Uint8Array, request: ValidatedRequest, waitFor: WaitFor): Promise<SubmitOutcome> {
    const subnet = this.#subnet(subnetId);
    const id = toHex(request.requestId);
    if (subnet.senders.has(id)) return waitFor === 'acceptance' ? { kind: 'duplicate' } : this.#certified(subnet, request.requestId);
    const canister = this.canisters.get(toHex(request.canisterId));
    if (canister === undefined) {
      return { kind: 'rejected', error: { rejectCode: 3, errorCode: 'IC0301', rejectMessage: 'Canister not found' } };
    }
    subnet.senders.set(id, request.sender);
    const run = async (): Promise<void> => {
      await this.hold;
      this.calls += 1;
      const reply = canister.update?.(request.methodName, request.arg, request) ?? NO_METHOD;
      const status: Record<string, Uint8Array> =
        reply instanceof Uint8Array
          ? { status: utf8('replied'), reply }
          : {
              status: utf8('rejected'),
              reject_code: encodeUleb128(reply.rejectCode),
              reject_message: utf8(reply.rejectMessage),
              error_code: utf8(reply.errorCode),
            };
      subnet.statuses = setPath(subnet.statuses, [request.requestId], treeOf(status));
    };
    const done = run();
    if (waitFor === 'acceptance') return { kind: 'accepted' };
    await done;
    return this.#certified(subnet, request.requestId);
  }

  #certified(subnet: Subnet, requestId: Uint8Array): SubmitOutcome {
    const paths = [[utf8('time')], [utf8('request_status'), requestId]];
    return { kind: 'certified', certificate: this.certificate(subnet, paths) };
  }

  async query(subnetId: Uint8Array, request: ValidatedRequest): Promise<QueryOutcome> {
    const subnet = this.#subnet(subnetId);
    const canister = this.canisters.get(toHex(request.canisterId));
    const reply = canister?.query?.(request.methodName, request.arg, request) ?? NO_METHOD;
    const timestampNanos = this.clock();
    const fields =
      reply instanceof Uint8Array ? ({ status: 'replied', arg: reply } as const) : ({ status: 'rejected', ...reply } as const);
    const signature = {
      timestampNanos,
      signature: signQueryResponse(subnet.node, fields, request.requestId, timestampNanos),
      identity: subnet.node.nodeId,
    };
    return reply instanceof Uint8Array
      ? { kind: 'replied', arg: reply, signature }
      : { kind: 'rejected', error: reply, signature };
  }

  async readState(subnetId: Uint8Array, request: ReadStateRequest): Promise<ReadStateOutcome> {
    const subnet = this.#subnet(subnetId);
    for (const check of request.checks) {
      if (check.kind !== 'request-status') continue;
      const sender = subnet.senders.get(toHex(check.requestId));
      if (sender !== undefined && !equalBytes(sender, request.sender)) {
        return { kind: 'refused', httpStatus: 403, text: 'The user tries to access Request ID not signed by the caller.' };
      }
    }
    const { target, apiVersion, paths } = request;
    const hide = isHiddenFromReadState({ target, apiVersion, rootSubnetId: this.root.keys.id });
    return { kind: 'certificate', certificate: this.certificate(subnet, paths, hide) };
  }

  /** A certificate of a subnet over its present state. */
  certificate(subnet: Subnet, paths: readonly Path[], hide?: (path: Path) => boolean): Uint8Array {
    const tree = this.#stateTree(subnet);
    const signature = signStateRoot(subnet.keys.key, tree.digest());
    const pruned = witness(tree, paths, hide);
    if (subnet === this.root) return encodeCertificate({ tree: pruned, signature });
    const delegation = {
      subnetId: subnet.keys.id,
      certificate: delegationCertificate(this.root.keys, subnet.keys, {
        ranges: [subnet.range],
        type: 'application',
        timeNanos: this.clock(),
      }),
    };
    return encodeCertificate({ tree: pruned, signature, delegation });
  }

  #stateTree(own: Subnet): HashTree {
    let tree = treeOf({ time: encodeUleb128(this.clock()) });
    for (const subnet of [this.root, this.application]) {
      const ranges = encodeTagged([subnet.range]);
      const at = [utf8('subnet'), subnet.keys.id];
      tree = setPath(tree, [...at, utf8('public_key')], leaf(subnet.keys.keyDer));
      tree = setPath(tree, [...at, utf8('type')], leaf(utf8(subnet === this.root ? 'system' : 'application')));
      tree = setPath(tree, [...at, utf8('canister_ranges')], leaf(ranges));
      tree = setPath(tree, [utf8('canister_ranges'), subnet.keys.id, subnet.range[0]], leaf(ranges));
      if (subnet === own) {
        tree = setPath(tree, [...at, utf8('node'), subnet.node.nodeId, utf8('public_key')], leaf(subnet.node.publicKeyDer));
        tree = setPath(tree, [...at, utf8('metrics')], leaf(utf8('metrics')));
      }
    }
    for (const [hex, canister] of this.canisters) {
      const id = Uint8Array.from(Buffer.from(hex, 'hex'));
      if (!equalBytes(this.subnetOf({ kind: 'canister', effectiveCanisterId: id })!, own.keys.id)) continue;
      tree = setPath(tree, [utf8('canister'), id, utf8('controllers')], leaf(encodeTagged([])));
      const data = canister.certifiedData?.();
      if (data !== undefined) tree = setPath(tree, [utf8('canister'), id, utf8('certified_data')], leaf(data));
    }
    return setPath(tree, [utf8('request_status')], own.statuses);
  }
}
