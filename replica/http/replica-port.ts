/**
 * What the public HTTP interface needs from the network of subnets behind it.
 *
 * The HTTP layer owns this interface; `node` implements it, in one process or across worker threads. Every argument and
 * result is structured-cloneable (plain objects, strings, numbers, bigints, Uint8Arrays), so an implementation may post
 * them to a worker as they are.
 *
 * Division of labour:
 * - HTTP parses, checks sizes, expiry, delegations and signatures, and checks which paths may be asked for.
 *   Whatever passes this port is authenticated: `sender` is who it says.
 * - The subnet runs what needs its state: the ingress filter (canister exists, can pay, inspect_message), execution,
 *   certification, and the two access checks of `ReadStateRequest.checks`.
 *
 * Principals cross as their bytes (0..29). Source: Interface Spec, "HTTPS interface".
 */

/** Bytes of a principal, 0 to 29 of them. */
export type PrincipalBytes = Uint8Array;

/** The health words that clients know; all endpoints but status answer 503 while it is not `healthy`. */
export type ReplicaHealth =
  | 'starting'
  | 'healthy'
  | 'waiting_for_certified_state'
  | 'waiting_for_root_delegation'
  | 'certified_state_behind';

export interface ReplicaStatus {
  /** DER, 133 bytes: the key under which every certificate of this network verifies. */
  readonly rootKey: Uint8Array;
  readonly health: ReplicaHealth;
  /** Height of the last certified state of the root subnet, if there is one. */
  readonly certifiedHeight?: bigint;
  readonly implVersion: string;
}

/** Who a signed blob in `sender_info` says the sender is; checked by HTTP before it gets here. */
export interface SenderInfo {
  readonly info: Uint8Array;
  readonly signer: PrincipalBytes;
}

/** A call or query whose envelope was checked. */
export interface ValidatedRequest {
  /** Representation-independent hash of the content, 32 bytes. */
  readonly requestId: Uint8Array;
  readonly sender: PrincipalBytes;
  readonly canisterId: PrincipalBytes;
  readonly methodName: string;
  readonly arg: Uint8Array;
  /** Nanoseconds since 1970. Within now .. now + 5.5 min when HTTP looked. */
  readonly ingressExpiryNanos: bigint;
  readonly senderInfo?: SenderInfo;
  /**
   * The principal in the URL. For `canisterId` ≠ aaaaa-aa they are equal. For the management canister this is what
   * routing went by; that it fits the argument (install_code's canister_id, …) is for the subnet to check.
   */
  readonly effectiveId: PrincipalBytes;
  /** Size of the signed envelope as received; the ingress fee is by it. */
  readonly envelopeBytes: number;
}

/** Where a request goes. Both kinds of URL end here. */
export type Target =
  | { readonly kind: 'canister'; readonly effectiveCanisterId: PrincipalBytes }
  | { readonly kind: 'subnet'; readonly subnetId: PrincipalBytes };

/** A reject in the shape every endpoint shows. `errorCode` is "IC0536" and the like. */
export interface UserError {
  readonly rejectCode: number;
  readonly rejectMessage: string;
  readonly errorCode: string;
}

/** Something that is not the sender's fault; answered with this HTTP status and text. */
export interface Unavailable {
  readonly kind: 'unavailable';
  readonly httpStatus: 429 | 500 | 503;
  readonly text: string;
}

/**
 * - `acceptance`: resolve as soon as the ingress filter let the message into the pool (call v2).
 * - `certificate`: resolve once `/request_status/<id>` is terminal and certified (call v3, v4). If the id is already
 *   known to the certified state (any status), resolve at once with that certificate.
 *   The HTTP layer stops waiting by itself after ten seconds; the implementation must not hold on to a waiter beyond
 *   the message's expiry.
 */
export type WaitFor = 'acceptance' | 'certificate';

export type SubmitOutcome =
  | { readonly kind: 'accepted' }
  /** Encoded certificate (tag 55799) revealing exactly `/time` and `/request_status/<id>`. */
  | { readonly kind: 'certified'; readonly certificate: Uint8Array }
  /** In the pool or executing already; never run twice. */
  | { readonly kind: 'duplicate' }
  /** Refused by the ingress filter; never entered the state. */
  | { readonly kind: 'rejected'; readonly error: UserError }
  | Unavailable;

export interface NodeSignature {
  /** Time of the state the query ran on. */
  readonly timestampNanos: bigint;
  /** Ed25519, 64 bytes; see `signQueryResponse` in crypto/query-signature.ts. */
  readonly signature: Uint8Array;
  /** Node id: self-authenticating principal of the node's DER key. */
  readonly identity: PrincipalBytes;
}

export type QueryOutcome =
  | { readonly kind: 'replied'; readonly arg: Uint8Array; readonly signature: NodeSignature }
  | { readonly kind: 'rejected'; readonly error: UserError; readonly signature: NodeSignature }
  | Unavailable;

/** Access checks that need the state. A check on something that does not exist passes (the proof shows absence). */
export type ReadStateCheck =
  /**
   * The ingress message with this id, if known, must have been sent by `sender` and, if `delegationTargets` is given,
   * to a canister among them. Otherwise: 403.
   */
  | { readonly kind: 'request-status'; readonly requestId: Uint8Array }
  /** A private custom section `icp:private <name>` may be read by controllers only. Otherwise: 403. */
  | { readonly kind: 'metadata'; readonly canisterId: PrincipalBytes; readonly name: Uint8Array };

export interface ReadStateRequest {
  readonly target: Target;
  readonly sender: PrincipalBytes;
  /** Intersection of the delegations' targets; absent if no delegation restricts. */
  readonly delegationTargets?: readonly PrincipalBytes[];
  /** Paths allowed by the rules of the endpoint; `/time` is already among them. */
  readonly paths: readonly (readonly Uint8Array[])[];
  readonly checks: readonly ReadStateCheck[];
  /**
   * API generation. What lies below a requested path but must not be shown is told by `isHiddenFromReadState` in
   * http/read-state-paths.ts; pass it to `witness`.
   */
  readonly apiVersion: 2 | 3;
}

export type ReadStateOutcome =
  /** Encoded certificate (tag 55799) for `paths`, with absence proofs, delegation included unless root. */
  | { readonly kind: 'certificate'; readonly certificate: Uint8Array }
  | { readonly kind: 'refused'; readonly httpStatus: 400 | 403 | 404; readonly text: string }
  | Unavailable;

export interface ReplicaPort {
  /** Cheap and synchronous: HTTP asks before every request. */
  status(): ReplicaStatus;
  /** The network's clock, against which expiries are checked (virtual time in tests). */
  nowNanos(): bigint;
  /**
   * The subnet that serves a target by the routing table, or undefined: the canister id lies in no range, or there is
   * no such subnet. HTTP answers 400 then, except for management calls that create canisters, which it sends to the
   * root subnet.
   */
  subnetOf(target: Target): PrincipalBytes | undefined;
  /** Ids of all subnets, root first. */
  subnetIds(): readonly PrincipalBytes[];
  /** Largest signed envelope the subnet takes (2 MiB; 3.5 MiB on the system subnet). */
  maxIngressBytes(subnetId: PrincipalBytes): number;

  submitIngress(subnetId: PrincipalBytes, request: ValidatedRequest, waitFor: WaitFor): Promise<SubmitOutcome>;
  query(subnetId: PrincipalBytes, request: ValidatedRequest): Promise<QueryOutcome>;
  readState(subnetId: PrincipalBytes, request: ReadStateRequest): Promise<ReadStateOutcome>;
}
