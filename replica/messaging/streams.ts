/**
 * Streams between subnets: what this subnet sends to each other subnet, and taking in what they send.
 *
 * Always: messages of a stream have consecutive indices and are taken in exactly once, in order. A message stays in the
 * stream until the other subnet's signals cover it. A request that the receiver refuses comes back as a reject signal
 * and is answered here with a reject and its cycles.
 * Never: an index is used twice.
 * Source: consensus sheet and Interface Spec have no wire form for this; the scheme is that of the public network's
 * message routing (header with begin, end, signals end, reject signals).
 */
import type { RejectReason, RejectSignal, StreamHeader, StreamSlice } from '../types/batch.ts';
import { ErrorCode, userError, type UserError } from '../types/errors.ts';
import type { CanisterMessage } from '../types/messages.ts';
import type { Principal, PrincipalKey } from '../types/principal.ts';
import { messageBytes } from '../state/queues.ts';
import type { ReplicatedState, Stream } from '../state/replicated-state.ts';
import { acceptRequest, acceptResponse, rejectRequest } from '../execution/delivery.ts';
import type { SubnetEnvironment } from '../execution/environment.ts';

/** A stream takes no more messages above either bound (consensus sheet §8.1); it is two or three blocks' worth of bytes. */
const MAX_STREAM_MESSAGES = 10_000;
const MAX_STREAM_BYTES = 10 * 1024 * 1024;
/** The same for streams to system subnets, which are not to be flooded. */
const MAX_SYSTEM_STREAM_MESSAGES = 200;

export class StreamError extends Error {
  override readonly name = 'StreamError';
}

function endOf(stream: Stream): number {
  return stream.begin + stream.messages.length;
}

/** The outgoing side, with the size of each stream kept at hand. */
export class OutgoingStreams {
  readonly #state: ReplicatedState;
  readonly #bytes = new Map<PrincipalKey, number>();

  constructor(state: ReplicatedState) {
    this.#state = state;
  }

  /** Appends; false: the stream is full and the message has to wait. */
  emit(message: CanisterMessage, subnet: Principal): boolean {
    const stream = this.#state.streamTo(subnet);
    const bytes = this.#bytesOf(subnet.key, stream);
    if (stream.messages.length >= this.#maxMessages(subnet) || bytes >= MAX_STREAM_BYTES) return false;
    stream.messages.push(message);
    this.#bytes.set(subnet.key, bytes + messageBytes(message));
    this.#state.markStream(subnet.key);
    return true;
  }

  /** Drops messages the other subnet has received and returns them with their indices. */
  collect(subnet: Principal, receivedBelow: number): readonly (readonly [index: number, message: CanisterMessage])[] {
    const stream = this.#state.streamTo(subnet);
    if (receivedBelow > endOf(stream)) throw new StreamError('signals for messages that were never sent');
    if (receivedBelow <= stream.begin) return [];
    const bytes = this.#bytesOf(subnet.key, stream);
    const gone = stream.messages.splice(0, receivedBelow - stream.begin);
    const first = stream.begin;
    stream.begin = receivedBelow;
    this.#bytes.set(
      subnet.key,
      gone.reduce((rest, message) => rest - messageBytes(message), bytes),
    );
    this.#state.markStream(subnet.key);
    return gone.map((message, offset) => [first + offset, message] as const);
  }

  #maxMessages(subnet: Principal): number {
    const to = this.#state.topology.subnets.find(({ id }) => id.equals(subnet));
    return to?.kind === 'system' ? MAX_SYSTEM_STREAM_MESSAGES : MAX_STREAM_MESSAGES;
  }

  #bytesOf(key: PrincipalKey, stream: Stream): number {
    let bytes = this.#bytes.get(key);
    if (bytes === undefined) {
      bytes = stream.messages.reduce((sum, message) => sum + messageBytes(message), 0);
      this.#bytes.set(key, bytes);
    }
    return bytes;
  }
}

export function streamHeader(stream: Stream): StreamHeader {
  return {
    begin: stream.begin,
    end: endOf(stream),
    signalsEnd: stream.signalsEnd,
    rejectSignals: [...stream.rejectSignals],
  };
}

/** The part of the stream from `from` on that fits `maxBytes`, at least one message if there is any. */
export function sliceOf(stream: Stream, from: number, maxBytes: number): StreamSlice {
  const begin = Math.min(Math.max(from, stream.begin), endOf(stream));
  const messages: CanisterMessage[] = [];
  let bytes = 0;
  for (let index = begin; index < endOf(stream); index++) {
    const message = stream.messages[index - stream.begin]!;
    bytes += messageBytes(message);
    if (bytes > maxBytes && messages.length > 0) break;
    messages.push(message);
  }
  return { header: streamHeader(stream), messagesBegin: begin, messages };
}

/**
 * Whether a slice can be taken in: undefined, or what is wrong with it. Says nothing about certification.
 * A block with a slice for which this is not undefined is invalid.
 */
