/**
 * The replicated state as the hash tree that a subnet certifies, kept up to date in proportion to what changed.
 *
 * Always: the tree, and so its root hash, is a function of the state alone; a tree updated batch by batch equals one
 * built at once from the same state. Never: a path that the HTTP interface does not know, except `/streams`, which
 * only other subnets get to see.
 * Source: Interface Spec, "The system state tree"; both forms of canister ranges are given, so that every generation
 * of clients finds the one it looks for.
 */
import { equalBytes, utf8 } from '../codec/bytes.ts';
import { encodeTagged } from '../codec/cbor.ts';
import type { HashTree } from '../codec/hash-tree.ts';
import { EMPTY, label, leaf, mapDelete, mapGet, mapOf, mapSet, treeOf } from '../codec/hash-tree.ts';
import { encodeUleb128 } from '../codec/leb128.ts';
import type { BatchOutcome } from '../types/batch.ts';
import { errorCodeText, rejectCodeOf } from '../types/errors.ts';
import type { MessageId } from '../types/messages.ts';
import { Principal } from '../types/principal.ts';
import type { CanisterState, ModuleInfo } from './canister-state.ts';
import { encodeCanisterMessage, encodeStreamHeader } from './message-codec.ts';
import type { CanisterRange, IngressEntry, IngressStatus, NetworkTopology, ReplicatedState, Stream, SubnetTopology } from './replicated-state.ts';

const TIME = label('time');
const SUBNET = label('subnet');
const CANISTER = label('canister');
const CANISTER_RANGES = label('canister_ranges');
const REQUEST_STATUS = label('request_status');
const STREAMS = label('streams');
const METRICS = label('metrics');
export const STREAM_HEADER = label('header');
export const STREAM_MESSAGES = label('messages');

/** Ranges of a subnet in one leaf of `/canister_ranges`; the public replica uses the same. */
const RANGES_PER_SHARD = 5;

export class CertifiedTree {
  #tree: HashTree;
  #topology: NetworkTopology;
  #metadata = new WeakMap<ModuleInfo, HashTree>();

