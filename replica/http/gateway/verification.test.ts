import fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { fromHex, toHex, utf8 } from '../../codec/bytes.ts';
import { decodeCbor, encodeTagged } from '../../codec/cbor.ts';
import type { HashTree, TreeSource } from '../../codec/hash-tree.ts';
import { encodeHashTree, leaf, setPath, treeOf, witness, EMPTY } from '../../codec/hash-tree.ts';
import { encodeUleb128 } from '../../codec/leb128.ts';
import { hashOfPairs } from '../../codec/request-id.ts';
import { sha256 } from '../../codec/sha256.ts';
import { concatBytes } from '../../codec/bytes.ts';
import { initBls } from '../../crypto/bls.ts';
import { certificate, delegationCertificate, testSubnet } from '../../crypto/test-network.ts';
import type { TestSubnet } from '../../crypto/test-network.ts';
import { CelError, parseCertificationExpression } from './cel.ts';
import type { CanisterHttpRequest, CanisterHttpResponse, HeaderList } from './types.ts';
import { moreSpecificWildcards, parseCertificateHeader, VerificationError, verifyResponse } from './verification.ts';

// Properties with many runs: on a busy machine they take their time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const NOW = 1_700_000_000_000_000_000n;
const CANISTER = fromHex('00000000000000010101');
const ANOTHER = fromHex('00000000000000020101');

let root: TestSubnet;
let subnet: TestSubnet;
beforeAll(async () => {
  await initBls();
  root = testSubnet(1);
  subnet = testSubnet(2);
});

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

interface ProofOptions {
  readonly version: number | undefined;
  readonly exprPath?: readonly string[];
  readonly timeNanos?: bigint;
  readonly canisterId?: Uint8Array;
  readonly certifiedData?: Uint8Array;
}

/** An IC-Certificate header over `tree`, shown as `shown`. */
function proofHeader(tree: HashTree, shown: HashTree, options: ProofOptions): string {
  const { version, exprPath, timeNanos = NOW, canisterId = CANISTER, certifiedData = tree.digest() } = options;
  const state: TreeSource = {
    time: encodeUleb128(timeNanos),
    canister: new Map([[canisterId, { certified_data: certifiedData }]]),
  };
  const delegation = {
    subnetId: subnet.id,
    certificate: delegationCertificate(root, subnet, { ranges: [[CANISTER, ANOTHER]], type: 'application', timeNanos }),
  };
  const parts = [`certificate=:${base64(certificate(subnet, state, delegation))}:`, `tree=:${base64(encodeTagged(decodeCbor(encodeHashTree(shown))))}:`];
  if (version !== undefined) parts.push(`version=${version}`);
  if (exprPath !== undefined) parts.push(`expr_path=:${base64(encodeTagged(exprPath))}:`);
  return parts.join(', ');
}

function get(url: string, headers: HeaderList = []): CanisterHttpRequest {
  return { method: 'GET', url, headers, body: new Uint8Array(0) };
}

function verify(request: CanisterHttpRequest, response: CanisterHttpResponse): ReturnType<typeof verifyResponse> {
  return verifyResponse(request, response, { canisterId: CANISTER, rootKeyDer: root.keyDer, nowNanos: NOW });
}

