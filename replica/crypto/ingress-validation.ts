/**
 * Envelopes: from bytes to an authenticated request.
 *
 * Always: what is returned was signed by the sender (or is anonymous), has not expired, and is allowed by every
 * delegation in the chain. The clock is an argument. Texts are the ones that clients match on.
 * Source: Interface Spec, "Authentication", "Request ids"; HTTP sheet §2 and §7.
 */
import { Principal } from '../types/principal.ts';
import { compareBytes, concatBytes, equalBytes, toHex } from '../codec/bytes.ts';
import type { CborValue } from '../codec/cbor.ts';
import { asMap, asNat, CborError, decodeCbor } from '../codec/cbor.ts';
import { domainSeparated, hashOfMap, UnhashableError } from '../codec/request-id.ts';
import { sha256 } from '../codec/sha256.ts';
import { BoundedCache } from './bounded-cache.ts';
import { canisterSignatureKeyFromDer } from './canister-signature.ts';
import { selfAuthenticatingId } from './keys.ts';
import { signatureProblem } from './user-signature.ts';
import type { SignatureProblem } from './user-signature.ts';

export const MAX_INGRESS_TTL_NANOS = 5n * 60n * 1_000_000_000n;
/** Clocks of client and replica may differ by this much. */
export const PERMITTED_DRIFT_NANOS = 30n * 1_000_000_000n;
export const MAX_NONCE_BYTES = 32;
export const MAX_PATHS = 1000;
export const MAX_PATH_LABELS = 127;
export const MAX_DELEGATIONS = 20;
export const MAX_DELEGATION_TARGETS = 1000;
/** An honest envelope nests a handful of levels. */
const MAX_ENVELOPE_DEPTH = 32;
/** A thousand paths of 127 labels, and the rest of an envelope. Each value costs a hash. */
const MAX_ENVELOPE_VALUES = 130_000;
const MAX_PRINCIPAL_BYTES = 29;
const MAX_U64 = (1n << 64n) - 1n;
const ANONYMOUS = Uint8Array.of(4);

export interface SenderInfo {
  readonly info: Uint8Array;
  readonly signer: Uint8Array;
}

interface Common {
  readonly sender: Uint8Array;
  readonly ingressExpiryNanos: bigint;
  readonly nonce?: Uint8Array;
}

export interface CallContent extends Common {
  readonly requestType: 'call' | 'query';
  readonly canisterId: Uint8Array;
  readonly methodName: string;
  readonly arg: Uint8Array;
  readonly senderInfo?: SenderInfo;
}

export interface ReadStateContent extends Common {
  readonly requestType: 'read_state';
  readonly paths: readonly (readonly Uint8Array[])[];
}

export type RequestContent = CallContent | ReadStateContent;
export type RequestType = RequestContent['requestType'];

export type ContentOf<T extends RequestType> = T extends 'read_state' ? ReadStateContent : CallContent;

interface SignedDelegation {
  readonly pubkey: Uint8Array;
  readonly expirationNanos: bigint;
  readonly targets?: readonly Uint8Array[];
  readonly permissions?: string;
  /** hash_of_map of exactly the map that was received. */
  readonly hash: Uint8Array;
  readonly signature: Uint8Array;
}

export interface Envelope<T extends RequestType = RequestType> {
  readonly content: ContentOf<T>;
  /** Hash of exactly the content that was received, unknown fields included. */
  readonly requestId: Uint8Array;
  readonly senderPubkey?: Uint8Array;
  readonly senderSig?: Uint8Array;
  readonly senderDelegation: readonly SignedDelegation[];
  readonly senderInfoSig?: Uint8Array;
}

/** Bytes that are no envelope of the wanted kind; the message says why. */
export class EnvelopeFormatError extends Error {}

