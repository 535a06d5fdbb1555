// Between a device and the two forms in which the interface writes it.

import { Opt } from "../../../cdk/candid/opt";
import {
  AuthnMethod,
  AuthnMethodData,
  AuthnMethodProtection,
  AuthnMethodPurpose,
  AuthnMethodSecuritySettings,
  AuthnMethodTag,
  DeviceData,
  DeviceProtection,
  DeviceWithUsage,
  KeyType,
  MetadataMapContentItem,
  MetadataMapContentItem1,
  MetadataMapContentItem1Tag,
  MetadataMapV2ContentItem,
  MetadataMapV2ContentItem1,
  MetadataMapV2ContentItem1Tag,
  PublicKeyAuthn,
  Purpose,
  WebAuthn,
} from "../../../generated/internet_identity/types";
import { Device, KeyKind, MetadataEntry, MetadataKind } from "./device";

// ---- version 1 ----

function kindOf(type: KeyType): KeyKind {
  switch (type) {
    case KeyType.platform:
      return KeyKind.Platform;
    case KeyType.cross_platform:
      return KeyKind.CrossPlatform;
    case KeyType.seed_phrase:
      return KeyKind.SeedPhrase;
    case KeyType.browser_storage_key:
      return KeyKind.BrowserStorage;
    default:
      return KeyKind.Unknown;
  }
}

function typeOf(kind: KeyKind): KeyType {
  switch (kind) {
    case KeyKind.Platform:
      return KeyType.platform;
    case KeyKind.CrossPlatform:
      return KeyType.cross_platform;
    case KeyKind.SeedPhrase:
      return KeyType.seed_phrase;
    case KeyKind.BrowserStorage:
      return KeyType.browser_storage_key;
    default:
      return KeyType.unknown;
  }
}

function fromMap(map: Array<MetadataMapContentItem>): Array<MetadataEntry> {
  const out: Array<MetadataEntry> = [];
  for (let i = 0; i < map.length; i++) {
    const entry = new MetadataEntry();
    entry.key = map[i]._0;
    const value = map[i]._1;
    if (value.tag == MetadataMapContentItem1Tag.string) entry.text = value.as_string;
    else if (value.tag == MetadataMapContentItem1Tag.bytes) {
      entry.kind = MetadataKind.Bytes;
      entry.bytes = value.as_bytes;
    } else {
      entry.kind = MetadataKind.Map;
      entry.map = fromMap(value.as_map);
    }
    out.push(entry);
  }
  return out;
}

function toMap(map: Array<MetadataEntry>): Array<MetadataMapContentItem> {
  const out: Array<MetadataMapContentItem> = [];
  for (let i = 0; i < map.length; i++) {
    const entry = map[i];
    let value = MetadataMapContentItem1.string(entry.text);
    if (entry.kind == MetadataKind.Bytes) value = MetadataMapContentItem1.bytes(entry.bytes);
    else if (entry.kind == MetadataKind.Map) value = MetadataMapContentItem1.map(toMap(entry.map));
    out.push(new MetadataMapContentItem(entry.key, value));
  }
  return out;
}

export function fromDeviceData(data: DeviceData): Device {
  const device = new Device();
  device.publicKey = data.pubkey;
  device.alias = data.alias;
  device.credentialId = data.credential_id;
  device.aaguid = data.aaguid;
  device.isRecovery = data.purpose == Purpose.recovery;
  device.kind = kindOf(data.key_type);
  device.isProtected = data.protection == DeviceProtection.protected_;
  device.origin = data.origin;
  const metadata = data.metadata;
  if (metadata != null) device.metadata = fromMap(metadata);
  return device;
}

export function toDeviceData(device: Device, withAlias: bool): DeviceData {
  return new DeviceData(
    device.publicKey,
    withAlias ? device.alias : "",
    device.credentialId,
    device.aaguid,
    device.isRecovery ? Purpose.recovery : Purpose.authentication,
    typeOf(device.kind),
    device.isProtected ? DeviceProtection.protected_ : DeviceProtection.unprotected,
    device.origin,
    withAlias && device.metadata.length > 0 ? toMap(device.metadata) : null,
  );
}

export function toDeviceWithUsage(device: Device): DeviceWithUsage {
  const data = toDeviceData(device, true);
  return new DeviceWithUsage(
    data.pubkey,
    data.alias,
    data.credential_id,
    data.aaguid,
    data.purpose,
    data.key_type,
    data.protection,
    data.origin,
    device.lastUsage == 0 ? null : new Opt<u64>(device.lastUsage),
    data.metadata,
  );
}

// ---- version 2 ----

function fromMapV2(map: Array<MetadataMapV2ContentItem>): Array<MetadataEntry> {
  const out: Array<MetadataEntry> = [];
  for (let i = 0; i < map.length; i++) {
    const entry = new MetadataEntry();
    entry.key = map[i]._0;
    const value = map[i]._1;
    if (value.tag == MetadataMapV2ContentItem1Tag.String) entry.text = value.as_String;
    else if (value.tag == MetadataMapV2ContentItem1Tag.Bytes) {
      entry.kind = MetadataKind.Bytes;
      entry.bytes = value.as_Bytes;
    } else {
      entry.kind = MetadataKind.Map;
      entry.map = fromMapV2(value.as_Map);
    }
    out.push(entry);
  }
  return out;
}

