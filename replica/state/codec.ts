/**
 * Bytes of the system state: one record per canister, one per snapshot, one for the subnet.
 *
 * Memories, modules, chunks and snapshot pages are not in these records; the store keeps them apart and gives them
 * back through {@link CanisterParts} and {@link SnapshotParts} when decoding.
 *
 * Always: decode(encode(x)) equals x, insertion order of maps included; equal states give equal bytes.
 * Records are versioned; an unknown version is refused.
 */
import type { TimeNanos } from '../types/messages.ts';
import type { Principal, PrincipalKey } from '../types/principal.ts';
import {
  CanisterState,
  type Callback,
  type CallContext,
  type CallContextOrigin,
  type CallOrigin,
  type CanisterChange,
  type CanisterSettings,
  type CanisterSnapshot,
  type CanisterStatus,
  type ChangeDetails,
  type ChangeOrigin,
  type ConsumedCycles,
  type GlobalValue,
  type HookStatus,
  type InstalledCode,
  type LogRecord,
  type PageSource,
  type QueuedIngress,
  type StopRequest,
  type Visibility,
  type WasmClosure,
} from './canister-state.ts';
import {
  readError,
  readMessage,
  readMessageId,
  readRejectSignal,
  readSenderInfo,
  writeError,
  writeMessage,
  writeMessageId,
  writeRejectSignal,
  writeSenderInfo,
} from './message-codec.ts';
import type { NodeSample } from './node-metrics.ts';
import { CanisterQueues, type MessageQueue } from './queues.ts';
import { RecordError, RecordReader, RecordWriter, writeOneOf } from './record.ts';
import {
  ReplicatedState,
  type CanisterRange,
  type IngressEntry,
  type IngressStatus,
  type NetworkTopology,
  type Stream,
  type SubnetCall,
} from './replicated-state.ts';

/** 2: with the time of calls and of the next installation. */
const CANISTER_VERSION = 2;
const SNAPSHOT_VERSION = 1;
/** 2: with metrics of nodes. */
const SUBNET_VERSION = 2;
const INGRESS_VERSION = 1;

/** What the store adds to a canister's record. Called once per item while decoding. */
export interface CanisterParts {
  /** The module with this hash and the canister's memories. */
  code(canisterId: Principal, moduleHash: Uint8Array, installedAtNanos: TimeNanos): InstalledCode;
  chunk(canisterId: Principal, hashHex: string): Uint8Array;
  snapshot(canisterId: Principal, idHex: string): CanisterSnapshot;
}

export interface SnapshotParts {
  readonly wasmModule: Uint8Array;
  readonly heap: PageSource;
  readonly stable: PageSource;
  chunk(hashHex: string): Uint8Array;
}

// Shared pieces ------------------------------------------------------------------------------------------------

const VISIBILITIES = ['controllers', 'public', 'allowed-viewers'] as const;

function writeVisibility(writer: RecordWriter, visibility: Visibility): void {
  writeOneOf(writer, VISIBILITIES, visibility.kind);
  if (visibility.kind === 'allowed-viewers') writer.list(visibility.principals, (viewer) => writer.principal(viewer));
}

function readVisibility(reader: RecordReader): Visibility {
  const kind = reader.oneOf(VISIBILITIES);
  return kind === 'allowed-viewers' ? { kind, principals: reader.list(() => reader.principal()) } : { kind };
}

function writeSettings(writer: RecordWriter, settings: CanisterSettings): void {
  writer.list(settings.controllers, (controller) => writer.principal(controller));
  writer.uint(settings.computeAllocation);
  writer.uint(settings.memoryAllocation);
  writer.big(settings.freezingThresholdSeconds);
  writer.big(settings.reservedCyclesLimit);
  writer.big(settings.minimumIncomingCanisterCallCycles);
  writer.uint(settings.wasmMemoryLimit);
  writer.uint(settings.wasmMemoryThreshold);
  writeVisibility(writer, settings.logVisibility);
  writeVisibility(writer, settings.snapshotVisibility);
  writeVisibility(writer, settings.statusVisibility);
  writer.list(settings.environmentVariables, ({ name, value }) => {
    writer.text(name);
    writer.text(value);
  });
  writer.uint(settings.logMemoryLimit);
}

