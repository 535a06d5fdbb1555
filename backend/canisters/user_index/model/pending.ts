// Registrations between the call of the person and the answer of the local index. The name is held meanwhile.
// An attempt that never ended (its answer trapped) may be tried again after a while; the local index gives the
// same owner the same canister, so trying twice makes one account.

import { ByteReader, ByteWriter } from "../../../cdk/stable/bytes";
import { StableBTreeMap } from "../../../cdk/stable/btree-map";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { PENDING, RESERVED_NAMES } from "../memory";
import { fold } from "./usernames";

const LAYOUT: u8 = 1;

/** A call to another subnet takes seconds; after this an attempt counts as lost. */
const LOST_AFTER_MILLIS: u64 = 60_000;

// Layout 1: u8 version · bytes local index · text username · u64 since (ms)
export class Registration {
  localIndex: Uint8Array = new Uint8Array(0);
  username: string = "";
  since: u64 = 0;

  encode(w: ByteWriter): void {
    w.u8(LAYOUT);
    w.bytes(this.localIndex);
    w.text(this.username);
    w.u64(this.since);
  }

  decode(r: ByteReader): void {
    assert(r.u8() == LAYOUT, "unknown layout of a registration");
    this.localIndex = r.bytes();
    this.username = r.text();
    this.since = r.u64();
  }

  isLost(now: u64): bool {
    return now > this.since + LOST_AFTER_MILLIS;
  }
}

const pending = new StableBTreeMap<Uint8Array, Registration>(stableMemory(PENDING));
const reserved = new StableBTreeMap<string, Uint8Array>(stableMemory(RESERVED_NAMES));

export function registrationOf(principal: Uint8Array): Registration | null {
  return pending.find(principal) ? pending.found() : null;
}

/** Whether this attempt is still the one that counts: not ended as lost and begun anew since. */
export function isCurrent(principal: Uint8Array, registration: Registration): bool {
  const now = registrationOf(principal);
  return now !== null && now.since == registration.since && now.username == registration.username;
}

/** Held by somebody else's attempt. */
export function isReserved(username: string, principal: Uint8Array): bool {
  if (!reserved.find(fold(username))) return false;
  const holder = reserved.found();
  return holder.length != principal.length || memory.compare(holder.dataStart, principal.dataStart, holder.length) != 0;
}

export function beginRegistration(principal: Uint8Array, registration: Registration): void {
  pending.insert(principal, registration);
  reserved.insert(fold(registration.username), principal);
}

export function endRegistration(principal: Uint8Array, registration: Registration): void {
  pending.remove(principal);
  reserved.remove(fold(registration.username));
}