/** An envelope that must be refused. `message` is the body of the 400 answer. */
export class InvalidRequestError extends Error {
  readonly code: 'expiry' | 'signature' | 'delegation' | 'delegation-expiry' | 'user-id' | 'target' | 'limits';
  constructor(code: InvalidRequestError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

export interface Authentication {
  /** Intersection of the delegations' targets; absent if none restricts. */
  readonly targets?: readonly Uint8Array[];
}

// ---------------------------------------------------------------------------------------------------------------------
// Parsing.

/** Throws EnvelopeFormatError. The result holds copies, no views of `bytes`. */
export function parseEnvelope<T extends RequestType>(bytes: Uint8Array, requestType: T): Envelope<T> {
  try {
    return envelopeFromCbor(decodeCbor(bytes, { maxDepth: MAX_ENVELOPE_DEPTH, maxValues: MAX_ENVELOPE_VALUES }), requestType);
  } catch (error) {
    if (error instanceof CborError || error instanceof UnhashableError) throw new EnvelopeFormatError(error.message);
    throw error;
  }
}

type CborMap = { readonly [key: string]: CborValue };

function envelopeFromCbor<T extends RequestType>(value: CborValue, requestType: T): Envelope<T> {
  const envelope = asMap(value);
  if (envelope === undefined) throw new EnvelopeFormatError('the envelope is not a map');
  const content = asMap(envelope['content']);
  if (content === undefined) throw new EnvelopeFormatError('missing field `content`');
  if (content['request_type'] !== requestType) {
    throw new EnvelopeFormatError(`expected request_type \`${requestType}\``);
  }
  const parsed = requestType === 'read_state' ? readStateContent(content) : callContent(content, requestType);
  const info = asMap(content['sender_info']);
  return {
    content: parsed as ContentOf<T>,
    requestId: hashOfMap(content),
    senderPubkey: optionalBlob(envelope, 'sender_pubkey'),
    senderSig: optionalBlob(envelope, 'sender_sig'),
    senderDelegation: delegations(envelope['sender_delegation']),
    senderInfoSig: info && blob(info, 'sig'),
  };
}

function common(content: CborMap): Common {
  const expiry = asNat(content['ingress_expiry']);
  if (expiry === undefined || expiry > MAX_U64) throw new EnvelopeFormatError('field `ingress_expiry` is not a nat64');
  return {
    sender: principal(content, 'sender'),
    ingressExpiryNanos: expiry,
    nonce: optionalBlob(content, 'nonce'),
  };
}

function callContent(content: CborMap, requestType: 'call' | 'query'): CallContent {
  const methodName = content['method_name'];
  if (typeof methodName !== 'string') throw new EnvelopeFormatError('field `method_name` is not text');
  return {
    requestType,
    ...common(content),
    canisterId: principal(content, 'canister_id'),
    methodName,
    arg: blob(content, 'arg'),
    senderInfo: senderInfo(content['sender_info']),
  };
}

function senderInfo(value: CborValue): SenderInfo | undefined {
  if (value === undefined || value === null) return undefined;
  const map = asMap(value);
  if (map === undefined) throw new EnvelopeFormatError('field `sender_info` is not a map');
  return { info: blob(map, 'info'), signer: principal(map, 'signer') };
}

function readStateContent(content: CborMap): ReadStateContent {
  const { paths } = content;
  if (!Array.isArray(paths)) throw new EnvelopeFormatError('field `paths` is not a list');
  const parsed = (paths as readonly CborValue[]).map((path) => {
    if (!Array.isArray(path)) throw new EnvelopeFormatError('a path is not a list');
    return (path as readonly CborValue[]).map((label) => {
      if (!(label instanceof Uint8Array)) throw new EnvelopeFormatError('a path label is not a blob');
      return label;
    });
  });
  return { requestType: 'read_state', ...common(content), paths: parsed };
}

function delegations(value: CborValue): SignedDelegation[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new EnvelopeFormatError('field `sender_delegation` is not a list');
  return (value as readonly CborValue[]).map((item) => {
    const signed = asMap(item);
    const delegation = asMap(signed?.['delegation']);
    if (signed === undefined || delegation === undefined) throw new EnvelopeFormatError('a delegation is not a map');
    const expiration = asNat(delegation['expiration']);
    if (expiration === undefined || expiration > MAX_U64) {
      throw new EnvelopeFormatError('field `expiration` of a delegation is not a nat64');
    }
    const { permissions } = delegation;
    if (permissions !== undefined && typeof permissions !== 'string') {
      throw new EnvelopeFormatError('field `permissions` of a delegation is not text');
    }
    return {
      pubkey: blob(delegation, 'pubkey'),
      expirationNanos: expiration,
      targets: delegationTargets(delegation['targets']),
      permissions,
      hash: hashOfMap(withoutNull(delegation)),
      signature: blob(signed, 'signature'),
    };
  });
}

/** Some encoders write an absent optional field as null; for the hash it is absent. */
function withoutNull(map: CborMap): CborMap {
  return Object.fromEntries(Object.entries(map).filter(([, value]) => value !== null));
}

function delegationTargets(value: CborValue): Uint8Array[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw new EnvelopeFormatError('field `targets` of a delegation is not a list');
  return (value as readonly CborValue[]).map((target) => {
    if (!(target instanceof Uint8Array) || target.length > MAX_PRINCIPAL_BYTES) {
      throw new EnvelopeFormatError('a delegation target is not a principal');
    }
    return target;
  });
}

function blob(map: CborMap, name: string): Uint8Array {
  const value = map[name];
  if (!(value instanceof Uint8Array)) throw new EnvelopeFormatError(`field \`${name}\` is not a blob`);
  return value;
}

function optionalBlob(map: CborMap, name: string): Uint8Array | undefined {
  const value = map[name];
  return value === undefined || value === null ? undefined : blob(map, name);
}

function principal(map: CborMap, name: string): Uint8Array {
  const value = blob(map, name);
  if (value.length > MAX_PRINCIPAL_BYTES) throw new EnvelopeFormatError(`field \`${name}\` is longer than a principal`);
  return value;
}

// ---------------------------------------------------------------------------------------------------------------------
// Validation.

export interface ValidationContext {
  readonly nowNanos: bigint;
  /** DER root key of this network, for canister signatures. */
  readonly rootKeyDer: Uint8Array;
}

/** Checks expiry, limits, delegations and signatures. Throws InvalidRequestError. */
export function authenticate(envelope: Envelope, context: ValidationContext): Authentication {
  const { content } = envelope;
  checkExpiry(content, context.nowNanos);
  checkLimits(content);
  if (equalBytes(content.sender, ANONYMOUS)) {
    if (envelope.senderPubkey !== undefined || envelope.senderSig !== undefined || envelope.senderDelegation.length > 0) {
      throw new InvalidRequestError('signature', 'Signature is not allowed for the anonymous user.');
    }
    if (envelope.senderInfoSig !== undefined) {
      throw new InvalidRequestError('signature', 'Sender info is not allowed for the anonymous user.');
    }
    return {};
  }
  const { senderPubkey, senderSig } = envelope;
  if (senderPubkey === undefined || senderSig === undefined) {
    const user = Principal.fromBytes(content.sender).toText();
    throw new InvalidRequestError('signature', `Missing signature from user: ${user}`);
  }
  if (!equalBytes(selfAuthenticatingId(senderPubkey), content.sender)) {
    const user = Principal.fromBytes(content.sender).toText();
    throw new InvalidRequestError('user-id', `The user id '${user}' does not match the public key '${toHex(senderPubkey)}'`);
  }
  const { signingKey, targets } = checkDelegations(senderPubkey, envelope.senderDelegation, content.requestType, context);
  if (content.requestType !== 'read_state') {
    checkTarget(content.canisterId, targets);
    checkSenderInfo(envelope as Envelope<'call' | 'query'>, senderPubkey, context);
  }
  const problem = signatureProblem(
    signingKey,
    domainSeparated('ic-request', envelope.requestId),
    senderSig,
    context.rootKeyDer,
  );
  if (problem !== undefined) throw new InvalidRequestError('signature', `Invalid signature: ${problemText(problem)}`);
  return { targets };
}

function checkExpiry(content: RequestContent, nowNanos: bigint): void {
  if (content.requestType !== 'call' && equalBytes(content.sender, ANONYMOUS)) return;
  const expiry = content.ingressExpiryNanos;
  const latest = nowNanos + MAX_INGRESS_TTL_NANOS + PERMITTED_DRIFT_NANOS;
  if (expiry >= nowNanos && expiry <= latest) return;
  throw new InvalidRequestError(
    'expiry',
    'Invalid request expiry: Specified ingress_expiry not within expected range: ' +
      `Minimum allowed expiry: ${timeText(nowNanos)}, ` +
      `Maximum allowed expiry: ${timeText(latest)}, ` +
      `Provided expiry:        ${timeText(expiry)}`,
  );
}

/** As the replica prints times: `2023-05-31 22:00:00.123456789 UTC`, without a fraction of zero. */
function timeText(nanos: bigint): string {
  const millis = nanos / 1_000_000n;
  // Beyond what a Date can hold (year 275760) the number says as much.
  if (millis > 8_640_000_000_000_000n) return `${nanos} ns`;
  const [day, time] = new Date(Number(millis)).toISOString().split('T') as [string, string];
  const fraction = (nanos % 1_000_000_000n).toString().padStart(9, '0').replace(/(000){1,3}$/, '');
  return `${day} ${time.slice(0, 8)}${fraction === '' ? '' : `.${fraction}`} UTC`;
}

function checkLimits(content: RequestContent): void {
  const nonceBytes = content.nonce?.length ?? 0;
  if (nonceBytes > MAX_NONCE_BYTES) {
    throw new InvalidRequestError('limits', `Nonce in request is too big: got ${nonceBytes} bytes, but at most ${MAX_NONCE_BYTES} are allowed.`);
  }
  if (content.requestType !== 'read_state') return;
  const { paths } = content;
  if (paths.length > MAX_PATHS) {
    throw new InvalidRequestError('limits', `Too many paths in read state request: got ${paths.length} paths, but at most ${MAX_PATHS} are allowed.`);
  }
  const longest = paths.reduce((most, path) => Math.max(most, path.length), 0);
  if (longest > MAX_PATH_LABELS) {
    throw new InvalidRequestError('limits', `At least one path in read state request is too deep: got ${longest} labels, but at most ${MAX_PATH_LABELS} are allowed.`);
  }
}

/** Delegation signatures stay true: what was verified once need not be again. Keyed by the hash of all inputs. */
const verifiedDelegations = new BoundedCache<true>(16_384);

function checkDelegations(
  senderPubkey: Uint8Array,
  chain: readonly SignedDelegation[],
  requestType: RequestType,
  context: ValidationContext,
): { signingKey: Uint8Array; targets?: readonly Uint8Array[] } {
  if (chain.length > MAX_DELEGATIONS) {
    throw new InvalidRequestError('delegation', `Invalid delegation: Chain of delegations is too long: got ${chain.length} delegations, but at most ${MAX_DELEGATIONS} are allowed.`);
  }
  if (chain.length === 0) return { signingKey: senderPubkey };
  const seen = new Set([toHex(senderPubkey)]);
  let signingKey = senderPubkey;
  let targets: Uint8Array[] | undefined;
  for (const delegation of chain) {
    const name = toHex(delegation.pubkey);
    if (seen.has(name)) {
      throw new InvalidRequestError('delegation', `Invalid delegation: Chain of delegations contains at least one cycle: first repeating public key encountered ${name}`);
    }
    seen.add(name);
    if (delegation.expirationNanos < context.nowNanos) {
      throw new InvalidRequestError(
        'delegation-expiry',
        'Invalid delegation expiry: Specified sender delegation has expired:\n' +
          `Provided expiry:    ${timeText(delegation.expirationNanos)}\n` +
          `Local replica time: ${timeText(context.nowNanos)}`,
      );
    }
    checkPermissions(delegation.permissions, requestType);
    targets = intersect(targets, delegation.targets);
    checkDelegationSignature(signingKey, delegation, context);
    signingKey = delegation.pubkey;
  }
  return { signingKey, targets };
}

function checkPermissions(permissions: string | undefined, requestType: RequestType): void {
  if (permissions === undefined || permissions === 'all') return;
  if (permissions !== 'queries') {
    throw new InvalidRequestError('delegation', `Invalid delegation: unknown permissions '${permissions}'.`);
  }
  if (requestType === 'call') {
    throw new InvalidRequestError('delegation', 'Invalid delegation: the delegation permits queries only, not update calls.');
  }
}

function intersect(before: Uint8Array[] | undefined, more: readonly Uint8Array[] | undefined): Uint8Array[] | undefined {
  if (more === undefined) return before;
  if (more.length > MAX_DELEGATION_TARGETS) {
    throw new InvalidRequestError('delegation', `Invalid delegation: Delegation target error: Too many targets: got ${more.length} targets, but at most ${MAX_DELEGATION_TARGETS} are allowed.`);
  }
  if (before === undefined) return [...more];
  const allowed = new Set(more.map(toHex));
  return before.filter((target) => allowed.has(toHex(target)));
}

function checkDelegationSignature(signer: Uint8Array, delegation: SignedDelegation, context: ValidationContext): void {
  // Each part has a fixed length once hashed, so no two inputs share a name. The root key matters to canister signatures.
  const name = toHex(
    sha256(concatBytes(sha256(context.rootKeyDer), sha256(signer), delegation.hash, sha256(delegation.signature))),
  );
  if (verifiedDelegations.get(name) === true) return;
  const payload = domainSeparated('ic-request-auth-delegation', delegation.hash);
  const problem = signatureProblem(signer, payload, delegation.signature, context.rootKeyDer);
  if (problem !== undefined) throw new InvalidRequestError('delegation', `Invalid delegation: ${problemText(problem)}`);
  verifiedDelegations.set(name, true);
}

/** Throws unless the canister is among the targets, if there are any. */
export function checkTarget(canisterId: Uint8Array, targets: readonly Uint8Array[] | undefined): void {
  if (targets === undefined || targets.some((target) => compareBytes(target, canisterId) === 0)) return;
  const id = Principal.fromBytes(canisterId).toText();
  throw new InvalidRequestError('target', `Canister '${id}' is not one of the delegation targets.`);
}

/** Attributes are vouched for by the canister whose signature key the sender is. */
function checkSenderInfo(envelope: Envelope<'call' | 'query'>, senderPubkey: Uint8Array, context: ValidationContext): void {
  const { senderInfo } = envelope.content;
  if (senderInfo === undefined || envelope.senderInfoSig === undefined) return;
  const canisterKey = canisterSignatureKeyFromDer(senderPubkey);
  if (canisterKey === undefined || !equalBytes(canisterKey.canisterId, senderInfo.signer)) {
    throw new InvalidRequestError('signature', 'Invalid sender info: the signer is not the canister of the sender public key.');
  }
  const payload = domainSeparated('ic-sender-info', senderInfo.info);
  const problem = signatureProblem(senderPubkey, payload, envelope.senderInfoSig, context.rootKeyDer);
  if (problem !== undefined) throw new InvalidRequestError('signature', `Invalid sender info: ${problemText(problem)}`);
}

function problemText(problem: SignatureProblem): string {
  switch (problem.kind) {
    case 'public-key':
      return `Invalid public key: ${problem.detail}`;
    case 'basic':
      return `Invalid basic signature: ${problem.detail}`;
    case 'webauthn':
      return `WebAuthn error: ${problem.detail}`;
    case 'canister':
      return `Invalid canister signature: ${problem.detail}`;
  }
}