function readSettings(reader: RecordReader): CanisterSettings {
  return {
    controllers: reader.list(() => reader.principal()),
    computeAllocation: reader.uint(),
    memoryAllocation: reader.uint(),
    freezingThresholdSeconds: reader.big(),
    reservedCyclesLimit: reader.big(),
    minimumIncomingCanisterCallCycles: reader.big(),
    wasmMemoryLimit: reader.uint(),
    wasmMemoryThreshold: reader.uint(),
    logVisibility: readVisibility(reader),
    snapshotVisibility: readVisibility(reader),
    statusVisibility: readVisibility(reader),
    environmentVariables: reader.list(() => ({ name: reader.text(), value: reader.text() })),
    logMemoryLimit: reader.uint(),
  };
}

function writeCallOrigin(writer: RecordWriter, origin: CallOrigin): void {
  if (origin.kind === 'ingress') {
    writer.byte(0);
    writeMessageId(writer, origin.messageId);
    writer.principal(origin.sender);
    return;
  }
  writer.byte(1);
  writer.principal(origin.sender);
  writer.uint(origin.callbackId);
  writer.big(origin.deadlineNanos);
  writer.principal(origin.callee);
}

function readCallOrigin(reader: RecordReader): CallOrigin {
  const tag = reader.byte();
  if (tag === 0) return { kind: 'ingress', messageId: readMessageId(reader), sender: reader.principal() };
  if (tag !== 1) throw new RecordError(`unknown origin tag ${tag}`);
  return {
    kind: 'canister',
    sender: reader.principal(),
    callbackId: reader.uint(),
    deadlineNanos: reader.big(),
    callee: reader.principal(),
  };
}

const STATUSES = ['running', 'stopping', 'stopped'] as const;

function writeStatus(writer: RecordWriter, status: CanisterStatus): void {
  writeOneOf(writer, STATUSES, status.kind);
  if (status.kind !== 'stopping') return;
  writer.list(status.stopRequests, (request) => {
    writeCallOrigin(writer, request.origin);
    writer.big(request.refund);
    writer.big(request.requestedAtNanos);
  });
}

function readStatus(reader: RecordReader): CanisterStatus {
  const kind = reader.oneOf(STATUSES);
  if (kind !== 'stopping') return { kind };
  const stopRequests: StopRequest[] = reader.list(() => ({
    origin: readCallOrigin(reader),
    refund: reader.big(),
    requestedAtNanos: reader.big(),
  }));
  return { kind, stopRequests };
}

const DETAILS = ['creation', 'code-uninstall', 'code-deployment', 'load-snapshot', 'controllers-change'] as const;
const INSTALL_MODES = ['install', 'reinstall', 'upgrade'] as const;
const SNAPSHOT_SOURCES = ['taken-from-canister', 'metadata-upload'] as const;

function writeDetails(writer: RecordWriter, details: ChangeDetails): void {
  writeOneOf(writer, DETAILS, details.kind);
  switch (details.kind) {
    case 'creation':
      writer.list(details.controllers, (controller) => writer.principal(controller));
      writer.optional(details.environmentVariablesHash, (hash) => writer.bytes(hash));
      break;
    case 'code-deployment':
      writeOneOf(writer, INSTALL_MODES, details.mode);
      writer.bytes(details.moduleHash);
      break;
    case 'load-snapshot':
      writer.optional(details.fromCanister, (canister) => writer.principal(canister));
      writer.bytes(details.snapshotId);
      writer.big(details.canisterVersion);
      writer.big(details.takenAtNanos);
      writeOneOf(writer, SNAPSHOT_SOURCES, details.source);
      break;
    case 'controllers-change':
      writer.list(details.controllers, (controller) => writer.principal(controller));
      break;
    case 'code-uninstall':
      break;
  }
}

