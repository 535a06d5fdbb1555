// Certified HTTP responses (HTTP Gateway Protocol, response verification version 2, and version 1 for old
// gateways), the part that is the same for every canister: expressions, hashes, paths and headers.
//
// Only "response, without request" certification is offered: a response is certified for a path whatever the
// request's method, headers or query were.

import { CborWriter } from "../cbor/writer";
import { toBase64 } from "../encoding/base64";
import { Sha256, sha256 } from "../hash/sha256";
import { CertifiedTree, Path, textLabel } from "./certified-tree";
import { HashOfMap } from "./representation-hash";

/** Ends an expression path that holds for exactly that path. */
const EXACT = "<$>";
/** Ends an expression path that holds for everything below. */
const WILDCARD = "<*>";

/** One header of a response; names are compared without regard to case. */
export class Header {
  constructor(
    readonly name: string,
    readonly value: string,
  ) {}
}

/** The IC-CertificateExpression that certifies status, body and exactly these headers. */
export function responseExpression(headers: Array<Header>): string {
  let names = "";
  for (let i = 0; i < headers.length; i++) names += (i > 0 ? ',"' : '"') + headers[i].name + '"';
  return (
    "default_certification(ValidationArgs{certification:Certification{no_request_certification:Empty{}," +
    "response_certification:ResponseCertification{certified_response_headers:ResponseHeaderList{headers:[" +
    names +
    "]}}}})"
  );
}

/** Hash of a response: its status, the certified headers with the expression, its body's SHA-256. */
export function responseHash(status: u16, headers: Array<Header>, expression: string, bodyHash: Uint8Array): Uint8Array {
  const map = new HashOfMap();
  for (let i = 0; i < headers.length; i++) map.text(headers[i].name.toLowerCase(), headers[i].value);
  map.text("ic-certificateexpression", expression);
  map.nat(":ic-cert-status", status);
  return new Sha256().update(map.digest()).update(bodyHash).digest();
}

/** The parts of a URL path: "/a/b" → "a", "b"; "/" and "/a/" end in an empty part; other empty parts do not count. */
export function pathParts(path: string): Array<string> {
  const parts: Array<string> = [];
  const split = path.split("/");
  for (let i = 0; i < split.length; i++) if (split[i].length > 0) parts.push(split[i]);
  if (path.endsWith("/")) parts.push("");
  return parts;
}

function expression(parts: Array<string>, end: string): Array<string> {
  const path: Array<string> = ["http_expr"];
  for (let i = 0; i < parts.length; i++) path.push(parts[i]);
  path.push(end);
  return path;
}

/** The expression path for exactly this URL path. */
export function exactPath(path: string): Array<string> {
  return expression(pathParts(path), EXACT);
}

/** The expression path for everything that has none of its own. */
export function fallbackPath(): Array<string> {
  return ["http_expr", WILDCARD];
}

function labels(path: Array<string>): Path {
  const out: Path = [];
  for (let i = 0; i < path.length; i++) out.push(textLabel(path[i]));
  return out;
}

/** Where a response's entry stands in the certified tree. */
function entryPath(path: Array<string>, expression: string, hash: Uint8Array): Path {
  const out = labels(path);
  out.push(sha256(textLabel(expression)));
  out.push(new Uint8Array(0)); // no request certification
  out.push(hash);
  return out;
}

/** Certifies a response under an expression path. */
export function certifyResponse(tree: CertifiedTree, path: Array<string>, expression: string, hash: Uint8Array): void {
  tree.setPath(entryPath(path, expression, hash), new Uint8Array(0));
}

/** Takes away all that is certified under an expression path. */
export function uncertifyPath(tree: CertifiedTree, path: Array<string>): void {
  tree.removePath(labels(path));
}

/**
 * The IC-Certificate header, version 2, for a response under `path` given to a request for `requestPath`. When
 * they differ, the witness also proves that nothing more specific is certified.
 */
export function certificateHeader(
  tree: CertifiedTree,
  certificate: Uint8Array,
  requestPath: string,
  path: Array<string>,
  expression: string,
  hash: Uint8Array,
): Header {
  const wanted: Array<Path> = [entryPath(path, expression, hash)];
  if (path[path.length - 1] == WILDCARD) moreSpecific(requestPath, path.length - 2, wanted);
  const w = new CborWriter();
  w.selfDescribe();
  tree.witness(wanted, w);
  const p = new CborWriter();
  p.selfDescribe().array(path.length);
  for (let i = 0; i < path.length; i++) p.text(path[i]);
  return new Header(
    "IC-Certificate",
    "certificate=:" + toBase64(certificate) + ":, tree=:" + toBase64(w.done()) + ":, expr_path=:" + toBase64(p.done()) + ":, version=2",
  );
}

/**
 * Adds the expression paths that a verifier would prefer to the wildcard after `kept` parts. For /a/b: exactly
 * [a b], then below [a b], [a ""], [a], [""]; an empty last part stands for "in this directory".
 */
function moreSpecific(requestPath: string, kept: i32, wanted: Array<Path>): void {
  let parts = pathParts(requestPath);
  wanted.push(labels(expression(parts, EXACT)));
  while (parts.length > kept) {
    wanted.push(labels(expression(parts, WILDCARD)));
    const last = parts.pop();
    if (last.length > 0) parts.push("");
  }
}

/** Where version 1 looks: the URL path as one label, its leaf the SHA-256 of the body. */
export function certifyBodyV1(tree: CertifiedTree, path: string, bodyHash: Uint8Array): void {
  tree.setPath([textLabel("http_assets"), textLabel(path)], bodyHash);
}

export function uncertifyBodyV1(tree: CertifiedTree, path: string): void {
  tree.removePath([textLabel("http_assets"), textLabel(path)]);
}

/**
 * The IC-Certificate header, version 1, for a body served as that of `path` to a request for `requestPath`; when
 * they differ (the fallback /index.html) the witness also proves that the requested path is not there.
 */
export function certificateHeaderV1(tree: CertifiedTree, certificate: Uint8Array, requestPath: string, path: string): Header {
  const wanted: Array<Path> = [[textLabel("http_assets"), textLabel(path)]];
  if (requestPath != path) wanted.push([textLabel("http_assets"), textLabel(requestPath)]);
  const w = new CborWriter();
  w.selfDescribe();
  tree.witness(wanted, w);
  return new Header("IC-Certificate", "certificate=:" + toBase64(certificate) + ":, tree=:" + toBase64(w.done()) + ":");
}