describe('version 1', () => {
  const body = utf8('<h1>hello</h1>');

  function respond(assets: Record<string, Uint8Array>, changes: Partial<CanisterHttpResponse> = {}, options: Partial<ProofOptions> = {}): CanisterHttpResponse {
    const tree = treeOf({ http_assets: Object.fromEntries(Object.entries(assets).map(([path, content]) => [path, sha256(content)])) });
    const headers: HeaderList = [['IC-Certificate', proofHeader(tree, tree, { version: undefined, ...options })]];
    return { statusCode: 200, headers, body, ...changes, ...(changes.headers ? { headers: [...headers, ...changes.headers] } : {}) };
  }

  it('passes the certified body of the path, percent-encoded or not', () => {
    expect(verify(get('/a.html?x=1'), respond({ '/a.html': body })).version).toBe(1);
    expect(verify(get('/a%20b.html'), respond({ '/a b.html': body })).version).toBe(1);
  });

  it('falls back to /index.html only if the path itself is not certified', () => {
    expect(verify(get('/some/route'), respond({ '/index.html': body })).version).toBe(1);
    expect(() => verify(get('/a.js'), respond({ '/index.html': body, '/a.js': utf8('other') }))).toThrow(VerificationError);
    const tree = treeOf({ http_assets: { '/index.html': sha256(body), '/a.js': sha256(utf8('other')) } });
    const hiding = witness(tree, [[utf8('http_assets'), utf8('/index.html')]]);
    const headers: HeaderList = [['IC-Certificate', proofHeader(tree, hiding, { version: undefined })]];
    expect(() => verify(get('/a.js'), { statusCode: 200, headers, body })).toThrow(/not certified/);
  });

  it('passes a compressed body by the hash of either form', () => {
    const packed = gzipSync(body);
    const encoding: HeaderList = [['Content-Encoding', 'gzip']];
    expect(verify(get('/a'), respond({ '/a': body }, { body: packed, headers: encoding })).version).toBe(1);
    expect(verify(get('/a'), respond({ '/a': packed }, { body: packed, headers: encoding })).version).toBe(1);
  });

  it('does not pass other bodies, redirects, or other people’s certificates', () => {
    const good = respond({ '/a': body });
    expect(() => verify(get('/a'), { ...good, body: utf8('<h1>hallo</h1>') })).toThrow(/body is not the certified one/);
    expect(() => verify(get('/a'), { ...good, statusCode: 302 })).toThrow(/Redirects/);
    expect(() => verify(get('/a'), { ...good, headers: [] })).toThrow(/no IC-Certificate header/);
    expect(() => verify(get('/a'), respond({ '/a': body }, {}, { canisterId: ANOTHER }))).toThrow(/not the certified data/);
    expect(() => verify(get('/a'), respond({ '/a': body }, {}, { certifiedData: new Uint8Array(32) }))).toThrow(/not the certified data/);
    const foreign = testSubnet(9);
    const context = { canisterId: CANISTER, rootKeyDer: foreign.keyDer, nowNanos: NOW };
    expect(() => verifyResponse(get('/a'), good, context)).toThrow(/bad-signature/);
  });

  it('does not pass certificates older or newer than five minutes', () => {
    const window = 5n * 60n * 1_000_000_000n;
    expect(verify(get('/a'), respond({ '/a': body }, {}, { timeNanos: NOW - window })).version).toBe(1);
    expect(() => verify(get('/a'), respond({ '/a': body }, {}, { timeNanos: NOW - window - 1n }))).toThrow(/too-old/);
    expect(() => verify(get('/a'), respond({ '/a': body }, {}, { timeNanos: NOW + window + 1n }))).toThrow(/in-the-future/);
  });

  it('does not pass canisters outside the ranges of the subnet', () => {
    const far = fromHex('00000000000000030101');
    const response = respond({ '/a': body }, {}, { canisterId: far });
    expect(() => verifyResponse(get('/a'), response, { canisterId: far, rootKeyDer: root.keyDer, nowNanos: NOW })).toThrow(/canister-out-of-range/);
  });
});

const RESPONSE_ONLY =
  'default_certification(ValidationArgs{certification:Certification{no_request_certification:Empty{},' +
  'response_certification:ResponseCertification{certified_response_headers:ResponseHeaderList{headers:["Content-Type","Cache-Control"]}}}})';
const ALL_BUT =
  'default_certification(ValidationArgs{certification:Certification{no_request_certification:Empty{},' +
  'response_certification:ResponseCertification{response_header_exclusions:ResponseHeaderList{headers:["date"]}}}})';
const FULL =
  'default_certification(ValidationArgs{certification:Certification{request_certification:RequestCertification{' +
  'certified_request_headers:["host"],certified_query_parameters:["q","name"]},' +
  'response_certification:ResponseCertification{certified_response_headers:ResponseHeaderList{headers:["content-type"]}}}})';
const NONE = 'default_certification(ValidationArgs{no_certification:Empty{}})';