function readDetails(reader: RecordReader): ChangeDetails {
  const kind = reader.oneOf(DETAILS);
  switch (kind) {
    case 'creation':
      return {
        kind,
        controllers: reader.list(() => reader.principal()),
        environmentVariablesHash: reader.optional(() => reader.bytes()),
      };
    case 'code-deployment':
      return { kind, mode: reader.oneOf(INSTALL_MODES), moduleHash: reader.bytes() };
    case 'load-snapshot':
      return {
        kind,
        fromCanister: reader.optional(() => reader.principal()),
        snapshotId: reader.bytes(),
        canisterVersion: reader.big(),
        takenAtNanos: reader.big(),
        source: reader.oneOf(SNAPSHOT_SOURCES),
      };
    case 'controllers-change':
      return { kind, controllers: reader.list(() => reader.principal()) };
    case 'code-uninstall':
      return { kind };
  }
}

function writeChange(writer: RecordWriter, change: CanisterChange): void {
  writer.big(change.timeNanos);
  writer.big(change.canisterVersion);
  const { origin } = change;
  writer.bool(origin.kind === 'canister');
  if (origin.kind === 'user') writer.principal(origin.user);
  else {
    writer.principal(origin.canister);
    writer.optional(origin.version, (version) => writer.big(version));
  }
  writeDetails(writer, change.details);
}

function readChange(reader: RecordReader): CanisterChange {
  const timeNanos = reader.big();
  const canisterVersion = reader.big();
  const origin: ChangeOrigin = reader.bool()
    ? { kind: 'canister', canister: reader.principal(), version: reader.optional(() => reader.big()) }
    : { kind: 'user', user: reader.principal() };
  return { timeNanos, canisterVersion, origin, details: readDetails(reader) };
}

function writeContextOrigin(writer: RecordWriter, origin: CallContextOrigin): void {
  switch (origin.kind) {
    case 'ingress':
      writer.byte(0);
      writeMessageId(writer, origin.messageId);
      writer.principal(origin.sender);
      writer.text(origin.methodName);
      break;
    case 'canister':
      writer.byte(1);
      writer.principal(origin.sender);
      writer.uint(origin.callbackId);
      writer.big(origin.deadlineNanos);
      writer.text(origin.methodName);
      break;
    case 'system-task':
      writer.byte(2);
      break;
  }
}

function readContextOrigin(reader: RecordReader): CallContextOrigin {
  switch (reader.byte()) {
    case 0:
      return {
        kind: 'ingress',
        messageId: readMessageId(reader),
        sender: reader.principal(),
        methodName: reader.text(),
      };
    case 1:
      return {
        kind: 'canister',
        sender: reader.principal(),
        callbackId: reader.uint(),
        deadlineNanos: reader.big(),
        methodName: reader.text(),
      };
    case 2:
      return { kind: 'system-task' };
    default:
      throw new RecordError('unknown call context origin');
  }
}

function writeContext(writer: RecordWriter, context: CallContext): void {
  writer.uint(context.id);
  writeContextOrigin(writer, context.origin);
  writer.bool(context.responded);
  writer.big(context.availableCycles);
  writer.bool(context.deleted);
  writer.big(context.startedAtNanos);
  writer.uint(context.instructionsExecuted);
  writer.uint(context.outstandingCalls);
  writer.optional(context.senderInfo, (info) => writeSenderInfo(writer, info));
}

function readContext(reader: RecordReader): CallContext {
  return {
    id: reader.uint(),
    origin: readContextOrigin(reader),
    responded: reader.bool(),
    availableCycles: reader.big(),
    deleted: reader.bool(),
    startedAtNanos: reader.big(),
    instructionsExecuted: reader.uint(),
    outstandingCalls: reader.uint(),
    senderInfo: reader.optional(() => readSenderInfo(reader)),
  };
}

function writeClosure(writer: RecordWriter, closure: WasmClosure): void {
  writer.uint(closure.functionIndex);
  writer.big(closure.environment);
}

function readClosure(reader: RecordReader): WasmClosure {
  return { functionIndex: reader.uint(), environment: reader.big() };
}

function writeCallback(writer: RecordWriter, callback: Callback): void {
  writer.uint(callback.id);
  writer.uint(callback.callContextId);
  writer.principal(callback.respondent);
  writer.big(callback.cyclesSent);
  writer.big(callback.prepaidExecution);
  writer.big(callback.prepaidTransmission);
  writeClosure(writer, callback.onReply);
  writeClosure(writer, callback.onReject);
  writer.optional(callback.onCleanup, (closure) => writeClosure(writer, closure));
  writer.big(callback.deadlineNanos);
  writer.big(callback.madeAtNanos);
  writer.bool(callback.expired);
}

