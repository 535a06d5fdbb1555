/** Queries and updates by the gateway and its kin, which sit inside the network and need no signatures of their own. */
import { randomBytes } from 'node:crypto';
import { utf8, utf8Decode } from '../../codec/bytes.ts';
import type { HashTree } from '../../codec/hash-tree.ts';
import { lookupLeaf } from '../../codec/hash-tree.ts';
import { decodeUleb128 } from '../../codec/leb128.ts';
import { hashOfMap } from '../../codec/request-id.ts';
import { decodeCertificate } from '../../codec/certificate.ts';
import type { ReplicaPort, UserError, ValidatedRequest } from '../replica-port.ts';
import type { Timer } from '../timer.ts';

export type CallResult =
  | { readonly kind: 'replied'; readonly arg: Uint8Array }
  | { readonly kind: 'rejected'; readonly error: UserError }
  | { readonly kind: 'unavailable'; readonly text: string };

const ANONYMOUS = Uint8Array.of(4);
const EXPIRY_NANOS = 4n * 60n * 1_000_000_000n;
const POLL_MS = 500;
/** A page load that takes longer than this is given up. */
const MAX_POLLS = 240;

function request(
  network: ReplicaPort,
  type: 'call' | 'query',
  canisterId: Uint8Array,
  methodName: string,
  arg: Uint8Array,
  sender: Uint8Array = ANONYMOUS,
  effectiveId: Uint8Array = canisterId,
): ValidatedRequest {
  const ingressExpiryNanos = network.nowNanos() + EXPIRY_NANOS;
  const nonce = type === 'call' ? new Uint8Array(randomBytes(16)) : undefined;
  const requestId = hashOfMap({
    request_type: type,
    sender,
    ingress_expiry: ingressExpiryNanos,
    nonce,
    canister_id: canisterId,
    method_name: methodName,
    arg,
  });
  // What an envelope adds to its argument, near enough for the fee.
  const envelopeBytes = arg.length + 200;
  return { requestId, sender, canisterId, methodName, arg, ingressExpiryNanos, effectiveId, envelopeBytes };
}

function servingSubnet(network: ReplicaPort, canisterId: Uint8Array): Uint8Array | undefined {
  return network.subnetOf({ kind: 'canister', effectiveCanisterId: canisterId });
}

const NO_SUBNET: CallResult = {
  kind: 'rejected',
  error: { rejectCode: 3, errorCode: 'IC0301', rejectMessage: 'The canister id belongs to no subnet of this network.' },
};

export async function queryCanister(network: ReplicaPort, canisterId: Uint8Array, methodName: string, arg: Uint8Array): Promise<CallResult> {
  const subnetId = servingSubnet(network, canisterId);
  if (subnetId === undefined) return NO_SUBNET;
  return network.query(subnetId, request(network, 'query', canisterId, methodName, arg));
}

export interface UpdateOptions {
  /** Default: anonymous. Whoever calls this function answers for it. */
  readonly sender?: Uint8Array;
  /** For management calls: the canister whose subnet takes the call. */
  readonly effectiveId?: Uint8Array;
}

export async function updateCanister(
  network: ReplicaPort,
  timer: Timer,
  canisterId: Uint8Array,
  methodName: string,
  arg: Uint8Array,
  options: UpdateOptions = {},
): Promise<CallResult> {
  const { sender = ANONYMOUS, effectiveId = canisterId } = options;
  const subnetId = servingSubnet(network, effectiveId);
  if (subnetId === undefined) return NO_SUBNET;
  const call = request(network, 'call', canisterId, methodName, arg, sender, effectiveId);
  const submitted = await network.submitIngress(subnetId, call, 'certificate');
  if (submitted.kind === 'rejected' || submitted.kind === 'unavailable') return submitted;
  if (submitted.kind === 'certified') {
    const result = statusOf(decodeCertificate(submitted.certificate).tree, call.requestId);
    if (result !== undefined) return result;
  }
  for (let poll = 0; poll < MAX_POLLS; poll++) {
    await new Promise<void>((resolve) => timer.after(POLL_MS, resolve));
    const read = await network.readState(subnetId, {
      target: { kind: 'canister', effectiveCanisterId: effectiveId },
      sender,
      paths: [[utf8('time')], [utf8('request_status'), call.requestId]],
      checks: [],
      apiVersion: 3,
    });
    if (read.kind === 'certificate') {
      const result = statusOf(decodeCertificate(read.certificate).tree, call.requestId);
      if (result !== undefined) return result;
    }
  }
  return { kind: 'unavailable', text: 'The canister did not answer in time.' };
}

/** The outcome of a request in a certified tree, once it is terminal. */
export function statusOf(tree: HashTree, requestId: Uint8Array): CallResult | undefined {
  const at = (name: string): Uint8Array | undefined => lookupLeaf(tree, [utf8('request_status'), requestId, utf8(name)]);
  const text = (name: string): string => utf8Decode(at(name) ?? new Uint8Array(0)) ?? '';
  switch (text('status')) {
    case 'replied':
      return { kind: 'replied', arg: at('reply') ?? new Uint8Array(0) };
    case 'rejected': {
      const rejectCode = Number(decodeUleb128(at('reject_code') ?? Uint8Array.of(0)).value);
      return { kind: 'rejected', error: { rejectCode, rejectMessage: text('reject_message'), errorCode: text('error_code') } };
    }
    case 'done':
      return { kind: 'unavailable', text: 'The result of the call is no longer known.' };
    default:
      return undefined;
  }
}
