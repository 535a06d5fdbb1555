/**
 * Bytes of messages, stream slices and batches: for the log of batches, for transport between subnets, for hashes.
 *
 * Always: decode(encode(x)) equals x; every record starts with a version byte where it is stored by itself.
 */
import type {
  Batch,
  BlockMakers,
  ConsensusResponse,
  RejectReason,
  RejectSignal,
  StreamHeader,
  StreamSlice,
} from '../types/batch.ts';
import type { ErrorCode, RejectCode, UserError } from '../types/errors.ts';
import type {
  CanisterMessage,
  CanisterRequest,
  CanisterResponse,
  IngressMessage,
  ResponsePayload,
  SenderInfo,
} from '../types/messages.ts';
import { RecordError, RecordReader, RecordWriter, writeOneOf } from './record.ts';

const VERSION = 1;
/** 2: with the block's makers. */
const BATCH_VERSION = 2;

function versioned(write: (writer: RecordWriter) => void, version = VERSION): Uint8Array {
  const writer = new RecordWriter();
  writer.byte(version);
  write(writer);
  return writer.finish();
}

/** Reads records of all versions from 1 to `newest`. */
function unversioned<T>(bytes: Uint8Array, read: (reader: RecordReader, version: number) => T, newest = VERSION): T {
  const reader = new RecordReader(bytes);
  const version = reader.byte();
  if (version < 1 || version > newest) throw new RecordError(`unknown version ${version}`);
  const value = read(reader, version);
  reader.finish();
  return value;
}

export function writePayload(writer: RecordWriter, payload: ResponsePayload): void {
  if (payload.kind === 'reply') {
    writer.byte(0);
    writer.bytes(payload.data);
    return;
  }
  writer.byte(1);
  writer.byte(payload.code);
  writer.text(payload.message);
  writer.uint(payload.errorCode);
}

export function readPayload(reader: RecordReader): ResponsePayload {
  const tag = reader.byte();
  if (tag === 0) return { kind: 'reply', data: reader.bytes() };
  if (tag !== 1) throw new RecordError(`unknown payload tag ${tag}`);
  return {
    kind: 'reject',
    code: reader.byte() as RejectCode,
    message: reader.text(),
    errorCode: reader.uint() as ErrorCode,
  };
}

export function writeError(writer: RecordWriter, error: UserError): void {
  writer.uint(error.code);
  writer.text(error.message);
}

export function readError(reader: RecordReader): UserError {
  return { code: reader.uint() as ErrorCode, message: reader.text() };
}

function writeRequest(writer: RecordWriter, request: CanisterRequest): void {
  writer.principal(request.sender);
  writer.principal(request.receiver);
  writer.uint(request.callbackId);
  writer.text(request.methodName);
  writer.bytes(request.payload);
  writer.big(request.payment);
  writer.big(request.deadlineNanos);
  writer.big(request.senderVersion);
}

function readRequest(reader: RecordReader): CanisterRequest {
  return {
    kind: 'request',
    sender: reader.principal(),
    receiver: reader.principal(),
    callbackId: reader.uint(),
    methodName: reader.text(),
    payload: reader.bytes(),
    payment: reader.big(),
    deadlineNanos: reader.big(),
    senderVersion: reader.big(),
  };
}

function writeResponse(writer: RecordWriter, response: CanisterResponse): void {
  writer.principal(response.originator);
  writer.principal(response.respondent);
  writer.uint(response.callbackId);
  writer.big(response.refund);
  writePayload(writer, response.payload);
  writer.big(response.deadlineNanos);
}

function readResponse(reader: RecordReader): CanisterResponse {
  return {
    kind: 'response',
    originator: reader.principal(),
    respondent: reader.principal(),
    callbackId: reader.uint(),
    refund: reader.big(),
    payload: readPayload(reader),
    deadlineNanos: reader.big(),
  };
}

export function writeMessage(writer: RecordWriter, message: CanisterMessage): void {
  writer.bool(message.kind === 'response');
  if (message.kind === 'request') writeRequest(writer, message);
  else writeResponse(writer, message);
}

export function readMessage(reader: RecordReader): CanisterMessage {
  return reader.bool() ? readResponse(reader) : readRequest(reader);
}

const REJECT_REASONS: readonly RejectReason[] = [
  'canister-not-found',
  'canister-stopped',
  'canister-stopping',
  'queue-full',
  'out-of-memory',
  'canister-migrating',
  'unknown',
];

export function writeRejectSignal(writer: RecordWriter, signal: RejectSignal): void {
  writer.uint(signal.index);
  writeOneOf(writer, REJECT_REASONS, signal.reason);
}

export function readRejectSignal(reader: RecordReader): RejectSignal {
  return { index: reader.uint(), reason: reader.oneOf(REJECT_REASONS) };
}

function writeHeader(writer: RecordWriter, header: StreamHeader): void {
  writer.uint(header.begin);
  writer.uint(header.end);
  writer.uint(header.signalsEnd);
  writer.list(header.rejectSignals, (signal) => writeRejectSignal(writer, signal));
}

function readHeader(reader: RecordReader): StreamHeader {
  return {
    begin: reader.uint(),
    end: reader.uint(),
    signalsEnd: reader.uint(),
    rejectSignals: reader.list(() => readRejectSignal(reader)),
  };
}

