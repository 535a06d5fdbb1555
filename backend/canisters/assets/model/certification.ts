// What of the site is certified: for every path that is served, the responses in all encodings, as 200 and as 304;
// for all other paths the fallback. Version 1 beside it, for old gateways.
//
// Keeps: the certified data is the digest of the tree after every change; the tree is rebuilt after an upgrade.

import { dataCertificate, setCertifiedData } from "../../../cdk/api";
import { CborWriter } from "../../../cdk/cbor/writer";
import { CertifiedTree, Path, textLabel } from "../../../cdk/certification/certified-tree";
import {
  certificateHeader,
  certificateHeaderV1,
  certifyBodyV1,
  certifyResponse,
  exactPath,
  fallbackPath,
  Header,
  responseExpression,
  responseHash,
  uncertifyBodyV1,
  uncertifyPath,
} from "../../../cdk/certification/http-certification";
import { sha256 } from "../../../cdk/hash/sha256";
import { Asset, Encoding } from "./asset";
import { allAssets, asset } from "./assets";
import { aliasesOf, assetAt, FALLBACK_KEY } from "./paths";
import { headersOf, NOT_FOUND_BODY, notFoundHeaders } from "./responses";

const tree = new CertifiedTree();

/** The entries of one asset under one expression path. */
function certifyAsset(path: Array<string>, asset: Asset): void {
  const emptyHash = sha256(new Uint8Array(0));
  for (let i = 0; i < asset.encodings.length; i++) {
    const encoding = asset.encodings[i];
    const headers = headersOf(asset, encoding);
    const expression = responseExpression(headers);
    certifyResponse(tree, path, expression, responseHash(200, headers, expression, encoding.sha256));
    certifyResponse(tree, path, expression, responseHash(304, headers, expression, emptyHash));
  }
}

/** Version 1 knows one body a path: the plain one if there is one, since gateways also try it unpacked. */
function bodyHashV1(asset: Asset): Uint8Array {
  const plain = asset.encoding("identity");
  return plain != null ? plain.sha256 : asset.encodings[0].sha256;
}

/** Certifies anew what is served at exactly this path. */
function certifyPath(path: string): void {
  const expression = exactPath(path);
  uncertifyPath(tree, expression);
  uncertifyBodyV1(tree, path);
  const served = assetAt(path);
  if (served == null || served.encodings.length == 0) return;
  certifyAsset(expression, served);
  certifyBodyV1(tree, path, bodyHashV1(served));
}

function certifyFallback(): void {
  const path = fallbackPath();
  uncertifyPath(tree, path);
  const page = asset(FALLBACK_KEY);
  if (page != null && page.encodings.length > 0) {
    certifyAsset(path, page);
    return;
  }
  const headers = notFoundHeaders();
  const expression = responseExpression(headers);
  certifyResponse(tree, path, expression, responseHash(404, headers, expression, sha256(textLabel(NOT_FOUND_BODY))));
}

/** To be called after an asset was changed, added or removed. */
export function certifyKey(key: string): void {
  certifyPath(key);
  const aliases = aliasesOf(key);
  for (let i = 0; i < aliases.length; i++) certifyPath(aliases[i]);
  if (key == FALLBACK_KEY) certifyFallback();
}

/** Makes the tree the canister's certified data: once at the end of a change. */
export function publish(): void {
  setCertifiedData(tree.digest());
}

/** Builds the tree from what is stored. */
export function certifyAll(): void {
  const c = allAssets();
  for (let ok = c.first(); ok; ok = c.next()) certifyKey(c.key);
  certifyFallback();
  publish();
}

/** Adds the headers that prove an asset's response at `path`. In a query; without a certificate nothing is added. */
export function proveAsset(headers: Array<Header>, path: string, isFallback: bool, status: u16, served: Asset, encoding: Encoding, version: u16): void {
  const certificate = dataCertificate();
  if (certificate == null) return;
  if (version < 2) {
    headers.push(certificateHeaderV1(tree, certificate, path, isFallback ? FALLBACK_KEY : path));
    return;
  }
  const expression = responseExpression(headersOf(served, encoding));
  const bodyHash = status == 304 ? sha256(new Uint8Array(0)) : encoding.sha256;
  const hash = responseHash(status, headersOf(served, encoding), expression, bodyHash);
  headers.push(new Header("ic-certificateexpression", expression));
  headers.push(certificateHeader(tree, certificate, path, isFallback ? fallbackPath() : exactPath(path), expression, hash));
}

/** Adds the headers that prove that nothing is at `path`. Version 1 has no such proof. */
export function proveNotFound(headers: Array<Header>, path: string, version: u16): void {
  const certificate = dataCertificate();
  if (certificate == null || version < 2) return;
  const usual = notFoundHeaders();
  const expression = responseExpression(usual);
  const hash = responseHash(404, usual, expression, sha256(textLabel(NOT_FOUND_BODY)));
  headers.push(new Header("ic-certificateexpression", expression));
  headers.push(certificateHeader(tree, certificate, path, fallbackPath(), expression, hash));
}

/** The version-1 tree whole, all else pruned, as CBOR. */
export function version1Tree(): Uint8Array {
  const paths: Array<Path> = [];
  const label = textLabel("http_assets");
  const c = allAssets();
  for (let ok = c.first(); ok; ok = c.next()) paths.push([label, textLabel(c.key)]);
  if (paths.length == 0) paths.push([label]);
  const w = new CborWriter();
  w.selfDescribe();
  tree.witness(paths, w);
  return w.done();
}
