// Principals per application, and delegations to them signed by this canister.
//
// Keeps: the seed depends on salt, identity and origin alone, so the principal never changes; nothing in a
// delegation tells the identity. Formulas: Internet Identity Specification, "Delegations" and "Salt".

import { dataCertificate, self, setCertifiedData } from "../../../cdk/api";
import { CertifiedTree } from "../../../cdk/certification/certified-tree";
import { canisterSignatureKey, SignatureMap } from "../../../cdk/certification/canister-signatures";
import { HashOfMap } from "../../../cdk/certification/representation-hash";
import { Sha256 } from "../../../cdk/hash/sha256";
import { settings } from "./settings";

const DEFAULT_NANOS: u64 = 30 * 60_000_000_000;
const LONGEST_NANOS: u64 = 30 * 24 * 3600 * 1_000_000_000;
const MAX_ORIGIN_BYTES: i32 = 255;
/** Any key that the system accepts is shorter. The canister does not parse it. */
const MAX_SESSION_KEY_BYTES: i32 = 1024;
const DOMAIN = "\x1aic-request-auth-delegation";

/** Some 20 MB of heap: more than all identities of a full burst of registrations can prepare in a minute. */
const MAX_PREPARED: i32 = 32_768;
/** Per identity and minute, so that nobody can take the room of others. */
const MAX_PER_IDENTITY: i32 = 20;
const MINUTE_NANOS: u64 = 60_000_000_000;

const tree = new CertifiedTree();
const signatures = new SignatureMap(tree, MAX_PREPARED);

/** How many each identity prepared in the present minute. */
let prepared = new Map<u64, i32>();
let preparedMinute: u64 = 0;

/** Counts one more; false when the identity has had its share of this minute. */
function countPreparation(number: u64, nowNanos: u64): bool {
  const minute = nowNanos / MINUTE_NANOS;
  if (minute != preparedMinute) {
    prepared = new Map<u64, i32>();
    preparedMinute = minute;
  }
  const before = prepared.has(number) ? prepared.get(number) : 0;
  if (before >= MAX_PER_IDENTITY) return false;
  prepared.set(number, before + 1);
  return true;
}

/** What is wrong with a request, or null. */
export function requestFault(origin: string, sessionKey: Uint8Array): string | null {
  const bytes = String.UTF8.byteLength(origin);
  if (bytes == 0 || bytes > MAX_ORIGIN_BYTES) return "frontend hostname of " + bytes.toString() + " bytes: 1 to " + MAX_ORIGIN_BYTES.toString() + " are allowed";
  if (sessionKey.length == 0 || sessionKey.length > MAX_SESSION_KEY_BYTES) return "session key must have 1 to " + MAX_SESSION_KEY_BYTES.toString() + " bytes";
  return null;
}

/** SHA-256 over salt, number in decimal and origin, each behind its length in one byte. */
function seedOf(number: u64, origin: string): Uint8Array {
  const salt = settings().salt;
  assert(salt.length == 32, "the salt is not drawn");
  const digits = number.toString();
  return new Sha256()
    .updateByte(32)
    .update(salt)
    .updateByte(<u8>digits.length)
    .updateText(digits)
    .updateByte(<u8>String.UTF8.byteLength(origin))
    .updateText(origin)
    .digest();
}

/** The DER key of an identity at an origin. */
export function userKey(number: u64, origin: string): Uint8Array {
  return canisterSignatureKey(self().bytes, seedOf(number, origin));
}

/** SHA-256 of what the signature signs. */
function messageHash(sessionKey: Uint8Array, expiration: u64): Uint8Array {
  const map = new HashOfMap().bytes("pubkey", sessionKey).nat("expiration", expiration).digest();
  return new Sha256().updateText(DOMAIN).update(map).digest();
}

/** When a delegation asked for now ends; 0 asks for the default. */
export function expirationFor(requestedNanos: u64, nowNanos: u64): u64 {
  return nowNanos + (requestedNanos == 0 ? DEFAULT_NANOS : min(requestedNanos, LONGEST_NANOS));
}

/** Certifies a delegation; false when too many are waiting to be fetched, of this identity or in all. */
export function signDelegation(number: u64, origin: string, sessionKey: Uint8Array, expiration: u64, nowNanos: u64): bool {
  if (!countPreparation(number, nowNanos)) return false;
  if (!signatures.add(seedOf(number, origin), messageHash(sessionKey, expiration), nowNanos)) return false;
  setCertifiedData(tree.digest());
  return true;
}

/** The signature of a delegation prepared within the last minute, or null. Only in a query. */
export function delegationSignature(number: u64, origin: string, sessionKey: Uint8Array, expiration: u64): Uint8Array | null {
  const certificate = dataCertificate();
  if (certificate == null) return null;
  return signatures.signature(seedOf(number, origin), messageHash(sessionKey, expiration), certificate);
}

/** After an upgrade the signatures are gone; the certified data must say so. */
export function certifyNothing(): void {
  setCertifiedData(tree.digest());
}
