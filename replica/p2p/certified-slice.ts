/**
 * Slices of streams as they travel between subnets: the messages and the header inside a certificate of the sending
 * subnet, so that whoever carries them can lose, repeat or delay them but not change them.
 *
 * A slice is a certificate that reveals `/time` and `/streams/<receiving subnet>/{header, messages/<index>…}`, the
 * indices without gaps. The receiver takes nothing that the certificate does not prove.
 * Source: design, "Streams between subnets are certified".
 */
import { equalBytes, utf8 } from '../codec/bytes.ts';
import { encodeCertificate } from '../codec/certificate.ts';
import type { Delegation } from '../codec/certificate.ts';
import type { HashTree } from '../codec/hash-tree.ts';
import { children, label, lookup, lookupLeaf, witness } from '../codec/hash-tree.ts';
import { CertificateError, signingSubnet, verifyCertificate } from '../crypto/certificate.ts';
import { STREAM_HEADER, STREAM_MESSAGES, streamIndexLabel } from '../state/certified-tree.ts';
import { decodeCanisterMessage, decodeStreamHeader } from '../state/message-codec.ts';
import { RecordError } from '../state/record.ts';
import type { StreamSlice } from '../types/batch.ts';
import type { CanisterMessage } from '../types/messages.ts';
import type { Principal } from '../types/principal.ts';

export class SliceError extends Error {}

/** What a subnet has signed: the complete tree and the signature on its root. */
export interface CertifiedState {
  readonly tree: HashTree;
  readonly signature: Uint8Array;
  readonly delegation: Delegation | undefined;
}

/** The slice of the stream to `to` with messages `from` (inclusive) to `end` (exclusive), as bytes. */
export function encodeSlice(state: CertifiedState, to: Principal, from: number, end: number): Uint8Array {
  const stream = [utf8('streams'), to.bytes];
  const paths: Uint8Array[][] = [[label('time')], [...stream, STREAM_HEADER]];
  for (let index = from; index < end; index++) paths.push([...stream, STREAM_MESSAGES, streamIndexLabel(index)]);
  const tree = witness(state.tree, paths);
  return encodeCertificate({ tree, signature: state.signature, ...(state.delegation && { delegation: state.delegation }) });
}

/** Checks the certificate and reads the slice that `from` sent to `to`. Throws SliceError. */
export function decodeSlice(encoded: Uint8Array, from: Principal, to: Principal, rootKey: Uint8Array): StreamSlice {
  try {
    const certificate = verifyCertificate(encoded, rootKey);
    if (!equalBytes(signingSubnet(certificate, rootKey), from.bytes)) throw new SliceError('signed by another subnet');
    return readSlice(certificate.tree, to);
  } catch (error) {
    if (error instanceof CertificateError || error instanceof RecordError) throw new SliceError(error.message, { cause: error });
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