export function sliceFault(state: ReplicatedState, from: Principal, slice: StreamSlice): string | undefined {
  const { header, messagesBegin, messages } = slice;
  const ours = state.streams.get(from.key);
  const expected = ours?.signalsEnd ?? 0;
  const ourEnd = ours === undefined ? 0 : endOf(ours);
  if (from.equals(state.subnetId)) return 'a slice from ourselves';
  if (!state.topology.subnets.some((subnet) => subnet.id.equals(from))) return 'a slice from an unknown subnet';
  if (header.begin > header.end) return 'header begins after its end';
  if (messages.length > 0 && messagesBegin !== expected)
    return `expected messages from ${expected}, got ${messagesBegin}`;
  if (messagesBegin < header.begin || messagesBegin + messages.length > header.end)
    return 'messages outside of the stream';
  // Longer than any stream, and our list of reject signals would be as long.
  if (messagesBegin + messages.length - header.begin > MAX_STREAM_MESSAGES) return 'more messages than a stream holds';
  if (header.begin > expected) return 'messages were dropped before we received them';
  if (header.end < expected) return 'stream ends before what we received';
  if (header.signalsEnd > ourEnd) return 'signals for messages that were never sent';
  let last = -1;
  for (const { index } of header.rejectSignals) {
    if (index <= last || index >= header.signalsEnd) return 'reject signals out of order';
    last = index;
  }
  return undefined;
}

/** Whether taking the slice in would change anything: without that, a block need not carry it. */
export function sliceHasNews(state: ReplicatedState, from: Principal, slice: StreamSlice): boolean {
  const ours = state.streams.get(from.key);
  if (slice.messages.length > 0) return true;
  if (ours === undefined) return false;
  return slice.header.signalsEnd > ours.begin || ours.rejectSignals.some(({ index }) => index < slice.header.begin);
}

/** Takes in a slice: signals first, then messages. Throws {@link StreamError} on a slice with a fault. */
export function inductSlice(
  environment: SubnetEnvironment,
  outgoing: OutgoingStreams,
  from: Principal,
  slice: StreamSlice,
): void {
  const { state } = environment;
  const fault = sliceFault(state, from, slice);
  if (fault !== undefined) throw new StreamError(`slice from ${from.toText()}: ${fault}`);
  const { header } = slice;
  const refused = new Map(header.rejectSignals.map(({ index, reason }) => [index, reason]));
  for (const [index, message] of outgoing.collect(from, header.signalsEnd)) {
    const reason = refused.get(index);
    if (reason !== undefined) takeBack(state, message, reason);
  }
  const stream = state.streamTo(from);
  stream.rejectSignals = stream.rejectSignals.filter(({ index }) => index >= header.begin);
  stream.reverseBegin = header.begin;
  slice.messages.forEach((message, offset) => {
    const signal = inductMessage(environment, message, slice.messagesBegin + offset);
    if (signal !== undefined) stream.rejectSignals.push(signal);
  });
  stream.signalsEnd = Math.max(stream.signalsEnd, slice.messagesBegin + slice.messages.length);
  state.markStream(from.key);
}

function inductMessage(
  environment: SubnetEnvironment,
  message: CanisterMessage,
  index: number,
): RejectSignal | undefined {
  if (message.kind === 'response') {
    acceptResponse(environment.state, message);
    return undefined;
  }
  const error = acceptRequest(environment, message);
  return error === undefined ? undefined : { index, reason: reasonOf(error) };
}

function reasonOf(error: UserError): RejectReason {
  switch (error.code) {
    case ErrorCode.CanisterNotFound:
      return 'canister-not-found';
    case ErrorCode.CanisterStopped:
      return 'canister-stopped';
    case ErrorCode.CanisterStopping:
      return 'canister-stopping';
    case ErrorCode.CanisterQueueFull:
      return 'queue-full';
    case ErrorCode.CanisterOutOfMemory:
      return 'out-of-memory';
    default:
      return 'unknown';
  }
}

/** A message of ours was refused: its sender is told. Refused responses have no caller left. */
function takeBack(state: ReplicatedState, message: CanisterMessage, reason: RejectReason): void {
  if (message.kind === 'response') return;
  const text = message.receiver.toText();
  acceptResponse(state, rejectRequest(message, errorOf(reason, text)));
}

function errorOf(reason: RejectReason, receiver: string): UserError {
  switch (reason) {
    case 'canister-not-found':
      return userError(ErrorCode.CanisterNotFound, `Canister ${receiver} not found`);
    case 'canister-stopped':
      return userError(ErrorCode.CanisterStopped, `Canister ${receiver} is stopped`);
    case 'canister-stopping':
      return userError(ErrorCode.CanisterStopping, `Canister ${receiver} is stopping`);
    case 'queue-full':
      return userError(ErrorCode.CanisterQueueFull, `Canister ${receiver} input queue is full`);
    case 'out-of-memory':
      return userError(ErrorCode.CanisterOutOfMemory, `Cannot induct request to canister ${receiver}: out of memory`);
    case 'canister-migrating':
      return userError(ErrorCode.CanisterNotFound, `Canister ${receiver} is being migrated`);
    case 'unknown':
      return userError(ErrorCode.CanisterQueueFull, `Request to canister ${receiver} was refused`);
  }
}
