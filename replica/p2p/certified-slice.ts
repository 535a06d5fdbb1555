/**
 * Slices of streams as they travel between subnets: the messages and the header inside a certificate of the sending
 * subnet, so that whoever carries them can lose, repeat or delay them but not change them.
 *
 * A slice is a pruned state tree that reveals `/streams/<receiving subnet>/{header, messages/<index>…}`, the indices
 * without gaps, and a signature on its root. The receiver takes nothing that the tree does not prove.
 *
 * Who signs: the sending subnet's nodes. While a subnet has one node, that node's Ed25519 key (in the registry) is all
 * the quorum there is, and it is fifty times cheaper to check than a BLS signature, which is what a threshold of many
 * nodes will produce here instead. Source: design, "Streams between subnets are certified".
 */
import { utf8 } from '../codec/bytes.ts';
import { CertificateFormatError, decodeCertificate, encodeCertificate } from '../codec/certificate.ts';
import { parsePublicKey } from '../codec/der.ts';
import type { HashTree } from '../codec/hash-tree.ts';
import { children, isWellFormed, lookup, lookupLeaf, witness } from '../codec/hash-tree.ts';
import { domainSeparated } from '../codec/request-id.ts';
import { verifyEd25519 } from '../crypto/ed25519.ts';
import { STREAM_HEADER, STREAM_MESSAGES, streamIndexLabel } from '../state/certified-tree.ts';
import { decodeCanisterMessage, decodeStreamHeader } from '../state/message-codec.ts';
import { RecordError } from '../state/record.ts';
import type { StreamSlice } from '../types/batch.ts';
import type { CanisterMessage } from '../types/messages.ts';
import type { Principal } from '../types/principal.ts';

export class SliceError extends Error {}

/** Its own domain: a signature on a slice is good for nothing else that the node's key signs. */
function signedPayload(rootHash: Uint8Array): Uint8Array {
  return domainSeparated('parley-stream-slice', rootHash);
}

/** The slice of the stream to `to` with messages `from` (inclusive) to `end` (exclusive), as bytes. `tree` is complete. */
export function encodeSlice(tree: HashTree, to: Principal, from: number, end: number, sign: (payload: Uint8Array) => Uint8Array): Uint8Array {
  const stream = [utf8('streams'), to.bytes];
  const paths: Uint8Array[][] = [[...stream, STREAM_HEADER]];
  for (let index = from; index < end; index++) paths.push([...stream, STREAM_MESSAGES, streamIndexLabel(index)]);
  return encodeCertificate({ tree: witness(tree, paths), signature: sign(signedPayload(tree.digest())) });
}

/** Checks the signature by one of the sender's nodes (DER public keys) and reads the slice sent to `to`. Throws SliceError. */
export function decodeSlice(encoded: Uint8Array, senderNodes: readonly Uint8Array[], to: Principal): StreamSlice {
  try {
    const { tree, signature } = decodeCertificate(encoded);
    if (!isWellFormed(tree)) throw new SliceError('labels out of order');
    const payload = signedPayload(tree.digest());
    if (!senderNodes.some((der) => verifyEd25519(parsePublicKey(der).key, payload, signature))) throw new SliceError('not signed by a node of the sender');
    return readSlice(tree, to);
  } catch (error) {
    if (error instanceof CertificateFormatError || error instanceof RecordError) throw new SliceError(error.message, { cause: error });
    throw error;
  }
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