function textEntry(key: string, text: string): MetadataMapV2ContentItem {
  return new MetadataMapV2ContentItem(key, MetadataMapV2ContentItem1.String(text));
}

function toMapV2(map: Array<MetadataEntry>): Array<MetadataMapV2ContentItem> {
  const out: Array<MetadataMapV2ContentItem> = [];
  for (let i = 0; i < map.length; i++) {
    const entry = map[i];
    let value = MetadataMapV2ContentItem1.String(entry.text);
    if (entry.kind == MetadataKind.Bytes) value = MetadataMapV2ContentItem1.Bytes(entry.bytes);
    else if (entry.kind == MetadataKind.Map) value = MetadataMapV2ContentItem1.Map(toMapV2(entry.map));
    out.push(new MetadataMapV2ContentItem(entry.key, value));
  }
  return out;
}

/**
 * Reads a metadata map into a device: alias, origin, authenticator_attachment and usage become its fields, the
 * rest its metadata. What is wrong, or null.
 */
export function applyMetadata(device: Device, map: Array<MetadataMapV2ContentItem>): string | null {
  device.alias = "";
  device.origin = null;
  device.kind = KeyKind.Unknown;
  device.metadata = [];
  const entries = fromMapV2(map);
  let attachment = KeyKind.Unknown;
  let usage = KeyKind.Unknown;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i];
    const isField = entry.key == "alias" || entry.key == "origin" || entry.key == "authenticator_attachment" || entry.key == "usage";
    if (!isField) {
      device.metadata.push(entry);
      continue;
    }
    if (entry.kind != MetadataKind.Text) return "metadata key '" + entry.key + "' must be a String";
    if (entry.key == "alias") device.alias = entry.text;
    else if (entry.key == "origin") device.origin = entry.text;
    else if (entry.key == "usage") {
      if (entry.text == "recovery_phrase") usage = KeyKind.SeedPhrase;
      else if (entry.text == "browser_storage_key") usage = KeyKind.BrowserStorage;
    } else if (entry.text == "platform") attachment = KeyKind.Platform;
    else if (entry.text == "cross_platform") attachment = KeyKind.CrossPlatform;
  }
  device.kind = usage != KeyKind.Unknown ? usage : attachment;
  return null;
}

/** The device, or null with the fault in `conversionFault`. */
export function fromAuthnMethodData(data: AuthnMethodData): Device | null {
  const device = new Device();
  const method = data.authn_method;
  if (method.tag == AuthnMethodTag.WebAuthn) {
    const passkey = method.as_WebAuthn;
    device.publicKey = passkey.pubkey;
    device.credentialId = passkey.credential_id;
    device.aaguid = passkey.aaguid;
  } else device.publicKey = method.as_PubKey.pubkey;
  device.isRecovery = data.security_settings.purpose == AuthnMethodPurpose.Recovery;
  device.isProtected = data.security_settings.protection == AuthnMethodProtection.Protected;
  const fault = applyMetadata(device, data.metadata);
  if (fault != null) {
    conversionFault = fault;
    return null;
  }
  return device;
}

/** Why the last conversion gave null. */
export let conversionFault: string = "";

export function toAuthnMethod(device: Device): AuthnMethod {
  const credential = device.credentialId;
  return credential != null
    ? AuthnMethod.WebAuthn(new WebAuthn(credential, device.publicKey, device.aaguid))
    : AuthnMethod.PubKey(new PublicKeyAuthn(device.publicKey));
}

export function toAuthnMethodData(device: Device): AuthnMethodData {
  const metadata = toMapV2(device.metadata);
  if (device.alias.length > 0) metadata.push(textEntry("alias", device.alias));
  const origin = device.origin;
  if (origin != null) metadata.push(textEntry("origin", origin));
  if (device.kind == KeyKind.Platform) metadata.push(textEntry("authenticator_attachment", "platform"));
  else if (device.kind == KeyKind.CrossPlatform) metadata.push(textEntry("authenticator_attachment", "cross_platform"));
  else if (device.kind == KeyKind.SeedPhrase) metadata.push(textEntry("usage", "recovery_phrase"));
  else if (device.kind == KeyKind.BrowserStorage) metadata.push(textEntry("usage", "browser_storage_key"));
  return new AuthnMethodData(
    toAuthnMethod(device),
    new AuthnMethodSecuritySettings(
      device.isProtected ? AuthnMethodProtection.Protected : AuthnMethodProtection.Unprotected,
      device.isRecovery ? AuthnMethodPurpose.Recovery : AuthnMethodPurpose.Authentication,
    ),
    metadata,
    device.lastUsage == 0 ? null : new Opt<u64>(device.lastUsage),
  );
}