describe('version 2', () => {
  const body = utf8('body');
  const type: [string, string] = ['Content-Type', 'text/plain'];

  /** Computed the long way, from the specification's words. */
  function responseLabel(status: number, headers: HeaderList, expression: string): Uint8Array {
    const pairs: [string, string | number][] = headers.map(([n, v]) => [n.toLowerCase(), v]);
    pairs.push(['ic-certificateexpression', expression], [':ic-cert-status', status]);
    return sha256(concatBytes(hashOfPairs(pairs), sha256(body)));
  }

  function build(entries: { path: string[]; expression: string; request?: Uint8Array; response?: Uint8Array }[]): HashTree {
    let tree: HashTree = EMPTY;
    for (const { path, expression, request = new Uint8Array(0), response } of entries) {
      const at = [utf8('http_expr'), ...path.map(utf8), sha256(utf8(expression))];
      tree = setPath(tree, response === undefined ? at : [...at, request, response], leaf(new Uint8Array(0)));
    }
    return tree;
  }

  function respond(tree: HashTree, path: string[], expression: string, headers: HeaderList = [type], shown = tree): CanisterHttpResponse {
    const proof = proofHeader(tree, shown, { version: 2, exprPath: ['http_expr', ...path] });
    return { statusCode: 200, headers: [...headers, ['IC-CertificateExpression', expression], ['IC-Certificate', proof]], body };
  }

  it('passes a certified response and drops what is not certified', () => {
    const tree = build([{ path: ['a.txt', '<$>'], expression: RESPONSE_ONLY, response: responseLabel(200, [type], RESPONSE_ONLY) }]);
    const verified = verify(get('/a.txt'), respond(tree, ['a.txt', '<$>'], RESPONSE_ONLY, [type, ['Set-Cookie', 'stolen=1']]));
    expect(verified).toEqual({ version: 2, headers: [type] });
  });

  it('passes every header but the excluded ones when they are certified', () => {
    const cookie: [string, string] = ['Set-Cookie', 'a=1'];
    const date: [string, string] = ['Date', 'today'];
    const tree = build([{ path: ['<*>'], expression: ALL_BUT, response: responseLabel(200, [type, cookie], ALL_BUT) }]);
    expect(verify(get('/any'), respond(tree, ['<*>'], ALL_BUT, [type, cookie, date]))).toEqual({ version: 2, headers: [type, cookie] });
    expect(() => verify(get('/any'), respond(tree, ['<*>'], ALL_BUT, [type]))).toThrow(/not certified for this request/);
    expect(() => verify(get('/any'), respond(tree, ['<*>'], ALL_BUT, [type, cookie, cookie]))).toThrow(/not certified for this request/);
  });

  it('passes anything that the canister certified as not certified', () => {
    const tree = build([{ path: ['api', '<*>'], expression: NONE }]);
    const response = respond(tree, ['api', '<*>'], NONE, [['X-Any', '1']]);
    expect(verify(get('/api/x'), response).headers).toBe(response.headers);
    expect(() => verify(get('/other'), response)).toThrow(VerificationError);
  });

  it('binds method, chosen headers and chosen query parameters of the request', () => {
    const requestLabel = sha256(
      concatBytes(hashOfPairs([['host', 'h.localhost'], [':ic-cert-method', 'GET'], [':ic-cert-query', 'q=1&name=b&name=a']]), sha256(new Uint8Array(0))),
    );
    const tree = build([{ path: ['s', '<$>'], expression: FULL, request: requestLabel, response: responseLabel(200, [type], FULL) }]);
    const response = respond(tree, ['s', '<$>'], FULL);
    const good = get('/s?q=1&color=red&name=b&name=a#part', [['Host', 'h.localhost'], ['accept', '*/*']]);
    expect(verify(good, response).version).toBe(2);
    for (const bad of [
      { ...good, method: 'POST' },
      { ...good, url: '/s?q=1&name=a&name=b' },
      { ...good, url: '/s' },
      { ...good, headers: [['host', 'x.localhost']] as HeaderList },
      { ...good, body: utf8('x') },
    ]) {
      expect(() => verify(bad, response)).toThrow(VerificationError);
    }
  });

  it('does not pass another status, header value, body, expression or path', () => {
    const tree = build([{ path: ['a', '<$>'], expression: RESPONSE_ONLY, response: responseLabel(200, [type], RESPONSE_ONLY) }]);
    const good = respond(tree, ['a', '<$>'], RESPONSE_ONLY);
    expect(verify(get('/a'), good).version).toBe(2);
    expect(() => verify(get('/a'), { ...good, statusCode: 404 })).toThrow(VerificationError);
    expect(() => verify(get('/a'), { ...good, body: utf8('bodY') })).toThrow(VerificationError);
    expect(() => verify(get('/a'), respond(tree, ['a', '<$>'], RESPONSE_ONLY, [['Content-Type', 'text/html']]))).toThrow(VerificationError);
    expect(() => verify(get('/a'), respond(tree, ['a', '<$>'], NONE))).toThrow(/expression is not certified/);
    expect(() => verify(get('/b'), good)).toThrow(/another URL/);
    expect(() => verify(get('/a/'), good)).toThrow(/another URL/);
    expect(() => verify(get('/a'), respond(tree, ['a', '<*>'], RESPONSE_ONLY))).toThrow(VerificationError);
    expect(() => verify(get('/a'), respond(tree, ['a'], RESPONSE_ONLY))).toThrow(VerificationError);
  });

  it('does not pass a general answer when a more specific one is certified or may hide in pruned parts', () => {
    const fallback = { path: ['<*>'], expression: RESPONSE_ONLY, response: responseLabel(200, [type], RESPONSE_ONLY) };
    const complete = build([fallback, { path: ['a', '<$>'], expression: NONE }, { path: ['d', '<*>'], expression: NONE }]);
    const respondAs = (shown: HashTree): CanisterHttpResponse => respond(complete, ['<*>'], RESPONSE_ONLY, [type], shown);
    expect(verify(get('/b'), respondAs(complete)).version).toBe(2);
    expect(() => verify(get('/a'), respondAs(complete))).toThrow(/more specific exact path/);
    expect(() => verify(get('/d/e'), respondAs(complete))).toThrow(/more specific wildcard path/);
    const hiding = witness(complete, [[utf8('http_expr'), utf8('<*>')]]);
    expect(toHex(hiding.digest())).toBe(toHex(complete.digest()));
    expect(() => verify(get('/a'), respondAs(hiding))).toThrow(VerificationError);
    const proving = witness(complete, [['<*>'], ['b', '<$>'], ['b', '<*>'], ['', '<*>']].map((path) => ['http_expr', ...path].map(utf8)));
    expect(verify(get('/b'), respondAs(proving)).version).toBe(2);
  });

  it('orders wildcards from specific to general', () => {
    expect(moreSpecificWildcards(['a', 'b', 'c'], ['a', 'b', 'c'])).toEqual([]);
    expect(moreSpecificWildcards(['a', 'b', 'c'], ['a', 'b', ''])).toEqual([['a', 'b', 'c']]);
    expect(moreSpecificWildcards(['a', 'b', 'c'], ['a'])).toEqual([['a', 'b', 'c'], ['a', 'b', ''], ['a', 'b'], ['a', '']]);
    expect(moreSpecificWildcards(['a', 'b', 'c'], [])).toEqual([['a', 'b', 'c'], ['a', 'b', ''], ['a', 'b'], ['a', ''], ['a'], ['']]);
    expect(moreSpecificWildcards(['a', ''], ['a', ''])).toEqual([]);
    expect(moreSpecificWildcards(['a', 'b'], ['d'])).toBeUndefined();
    expect(moreSpecificWildcards(['a'], ['a', 'b'])).toBeUndefined();
  });

  it('does not pass a response in which any byte was flipped, and never fails otherwise', () => {
    const path = ['a', '<$>'];
    const tree = build([{ path, expression: RESPONSE_ONLY, response: responseLabel(200, [type], RESPONSE_ONLY) }]);
    const good = respond(tree, path, RESPONSE_ONLY);
    const proof = good.headers.find(([name]) => name === 'IC-Certificate')![1];
    const fields = new Map(proof.split(', ').map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]));
    fc.assert(
      fc.property(fc.constantFrom('certificate', 'tree', 'expr_path'), fc.nat(), fc.integer({ min: 1, max: 255 }), (field, at, change) => {
        const bytes = Buffer.from(fields.get(field)!.slice(1, -1), 'base64');
        bytes[at % bytes.length]! ^= change;
        const changed = new Map(fields).set(field, `:${base64(bytes)}:`);
        const header = [...changed].map(([name, value]) => `${name}=${value}`).join(', ');
        const response = { ...good, headers: good.headers.map(([n, v]): [string, string] => [n, n === 'IC-Certificate' ? header : v]) };
        // Names and numbers of the self-describing tag, and other spellings of the same tree, may change without effect.
        try {
          expect(verify(get('/a'), response).headers).toEqual([type]);
        } catch (error) {
          expect(error).toBeInstanceOf(VerificationError);
        }
      }),
      { numRuns: 600 },
    );
  });

  it('does not pass any other body, whatever the header says', () => {
    const path = ['a', '<$>'];
    const tree = build([{ path, expression: RESPONSE_ONLY, response: responseLabel(200, [type], RESPONSE_ONLY) }]);
    const good = respond(tree, path, RESPONSE_ONLY);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), fc.string(), (other, header) => {
        fc.pre(toHex(other) !== toHex(body));
        expect(() => verify(get('/a'), { ...good, body: other })).toThrow(VerificationError);
        expect(() => verify(get('/a'), { ...good, headers: [['IC-Certificate', header]] })).toThrow(VerificationError);
      }),
    );
  });
});

