// The certified tree behind plain exports, for tests in Node. Paths travel as: count, then length and bytes of each.

import { CborWriter } from "../../cbor/writer";
import { canisterSignatureKey, SignatureMap } from "../canister-signatures";
import { CertifiedTree, Path } from "../certified-tree";
import { Header, responseExpression, responseHash } from "../http-certification";
import { HashOfMap } from "../representation-hash";

export const io: usize = memory.data(1 << 17, 16);

let tree = new CertifiedTree();
let at: usize = io;

function input(len: u32): Uint8Array {
  const bytes = new Uint8Array(len);
  memory.copy(bytes.dataStart, at, len);
  at += len;
  return bytes;
}
function readPath(): Path {
  const n = load<u8>(at++);
  const path: Path = [];
  for (let i: u8 = 0; i < n; i++) path.push(input(load<u8>(at++)));
  return path;
}
function give(bytes: Uint8Array | null): i32 {
  if (bytes == null) return -1;
  memory.copy(io, bytes.dataStart, bytes.length);
  return bytes.length;
}

export function reset(): void {
  tree = new CertifiedTree();
  map = new SignatureMap(tree);
}
/** A path, then the value to the end. */
export function setPath(len: u32): void {
  at = io;
  const path = readPath();
  tree.setPath(path, input(len - <u32>(at - io)));
}
export function removePath(): bool {
  at = io;
  return tree.removePath(readPath());
}
export function digest(): i32 {
  return give(tree.digest());
}
export function witness(count: u32): i32 {
  at = io;
  const paths: Array<Path> = [];
  for (let i: u32 = 0; i < count; i++) paths.push(readPath());
  const w = new CborWriter();
  tree.witness(paths, w);
  return give(w.done());
}

let map = new SignatureMap(tree);
/** Seed and message hash, 32 bytes each. */
export function sign(now: u64): bool {
  at = io;
  const seed = input(32);
  return map.add(seed, input(32), now);
}
export function signature(): i32 {
  at = io;
  const seed = input(32);
  const message = input(32);
  return give(map.signature(seed, message, new Uint8Array(3)));
}
export function signatures(): i32 {
  return map.size;
}
export function publicKey(canister: u32): i32 {
  at = io;
  const id = input(canister);
  return give(canisterSignatureKey(id, input(32)));
}

export function delegationHash(keyLen: u32, expiration: u64): i32 {
  at = io;
  return give(new HashOfMap().bytes("pubkey", input(keyLen)).nat("expiration", expiration).text("permissions", "queries").digest());
}
export function expressionOf(): i32 {
  const text = responseExpression([new Header("Content-Type", "text/html"), new Header("ETag", "x")]);
  return <i32>String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, io);
}
export function hashOfResponse(bodyHash: u32): i32 {
  at = io;
  const headers = [new Header("Content-Type", "text/html"), new Header("ETag", "x")];
  return give(responseHash(200, headers, responseExpression(headers), input(bodyHash)));
}