function readCallback(reader: RecordReader, version: number): Callback {
  return {
    id: reader.uint(),
    callContextId: reader.uint(),
    respondent: reader.principal(),
    cyclesSent: reader.big(),
    prepaidExecution: reader.big(),
    prepaidTransmission: reader.big(),
    onReply: readClosure(reader),
    onReject: readClosure(reader),
    onCleanup: reader.optional(() => readClosure(reader)),
    deadlineNanos: reader.big(),
    madeAtNanos: version < 2 ? 0n : reader.big(),
    expired: reader.bool(),
  };
}

function writeQueuedIngress(writer: RecordWriter, ingress: QueuedIngress): void {
  writeMessageId(writer, ingress.messageId);
  writer.principal(ingress.sender);
  writer.text(ingress.methodName);
  writer.bytes(ingress.arg);
  writer.big(ingress.expiryNanos);
  writer.principal(ingress.effectiveCanisterId);
  writer.optional(ingress.senderInfo, (info) => writeSenderInfo(writer, info));
  writer.big(ingress.deferredFee);
}

function readQueuedIngress(reader: RecordReader): QueuedIngress {
  return {
    messageId: readMessageId(reader),
    sender: reader.principal(),
    methodName: reader.text(),
    arg: reader.bytes(),
    expiryNanos: reader.big(),
    effectiveCanisterId: reader.principal(),
    senderInfo: reader.optional(() => readSenderInfo(reader)),
    deferredFee: reader.big(),
  };
}

function writeKey(writer: RecordWriter, key: PrincipalKey): void {
  writer.bytes(Uint8Array.from(Buffer.from(key, 'hex')));
}

function readKey(reader: RecordReader): PrincipalKey {
  return reader.principal().key;
}

function writeQueueMap(writer: RecordWriter, queues: ReadonlyMap<PrincipalKey, MessageQueue>): void {
  writer.list(queues, ([peer, queue]) => {
    writeKey(writer, peer);
    writer.list(queue.messages, (message) => writeMessage(writer, message));
    writer.uint(queue.reserved);
  });
}

function readQueueMap(reader: RecordReader, queues: Map<PrincipalKey, MessageQueue>): number {
  let total = 0;
  reader.list(() => {
    const peer = readKey(reader);
    const messages = reader.list(() => readMessage(reader));
    const requests = messages.filter((message) => message.kind === 'request').length;
    queues.set(peer, { messages, requests, reserved: reader.uint() });
    total += messages.length;
  });
  return total;
}

function writeQueues(writer: RecordWriter, queues: CanisterQueues): void {
  writeQueueMap(writer, queues.inputs);
  writeQueueMap(writer, queues.outputs);
  writer.list(queues.inputSchedule, (peer) => writeKey(writer, peer));
  writer.list(queues.outputSchedule, (peer) => writeKey(writer, peer));
  writer.uint(queues.guaranteedReservations);
}

function readQueues(reader: RecordReader): CanisterQueues {
  const queues = new CanisterQueues();
  queues.inputMessages = readQueueMap(reader, queues.inputs);
  queues.outputMessages = readQueueMap(reader, queues.outputs);
  queues.inputSchedule = reader.list(() => readKey(reader));
  for (const peer of reader.list(() => readKey(reader))) queues.outputSchedule.add(peer);
  queues.guaranteedReservations = reader.uint();
  queues.recount();
  return queues;
}

const CONSUMPTION_CAUSES = [
  'memory',
  'computeAllocation',
  'ingressInduction',
  'instructions',
  'transmission',
  'uninstall',
  'canisterCreation',
  'httpOutcalls',
  'burned',
] as const satisfies readonly (keyof ConsumedCycles)[];

const HOOK_STATUSES: readonly HookStatus[] = ['condition-not-satisfied', 'ready', 'executed'];
const INPUT_SOURCES = ['ingress', 'canister'] as const;

/** Hex written as bytes. */
function writeHex(writer: RecordWriter, hex: string): void {
  writer.bytes(Uint8Array.from(Buffer.from(hex, 'hex')));
}