// Published with the official implementation (Apache-2.0), as facts: inputs and hashes.
describe('hashes of the official implementation', () => {
  it('agrees on the header list and response', () => {
    const expression =
      'default_certification(ValidationArgs{certification:Certification{no_request_certification:Empty{},response_certification:' +
      'ResponseCertification{certified_response_headers:ResponseHeaderList{headers:["Accept-Encoding","Cache-Control"]}}}})';
    const pairs: [string, string | number][] = [
      ['accept-encoding', 'gzip'],
      ['cache-control', 'no-cache'],
      ['cache-control', 'no-store'],
      ['ic-certificateexpression', expression],
      [':ic-cert-status', 200],
    ];
    expect(toHex(hashOfPairs(pairs))).toBe('eac859a99d5bd7b71f46dbacecff4aaa0a7a7131802c136a77a76c8e018af5f7');
    expect(toHex(sha256(concatBytes(hashOfPairs(pairs), sha256(utf8('Hello World!')))))).toBe('3393250e3cedc30408dcb7e8963898c3d7549b8a0b76496b82fdfeae99c2ac78');
  });

  it('agrees on the request with a query', () => {
    const pairs: [string, string][] = [
      ['host', 'https://ic0.app'],
      [':ic-cert-method', 'POST'],
      [':ic-cert-query', 'q=hello+world&name=foo&name=bar'],
    ];
    const body = Uint8Array.of(0, 1, 2, 3, 4, 5, 6);
    expect(toHex(sha256(concatBytes(hashOfPairs(pairs), sha256(body))))).toBe('3ade1c9054f05bc8bcebd3fd7b884078a6e67c63e5ac4a639fa46a47f5a955c9');
  });
});

