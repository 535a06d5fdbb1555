// What can be done to assets. A wrong request traps, so that a batch is committed as a whole or not at all.

import { time, trap } from "../../../cdk/api";
import { Nat } from "../../../cdk/candid/nat";
import { Opt } from "../../../cdk/candid/opt";
import { Header } from "../../../cdk/certification/http-certification";
import { Sha256, sha256 } from "../../../cdk/hash/sha256";
import {
  CreateAssetArguments,
  HeaderField,
  SetAssetContentArguments,
  SetAssetPropertiesArguments,
} from "../../../generated/assets/types";
import { Asset, Choice, Encoding } from "./asset";
import { allAssets, asset, dropContent, MAX_KEY_BYTES, removeAsset, saveAsset } from "./assets";
import { certifyKey } from "./certification";
import { chunk, storeChunk } from "./contents";
import { headersFault } from "./responses";
import { takeChunk } from "./uploads";

/** Seconds that fit where the number is kept; more means "for ever" all the same. */
const LONGEST_AGE: u64 = 1 << 40;

function sameBytes(a: Uint8Array, b: Uint8Array): bool {
  return a.length == b.length && memory.compare(a.dataStart, b.dataStart, a.length) == 0;
}

function isEncodingName(name: string): bool {
  return name == "identity" || name == "gzip" || name == "br" || name == "deflate" || name == "compress" || name == "zstd";
}

function known(key: string): Asset {
  const found = asset(key);
  if (found == null) trap("asset not found: " + key);
  return found!;
}

function choice(value: Opt<bool> | null): Choice {
  return value == null ? Choice.Default : value.value ? Choice.Yes : Choice.No;
}

function ageOf(value: Opt<u64> | null): i64 {
  return value == null ? -1 : <i64>min(value.value, LONGEST_AGE);
}

function headersFrom(fields: Array<HeaderField> | null): Array<Header> | null {
  if (fields == null) return null;
  const out: Array<Header> = [];
  for (let i = 0; i < fields.length; i++) out.push(new Header(fields[i]._0, fields[i]._1));
  const fault = headersFault(out);
  if (fault != null) trap(fault);
  return out;
}

function checkText(what: string, text: string): void {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 32 || c > 126) trap(what + " has a character that is not allowed");
  }
}

/** Nothing happens when the asset is there with the same content type: repeated uploads send this first. */
export function createAsset(arg: CreateAssetArguments): void {
  const old = asset(arg.key);
  if (old != null) {
    if (old.contentType != arg.content_type) trap("create_asset: content type mismatch for " + arg.key);
    return;
  }
  if (!arg.key.startsWith("/") || arg.key.includes("//")) trap("a key begins with a slash and has none twice: " + arg.key);
  if (String.UTF8.byteLength(arg.key) > MAX_KEY_BYTES) trap("key longer than " + MAX_KEY_BYTES.toString() + " bytes: " + arg.key);
  checkText("content type", arg.content_type);
  const made = new Asset();
  made.key = arg.key;
  made.contentType = arg.content_type;
  made.maxAge = ageOf(arg.max_age);
  made.headers = headersFrom(arg.headers);
  made.isAliased = choice(arg.enable_aliasing);
  made.allowsRaw = choice(arg.allow_raw_access);
  saveAsset(made);
  certifyKey(made.key);
}

/** Takes over an encoding made of stored chunks, in the place of a former one. */
function takeContent(target: Asset, name: string, chunks: Array<u64>, length: u64, hash: Uint8Array, expected: Uint8Array | null): void {
  if (!isEncodingName(name)) trap("unknown content encoding: " + name);
  if (expected != null && !sameBytes(expected, hash)) trap("sha256 mismatch for " + target.key + " (" + name + ")");
  let encoding = target.encoding(name);
  if (encoding == null) {
    encoding = new Encoding();
    encoding.name = name;
    target.encodings.push(encoding);
  } else dropContent(encoding);
  encoding.chunks = chunks;
  encoding.length = length;
  encoding.sha256 = hash;
  encoding.modified = time();
  saveAsset(target);
  certifyKey(target.key);
}

export function setAssetContent(arg: SetAssetContentArguments): void {
  const target = known(arg.key);
  const chunks: Array<u64> = [];
  const hash = new Sha256();
  let length: u64 = 0;
  for (let i = 0; i < arg.chunk_ids.length; i++) {
    const id: Nat = arg.chunk_ids[i];
    const number = id.fitsU64 ? id.toU64() : 0;
    if (!takeChunk(number)) trap("chunk not found: " + id.toString());
    const bytes = chunk(number);
    hash.update(bytes);
    length += bytes.length;
    chunks.push(number);
  }
  const last = arg.last_chunk;
  if (last != null) {
    hash.update(last);
    length += last.length;
    chunks.push(storeChunk(last));
  }
  takeContent(target, arg.content_encoding, chunks, length, hash.digest(), arg.sha256);
}

/** An asset small enough for one message, in one call. */
export function storeWhole(key: string, contentType: string, name: string, content: Uint8Array, expected: Uint8Array | null): void {
  const old = asset(key);
  if (old == null) createAsset(new CreateAssetArguments(key, contentType, null, null, null, null));
  else if (old.contentType != contentType) {
    checkText("content type", contentType);
    old.contentType = contentType;
    saveAsset(old);
  }
  takeContent(known(key), name, [storeChunk(content)], content.length, sha256(content), expected);
}

export function unsetAssetContent(key: string, name: string): void {
  const target = known(key);
  for (let i = 0; i < target.encodings.length; i++) {
    if (target.encodings[i].name != name) continue;
    dropContent(target.encodings[i]);
    target.encodings.splice(i, 1);
    saveAsset(target);
    certifyKey(key);
    return;
  }
}

/** Nothing happens when there is none. */
export function deleteAsset(key: string): void {
  const target = asset(key);
  if (target == null) return;
  removeAsset(target);
  certifyKey(key);
}

export function setAssetProperties(arg: SetAssetPropertiesArguments): void {
  const target = known(arg.key);
  const age = arg.max_age;
  if (age != null) target.maxAge = ageOf(age.value);
  const headers = arg.headers;
  if (headers != null) target.headers = headersFrom(headers.value);
  const raw = arg.allow_raw_access;
  if (raw != null) target.allowsRaw = choice(raw.value);
  const aliased = arg.is_aliased;
  if (aliased != null) target.isAliased = choice(aliased.value);
  saveAsset(target);
  certifyKey(arg.key);
}

export function clearAssets(): void {
  const keys: Array<string> = [];
  const c = allAssets();
  for (let ok = c.first(); ok; ok = c.next()) keys.push(c.key);
  for (let i = 0; i < keys.length; i++) deleteAsset(keys[i]);
}