function readHex(reader: RecordReader): string {
  return Buffer.from(reader.bytes()).toString('hex');
}

// Canister -----------------------------------------------------------------------------------------------------

export function encodeCanister(canister: CanisterState): Uint8Array {
  const writer = new RecordWriter();
  writer.byte(CANISTER_VERSION);
  writer.principal(canister.id);
  writer.big(canister.createdAtNanos);
  writeSettings(writer, canister.settings);
  writeStatus(writer, canister.status);
  writer.big(canister.balance);
  writer.big(canister.reservedBalance);
  writer.big(canister.version);
  writer.uint(canister.history.totalChanges);
  writer.list(canister.history.changes, (change) => writeChange(writer, change));
  writer.optional(canister.code, (code) => {
    writer.bytes(code.module.hash);
    writer.big(code.installedAtNanos);
  });
  writer.bytes(canister.certifiedData);
  writer.big(canister.globalTimer);
  writeOneOf(writer, HOOK_STATUSES, canister.hookStatus);
  writer.list(canister.chunks.keys(), (hash) => writeHex(writer, hash));
  writer.list(canister.snapshots.keys(), (id) => writeHex(writer, id));
  writer.uint(canister.nextSnapshotNumber);
  writer.uint(canister.log.nextIndex);
  writer.list(canister.log.records, (record) => {
    writer.uint(record.index);
    writer.big(record.timeNanos);
    writer.bytes(record.content);
  });
  writeQueues(writer, canister.queues);
  writer.list(canister.ingressQueue, (ingress) => writeQueuedIngress(writer, ingress));
  writeOneOf(writer, INPUT_SOURCES, canister.nextInputSource);
  writer.list(canister.callContexts.values(), (context) => writeContext(writer, context));
  writer.list(canister.callbacks.values(), (callback) => writeCallback(writer, callback));
  writer.uint(canister.nextCallContextId);
  writer.uint(canister.nextCallbackId);
  for (const cause of CONSUMPTION_CAUSES) writer.big(canister.consumed[cause]);
  writer.big(canister.queryStats.calls);
  writer.big(canister.queryStats.instructions);
  writer.big(canister.queryStats.requestBytes);
  writer.big(canister.queryStats.responseBytes);
  writer.big(canister.chargedUntilNanos);
  writer.big(canister.installAllowedAtNanos);
  return writer.finish();
}

/** The result is not marked dirty. Add it with `ReplicatedState.restoreCanister`. */
export function decodeCanister(bytes: Uint8Array, parts: CanisterParts): CanisterState {
  const reader = new RecordReader(bytes);
  const version = reader.byte();
  if (version < 1 || version > CANISTER_VERSION) throw new RecordError(`unknown version ${version} of a canister record`);
  const id = reader.principal();
  const createdAtNanos = reader.big();
  const canister = new CanisterState(id, readSettings(reader), 0n, createdAtNanos);
  canister.status = readStatus(reader);
  canister.balance = reader.big();
  canister.reservedBalance = reader.big();
  canister.version = reader.big();
  canister.history = { totalChanges: reader.uint(), changes: reader.list(() => readChange(reader)) };
  canister.code = reader.optional(() => {
    const moduleHash = reader.bytes();
    return parts.code(id, moduleHash, reader.big());
  });
  canister.certifiedData = reader.bytes();
  canister.globalTimer = reader.big();
  canister.hookStatus = reader.oneOf(HOOK_STATUSES);
  for (const hash of reader.list(() => readHex(reader))) canister.chunks.set(hash, parts.chunk(id, hash));
  for (const snapshot of reader.list(() => readHex(reader))) {
    canister.snapshots.set(snapshot, parts.snapshot(id, snapshot));
  }
  canister.nextSnapshotNumber = reader.uint();
  const nextIndex = reader.uint();
  const records: LogRecord[] = reader.list(() => ({
    index: reader.uint(),
    timeNanos: reader.big(),
    content: reader.bytes(),
  }));
  canister.log = { nextIndex, records };
  canister.queues = readQueues(reader);
  canister.ingressQueue = reader.list(() => readQueuedIngress(reader));
  canister.nextInputSource = reader.oneOf(INPUT_SOURCES);
  for (const context of reader.list(() => readContext(reader))) canister.callContexts.set(context.id, context);
  for (const callback of reader.list(() => readCallback(reader, version))) canister.callbacks.set(callback.id, callback);
  canister.nextCallContextId = reader.uint();
  canister.nextCallbackId = reader.uint();
  for (const cause of CONSUMPTION_CAUSES) canister.consumed[cause] = reader.big();
  canister.queryStats = {
    calls: reader.big(),
    instructions: reader.big(),
    requestBytes: reader.big(),
    responseBytes: reader.big(),
  };
  canister.chargedUntilNanos = reader.big();
  if (version >= 2) canister.installAllowedAtNanos = reader.big();
  reader.finish();
  canister.dirty = false;
  return canister;
}