describe('certification expressions', () => {
  it('are read with any spacing and trailing commas', () => {
    expect(parseCertificationExpression(FULL.replace(/([{}(),:[\]])/g, ' $1\n ').replace('] }', '], }'))).toEqual({
      kind: 'certified',
      request: { headers: ['host'], queryParameters: ['q', 'name'] },
      response: { kind: 'only', headers: ['content-type'] },
    });
    expect(parseCertificationExpression(ALL_BUT)).toMatchObject({ request: undefined, response: { kind: 'all-but', headers: ['date'] } });
    expect(parseCertificationExpression(NONE)).toEqual({ kind: 'none' });
  });

  it.each([
    '',
    'default_certification()',
    'default_certification(ValidationArgs{})',
    'other(ValidationArgs{no_certification:Empty{}})',
    'default_certification(ValidationArgs{no_certification:Empty{}}) extra',
    NONE.replace('no_certification', 'no_certification:Empty{},certification'),
    NONE.replace('Empty{}', 'Empty{'),
    RESPONSE_ONLY.replace('["Content-Type","Cache-Control"]', '[1]'),
    RESPONSE_ONLY.replace('"Content-Type"', '"Content-Type'),
    RESPONSE_ONLY.replace('no_request_certification:Empty{},', ''),
    'a('.repeat(5000),
    'x'.repeat(40_000),
  ])('are refused: %#', (text) => {
    expect(() => parseCertificationExpression(text)).toThrow(CelError);
  });

  it('are read or refused, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.tuple(fc.nat(FULL.length), fc.string({ maxLength: 3 })).map(([at, s]) => FULL.slice(0, at) + s + FULL.slice(at + 1))), (text) => {
        try {
          parseCertificationExpression(text);
        } catch (error) {
          expect(error).toBeInstanceOf(CelError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('IC-Certificate headers', () => {
  it.each(['', 'certificate', 'certificate=abc, tree=:AA==:', 'certificate=:AA==:', 'certificate=:AA==:, tree=:AA==:, version=x', 'certificate=:*:, tree=:AA==:'])(
    'are refused: %s',
    (text) => {
      expect(() => parseCertificateHeader(text)).toThrow(VerificationError);
    },
  );
});
