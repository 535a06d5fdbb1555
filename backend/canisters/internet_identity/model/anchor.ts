// An identity: a number with its devices.
//
// Keeps (checkAnchor): at most 10 devices, one recovery phrase, 2,500 bytes of variable length; a phrase has no
// credential id; only a phrase may be protected.

import { ByteReader, ByteWriter } from "../../../cdk/stable/bytes";
import { Principal } from "../../../cdk/principal/principal";
import { Device, KeyKind, metadataBytes, sameKey } from "./device";
import { isPasskey } from "./passkey";

// The public service's limits.
const MAX_DEVICES: i32 = 10;
const MAX_ANCHOR_BYTES: i32 = 2500;
const MAX_ALIAS_BYTES: i32 = 64;
const MAX_KEY_BYTES: i32 = 300;
const MAX_CREDENTIAL_BYTES: i32 = 350;
const MAX_ORIGIN_BYTES: i32 = 50;
const AAGUID_BYTES: i32 = 16;
export const MAX_NAME_BYTES: i32 = 128;

/** Names that metadata may not use, because the interface has them as fields. */
const RESERVED: StaticArray<string> = [
  "pubkey",
  "alias",
  "credential_id",
  "purpose",
  "key_type",
  "protection",
  "origin",
  "last_usage_timestamp",
  "metadata",
  "usage",
  "authenticator_attachment",
];

export class Anchor {
  number: u64 = 0;
  /** Nanoseconds. */
  createdAt: u64 = 0;
  name: string | null = null;
  devices: Array<Device> = [];

  encode(w: ByteWriter): void {
    w.u8(1);
    w.u64(this.number);
    w.u64(this.createdAt);
    const name = this.name;
    w.bool(name != null);
    if (name != null) w.text(name);
    w.varint(this.devices.length);
    for (let i = 0; i < this.devices.length; i++) this.devices[i].encode(w);
  }

  decode(r: ByteReader): void {
    assert(r.u8() == 1, "anchor of an unknown version");
    this.number = r.u64();
    this.createdAt = r.u64();
    if (r.bool()) this.name = r.text();
    for (let n = r.varint(); n > 0; n--) {
      const device = new Device();
      device.decode(r);
      this.devices.push(device);
    }
  }

  /** Index of the device with this public key, or -1. */
  indexOf(publicKey: Uint8Array): i32 {
    for (let i = 0; i < this.devices.length; i++) if (sameKey(this.devices[i].publicKey, publicKey)) return i;
    return -1;
  }

  /** Index of the device whose principal this is, or -1. */
  indexOfPrincipal(principal: Principal): i32 {
    if (!principal.isSelfAuthenticating) return -1;
    for (let i = 0; i < this.devices.length; i++) if (this.devices[i].principal.equals(principal)) return i;
    return -1;
  }
}

/** What is wrong with a device by itself, or null. */
export function deviceFault(device: Device): string | null {
  const key = device.publicKey.length;
  if (key == 0 || key > MAX_KEY_BYTES) return "public key of " + key.toString() + " bytes: 1 to " + MAX_KEY_BYTES.toString() + " are allowed";
  if (String.UTF8.byteLength(device.alias) > MAX_ALIAS_BYTES) return "alias longer than " + MAX_ALIAS_BYTES.toString() + " bytes";
  const credential = device.credentialId;
  if (credential != null) {
    if (credential.length == 0 || credential.length > MAX_CREDENTIAL_BYTES) return "credential id must have 1 to " + MAX_CREDENTIAL_BYTES.toString() + " bytes";
    if (!isPasskey(device.publicKey)) return "public key is not a DER-wrapped COSE key of algorithm ES256, RS256 or EdDSA";
  }
  const aaguid = device.aaguid;
  if (aaguid != null && aaguid.length != AAGUID_BYTES) return "AAGUID must have 16 bytes";
  const origin = device.origin;
  if (origin != null && String.UTF8.byteLength(origin) > MAX_ORIGIN_BYTES) return "device origin longer than " + MAX_ORIGIN_BYTES.toString() + " bytes";
  if (metadataBytes(device.metadata) < 0) return "metadata nested too deeply";
  for (let i = 0; i < device.metadata.length; i++) {
    if (RESERVED.includes(device.metadata[i].key)) return "metadata key '" + device.metadata[i].key + "' is reserved";
  }
  if (device.kind == KeyKind.SeedPhrase && credential != null) return "a recovery phrase has no credential id";
  if (device.isProtected && device.kind != KeyKind.SeedPhrase) return "only a recovery phrase can be protected";
  return null;
}

/** What is wrong with an anchor whose devices are each right, or null. */
export function anchorFault(anchor: Anchor): string | null {
  if (anchor.devices.length > MAX_DEVICES) return "an identity has at most " + MAX_DEVICES.toString() + " devices";
  let bytes = 0;
  let phrases = 0;
  for (let i = 0; i < anchor.devices.length; i++) {
    bytes += anchor.devices[i].bytes;
    if (anchor.devices[i].kind == KeyKind.SeedPhrase) phrases++;
  }
  if (phrases > 1) return "an identity has at most one recovery phrase";
  if (bytes > MAX_ANCHOR_BYTES) return "devices take " + bytes.toString() + " bytes: at most " + MAX_ANCHOR_BYTES.toString() + " are allowed";
  return null;
}
