// Hashes and encodings behind plain exports, for tests in Node. Input at io, output there too.

import { CborReader } from "../../cbor/reader";
import { CborWriter } from "../../cbor/writer";
import { crc32 } from "../../hash/crc32";
import { hmacSha256 } from "../../hash/hmac";
import { ripemd160 } from "../../hash/ripemd160";
import { Sha256, sha224, sha256 } from "../../hash/sha256";
import { accountIdentifier, isAccountIdentifier } from "../../principal/account-identifier";
import { Principal } from "../../principal/principal";
import { fromBase32, toBase32 } from "../base32";
import { fromBase64, fromBase64Url, toBase64, toBase64Url } from "../base64";
import { fromHex, toHex } from "../hex";
import { leb128 } from "../leb128";

export const io: usize = memory.data(1 << 17, 16);

function input(len: u32): Uint8Array {
  const bytes = new Uint8Array(len);
  memory.copy(bytes.dataStart, io, len);
  return bytes;
}
function give(bytes: Uint8Array | null): i32 {
  if (bytes == null) return -1;
  memory.copy(io, bytes.dataStart, bytes.length);
  return bytes.length;
}
function giveText(text: string): i32 {
  return <i32>String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, io);
}
function inputText(len: u32): string {
  return String.UTF8.decodeUnsafe(io, len);
}

export function hashSha256(len: u32): i32 {
  return give(sha256(input(len)));
}
/** In pieces of growing size. */
export function hashSha256Pieces(len: u32): i32 {
  const h = new Sha256();
  let at: u32 = 0;
  for (let n: u32 = 0; at < len; n += 7) {
    const part = min(n, len - at);
    if (part == 1) h.updateByte(load<u8>(io + at));
    else h.updatePtr(io + at, part);
    at += part;
  }
  return give(h.digest());
}
export function hashSha224(len: u32): i32 {
  return give(sha224(input(len)));
}
export function hashRipemd160(len: u32): i32 {
  return give(ripemd160(input(len)));
}
export function hashCrc32(len: u32): u32 {
  return crc32(input(len));
}
export function hmac(keyLen: u32, len: u32): i32 {
  const all = input(keyLen + len);
  return give(hmacSha256(all.slice(0, keyLen), all.slice(keyLen)));
}
/** 0 hex, 1 base32, 2 base64, 3 base64url. */
export function encode(kind: u32, len: u32): i32 {
  const data = input(len);
  return giveText(kind == 0 ? toHex(data) : kind == 1 ? toBase32(data) : kind == 2 ? toBase64(data) : toBase64Url(data));
}
export function decode(kind: u32, len: u32): i32 {
  const text = inputText(len);
  return give(kind == 0 ? fromHex(text) : kind == 1 ? fromBase32(text) : kind == 2 ? fromBase64(text) : fromBase64Url(text));
}
export function leb(value: u64): i32 {
  return give(leb128(value));
}
export function principalText(len: u32): i32 {
  return giveText(new Principal(input(len)).toText());
}
export function principalBytes(len: u32): i32 {
  const p = Principal.fromText(inputText(len));
  return p == null ? -1 : give(p!.bytes);
}
export function principalOfKey(len: u32): i32 {
  return give(Principal.selfAuthenticating(input(len)).bytes);
}
export function principalEquals(a: u32, b: u32): bool {
  const all = input(a + b);
  const x = new Principal(all.slice(0, a));
  const y = new Principal(all.slice(a));
  return x.equals(y);
}
export function accountId(len: u32, withSub: bool): i32 {
  const all = input(len + (withSub ? 32 : 0));
  const id = accountIdentifier(new Principal(all.slice(0, len)), withSub ? all.slice(len) : null);
  assert(isAccountIdentifier(id));
  return give(id);
}

/** Reads one item and writes it again in the shortest form; -1 when it was refused. */
export function cborCopy(len: u32): i32 {
  const r = new CborReader(input(len));
  const w = new CborWriter();
  copyItem(r, w, 0);
  return r.done ? give(w.done()) : -1;
}
function copyItem(r: CborReader, w: CborWriter, depth: u32): void {
  if (r.failed || depth > 40) {
    while (!r.failed) r.skip();
    return;
  }
  switch (r.peek()) {
    case 0:
      w.uint(r.uint());
      break;
    case 1:
      w.int(r.int());
      break;
    case 2:
      w.bytes(r.bytes());
      break;
    case 3:
      w.text(r.text());
      break;
    case 4: {
      const n = r.array();
      w.array(n);
      for (let i: u32 = 0; i < n; i++) copyItem(r, w, depth + 1);
      break;
    }
    case 5: {
      const n = r.map() * 2;
      w.map(n / 2);
      for (let i: u32 = 0; i < n; i++) copyItem(r, w, depth + 1);
      break;
    }
    case 6:
      w.tag(r.tag());
      copyItem(r, w, depth + 1);
      break;
    default:
      if (r.null()) w.null();
      else w.bool(r.bool());
  }
}
/** Whether skipping one item ends exactly at the end. */
export function cborSkip(len: u32): bool {
  const r = new CborReader(input(len));
  r.skip();
  return r.done;
}
