// Adding, replacing and removing devices, for both versions of the interface. Each gives what is wrong, or null.

import { mayChange } from "../guards";
import { Anchor, anchorFault, deviceFault } from "./anchor";
import { addDevice, isTaken, removeDevice, replaceDevice, saveAnchor } from "./anchors";
import { Device, sameKey } from "./device";

export const NO_SUCH_DEVICE = "no device with this public key";
export const ALREADY_USED = "passkey with this public key is already used";
const PROTECTED = "a protected device can only be changed by itself";

export function add(anchor: Anchor, device: Device): string | null {
  const fault = deviceFault(device);
  if (fault != null) return fault;
  if (isTaken(device)) return ALREADY_USED;
  anchor.devices.push(device);
  const whole = anchorFault(anchor);
  anchor.devices.pop();
  if (whole != null) return whole;
  addDevice(anchor, device);
  return null;
}

/** Puts `device` in the place of the one with this key; it may be the same key with other fields. */
export function replace(anchor: Anchor, publicKey: Uint8Array, device: Device): string | null {
  const at = anchor.indexOf(publicKey);
  if (at < 0) return NO_SUCH_DEVICE;
  const old = anchor.devices[at];
  if (!mayChange(old)) return PROTECTED;
  const fault = deviceFault(device);
  if (fault != null) return fault;
  if (!sameWay(old, device) && isTakenByAnother(anchor, at, device)) return ALREADY_USED;
  if (sameKey(old.publicKey, device.publicKey)) device.lastUsage = old.lastUsage;
  anchor.devices[at] = device;
  const whole = anchorFault(anchor);
  anchor.devices[at] = old;
  if (whole != null) return whole;
  replaceDevice(anchor, at, device);
  return null;
}

/** Same key and same credential id: nothing in the indexes changes. */
function sameWay(a: Device, b: Device): bool {
  const x = a.credentialId;
  const y = b.credentialId;
  if (!sameKey(a.publicKey, b.publicKey)) return false;
  if (x == null || y == null) return x == null && y == null;
  return sameKey(x, y);
}

/** Whether key or credential id belongs to a device other than the one at `at`. */
function isTakenByAnother(anchor: Anchor, at: i32, device: Device): bool {
  const old = anchor.devices[at];
  const probe = new Device();
  // What stays the same is not asked about: it is the old device's own.
  if (!sameKey(old.publicKey, device.publicKey)) {
    probe.publicKey = device.publicKey;
    if (isTaken(probe)) return true;
  }
  const mine = old.credentialId;
  const wanted = device.credentialId;
  if (wanted == null || (mine != null && sameKey(mine, wanted))) return false;
  probe.publicKey = new Uint8Array(0);
  probe.credentialId = wanted;
  return isTaken(probe);
}

/** Changes fields that no index knows. */
export function rewrite(anchor: Anchor, at: i32, change: Device): string | null {
  const old = anchor.devices[at];
  if (!mayChange(old)) return PROTECTED;
  const fault = deviceFault(change);
  if (fault != null) return fault;
  anchor.devices[at] = change;
  const whole = anchorFault(anchor);
  if (whole != null) {
    anchor.devices[at] = old;
    return whole;
  }
  saveAnchor(anchor);
  return null;
}

export function remove(anchor: Anchor, publicKey: Uint8Array): string | null {
  const at = anchor.indexOf(publicKey);
  if (at < 0) return NO_SUCH_DEVICE;
  if (!mayChange(anchor.devices[at])) return PROTECTED;
  if (anchor.devices.length == 1) return "the last way into an identity cannot be removed";
  removeDevice(anchor, at);
  return null;
}