// Snapshots ----------------------------------------------------------------------------------------------------

const GLOBAL_TYPES = ['i32', 'i64', 'f32', 'f64', 'v128'] as const;

export function writeGlobal(writer: RecordWriter, global: GlobalValue): void {
  writeOneOf(writer, GLOBAL_TYPES, global.type);
  switch (global.type) {
    case 'i32':
      writer.uint(global.value >>> 0);
      break;
    case 'i64':
      writer.big(BigInt.asUintN(64, global.value));
      break;
    case 'f32':
      writer.uint(global.bits >>> 0);
      break;
    case 'f64':
      writer.big(BigInt.asUintN(64, global.bits));
      break;
    case 'v128':
      writer.big(BigInt.asUintN(128, global.bits));
      break;
  }
}

/** Integers come back signed, as WebAssembly's JavaScript interface gives them; float bits unsigned. */
export function readGlobal(reader: RecordReader): GlobalValue {
  const type = reader.oneOf(GLOBAL_TYPES);
  switch (type) {
    case 'i32':
      return { type, value: reader.uint() | 0 };
    case 'i64':
      return { type, value: BigInt.asIntN(64, reader.big()) };
    case 'f32':
      return { type, bits: reader.uint() };
    case 'f64':
    case 'v128':
      return { type, bits: reader.big() };
  }
}

/** All but the module's bytes, the memory pages and the chunks' bytes. */
export function encodeSnapshot(snapshot: CanisterSnapshot, moduleHash: Uint8Array): Uint8Array {
  const writer = new RecordWriter();
  writer.byte(SNAPSHOT_VERSION);
  writer.bytes(snapshot.id);
  writer.principal(snapshot.canisterId);
  writeOneOf(writer, SNAPSHOT_SOURCES, snapshot.source);
  writer.big(snapshot.takenAtNanos);
  writer.big(snapshot.canisterVersion);
  writer.bytes(moduleHash);
  writer.uint(snapshot.image.heapBytes);
  writer.uint(snapshot.image.stableBytes);
  writer.list(snapshot.image.globals, (global) => writeGlobal(writer, global));
  writer.bytes(snapshot.certifiedData);
  writer.list(snapshot.chunks.keys(), (hash) => writeHex(writer, hash));
  writer.optional(snapshot.globalTimer, (timer) => writer.big(timer));
  writer.optional(snapshot.hookStatus, (status) => writeOneOf(writer, HOOK_STATUSES, status));
  writer.uint(snapshot.totalBytes);
  return writer.finish();
}

export function decodeSnapshot(bytes: Uint8Array, parts: (moduleHash: Uint8Array) => SnapshotParts): CanisterSnapshot {
  const reader = new RecordReader(bytes);
  const version = reader.byte();
  if (version !== SNAPSHOT_VERSION) throw new RecordError(`unknown version ${version} of a snapshot record`);
  const id = reader.bytes();
  const canisterId = reader.principal();
  const source = reader.oneOf(SNAPSHOT_SOURCES);
  const takenAtNanos = reader.big();
  const canisterVersion = reader.big();
  const { wasmModule, heap, stable, chunk } = parts(reader.bytes());
  const heapBytes = reader.uint();
  const stableBytes = reader.uint();
  const globals = reader.list(() => readGlobal(reader));
  const certifiedData = reader.bytes();
  const chunks = new Map(reader.list(() => readHex(reader)).map((hash) => [hash, chunk(hash)] as const));
  const globalTimer = reader.optional(() => reader.big());
  const hookStatus = reader.optional(() => reader.oneOf(HOOK_STATUSES));
  const totalBytes = reader.uint();
  reader.finish();
  const image = { heapBytes, heap, stableBytes, stable, globals };
  return {
    id,
    canisterId,
    source,
    takenAtNanos,
    canisterVersion,
    wasmModule,
    image,
    certifiedData,
    chunks,
    globalTimer,
    hookStatus,
    totalBytes,
  };
}