  /** Builds the whole tree. */
  constructor(state: ReplicatedState) {
    this.#topology = state.topology;
    this.#tree = mapOf([
      [TIME, leaf(encodeUleb128(state.timeNanos))],
      [SUBNET, subnetTree(state)],
      [CANISTER_RANGES, shardedRanges(state.topology)],
      [CANISTER, mapOf([...state.canisters.values()].map((canister) => [canister.id.bytes, this.#canisterTree(canister)] as const))],
      [REQUEST_STATUS, mapOf([...state.ingressHistory.values()].map((entry) => [idBytes(entry.messageId), statusTree(entry)] as const))],
      [STREAMS, mapOf([...state.streams].map(([to, stream]) => [Principal.fromKey(to).bytes, streamTree(stream)] as const))],
    ]);
  }

  /** The tree of the state after the last update. Immutable: keep it as long as you like. */
  get tree(): HashTree {
    return this.#tree;
  }

  /** Brings the tree up to the state after a batch. */
  update(state: ReplicatedState, outcome: BatchOutcome): HashTree {
    let tree = mapSet(this.#tree, TIME, leaf(encodeUleb128(state.timeNanos)));
    tree = mapSet(tree, SUBNET, this.#updatedSubnets(mapGet(tree, SUBNET)!, state));
    if (state.topology !== this.#topology) {
      this.#topology = state.topology;
      tree = mapSet(tree, CANISTER_RANGES, shardedRanges(state.topology));
    }
    if (outcome.changedCanisters.length + outcome.removedCanisters.length > 0) {
      let canisters = mapGet(tree, CANISTER)!;
      for (const key of outcome.removedCanisters) canisters = mapDelete(canisters, Principal.fromKey(key).bytes);
      for (const key of outcome.changedCanisters) canisters = this.#withCanister(canisters, state.canisters.get(key));
      tree = mapSet(tree, CANISTER, canisters);
    }
    if (outcome.changedIngress.length > 0) {
      let statuses = mapGet(tree, REQUEST_STATUS)!;
      for (const id of outcome.changedIngress) {
        const entry = state.ingressHistory.get(id);
        statuses = entry ? mapSet(statuses, idBytes(id), statusTree(entry)) : mapDelete(statuses, idBytes(id));
      }
      tree = mapSet(tree, REQUEST_STATUS, statuses);
    }
    if (outcome.changedStreams.length > 0) {
      let streams = mapGet(tree, STREAMS)!;
      for (const key of outcome.changedStreams) {
        const to = Principal.fromKey(key).bytes;
        streams = mapSet(streams, to, updatedStreamTree(mapGet(streams, to), state.streams.get(key)!));
      }
      tree = mapSet(tree, STREAMS, streams);
    }
    this.#tree = tree;
    return tree;
  }

  #updatedSubnets(subnets: HashTree, state: ReplicatedState): HashTree {
    if (state.topology !== this.#topology) return subnetTree(state);
    const own = state.subnetId.bytes;
    return mapSet(subnets, own, mapSet(mapGet(subnets, own)!, METRICS, metricsLeaf(state)));
  }

  #withCanister(canisters: HashTree, canister: CanisterState | undefined): HashTree {
    if (canister === undefined) return canisters;
    const before = mapGet(canisters, canister.id.bytes);
    const after = this.#canisterTree(canister);
    return before !== undefined && equalBytes(before.digest(), after.digest()) ? canisters : mapSet(canisters, canister.id.bytes, after);
  }

  #canisterTree(canister: CanisterState): HashTree {
    const { code } = canister;
    const entries: [Uint8Array, HashTree][] = [
      [label('controllers'), leaf(encodeTagged(canister.settings.controllers.map((controller) => controller.bytes)))],
      [label('canister_creation_timestamp'), leaf(encodeUleb128(canister.createdAtNanos))],
    ];
    if (code) {
      entries.push(
        [label('certified_data'), leaf(canister.certifiedData)],
        [label('module_hash'), leaf(code.module.hash)],
        [label('last_install_timestamp'), leaf(encodeUleb128(code.installedAtNanos))],
      );
      if (code.module.customSections.length > 0) entries.push([label('metadata'), this.#metadataTree(code.module)]);
    }
    return mapOf(entries);
  }

  /** The sections of a module do not change; canisters with the same module share this. */
  #metadataTree(module: ModuleInfo): HashTree {
    let tree = this.#metadata.get(module);
    if (!tree) {
      tree = mapOf(module.customSections.map(({ name, content }) => [utf8(name), leaf(content)] as const));
      this.#metadata.set(module, tree);
    }
    return tree;
  }
}

function idBytes(id: MessageId): Uint8Array {
  return Uint8Array.from(Buffer.from(id, 'hex'));
}

/** Thousands of messages have the same few statuses and labels: the nodes are shared, their digests made once. */
const STATUS: Readonly<Record<IngressStatus['kind'], HashTree>> = {
  received: treeOf({ status: utf8('received') }),
  processing: treeOf({ status: utf8('processing') }),
  replied: treeOf({ status: utf8('replied') }),
  rejected: treeOf({ status: utf8('rejected') }),
  done: treeOf({ status: utf8('done') }),
};
const REPLY = label('reply');
const REJECT_CODE = label('reject_code');
const REJECT_MESSAGE = label('reject_message');
const ERROR_CODE = label('error_code');

function statusTree({ status }: IngressEntry): HashTree {
  let tree = STATUS[status.kind];
  if (status.kind === 'replied') tree = mapSet(tree, REPLY, leaf(status.reply));
  if (status.kind === 'rejected') {
    tree = mapSet(tree, REJECT_CODE, leaf(encodeUleb128(rejectCodeOf(status.error.code))));
    tree = mapSet(tree, REJECT_MESSAGE, leaf(utf8(status.error.message)));
    tree = mapSet(tree, ERROR_CODE, leaf(utf8(errorCodeText(status.error.code))));
  }
  return tree;
}

// ---------------------------------------------------------------------------------------------------------------------
// Subnets and ranges.

function subnetTree(state: ReplicatedState): HashTree {
  return mapOf(
    state.topology.subnets.map((subnet) => {
      const entries: [Uint8Array, HashTree][] = [
        [label('public_key'), leaf(subnet.publicKey)],
        [label('type'), leaf(utf8(subnet.kind))],
        [CANISTER_RANGES, leaf(encodeRanges(subnet.ranges))],
      ];
      if (subnet.id.equals(state.subnetId)) {
        entries.push([label('node'), mapOf(subnet.nodes.map((node) => [node.id.bytes, treeOf({ public_key: node.publicKey })] as const))]);
        entries.push([METRICS, metricsLeaf(state)]);
      }
      return [subnet.id.bytes, mapOf(entries)] as const;
    }),
  );
}

export function encodeRanges(ranges: readonly CanisterRange[]): Uint8Array {
  return encodeTagged(ranges.map(({ start, end }) => [start.bytes, end.bytes]));
}

function shardedRanges(topology: NetworkTopology): HashTree {
  return mapOf(topology.subnets.map((subnet) => [subnet.id.bytes, shardsOf(subnet)] as const));
}

function shardsOf(subnet: SubnetTopology): HashTree {
  const shards: [Uint8Array, HashTree][] = [];
  for (let at = 0; at < subnet.ranges.length; at += RANGES_PER_SHARD) {
    const shard = subnet.ranges.slice(at, at + RANGES_PER_SHARD);
    shards.push([shard[0]!.start.bytes, leaf(encodeRanges(shard))]);
  }
  // An empty map would be an Empty node, on which the path listing of some clients throws.
  if (shards.length === 0) shards.push([Principal.fromCanisterIndex(0n).bytes, leaf(encodeRanges([]))]);
  return mapOf(shards);
}

/** CBOR map with integer keys: 0 canisters, 1 state bytes, 2 consumed cycles {0: low, 1: high u64}, 3 update transactions. */
function metricsLeaf(state: ReplicatedState): HashTree {
  const { metrics } = state;
  const low = metrics.consumedCycles & 0xffff_ffff_ffff_ffffn;
  const high = metrics.consumedCycles >> 64n;
  const cycles = high > 0n ? [0xa2, 0, ...cborNat(low), 1, ...cborNat(high)] : [0xa1, 0, ...cborNat(low)];
  return leaf(
    Uint8Array.from([
      0xa4,
      ...[0, ...cborNat(BigInt(state.canisters.size))],
      ...[1, ...cborNat(BigInt(metrics.canisterStateBytes))],
      ...[2, ...cycles],
      ...[3, ...cborNat(metrics.updateTransactions)],
    ]),
  );
}

/** Major type 0, shortest form (RFC 8949 §3.1). */
function cborNat(value: bigint): number[] {
  if (value < 24n) return [Number(value)];
  for (const [prefix, bytes] of [[0x18, 1], [0x19, 2], [0x1a, 4], [0x1b, 8]] as const) {
    if (value >> BigInt(8 * bytes) !== 0n) continue;
    return [prefix, ...Array.from({ length: bytes }, (_, at) => Number((value >> BigInt(8 * (bytes - 1 - at))) & 0xffn))];
  }
  throw new RangeError(`${value} does not fit in 64 bits`);
}

// ---------------------------------------------------------------------------------------------------------------------
// Streams.

/** Label of a stream message: its index, u64 big endian, so that labels order as indices do. */
export function streamIndexLabel(index: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(index));
  return bytes;
}

function headerLeaf(stream: Stream): HashTree {
  const { begin, messages, signalsEnd, rejectSignals } = stream;
  return leaf(encodeStreamHeader({ begin, end: begin + messages.length, signalsEnd, rejectSignals }));
}

function streamTree(stream: Stream): HashTree {
  const messages = stream.messages.map((message, at) => [streamIndexLabel(stream.begin + at), leaf(encodeCanisterMessage(message))] as const);
  return mapOf([
    [STREAM_HEADER, headerLeaf(stream)],
    [STREAM_MESSAGES, mapOf(messages)],
  ]);
}

/** Messages are only appended at the end and dropped at the beginning. */
function updatedStreamTree(before: HashTree | undefined, stream: Stream): HashTree {
  if (!before) return streamTree(stream);
  let messages = mapGet(before, STREAM_MESSAGES)!;
  const oldLabels = firstAndLastIndex(messages);
  let next = stream.begin;
  if (oldLabels) {
    for (let index = oldLabels.first; index <= oldLabels.last && index < stream.begin; index++) {
      messages = mapDelete(messages, streamIndexLabel(index));
    }
    next = Math.max(next, oldLabels.last + 1);
  }
  for (; next < stream.begin + stream.messages.length; next++) {
    messages = mapSet(messages, streamIndexLabel(next), leaf(encodeCanisterMessage(stream.messages[next - stream.begin]!)));
  }
  return mapOf([
    [STREAM_HEADER, headerLeaf(stream)],
    [STREAM_MESSAGES, messages],
  ]);
}

function firstAndLastIndex(messages: HashTree): { first: number; last: number } | undefined {
  if (messages === EMPTY) return undefined;
  const edge = (side: 'left' | 'right'): number => {
    let node = messages;
    while (node.kind === 'fork') node = node[side];
    if (node.kind !== 'labeled') throw new Error('a stream tree without indices');
    return Number(new DataView(node.label.buffer, node.label.byteOffset, 8).getBigUint64(0));
  };
  return { first: edge('left'), last: edge('right') };
}
