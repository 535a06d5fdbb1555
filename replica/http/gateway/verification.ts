/**
 * Response verification, versions 1 and 2: is this the response that the canister's subnet certified for this request?
 *
 * - G1: a response passes only if its certificate is the network's, is fresh, speaks for this canister, and its tree
 *   holds the hash of this body (v1), or of this status, these headers and this body under the most specific path (v2).
 * - G2: what the certificate does not cover is told apart, so that the gateway can leave it out.
 * Source: HTTP Gateway Protocol Specification, "Response Verification".
 */
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { concatBytes, equalBytes, toHex, utf8 } from '../../codec/bytes.ts';
import { CborError, decodeCbor } from '../../codec/cbor.ts';
import type { HashTree } from '../../codec/hash-tree.ts';
import { decodeHashTree, HashTreeError, isWellFormed, lookup, lookupLeaf } from '../../codec/hash-tree.ts';
import { hashOfPairs } from '../../codec/request-id.ts';
import { sha256 } from '../../codec/sha256.ts';
import { BoundedCache } from '../../crypto/bounded-cache.ts';
import { CertificateError, checkCanisterInRange, checkCertificateTime, verifyCertificate } from '../../crypto/certificate.ts';
import type { VerifiedCertificate } from '../../crypto/certificate.ts';
import { CelError, parseCertificationExpression } from './cel.ts';
import type { Certification } from './cel.ts';
import { headerValue } from './types.ts';
import type { CanisterHttpRequest, CanisterHttpResponse, HeaderList } from './types.ts';

/** How far the certificate's time may be from ours, either way. */
const MAX_CERTIFICATE_AGE_NANOS = 5n * 60n * 1_000_000_000n;
/** A compressed body may not unfold to more than this; it is only needed for version 1. */
const MAX_DECOMPRESSED_BYTES = 256 * 1024 * 1024;
const EXACT = '<$>';
const WILDCARD = '<*>';

/** Why a response is not passed on. */
export class VerificationError extends Error {}

export interface VerificationContext {
  readonly canisterId: Uint8Array;
  readonly rootKeyDer: Uint8Array;
  readonly nowNanos: bigint;
}

export interface Verified {
  readonly version: 1 | 2;
  /** Headers that the certificate covers; all of them if it does not speak about headers. */
  readonly headers: HeaderList;
}

interface CertificateHeader {
  readonly certificate: Uint8Array;
  readonly tree: Uint8Array;
  readonly version: number;
  readonly exprPath?: Uint8Array;
}

/** Throws VerificationError. */
export function verifyResponse(request: CanisterHttpRequest, response: CanisterHttpResponse, context: VerificationContext): Verified {
  const text = headerValue(response.headers, 'ic-certificate');
  if (text === undefined) throw new VerificationError('The response has no IC-Certificate header.');
  const header = parseCertificateHeader(text);
  try {
    const tree = certifiedTree(header, context);
    switch (header.version) {
      case 1:
        return verifyVersion1(tree, request, response);
      case 2:
        return verifyVersion2(tree, header, request, response);
      default:
        throw new VerificationError(`Version ${header.version} of response verification is not known.`);
    }
  } catch (error) {
    if (error instanceof CertificateError || error instanceof CelError || error instanceof CborError || error instanceof HashTreeError) {
      throw new VerificationError(error.message);
    }
    throw error;
  }
}

/** `name=:base64:, …, version=2` */
export function parseCertificateHeader(text: string): CertificateHeader {
  const fields = new Map<string, string>();
  for (const part of text.split(',')) {
    const equals = part.indexOf('=');
    if (equals < 0) throw new VerificationError('The IC-Certificate header is malformed.');
    fields.set(part.slice(0, equals).trim(), part.slice(equals + 1).trim());
  }
  const blob = (name: string): Uint8Array | undefined => {
    const value = fields.get(name);
    if (value === undefined) return undefined;
    const inner = /^:([A-Za-z0-9+/]*={0,2}):$/.exec(value);
    if (inner === null) throw new VerificationError(`Field ${name} of the IC-Certificate header is malformed.`);
    return new Uint8Array(Buffer.from(inner[1]!, 'base64'));
  };
  const [certificate, tree] = [blob('certificate'), blob('tree')];
  if (certificate === undefined || tree === undefined) {
    throw new VerificationError('The IC-Certificate header needs a certificate and a tree.');
  }
  const version = fields.get('version') ?? '1';
  if (!/^[0-9]{1,3}$/.test(version)) throw new VerificationError('The version in the IC-Certificate header is malformed.');
  return { certificate, tree, version: Number(version), exprPath: blob('expr_path') };
}

