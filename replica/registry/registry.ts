/**
 * Who is in the network: subnets, their nodes and keys, and which subnet hosts which canister ids.
 *
 * Always: ranges of different subnets do not overlap; the version grows with every change; the first subnet is the
 * root subnet, under whose key everything verifies. Secrets (see keys.ts) are not part of it.
 *
 * In a network on one machine the registry is a file that the supervisor owns; the subnets see it as the topology in
 * their state. It becomes a canister when governance does.
 */
import { toHex, fromHex } from '../codec/bytes.ts';
import { selfAuthenticatingId } from '../crypto/keys.ts';
import type { CanisterRange, NetworkTopology } from '../state/replicated-state.ts';
import { Principal } from '../types/principal.ts';
import type { SubnetKind } from '../types/subnet-config.ts';
import { decodeChecked, encodeChecked } from './checked-json.ts';

export interface SubnetRecord {
  readonly id: Principal;
  readonly kind: SubnetKind;
  /** DER, 133 bytes. */
  readonly publicKey: Uint8Array;
  readonly nodes: readonly { readonly id: Principal; readonly publicKey: Uint8Array }[];
  /** All ids that route to the subnet, ascending. */
  readonly ranges: readonly CanisterRange[];
  /** Of these, where `create_canister` takes new ids from. */
  readonly allocationRanges: readonly CanisterRange[];
}

export interface Registry {
  readonly version: bigint;
  /** In order of their creation; the first is the root subnet. */
  readonly subnets: readonly SubnetRecord[];
}

export class RegistryError extends Error {}

function range(start: bigint, end: bigint): CanisterRange {
  return { start: Principal.fromCanisterIndex(start), end: Principal.fromCanisterIndex(end) };
}

/**
 * Where the public network keeps its well-known canisters: the NNS subnet (registry, ledger ryjl3, CMC rkp4c, Internet
 * Identity rdmx6), bitcoin, and the SNS, cycles-ledger (um5iw) and fiduciary subnets. Ids in them are given only to who asks for
 * a specific one, so that the next canister to be created never takes a well-known id.
 */
const WELL_KNOWN: readonly CanisterRange[] = [
  range(0n, 0xf_ffffn),
  range(0x1a0_0000n, 0x1af_ffffn),
  range(0x200_0000n, 0x23f_ffffn),
];

/** Ids of a range: 2^24, far more than one machine can hold. */
const RANGE_BITS = 24n;
const FIRST_APPLICATION_RANGE = 0x100n;
const FIRST_SYSTEM_RANGE = 0xf000n;
/** Beside them, as many ids for who asks for a specific one. */
const CHOSEN_RANGE_OFFSET = 0x1000n;

/** Ranges of the subnet that is the `index`-th of its kind. Only the first system subnet hosts the well-known ids. */
export function rangesFor(kind: SubnetKind, index: number): { ranges: CanisterRange[]; allocationRanges: CanisterRange[] } {
  const start = ((kind === 'system' ? FIRST_SYSTEM_RANGE : FIRST_APPLICATION_RANGE) + BigInt(index)) << RANGE_BITS;
  const length = 1n << RANGE_BITS;
  const chosenStart = start + (CHOSEN_RANGE_OFFSET << RANGE_BITS);
  const allocated = range(start, start + length - 1n);
  const chosen = range(chosenStart, chosenStart + length - 1n);
  const wellKnown = kind === 'system' && index === 0 ? WELL_KNOWN : [];
  return { ranges: [...wellKnown, allocated, chosen], allocationRanges: [allocated] };
}

export interface NewSubnet {
  readonly kind: SubnetKind;
  readonly publicKey: Uint8Array;
  readonly nodePublicKey: Uint8Array;
  /** Default: `rangesFor` the kind. */
  readonly ranges?: readonly CanisterRange[];
  readonly allocationRanges?: readonly CanisterRange[];
}

