// All identities, and the two indexes by which they are found.
//
// Keeps: an index entry for every device's key and credential id, and for nothing else; no key and no credential
// id belongs to two identities.

import { sha256 } from "../../../cdk/hash/sha256";
import { StableBTreeMap } from "../../../cdk/stable/btree-map";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import { ANCHORS, CREDENTIALS, DEVICE_KEYS } from "../memory";
import { Anchor } from "./anchor";
import { Device, sameKey } from "./device";
import { saveSettings, settings } from "./settings";

const anchors = new StableBTreeMap<u64, Anchor>(stableMemory(ANCHORS), 4096);
const credentials = new StableBTreeMap<Uint8Array, u64>(stableMemory(CREDENTIALS));
const deviceKeys = new StableBTreeMap<Uint8Array, u64>(stableMemory(DEVICE_KEYS));

/** The identity with this number, or null. */
export function anchor(number: u64): Anchor | null {
  return anchors.find(number) ? anchors.found() : null;
}

/** Stores changes that do not touch keys or credential ids. */
export function saveAnchor(anchor: Anchor): void {
  anchors.insert(anchor.number, anchor);
}

/** Whether a key or its credential id belongs to some identity already. */
export function isTaken(device: Device): bool {
  if (deviceKeys.has(sha256(device.publicKey))) return true;
  const credential = device.credentialId;
  return credential != null && credentials.has(sha256(credential));
}

function index(device: Device, number: u64): void {
  deviceKeys.insert(sha256(device.publicKey), number);
  const credential = device.credentialId;
  if (credential != null) credentials.insert(sha256(credential), number);
}

function unindex(device: Device): void {
  deviceKeys.remove(sha256(device.publicKey));
  const credential = device.credentialId;
  if (credential != null) credentials.remove(sha256(credential));
}

/** A new identity with one device, or null when all numbers are given. The device is checked and not taken. */
export function createAnchor(device: Device, name: string | null, nowNanos: u64): Anchor | null {
  const all = settings();
  if (all.nextNumber >= all.endOfNumbers) return null;
  const made = new Anchor();
  made.number = all.nextNumber++;
  saveSettings();
  made.createdAt = nowNanos;
  made.name = name;
  made.devices.push(device);
  index(device, made.number);
  saveAnchor(made);
  return made;
}

/** The device is checked and not taken. */
export function addDevice(anchor: Anchor, device: Device): void {
  anchor.devices.push(device);
  index(device, anchor.number);
  saveAnchor(anchor);
}

/** Puts a device in another's place. */
export function replaceDevice(anchor: Anchor, at: i32, device: Device): void {
  unindex(anchor.devices[at]);
  anchor.devices[at] = device;
  index(device, anchor.number);
  saveAnchor(anchor);
}

export function removeDevice(anchor: Anchor, at: i32): void {
  unindex(anchor.devices[at]);
  anchor.devices.splice(at, 1);
  saveAnchor(anchor);
}

/** The identity that a passkey with this credential id opens, or null. */
export function anchorOfCredential(credentialId: Uint8Array): Anchor | null {
  if (!credentials.find(sha256(credentialId))) return null;
  return anchor(credentials.found());
}

/** The device with this credential id. */
export function deviceOfCredential(anchor: Anchor, credentialId: Uint8Array): Device | null {
  for (let i = 0; i < anchor.devices.length; i++) {
    const known = anchor.devices[i].credentialId;
    if (known != null && sameKey(known, credentialId)) return anchor.devices[i];
  }
  return null;
}