/** All assets of a page come under a handful of certificates, and each costs a pairing. */
const verifiedCertificates = new BoundedCache<VerifiedCertificate>(64);

function certifiedTree(header: CertificateHeader, context: VerificationContext): HashTree {
  const { canisterId, rootKeyDer, nowNanos } = context;
  const name = toHex(sha256(concatBytes(sha256(rootKeyDer), header.certificate)));
  let certificate = verifiedCertificates.get(name);
  if (certificate === undefined) {
    certificate = verifyCertificate(header.certificate, rootKeyDer);
    verifiedCertificates.set(name, certificate);
  }
  checkCertificateTime(certificate.tree, nowNanos, MAX_CERTIFICATE_AGE_NANOS);
  checkCanisterInRange(certificate, canisterId);
  const tree = decodeHashTree(header.tree);
  if (!isWellFormed(tree)) throw new VerificationError('The tree in the IC-Certificate header is not well-formed.');
  const certified = lookupLeaf(certificate.tree, [utf8('canister'), canisterId, utf8('certified_data')]);
  if (certified === undefined || !equalBytes(certified, tree.digest())) {
    throw new VerificationError('The tree in the IC-Certificate header is not the certified data of the canister.');
  }
  return tree;
}

/** The path of a URL with percent-encodings resolved; as it is if they are broken. */
export function decodedPath(url: string): string {
  const end = url.search(/[?#]/);
  const path = end < 0 ? url : url.slice(0, end);
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function verifyVersion1(tree: HashTree, request: CanisterHttpRequest, response: CanisterHttpResponse): Verified {
  const assets = utf8('http_assets');
  const own = lookup(tree, [assets, utf8(decodedPath(request.url))]);
  // Only a path that is proven not to exist falls back; one that is merely hidden could be anything.
  const found = own.kind === 'absent' ? lookup(tree, [assets, utf8('/index.html')]) : own;
  const expected = found.kind === 'found' && found.tree.kind === 'leaf' ? found.tree.value : undefined;
  if (expected === undefined) throw new VerificationError('The path is not certified.');
  const candidates = [sha256(response.body)];
  const unpacked = decompress(response.body, headerValue(response.headers, 'content-encoding'));
  if (unpacked !== undefined) candidates.push(sha256(unpacked));
  if (!candidates.some((hash) => equalBytes(hash, expected))) {
    throw new VerificationError('The body is not the certified one.');
  }
  // Version 1 certifies neither status nor headers; a redirect would be taken on the word of a single node.
  if (response.statusCode >= 300 && response.statusCode < 400 && response.statusCode !== 304) {
    throw new VerificationError('Redirects need version 2 of response verification.');
  }
  return { version: 1, headers: response.headers };
}

function decompress(body: Uint8Array, encoding: string | undefined): Uint8Array | undefined {
  const limit = { maxOutputLength: MAX_DECOMPRESSED_BYTES };
  try {
    switch (encoding?.toLowerCase()) {
      case 'gzip':
        return gunzipSync(body, limit);
      case 'deflate':
        return inflateSync(body, limit);
      case 'br':
        return brotliDecompressSync(body, limit);
      default:
        return undefined;
    }
  } catch {
    return undefined;
  }
}

function verifyVersion2(tree: HashTree, header: CertificateHeader, request: CanisterHttpRequest, response: CanisterHttpResponse): Verified {
  const expression = headerValue(response.headers, 'ic-certificateexpression');
  if (expression === undefined) throw new VerificationError('The response has no IC-CertificateExpression header.');
  if (header.exprPath === undefined) throw new VerificationError('The IC-Certificate header has no expr_path.');
  const exprPath = decodeExprPath(header.exprPath);
  checkExprPath(tree, exprPath, decodedPath(request.url));

  const certification = parseCertificationExpression(expression);
  const expressionPath = [...exprPath.map(utf8), sha256(utf8(expression))];
  if (lookup(tree, expressionPath).kind !== 'found') {
    throw new VerificationError('The certification expression is not certified for this path.');
  }
  if (certification.kind === 'none') return { version: 2, headers: response.headers };

  const requestLabel = certification.request === undefined ? new Uint8Array(0) : requestHash(request, certification.request);
  const { hash, headers } = responseHash(response, certification.response);
  const found = lookup(tree, [...expressionPath, requestLabel, hash]);
  if (found.kind !== 'found' || found.tree.kind !== 'leaf' || found.tree.value.length !== 0) {
    throw new VerificationError('This response is not certified for this request.');
  }
  return { version: 2, headers };
}

function decodeExprPath(bytes: Uint8Array): string[] {
  const value = decodeCbor(bytes, { maxDepth: 4 });
  if (!Array.isArray(value) || value.some((part) => typeof part !== 'string')) {
    throw new VerificationError('The expr_path is not a list of texts.');
  }
  return value as string[];
}

/** The path must fit the URL, be in the tree, and no more specific one may be (or hide) in the tree. */
function checkExprPath(tree: HashTree, exprPath: readonly string[], urlPath: string): void {
  const [prefix, ...parts] = exprPath;
  const terminator = parts.pop();
  if (prefix !== 'http_expr') throw new VerificationError('The expr_path does not begin with http_expr.');
  const exists = (path: readonly string[]): 'found' | 'absent' | 'unknown' => lookup(tree, ['http_expr', ...path].map(utf8)).kind;
  const requested = urlPath.split('/').filter((part) => part !== '');
  // `/app` and `/app/` differ: the directory has an empty last part.
  if (urlPath.endsWith('/')) requested.push('');

  if (terminator === EXACT) {
    if (!sameParts(parts, requested)) throw new VerificationError('The expr_path is for another URL.');
  } else if (terminator === WILDCARD) {
    if (exists([...requested, EXACT]) !== 'absent') {
      throw new VerificationError('A more specific exact path may be certified.');
    }
    const specific = moreSpecificWildcards(requested, parts);
    if (specific === undefined) throw new VerificationError('The expr_path is for other URLs.');
    for (const path of specific) {
      if (exists([...path, WILDCARD]) !== 'absent') throw new VerificationError('A more specific wildcard path may be certified.');
    }
  } else {
    throw new VerificationError('The expr_path ends neither exactly nor in a wildcard.');
  }
  if (exists([...parts, terminator]) !== 'found') throw new VerificationError('The expr_path is not in the tree.');
}

function sameParts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((part, i) => part === b[i]);
}

/**
 * Wildcards over `requested` that are more specific than `given`, or undefined if `given` does not cover it.
 * From specific to general, for /a/b: [a b] [a ""] [a] [""] []; an empty last part stands for "below this directory".
 */
export function moreSpecificWildcards(requested: readonly string[], given: readonly string[]): string[][] | undefined {
  const specific: string[][] = [];
  let current = [...requested];
  while (!sameParts(current, given)) {
    specific.push(current);
    if (current.length === 0) return undefined;
    const shorter = current.slice(0, -1);
    current = current[current.length - 1] === '' ? shorter : [...shorter, ''];
  }
  return specific;
}

type CertifiedRequest = NonNullable<(Certification & { kind: 'certified' })['request']>;
type CertifiedResponse = (Certification & { kind: 'certified' })['response'];

function requestHash(request: CanisterHttpRequest, certified: CertifiedRequest): Uint8Array {
  const names = new Set(certified.headers.map((name) => name.toLowerCase()));
  const pairs: [string, string][] = request.headers
    .filter(([name]) => names.has(name.toLowerCase()))
    .map(([name, value]) => [name.toLowerCase(), value]);
  pairs.push([':ic-cert-method', request.method]);
  const question = request.url.indexOf('?');
  if (question >= 0) {
    const query = request.url.slice(question + 1).split('#')[0]!;
    const wanted = new Set(certified.queryParameters.map((name) => name.toLowerCase()));
    const kept = query.split('&').filter((part) => wanted.has(part.split('=')[0]!.toLowerCase()));
    pairs.push([':ic-cert-query', kept.join('&')]);
  }
  return sha256(concatBytes(hashOfPairs(pairs), sha256(request.body)));
}

function responseHash(response: CanisterHttpResponse, certified: CertifiedResponse): { hash: Uint8Array; headers: HeaderList } {
  const names = new Set(certified.headers.map((name) => name.toLowerCase()));
  const expression = headerValue(response.headers, 'ic-certificateexpression')!;
  const headers = response.headers.filter(([name]) => {
    const lower = name.toLowerCase();
    if (lower === 'ic-certificate' || lower === 'ic-certificateexpression') return false;
    return names.has(lower) === (certified.kind === 'only');
  });
  const pairs: [string, string | number][] = headers.map(([name, value]) => [name.toLowerCase(), value]);
  pairs.push(['ic-certificateexpression', expression], [':ic-cert-status', response.statusCode]);
  return { hash: sha256(concatBytes(hashOfPairs(pairs), sha256(response.body))), headers };
}