function writeSlice(writer: RecordWriter, slice: StreamSlice): void {
  writeHeader(writer, slice.header);
  writer.uint(slice.messagesBegin);
  writer.list(slice.messages, (message) => writeMessage(writer, message));
}

function readSlice(reader: RecordReader): StreamSlice {
  return {
    header: readHeader(reader),
    messagesBegin: reader.uint(),
    messages: reader.list(() => readMessage(reader)),
  };
}

export function writeSenderInfo(writer: RecordWriter, info: SenderInfo): void {
  writer.principal(info.signer);
  writer.bytes(info.info);
}

export function readSenderInfo(reader: RecordReader): SenderInfo {
  return { signer: reader.principal(), info: reader.bytes() };
}

/** Hex both ways: message ids are 32 bytes. */
export function writeMessageId(writer: RecordWriter, messageId: string): void {
  writer.bytes(Uint8Array.from(Buffer.from(messageId, 'hex')));
}

export function readMessageId(reader: RecordReader): string {
  return Buffer.from(reader.bytes()).toString('hex');
}

function writeIngress(writer: RecordWriter, ingress: IngressMessage): void {
  writeMessageId(writer, ingress.messageId);
  writer.principal(ingress.sender);
  writer.principal(ingress.receiver);
  writer.principal(ingress.effectiveCanisterId);
  writer.text(ingress.methodName);
  writer.bytes(ingress.arg);
  writer.big(ingress.expiryNanos);
  writer.uint(ingress.envelopeBytes);
  writer.optional(ingress.senderInfo, (info) => writeSenderInfo(writer, info));
}

function readIngress(reader: RecordReader): IngressMessage {
  return {
    messageId: readMessageId(reader),
    sender: reader.principal(),
    receiver: reader.principal(),
    effectiveCanisterId: reader.principal(),
    methodName: reader.text(),
    arg: reader.bytes(),
    expiryNanos: reader.big(),
    envelopeBytes: reader.uint(),
    senderInfo: reader.optional(() => readSenderInfo(reader)),
  };
}

function readConsensusResponse(reader: RecordReader): ConsensusResponse {
  return { callId: reader.uint(), payload: readPayload(reader) };
}

export function encodeCanisterMessage(message: CanisterMessage): Uint8Array {
  return versioned((writer) => writeMessage(writer, message));
}

export function decodeCanisterMessage(bytes: Uint8Array): CanisterMessage {
  return unversioned(bytes, readMessage);
}

export function encodeStreamHeader(header: StreamHeader): Uint8Array {
  return versioned((writer) => writeHeader(writer, header));
}

export function decodeStreamHeader(bytes: Uint8Array): StreamHeader {
  return unversioned(bytes, readHeader);
}

export function encodeStreamSlice(slice: StreamSlice): Uint8Array {
  return versioned((writer) => writeSlice(writer, slice));
}

export function decodeStreamSlice(bytes: Uint8Array): StreamSlice {
  return unversioned(bytes, readSlice);
}

export function encodeIngressMessage(ingress: IngressMessage): Uint8Array {
  return versioned((writer) => writeIngress(writer, ingress));
}

export function decodeIngressMessage(bytes: Uint8Array): IngressMessage {
  return unversioned(bytes, readIngress);
}

export function encodeBatch(batch: Batch): Uint8Array {
  return versioned((writer) => {
    writer.uint(batch.height);
    writer.big(batch.timeNanos);
    writer.bytes(batch.randomness);
    writer.list(batch.ingress, (ingress) => writeIngress(writer, ingress));
    writer.list(batch.xnet, ({ from, slice }) => {
      writer.principal(from);
      writeSlice(writer, slice);
    });
    writer.list(batch.consensusResponses, ({ callId, payload }) => {
      writer.uint(callId);
      writePayload(writer, payload);
    });
    writer.list(batch.queryUse ?? [], (use) => {
      writer.principal(use.canister);
      for (const value of [use.calls, use.instructions, use.requestBytes, use.responseBytes]) writer.uint(value);
    });
    writer.optional(batch.blockMakers, ({ maker, failed }) => {
      writer.principal(maker);
      writer.list(failed, (node) => writer.principal(node));
    });
  }, BATCH_VERSION);
}

export function decodeBatch(bytes: Uint8Array): Batch {
  return unversioned(bytes, readBatch, BATCH_VERSION);
}

function readBatch(reader: RecordReader, version: number): Batch {
  return {
    height: reader.uint(),
    timeNanos: reader.big(),
    randomness: reader.bytes(),
    ingress: reader.list(() => readIngress(reader)),
    xnet: reader.list(() => ({ from: reader.principal(), slice: readSlice(reader) })),
    consensusResponses: reader.list(() => readConsensusResponse(reader)),
    queryUse: reader.list(() => ({
      canister: reader.principal(),
      calls: reader.uint(),
      instructions: reader.uint(),
      requestBytes: reader.uint(),
      responseBytes: reader.uint(),
    })),
    blockMakers: version < 2 ? undefined : reader.optional(() => readBlockMakers(reader)),
  };
}

function readBlockMakers(reader: RecordReader): BlockMakers {
  return { maker: reader.principal(), failed: reader.list(() => reader.principal()) };
}
