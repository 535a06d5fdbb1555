/**
 * Slices of streams as they travel between subnets: the messages and the header inside a certificate of the sending
 * subnet, so that whoever carries them can lose, repeat or delay them but not change them.
 *
 * A slice is a CBOR map {tree, signatures, certificate}. `tree` is a pruned state tree that reveals
 * `/streams/<receiving subnet>/{header, messages/<index>…}`, the indices without gaps. `signatures` are [node id, Ed25519
 * signature of the tree's root] of a quorum of the sender's nodes. `certificate` is the sender's, by its BLS key and the
 * root subnet's delegation, and names the keys of its nodes. So a slice is checked against the root key alone; the
 * certificate is the same for every slice and is checked once. The receiver takes nothing that the tree does not prove.
 *
 * Why not a BLS signature on each slice: one takes five milliseconds to make and check, two of them lie on the way of
 * every call between subnets and back, and that is more than all the rest of the call. Source: design, "Streams between
 * subnets are certified".
 */
import { concatBytes, utf8 } from '../codec/bytes.ts';
import { asMap, CborError, decodeCbor, encodeCbor } from '../codec/cbor.ts';
import type { CborValue } from '../codec/cbor.ts';
import { parsePublicKey } from '../codec/der.ts';
import type { HashTree } from '../codec/hash-tree.ts';
import { children, encodeHashTree, HashTreeError, hashTreeFromCbor, isWellFormed, lookup, lookupLeaf, witness } from '../codec/hash-tree.ts';
import { domainSeparated } from '../codec/request-id.ts';
import { CertificateError } from '../crypto/certificate.ts';
import { verifyEd25519 } from '../crypto/ed25519.ts';
import { STREAM_HEADER, STREAM_MESSAGES, streamIndexLabel } from '../state/certified-tree.ts';
import { decodeCanisterMessage, decodeStreamHeader } from '../state/message-codec.ts';
import { RecordError } from '../state/record.ts';
import type { StreamSlice } from '../types/batch.ts';
import type { CanisterMessage } from '../types/messages.ts';
import { Principal } from '../types/principal.ts';
import type { NodeKeys } from './node-keys-certificate.ts';
import { certifiedNodeKeys } from './node-keys-certificate.ts';

export class SliceError extends Error {}

/** What a sending subnet is known by. */
export interface SliceSender {
  readonly subnetId: Principal;
  /** The nodes that the registry lists; a quorum of them must have signed. */
  readonly nodeIds: readonly Principal[];
  /** DER; the sender's certificate must hold under it. */
  readonly rootKey: Uint8Array;
}

export interface SliceSignature {
  readonly nodeId: Uint8Array;
  /** Over {@link slicePayload} of the tree. */
  readonly signature: Uint8Array;
}

/** How many of n nodes must agree, of which fewer than a third lie: n - f with n = 3f+1. One of one. */
export function sliceQuorum(nodes: number): number {
  return nodes - Math.floor((nodes - 1) / 3);
}

/** What a node signs. Its own domain: a signature on a slice is good for nothing else that the node's key signs. */
export function slicePayload(tree: HashTree): Uint8Array {
  return domainSeparated('parley-stream-slice', tree.digest());
}

/** Map of three entries, and the first key. */
const HEAD = concatBytes(Uint8Array.of(0xa3), encodeCbor('tree'));
const KEY_SIGNATURES = encodeCbor('signatures');
const KEY_CERTIFICATE = encodeCbor('certificate');

/**
 * The slice of the stream to `to` with messages `from` (inclusive) to `end` (exclusive), as bytes. `tree` is complete;
 * `certificate` shows the keys of the nodes that signed.
 */
export function encodeSlice(tree: HashTree, to: Principal, from: number, end: number, signatures: readonly SliceSignature[], certificate: Uint8Array): Uint8Array {
  const stream = [utf8('streams'), to.bytes];
  const paths: Uint8Array[][] = [[...stream, STREAM_HEADER]];
  for (let index = from; index < end; index++) paths.push([...stream, STREAM_MESSAGES, streamIndexLabel(index)]);
  const signed = encodeCbor(signatures.map(({ nodeId, signature }) => [nodeId, signature]));
  return concatBytes(HEAD, encodeHashTree(witness(tree, paths)), KEY_SIGNATURES, signed, KEY_CERTIFICATE, encodeCbor(certificate));
}

/** Checks that the sending subnet vouches for the slice, and reads what was sent to `to`. Throws SliceError. */
export function decodeSlice(encoded: Uint8Array, sender: SliceSender, to: Principal): StreamSlice {
  try {
    const fields = asMap(decodeCbor(encoded));
    if (!fields || fields['tree'] === undefined || !(fields['certificate'] instanceof Uint8Array)) throw new SliceError('not a slice');
    const tree = hashTreeFromCbor(fields['tree']);
    if (!isWellFormed(tree)) throw new SliceError('labels out of order');
    const keys = certifiedNodeKeys(fields['certificate'], sender.rootKey, sender.subnetId);
    checkQuorum(slicePayload(tree), fields['signatures'], sender.nodeIds, keys);
    return readSlice(tree, to);
  } catch (error) {
    if (error instanceof CborError || error instanceof HashTreeError || error instanceof CertificateError || error instanceof RecordError) throw new SliceError(error.message, { cause: error });
    throw error;
  }
}

function checkQuorum(payload: Uint8Array, signatures: CborValue, nodeIds: readonly Principal[], keys: NodeKeys): void {
  const needed = sliceQuorum(nodeIds.length);
  if (!Array.isArray(signatures) || signatures.length > nodeIds.length) throw new SliceError('not a list of signatures');
  const waiting = new Set(nodeIds.map(({ key }) => key));
  let good = 0;
  for (const entry of signatures as readonly CborValue[]) {
    const [id, signature] = Array.isArray(entry) ? (entry as readonly CborValue[]) : [];
    if (!(id instanceof Uint8Array) || !(signature instanceof Uint8Array)) throw new SliceError('not a signature');
    const node = Principal.tryFromBytes(id);
    // Each node counts once.
    if (!node || !waiting.delete(node.key)) continue;
    const der = keys.get(node.key);
    if (der && verifyEd25519(parsePublicKey(der).key, payload, signature)) good++;
  }
  if (nodeIds.length === 0 || good < needed) throw new SliceError(`signed by ${good} of the sender's nodes, ${needed} are needed`);
}

function readSlice(tree: HashTree, to: Principal): StreamSlice {
  const path = [utf8('streams'), to.bytes];
  const headerBytes = lookupLeaf(tree, [...path, STREAM_HEADER]);
  if (!headerBytes) throw new SliceError('no header');
  const header = decodeStreamHeader(headerBytes);
  const found = lookup(tree, [...path, STREAM_MESSAGES]);
  const messages: CanisterMessage[] = [];
  let messagesBegin: number | undefined;
  if (found.kind === 'found') {
    for (const child of children(found.tree)) {
      // Neighbours that only prove an absence have their content pruned.
      if (child.sub.kind !== 'leaf') continue;
      if (child.label.length !== 8) throw new SliceError('a message without an index');
      const index = Number(new DataView(child.label.buffer, child.label.byteOffset, 8).getBigUint64(0));
      messagesBegin ??= index;
      if (index !== messagesBegin + messages.length) throw new SliceError('messages with gaps');
      messages.push(decodeCanisterMessage(child.sub.value));
    }
  }
  const begin = messagesBegin ?? header.end;
  if (begin < header.begin || begin + messages.length > header.end) throw new SliceError('messages outside the stream');
  return { header, messagesBegin: begin, messages };
}