// Subnet -------------------------------------------------------------------------------------------------------

function writeStream(writer: RecordWriter, stream: Stream): void {
  writer.uint(stream.begin);
  writer.list(stream.messages, (message) => writeMessage(writer, message));
  writer.uint(stream.signalsEnd);
  writer.list(stream.rejectSignals, (signal) => writeRejectSignal(writer, signal));
  writer.uint(stream.reverseBegin);
}

function readStream(reader: RecordReader): Stream {
  return {
    begin: reader.uint(),
    messages: reader.list(() => readMessage(reader)),
    signalsEnd: reader.uint(),
    rejectSignals: reader.list(() => readRejectSignal(reader)),
    reverseBegin: reader.uint(),
  };
}

const INGRESS_STATUSES = ['received', 'processing', 'replied', 'rejected', 'done'] as const;

function writeIngressEntry(writer: RecordWriter, entry: IngressEntry): void {
  writeMessageId(writer, entry.messageId);
  writer.principal(entry.sender);
  writer.principal(entry.receiver);
  writer.principal(entry.effectiveCanisterId);
  writer.text(entry.methodName);
  writer.big(entry.forgetAtNanos);
  writeOneOf(writer, INGRESS_STATUSES, entry.status.kind);
  if (entry.status.kind === 'replied') writer.bytes(entry.status.reply);
  if (entry.status.kind === 'rejected') writeError(writer, entry.status.error);
}

function readIngressEntry(reader: RecordReader): IngressEntry {
  const messageId = readMessageId(reader);
  const sender = reader.principal();
  const receiver = reader.principal();
  const effectiveCanisterId = reader.principal();
  const methodName = reader.text();
  const forgetAtNanos = reader.big();
  const kind = reader.oneOf(INGRESS_STATUSES);
  const status: IngressStatus =
    kind === 'replied'
      ? { kind, reply: reader.bytes() }
      : kind === 'rejected'
        ? { kind, error: readError(reader) }
        : { kind };
  return { messageId, sender, receiver, effectiveCanisterId, methodName, forgetAtNanos, status };
}

function writeSubnetCall(writer: RecordWriter, call: SubnetCall): void {
  writer.uint(call.id);
  writeCallOrigin(writer, call.origin);
  writer.big(call.refund);
  writer.big(call.madeAtNanos);
  writer.bool(call.kind === 'consensus');
  if (call.kind === 'raw-rand') writer.uint(call.madeAtHeight);
  else {
    writer.text(call.purpose);
    writer.bytes(call.request);
  }
}

function readSubnetCall(reader: RecordReader): SubnetCall {
  const common = {
    id: reader.uint(),
    origin: readCallOrigin(reader),
    refund: reader.big(),
    madeAtNanos: reader.big(),
  };
  return reader.bool()
    ? { ...common, kind: 'consensus', purpose: reader.text(), request: reader.bytes() }
    : { ...common, kind: 'raw-rand', madeAtHeight: reader.uint() };
}

export function encodeIngressEntry(entry: IngressEntry): Uint8Array {
  const writer = new RecordWriter();
  writer.byte(INGRESS_VERSION);
  writeIngressEntry(writer, entry);
  return writer.finish();
}

export function decodeIngressEntry(bytes: Uint8Array): IngressEntry {
  const reader = new RecordReader(bytes);
  const version = reader.byte();
  if (version !== INGRESS_VERSION) throw new RecordError(`unknown version ${version} of an ingress record`);
  const entry = readIngressEntry(reader);
  reader.finish();
  return entry;
}