/** The registry of a network of subnets with one node each. */
export function createRegistry(subnets: readonly NewSubnet[]): Registry {
  const seen = { system: 0, application: 0 };
  return {
    version: 1n,
    subnets: subnets.map(({ kind, publicKey, nodePublicKey, ranges, allocationRanges }) => ({
      id: Principal.fromBytes(selfAuthenticatingId(publicKey)),
      kind,
      publicKey,
      nodes: [{ id: Principal.fromBytes(selfAuthenticatingId(nodePublicKey)), publicKey: nodePublicKey }],
      ...withGiven(rangesFor(kind, seen[kind]++), ranges, allocationRanges),
    })),
  };
}

function withGiven(
  usual: { ranges: readonly CanisterRange[]; allocationRanges: readonly CanisterRange[] },
  ranges: readonly CanisterRange[] | undefined,
  allocationRanges: readonly CanisterRange[] | undefined,
): { ranges: readonly CanisterRange[]; allocationRanges: readonly CanisterRange[] } {
  if (!ranges) return usual;
  return { ranges, allocationRanges: allocationRanges ?? ranges };
}

/** What subnets and clients see of it. */
export function topologyOf(registry: Registry): NetworkTopology {
  const root = rootSubnet(registry);
  return {
    rootSubnetId: root.id,
    rootKey: root.publicKey,
    subnets: [...registry.subnets]
      .sort((a, b) => a.id.compare(b.id))
      .map(({ id, kind, publicKey, nodes, ranges }) => ({ id, kind, publicKey, nodes, ranges })),
    registryVersion: registry.version,
  };
}

export function rootSubnet(registry: Registry): SubnetRecord {
  const [root] = registry.subnets;
  if (!root) throw new RegistryError('a network has at least one subnet');
  return root;
}

/** The subnet that hosts a canister id, or undefined. */
export function subnetOfCanister(registry: Registry, canisterId: Principal): SubnetRecord | undefined {
  return registry.subnets.find(({ ranges }) => ranges.some(({ start, end }) => start.key <= canisterId.key && canisterId.key <= end.key));
}

// ---------------------------------------------------------------------------------------------------------------------
// As a file.

const FORMAT = 'parley-registry-1';

export function encodeRegistry(registry: Registry): string {
  const plain = (ranges: readonly CanisterRange[]): string[][] => ranges.map(({ start, end }) => [start.toText(), end.toText()]);
  const subnets = registry.subnets.map((subnet) => ({
    id: subnet.id.toText(),
    kind: subnet.kind,
    publicKey: toHex(subnet.publicKey),
    nodes: subnet.nodes.map((node) => ({ id: node.id.toText(), publicKey: toHex(node.publicKey) })),
    ranges: plain(subnet.ranges),
    allocationRanges: plain(subnet.allocationRanges),
  }));
  return encodeChecked({ format: FORMAT, version: registry.version.toString(), subnets });
}

interface PlainSubnet {
  id: string;
  kind: SubnetKind;
  publicKey: string;
  nodes: { id: string; publicKey: string }[];
  ranges: string[][];
  allocationRanges: string[][];
}

/** Throws RegistryError for anything but what `encodeRegistry` wrote. */
export function decodeRegistry(text: string): Registry {
  try {
    const plain = decodeChecked(text) as unknown as { format: string; version: string; subnets: PlainSubnet[] };
    if (plain.format !== FORMAT) throw new RegistryError(`unknown format ${String(plain.format)}`);
    const ranges = (texts: string[][]): CanisterRange[] =>
      texts.map(([start, end]) => ({ start: Principal.fromText(start!), end: Principal.fromText(end!) }));
    const registry: Registry = {
      version: BigInt(plain.version),
      subnets: plain.subnets.map((subnet) => ({
        id: Principal.fromText(subnet.id),
        kind: subnet.kind,
        publicKey: fromHex(subnet.publicKey),
        nodes: subnet.nodes.map((node) => ({ id: Principal.fromText(node.id), publicKey: fromHex(node.publicKey) })),
        ranges: ranges(subnet.ranges),
        allocationRanges: ranges(subnet.allocationRanges),
      })),
    };
    rootSubnet(registry);
    return registry;
  } catch (error) {
    if (error instanceof RegistryError) throw error;
    throw new RegistryError(`not a registry: ${(error as Error).message}`);
  }
}
