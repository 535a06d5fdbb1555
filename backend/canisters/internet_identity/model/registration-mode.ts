// Adding a device from another device: the identity is open for one tentative device for 15 minutes, and a code
// shown on the new device must be typed on an old one. On the heap, bounded.

import { sha256 } from "../../../cdk/hash/sha256";
import { leb128 } from "../../../cdk/encoding/leb128";
import { Device } from "./device";
import { settings } from "./settings";

const LIFETIME_NANOS: u64 = 900_000_000_000;
/** The public service's limits. */
const MAX_OPEN: i32 = 10_000;
export const ATTEMPTS: u8 = 3;
const ID_LENGTH: i32 = 5;

export class RegistrationMode {
  device: Device | null = null;
  code: string = "";
  attemptsLeft: u8 = ATTEMPTS;
  constructor(
    readonly anchor: u64,
    readonly id: string | null,
    readonly expiry: u64,
  ) {}
}

const modes = new Map<u64, RegistrationMode>();
const anchorOfId = new Map<string, u64>();
let order: Array<RegistrationMode> = [];

function forget(mode: RegistrationMode): void {
  if (modes.has(mode.anchor) && modes.get(mode.anchor) == mode) modes.delete(mode.anchor);
  const id = mode.id;
  if (id != null && anchorOfId.has(id) && anchorOfId.get(id) == mode.anchor) anchorOfId.delete(id);
}

function dropExpired(nowNanos: u64): void {
  let gone = 0;
  while (gone < order.length && order[gone].expiry <= nowNanos) forget(order[gone++]);
  if (gone > 0) order = order.slice(gone);
}

/** The identity's open mode, or null. */
export function registrationMode(anchor: u64, nowNanos: u64): RegistrationMode | null {
  if (!modes.has(anchor)) return null;
  const mode = modes.get(anchor);
  return mode.expiry > nowNanos ? mode : null;
}

/** What is wrong with an id, or null: exactly five letters and digits. */
export function idFault(id: string): string | null {
  if (id.length != ID_LENGTH) return "a registration id has exactly 5 characters";
  for (let i = 0; i < ID_LENGTH; i++) {
    const c = id.charCodeAt(i);
    if (!((c >= 48 && c <= 57) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122))) return "a registration id has only letters and digits";
  }
  return null;
}

/** Opens the mode afresh, forgetting a former one; null when the id is in use or too many are open. */
export function enterMode(anchor: u64, id: string | null, nowNanos: u64): RegistrationMode | null {
  dropExpired(nowNanos);
  if (id != null && anchorOfId.has(id) && anchorOfId.get(id) != anchor) return null;
  if (modes.has(anchor)) forget(modes.get(anchor));
  else if (modes.size >= MAX_OPEN) return null;
  const mode = new RegistrationMode(anchor, id, nowNanos + LIFETIME_NANOS);
  modes.set(anchor, mode);
  order.push(mode);
  if (id != null) anchorOfId.set(id, anchor);
  return mode;
}

export function leaveMode(mode: RegistrationMode): void {
  forget(mode);
}

/** The identity whose open mode has this id, or null (as 0: no number is 0). */
export function anchorWithId(id: string, nowNanos: u64): u64 {
  if (!anchorOfId.has(id)) return 0;
  const anchor = anchorOfId.get(id);
  return registrationMode(anchor, nowNanos) != null ? anchor : 0;
}

let codesMade: u64 = 0;

/** Six digits that nobody can foresee who does not know the salt. The salt must be drawn. */
export function newCode(anchor: u64, nowNanos: u64): string {
  const salt = settings().salt;
  const parts = [salt, leb128(anchor), leb128(nowNanos), leb128(codesMade++)];
  const seed = new Uint8Array(32 + 30);
  let at = 0;
  for (let i = 0; i < parts.length; i++) {
    seed.set(parts[i], at);
    at += parts[i].length;
  }
  const digest = sha256(seed);
  return (load<u64>(digest.dataStart) % 1_000_000).toString().padStart(6, "0");
}