function writeNodeSample(writer: RecordWriter, { timeNanos, nodes }: NodeSample): void {
  writer.big(timeNanos);
  writer.list(nodes, ([node, { proposed, failures }]) => {
    writeKey(writer, node);
    writer.uint(proposed);
    writer.uint(failures);
  });
}

function readNodeSample(reader: RecordReader): NodeSample {
  const timeNanos = reader.big();
  const nodes = reader.list(
    () => [readKey(reader), { proposed: reader.uint(), failures: reader.uint() }] as const,
  );
  return { timeNanos, nodes: new Map(nodes) };
}

export interface SubnetRecordOptions {
  /** False leaves the ingress history out: the store then keeps it in records of its own. Default true. */
  readonly withIngressHistory?: boolean;
}

/**
 * All of the state but canisters and topology (which is the registry's).
 * Ingress entries are in the order of their ids: the history's insertion order is never observed.
 */
export function encodeSubnetState(state: ReplicatedState, options: SubnetRecordOptions = {}): Uint8Array {
  const writer = new RecordWriter();
  writer.byte(SUBNET_VERSION);
  writer.principal(state.subnetId);
  writer.bool(state.kind === 'system');
  writer.list(state.allocationRanges, (range) => {
    writer.principal(range.start);
    writer.principal(range.end);
  });
  writer.uint(state.height);
  writer.big(state.timeNanos);
  writer.optional(state.lastAllocatedIndex, (index) => writer.big(index));
  writeQueues(writer, state.subnetQueues);
  writer.list(state.subnetIngressQueue, (ingress) => writeQueuedIngress(writer, ingress));
  writer.list(state.subnetCalls.values(), (call) => writeSubnetCall(writer, call));
  writer.uint(state.nextSubnetCallId);
  const ids = options.withIngressHistory === false ? [] : [...state.ingressHistory.keys()].sort();
  writer.list(ids, (id) => writeIngressEntry(writer, state.ingressHistory.get(id)!));
  writer.list([...state.streams.keys()].sort(), (subnet) => {
    writeKey(writer, subnet);
    writeStream(writer, state.streams.get(subnet)!);
  });
  writer.bytes(state.randomness);
  writer.uint(state.metrics.canisterStateBytes);
  writer.big(state.metrics.consumedCycles);
  writer.big(state.metrics.updateTransactions);
  writer.big(state.lastChargeNanos);
  writer.optional(state.schedulerCursor, (cursor) => writeKey(writer, cursor));
  writer.list(state.nodeMetrics.samples, (sample) => writeNodeSample(writer, sample));
  return writer.finish();
}

/** Canisters (and the ingress history if it was left out) are added by the caller. */
export function decodeSubnetState(bytes: Uint8Array, topology: NetworkTopology): ReplicatedState {
  const reader = new RecordReader(bytes);
  const version = reader.byte();
  if (version < 1 || version > SUBNET_VERSION) throw new RecordError(`unknown version ${version} of the subnet record`);
  const subnetId = reader.principal();
  const kind = reader.bool() ? 'system' : 'application';
  const ranges: CanisterRange[] = reader.list(() => ({ start: reader.principal(), end: reader.principal() }));
  const state = new ReplicatedState(subnetId, kind, topology, ranges);
  state.height = reader.uint();
  state.timeNanos = reader.big();
  state.lastAllocatedIndex = reader.optional(() => reader.big());
  state.subnetQueues = readQueues(reader);
  state.subnetIngressQueue = reader.list(() => readQueuedIngress(reader));
  for (const call of reader.list(() => readSubnetCall(reader))) state.subnetCalls.set(call.id, call);
  state.nextSubnetCallId = reader.uint();
  for (const entry of reader.list(() => readIngressEntry(reader))) state.restoreIngress(entry);
  reader.list(() => {
    const subnet = readKey(reader);
    state.streams.set(subnet, readStream(reader));
  });
  state.randomness = reader.bytes();
  state.metrics = { canisterStateBytes: reader.uint(), consumedCycles: reader.big(), updateTransactions: reader.big() };
  state.lastChargeNanos = reader.big();
  state.schedulerCursor = reader.optional(() => readKey(reader));
  if (version >= 2) state.nodeMetrics.samples = reader.list(() => readNodeSample(reader));
  reader.finish();
  return state;
}
