// One way into an identity: a passkey, a recovery phrase's key, or another key.

import { ByteReader, ByteWriter } from "../../../cdk/stable/bytes";
import { Principal } from "../../../cdk/principal/principal";

/** What kind of authenticator holds the key. Stored as these numbers. */
export enum KeyKind {
  Unknown = 0,
  Platform = 1,
  CrossPlatform = 2,
  SeedPhrase = 3,
  BrowserStorage = 4,
}

/** What a metadata entry holds. Stored as these numbers. */
export enum MetadataKind {
  Text = 0,
  Bytes = 1,
  Map = 2,
}

/** Nesting of metadata maps that is accepted: what is stored must be readable again. */
const MAX_METADATA_DEPTH: i32 = 4;

export class MetadataEntry {
  key: string = "";
  kind: MetadataKind = MetadataKind.Text;
  text: string = "";
  bytes: Uint8Array = new Uint8Array(0);
  map: Array<MetadataEntry> = [];
}

function encodeMetadata(w: ByteWriter, map: Array<MetadataEntry>): void {
  w.varint(map.length);
  for (let i = 0; i < map.length; i++) {
    const entry = map[i];
    w.text(entry.key);
    w.u8(<u8>entry.kind);
    if (entry.kind == MetadataKind.Text) w.text(entry.text);
    else if (entry.kind == MetadataKind.Bytes) w.bytes(entry.bytes);
    else encodeMetadata(w, entry.map);
  }
}

function decodeMetadata(r: ByteReader): Array<MetadataEntry> {
  const map: Array<MetadataEntry> = [];
  for (let n = r.varint(); n > 0; n--) {
    const entry = new MetadataEntry();
    entry.key = r.text();
    entry.kind = r.u8();
    if (entry.kind == MetadataKind.Text) entry.text = r.text();
    else if (entry.kind == MetadataKind.Bytes) entry.bytes = r.bytes();
    else entry.map = decodeMetadata(r);
    map.push(entry);
  }
  return map;
}

/** Bytes that a metadata map takes, or -1 when it is nested too deeply. */
export function metadataBytes(map: Array<MetadataEntry>, depth: i32 = 0): i32 {
  if (depth >= MAX_METADATA_DEPTH) return -1;
  let sum = 0;
  for (let i = 0; i < map.length; i++) {
    const entry = map[i];
    sum += 2 + String.UTF8.byteLength(entry.key) + String.UTF8.byteLength(entry.text) + entry.bytes.length;
    const inner = entry.kind == MetadataKind.Map ? metadataBytes(entry.map, depth + 1) : 0;
    if (inner < 0) return -1;
    sum += inner;
  }
  return sum;
}

function encodeOptional(w: ByteWriter, value: Uint8Array | null): void {
  w.bool(value != null);
  if (value != null) w.bytes(value);
}

function decodeOptional(r: ByteReader): Uint8Array | null {
  return r.bool() ? r.bytes() : null;
}

export class Device {
  /** DER. */
  publicKey: Uint8Array = new Uint8Array(0);
  alias: string = "";
  /** WebAuthn's name for the key; none for keys that are no passkeys. */
  credentialId: Uint8Array | null = null;
  aaguid: Uint8Array | null = null;
  isRecovery: bool = false;
  kind: KeyKind = KeyKind.Unknown;
  isProtected: bool = false;
  /** Where the passkey was made. */
  origin: string | null = null;
  /** Nanoseconds; 0 when never used. */
  lastUsage: u64 = 0;
  metadata: Array<MetadataEntry> = [];

  get principal(): Principal {
    return Principal.selfAuthenticating(this.publicKey);
  }

  /** What it counts against the anchor's space. */
  get bytes(): i32 {
    let sum = this.publicKey.length + String.UTF8.byteLength(this.alias);
    const credential = this.credentialId;
    if (credential != null) sum += credential.length;
    const origin = this.origin;
    if (origin != null) sum += String.UTF8.byteLength(origin);
    return sum + metadataBytes(this.metadata);
  }

  encode(w: ByteWriter): void {
    w.bytes(this.publicKey);
    w.text(this.alias);
    encodeOptional(w, this.credentialId);
    encodeOptional(w, this.aaguid);
    w.bool(this.isRecovery);
    w.u8(<u8>this.kind);
    w.bool(this.isProtected);
    const origin = this.origin;
    w.bool(origin != null);
    if (origin != null) w.text(origin);
    w.u64(this.lastUsage);
    encodeMetadata(w, this.metadata);
  }

  decode(r: ByteReader): void {
    this.publicKey = r.bytes();
    this.alias = r.text();
    this.credentialId = decodeOptional(r);
    this.aaguid = decodeOptional(r);
    this.isRecovery = r.bool();
    this.kind = r.u8();
    this.isProtected = r.bool();
    if (r.bool()) this.origin = r.text();
    this.lastUsage = r.u64();
    this.metadata = decodeMetadata(r);
  }
}

export function sameKey(a: Uint8Array, b: Uint8Array): bool {
  return a.length == b.length && memory.compare(a.dataStart, b.dataStart, a.length) == 0;
}
