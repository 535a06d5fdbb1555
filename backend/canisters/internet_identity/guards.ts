// Who may act for an identity: a caller with one of its devices' keys, or with the key it was just registered by.

import { caller, time, trap } from "../../cdk/api";
import { Anchor } from "./model/anchor";
import { anchor, saveAnchor } from "./model/anchors";
import { Device } from "./model/device";
import { temporaryDevice } from "./model/temporary-keys";

/** The device for which the caller acted, set by the last successful check. */
let device: Device | null = null;

export function actingDevice(): Device {
  return device!;
}

/** The identity, if the caller may act for it; else null, whether the identity exists or not. */
export function authenticated(number: u64): Anchor | null {
  const known = anchor(number);
  if (known == null) return null;
  const who = caller();
  let at = known.indexOfPrincipal(who);
  if (at < 0) at = temporaryDevice(who, known, time());
  if (at < 0) return null;
  device = known.devices[at];
  return known;
}

/** Like authenticated, and notes the use of the device. For updates. */
export function authenticatedUse(number: u64): Anchor | null {
  const known = authenticated(number);
  if (known != null) {
    actingDevice().lastUsage = time();
    saveAnchor(known);
  }
  return known;
}

/** Like authenticatedUse; traps when the caller may not. */
export function mustAuthenticate(number: u64): Anchor {
  const known = authenticatedUse(number);
  if (known == null) refuse();
  return known!;
}

/** Traps with the text that clients of the public service know. */
export function refuse(): void {
  trap(caller().toText() + " could not be authenticated.");
}

/** Whether the caller may change or remove this device: a protected one only by itself. */
export function mayChange(target: Device): bool {
  return !target.isProtected || target.principal.equals(caller());
}

