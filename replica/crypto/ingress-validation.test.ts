import { Cbor, Endpoint, Expiry } from '@dfinity/agent';
import type { HttpAgentRequest, Identity } from '@dfinity/agent';
import { DelegationChain, DelegationIdentity, ECDSAKeyIdentity, Ed25519KeyIdentity } from '@dfinity/identity';
import { Principal as AgentPrincipal } from '@dfinity/principal';
import { Secp256k1KeyIdentity } from '@icp-sdk/core/identity/secp256k1';
import fc from 'fast-check';
import { createHash, generateKeyPairSync, sign as nodeSign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { encode } from 'cborg';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { concatBytes, fromHex, toHex, utf8 } from '../codec/bytes.ts';
import type { CborValue } from '../codec/cbor.ts';
import { encodeTagged } from '../codec/cbor.ts';
import { wrapPublicKey } from '../codec/der.ts';
import { encodeHashTree, hashTreeFromCbor, treeOf, witness } from '../codec/hash-tree.ts';
import { decodeCbor } from '../codec/cbor.ts';
import { encodeUleb128 } from '../codec/leb128.ts';
import { domainSeparated, hashOfMap } from '../codec/request-id.ts';
import { sha256 } from '../codec/sha256.ts';
import { BlsSecretKey, initBls } from './bls.ts';
import { canisterSignatureKeyDer } from './canister-signature.ts';
import { authenticate, EnvelopeFormatError, InvalidRequestError, parseEnvelope } from './ingress-validation.ts';
import type { Authentication, RequestType } from './ingress-validation.ts';
import { selfAuthenticatingId } from './keys.ts';
import { certificate, delegationCertificate, testSubnet } from './test-network.ts';
import type { TestSubnet } from './test-network.ts';

// Properties with many runs: on a busy machine they take their time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

beforeAll(() => initBls());

const NOW = 1_700_000_000_000_000_000n;
const MINUTE = 60_000_000_000n;
const CANISTER = fromHex('00000000000000010101');
const OTHER_CANISTER = fromHex('00000000000000020101');

let root: TestSubnet;
let subnet: TestSubnet;
beforeAll(() => {
  root = testSubnet(1);
  subnet = testSubnet(2);
});

function content(sender: Uint8Array, changes: Record<string, CborValue> = {}): Record<string, CborValue> {
  return {
    request_type: 'call',
    sender,
    ingress_expiry: NOW + 4n * MINUTE,
    canister_id: CANISTER,
    method_name: 'greet',
    arg: utf8('DIDL\0\0'),
    nonce: new Uint8Array(16).fill(7),
    ...changes,
  };
}

function check(envelope: CborValue, requestType: RequestType = 'call', nowNanos = NOW): Authentication {
  return authenticate(parseEnvelope(encodeTagged(envelope), requestType), { nowNanos, rootKeyDer: root.keyDer });
}

function refusal(run: () => unknown): InvalidRequestError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidRequestError);
    return error as InvalidRequestError;
  }
  throw new Error('was accepted');
}

/** The envelope that an official identity makes. */
async function officialEnvelope(identity: Identity, changes: Record<string, unknown> = {}): Promise<Uint8Array> {
  const request = {
    request: { headers: new Headers() },
    endpoint: Endpoint.Call,
    body: {
      request_type: 'call',
      sender: identity.getPrincipal(),
      ingress_expiry: Expiry.fromDeltaInMilliseconds(240_000),
      canister_id: AgentPrincipal.fromUint8Array(CANISTER),
      method_name: 'greet',
      arg: utf8('DIDL\0\0'),
      ...changes,
    },
  } as unknown as HttpAgentRequest;
  const signed = (await identity.transformRequest(request)) as { body: unknown };
  return Cbor.encode(signed.body);
}

function checkOfficial(bytes: Uint8Array): Authentication {
  // Official agents take their expiry from the wall clock.
  const envelope = parseEnvelope(bytes, 'call');
  const nowNanos = envelope.content.ingressExpiryNanos - 2n * MINUTE;
  return authenticate(envelope, { nowNanos, rootKeyDer: root.keyDer });
}

const far = new Date(Date.UTC(2100, 0));

describe('requests signed by official identities', () => {
  it('are accepted for Ed25519, P-256 and secp256k1 keys', async () => {
    const identities = [
      Ed25519KeyIdentity.generate(),
      await ECDSAKeyIdentity.generate(),
      Secp256k1KeyIdentity.generate() as unknown as Identity,
    ];
    for (const identity of identities) expect(checkOfficial(await officialEnvelope(identity))).toEqual({});
  });

  it('are accepted through delegation chains that mix schemes, and the targets are intersected', async () => {
    const rootKey = await ECDSAKeyIdentity.generate();
    const middle = Secp256k1KeyIdentity.generate() as unknown as Ed25519KeyIdentity;
    const session = Ed25519KeyIdentity.generate();
    const [a, b] = [CANISTER, OTHER_CANISTER].map((bytes) => AgentPrincipal.fromUint8Array(bytes)) as [AgentPrincipal, AgentPrincipal];
    let chain = await DelegationChain.create(rootKey, middle.getPublicKey(), far, { targets: [a, b] });
    chain = await DelegationChain.create(middle, session.getPublicKey(), far, { previous: chain, targets: [a] });
    const identity = DelegationIdentity.fromDelegation(session, chain);
    expect(checkOfficial(await officialEnvelope(identity))).toEqual({ targets: [CANISTER] });
    const wrong = await officialEnvelope(identity, { canister_id: b });
    expect(refusal(() => checkOfficial(wrong)).message).toBe("Canister 'rrkah-fqaaa-aaaaa-aaaaq-cai' is not one of the delegation targets.".replace('rrkah-fqaaa-aaaaa-aaaaq-cai', b.toText()));
  });

  it('are refused after any change of one byte, and never crash the check', async () => {
    const chain = await DelegationChain.create(await ECDSAKeyIdentity.generate(), Ed25519KeyIdentity.generate().getPublicKey(), far);
    expect(chain.delegations.length).toBe(1);
    const session = Ed25519KeyIdentity.generate();
    const owner = Ed25519KeyIdentity.generate();
    const delegated = await DelegationChain.create(owner, session.getPublicKey(), far);
    const samples = [
      await officialEnvelope(Ed25519KeyIdentity.generate()),
      await officialEnvelope(DelegationIdentity.fromDelegation(session, delegated)),
    ];
    for (const original of samples) {
      const nowNanos = parseEnvelope(original, 'call').content.ingressExpiryNanos - 2n * MINUTE;
      fc.assert(
        fc.property(fc.nat(original.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
          const bytes = original.slice();
          bytes[at]! ^= change;
          try {
            authenticate(parseEnvelope(bytes, 'call'), { nowNanos, rootKeyDer: root.keyDer });
          } catch (error) {
            expect(error instanceof InvalidRequestError || error instanceof EnvelopeFormatError).toBe(true);
            return;
          }
          // Only changes outside what is signed may pass: another spelling of the same CBOR.
          expect(toHex(parseEnvelope(bytes, 'call').requestId)).toBe(toHex(parseEnvelope(original, 'call').requestId));
        }),
        { numRuns: 2000 },
      );
    }
  });
});

// ---------------------------------------------------------------------------------------------------------------------
// Schemes that official identities do not make.

interface Key {
  readonly der: Uint8Array;
  readonly id: Uint8Array;
  sign(payload: Uint8Array): Uint8Array;
}

function key(der: Uint8Array, sign: (payload: Uint8Array) => Uint8Array): Key {
  return { der, id: selfAuthenticatingId(der), sign };
}

function ed25519Key(): Key {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return key(new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })), (p) => nodeSign(null, p, privateKey));
}

function webauthnKey(kind: 'p256' | 'rsa' | 'ed25519', tamper: (fields: Record<string, CborValue>) => void = () => {}): Key {
  const pair =
    kind === 'p256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : kind === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ed25519');
  const jwk = pair.publicKey.export({ format: 'jwk' });
  const part = (name: 'x' | 'y' | 'n' | 'e'): Uint8Array => new Uint8Array(Buffer.from(jwk[name] as string, 'base64url'));
  const cose =
    kind === 'p256'
      ? new Map<number, unknown>([[1, 2], [3, -7], [-1, 1], [-2, part('x')], [-3, part('y')]])
      : kind === 'rsa'
        ? new Map<number, unknown>([[1, 3], [3, -257], [-1, part('n')], [-2, part('e')]])
        : new Map<number, unknown>([[1, 1], [3, -8], [-1, 6], [-2, part('x')]]);
  return key(wrapPublicKey('cose', encode(cose)), (payload) => {
    const fields: Record<string, CborValue> = {
      authenticator_data: new Uint8Array(37).fill(3),
      client_data_json: JSON.stringify({
        type: 'webauthn.get',
        challenge: Buffer.from(payload).toString('base64url'),
        origin: 'https://example.com',
      }),
    };
    const clientHash = createHash('sha256').update(fields['client_data_json'] as string).digest();
    const message = concatBytes(fields['authenticator_data'] as Uint8Array, clientHash);
    const algorithm = kind === 'ed25519' ? null : 'sha256';
    fields['signature'] = new Uint8Array(nodeSign(algorithm, message, pair.privateKey as KeyObject));
    tamper(fields);
    return encodeTagged(fields);
  });
}

interface CanisterKeyOptions {
  readonly type?: string | undefined;
  readonly format?: 'flat' | 'sharded' | 'both';
  readonly signer?: Uint8Array;
  readonly onRoot?: boolean;
  readonly leaf?: Uint8Array;
}

function canisterKey(options: CanisterKeyOptions = {}): Key {
  const { signer = CANISTER, type = 'type' in options ? options.type : 'application', format = 'both', leaf = new Uint8Array(0) } = options;
  const seed = utf8('seed');
  const der = canisterSignatureKeyDer({ canisterId: signer, seed });
  return key(der, (payload) => {
    const sig = new Map([[sha256(seed), new Map([[sha256(payload), leaf], [sha256(utf8('another')), leaf]])]]);
    const tree = treeOf({ http_assets: utf8('x'), sig });
    const state = {
      time: encodeUleb128(NOW - 1000n * MINUTE),
      canister: new Map([[signer, { certified_data: tree.digest() }]]),
    };
    const end = fromHex('00000000000000ff0101');
    const delegation = {
      subnetId: subnet.id,
      certificate: delegationCertificate(root, subnet, { ranges: [[CANISTER, end]], type, format, timeNanos: NOW }),
    };
    const encoded = options.onRoot ? certificate(root, state) : certificate(subnet, state, delegation);
    const proof = witness(tree, [[utf8('sig'), sha256(seed), sha256(payload)]]);
    return encodeTagged({ certificate: encoded, tree: decodeCbor(encodeHashTree(proof)) });
  });
}

function signed(by: Key, changes: Record<string, CborValue> = {}, extra: Record<string, CborValue> = {}): Record<string, CborValue> {
  const body = content(by.id, changes);
  return { content: body, sender_pubkey: by.der, sender_sig: by.sign(domainSeparated('ic-request', hashOfMap(body))), ...extra };
}

function delegationTo(pubkey: Uint8Array, by: Key, changes: Record<string, CborValue> = {}): CborValue {
  const delegation = { pubkey, expiration: NOW + MINUTE, ...changes };
  return { delegation, signature: by.sign(domainSeparated('ic-request-auth-delegation', hashOfMap(delegation))) };
}

function signedThrough(owner: Key, session: Key, delegations: CborValue[], changes: Record<string, CborValue> = {}): Record<string, CborValue> {
  const body = content(owner.id, changes);
  return {
    content: body,
    sender_pubkey: owner.der,
    sender_delegation: delegations,
    sender_sig: session.sign(domainSeparated('ic-request', hashOfMap(body))),
  };
}

describe('WebAuthn signatures', () => {
  it.each(['p256', 'rsa', 'ed25519'] as const)('are accepted for %s COSE keys', (kind) => {
    expect(check(signed(webauthnKey(kind)))).toEqual({});
  });

  it('are accepted as the first link of a delegation chain', () => {
    const session = ed25519Key();
    const owner = webauthnKey('p256');
    expect(check(signedThrough(owner, session, [delegationTo(session.der, owner)]))).toEqual({});
  });

  it.each<[string, (fields: Record<string, CborValue>) => void]>([
    ['another challenge', (f) => (f['client_data_json'] = JSON.stringify({ challenge: 'AAAA' }))],
    ['no challenge', (f) => (f['client_data_json'] = '{}')],
    ['client data that is not JSON', (f) => (f['client_data_json'] = '{')],
    ['changed authenticator data', (f) => ((f['authenticator_data'] as Uint8Array)[0]! ^= 1)],
    ['a changed signature', (f) => ((f['signature'] as Uint8Array)[20]! ^= 1)],
    ['no signature', (f) => delete f['signature']],
  ])('are refused with %s', (_, tamper) => {
    expect(refusal(() => check(signed(webauthnKey('p256', tamper)))).message).toMatch(/^Invalid signature: WebAuthn error: /);
  });

  it('are refused for COSE keys with extra labels or of unknown kind', () => {
    const odd = [new Map([[1, 2]]), new Map<number, unknown>([[1, 1], [3, -8], [-1, 6], [-2, new Uint8Array(32)], [4, [2]]])];
    for (const cose of odd) {
      const by = key(wrapPublicKey('cose', encode(cose)), () => new Uint8Array(64));
      expect(refusal(() => check(signed(by))).message).toMatch(/^Invalid signature: Invalid public key: /);
    }
  });
});

describe('canister signatures', () => {
  it.each<[string, CanisterKeyOptions]>([
    ['with both forms of ranges', {}],
    ['with flat ranges only', { format: 'flat' }],
    ['with sharded ranges only', { format: 'sharded' }],
    ['by the root subnet without delegation', { onRoot: true }],
  ])('are accepted %s, however old the certificate', (_, options) => {
    expect(check(signed(canisterKey(options)))).toEqual({});
  });

  it.each<[string, CanisterKeyOptions]>([
    ['the subnet type is not shown', { type: undefined }],
    ['the subnet is a cloud engine', { type: 'cloud_engine' }],
    ['the canister is outside the ranges of the subnet', { signer: fromHex('00000000000001000101') }],
    ['the canister is below the ranges of the subnet', { signer: fromHex('00000000000000000101'), format: 'sharded' }],
    ['the leaf is not empty', { leaf: utf8('x') }],
  ])('are refused if %s', (_, options) => {
    expect(refusal(() => check(signed(canisterKey(options)))).message).toMatch(/^Invalid signature: Invalid canister signature: /);
  });

  it('vouch for sender info', () => {
    const by = canisterKey();
    const info = utf8('attributes');
    const sig = by.sign(domainSeparated('ic-sender-info', info));
    expect(check(signed(by, { sender_info: { info, signer: CANISTER, sig } }))).toEqual({});
    const refused = [
      { info: utf8('other'), signer: CANISTER, sig },
      { info, signer: OTHER_CANISTER, sig },
    ];
    for (const sender_info of refused) {
      expect(refusal(() => check(signed(by, { sender_info }))).message).toMatch(/^Invalid sender info: /);
    }
  });

  it('are refused, not crashed on, after any change of one byte', () => {
    const by = canisterKey();
    const envelope = signed(by);
    const original = envelope['sender_sig'] as Uint8Array;
    fc.assert(
      fc.property(fc.nat(original.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = original.slice();
        bytes[at]! ^= change;
        try {
          check({ ...envelope, sender_sig: bytes });
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidRequestError);
          return;
        }
        // Another spelling: a changed length form or a field name that nobody reads; the proof itself is the same.
        const tree = (value: Uint8Array): string => toHex(hashTreeFromCbor((decodeCbor(value) as { tree: CborValue }).tree).digest());
        expect(tree(bytes)).toBe(tree(original));
      }),
      { numRuns: 300 },
    );
  });
});

describe('who may sign', () => {
  it('lets the anonymous principal send without a signature, and only without', () => {
    const anonymous = Uint8Array.of(4);
    expect(check({ content: content(anonymous) })).toEqual({});
    const by = ed25519Key();
    expect(refusal(() => check({ ...signed(by), content: content(anonymous) })).message).toBe('Signature is not allowed for the anonymous user.');
  });

  it('asks others for a signature', () => {
    const by = ed25519Key();
    const user = AgentPrincipal.fromUint8Array(by.id).toText();
    expect(refusal(() => check({ content: content(by.id) })).message).toBe(`Missing signature from user: ${user}`);
  });

  it('refuses a key that is not the sender', () => {
    const [by, other] = [ed25519Key(), ed25519Key()];
    const envelope = signed(by, { sender: other.id });
    const user = AgentPrincipal.fromUint8Array(other.id).toText();
    expect(refusal(() => check(envelope)).message).toBe(`The user id '${user}' does not match the public key '${toHex(by.der)}'`);
  });

  it('refuses BLS and plain RSA keys, and keys that are no DER', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const bls = BlsSecretKey.fromSeed(new Uint8Array(32).fill(9));
    const keys = [
      key(new Uint8Array(rsa.publicKey.export({ format: 'der', type: 'spki' })), (p) => nodeSign('sha256', p, rsa.privateKey)),
      key(bls.publicKeyDer(), (p) => bls.sign(p)),
      key(utf8('not der'), () => new Uint8Array(64)),
    ];
    for (const by of keys) expect(refusal(() => check(signed(by))).message).toMatch(/^Invalid signature: Invalid public key: /);
  });

  it('signs over unknown fields too', () => {
    const by = ed25519Key();
    expect(check(signed(by, { future_field: 1 }))).toEqual({});
    const envelope = signed(by);
    (envelope['content'] as Record<string, CborValue>)['future_field'] = 1;
    expect(refusal(() => check(envelope)).message).toMatch(/^Invalid signature: Invalid basic signature: /);
  });
});

describe('expiry', () => {
  const anonymous = Uint8Array.of(4);
  const at = (expiry: bigint): CborValue => ({ content: content(anonymous, { ingress_expiry: expiry }) });

  it('must lie between now and five and a half minutes from now, both included', () => {
    expect(check(at(NOW))).toEqual({});
    expect(check(at(NOW + 5n * MINUTE + MINUTE / 2n))).toEqual({});
    for (const expiry of [NOW - 1n, NOW + 5n * MINUTE + MINUTE / 2n + 1n, 0n, (1n << 64n) - 1n]) {
      const error = refusal(() => check(at(expiry)));
      expect(error.code).toBe('expiry');
      expect(error.message).toMatch(/^Invalid request expiry: Specified ingress_expiry not within expected range: Minimum allowed expiry: 2023-11-14 22:13:20 UTC, Maximum allowed expiry: 2023-11-14 22:18:50 UTC, Provided expiry: {8}/);
    }
  });

  it('is not asked of anonymous queries and state reads, but of signed ones', () => {
    const query = { request_type: 'query', ingress_expiry: 0n };
    expect(check({ content: content(anonymous, query) }, 'query')).toEqual({});
    const read = { content: { request_type: 'read_state', sender: anonymous, ingress_expiry: 0n, paths: [[utf8('time')]] } };
    expect(check(read, 'read_state')).toEqual({});
    expect(refusal(() => check(signed(ed25519Key(), query), 'query')).code).toBe('expiry');
  });
});

describe('delegations', () => {
  const owner = ed25519Key();
  const session = ed25519Key();

  it('expire', () => {
    const expired = [delegationTo(session.der, owner, { expiration: NOW - 1n })];
    const error = refusal(() => check(signedThrough(owner, session, expired)));
    expect(error.message).toMatch(/^Invalid delegation expiry: Specified sender delegation has expired:/);
    const atTheEdge = [delegationTo(session.der, owner, { expiration: NOW })];
    expect(check(signedThrough(owner, session, atTheEdge))).toEqual({});
  });

  it('must be signed by the key before', () => {
    const forged = [delegationTo(session.der, session)];
    expect(refusal(() => check(signedThrough(owner, session, forged))).message).toMatch(/^Invalid delegation: Invalid basic signature/);
  });

  it('keep being refused under another key after they were accepted under the right one', () => {
    const good = delegationTo(session.der, owner);
    expect(check(signedThrough(owner, session, [good]))).toEqual({});
    const stranger = ed25519Key();
    expect(refusal(() => check(signedThrough(stranger, session, [good]))).code).toBe('delegation');
  });

  it('form chains of at most 20, without repeated keys', () => {
    const links = Array.from({ length: 21 }, ed25519Key);
    const chain = (n: number): CborValue[] => links.slice(0, n).map((link, i) => delegationTo(link.der, i === 0 ? owner : links[i - 1]!));
    expect(check(signedThrough(owner, links[19]!, chain(20)))).toEqual({});
    expect(refusal(() => check(signedThrough(owner, links[20]!, chain(21)))).message).toBe(
      'Invalid delegation: Chain of delegations is too long: got 21 delegations, but at most 20 are allowed.',
    );
    const cycle = [delegationTo(session.der, owner), delegationTo(owner.der, session)];
    expect(refusal(() => check(signedThrough(owner, owner, cycle))).message).toMatch(/^Invalid delegation: Chain of delegations contains at least one cycle: /);
  });

  it('restrict targets, nothing being left of disjoint ones', () => {
    const disjoint = [
      delegationTo(session.der, owner, { targets: [CANISTER] }),
    ];
    const last = ed25519Key();
    disjoint.push(delegationTo(last.der, session, { targets: [OTHER_CANISTER] }));
    expect(refusal(() => check(signedThrough(owner, last, disjoint))).code).toBe('target');
    const empty = [delegationTo(session.der, owner, { targets: [] })];
    expect(refusal(() => check(signedThrough(owner, session, empty))).code).toBe('target');
    const many = [delegationTo(session.der, owner, { targets: Array.from({ length: 1001 }, () => CANISTER) })];
    expect(refusal(() => check(signedThrough(owner, session, many))).message).toMatch(/^Invalid delegation: Delegation target error: /);
  });

  it('for queries only do not permit calls', () => {
    const queries = [delegationTo(session.der, owner, { permissions: 'queries' })];
    expect(refusal(() => check(signedThrough(owner, session, queries))).code).toBe('delegation');
    expect(check(signedThrough(owner, session, queries, { request_type: 'query' }), 'query')).toEqual({});
    const all = [delegationTo(session.der, owner, { permissions: 'all' })];
    expect(check(signedThrough(owner, session, all))).toEqual({});
    const odd = [delegationTo(session.der, owner, { permissions: 'everything' })];
    expect(refusal(() => check(signedThrough(owner, session, odd))).code).toBe('delegation');
  });
});

describe('limits', () => {
  const anonymous = Uint8Array.of(4);

  it('allow nonces of up to 32 bytes', () => {
    expect(check({ content: content(anonymous, { nonce: new Uint8Array(32) }) })).toEqual({});
    expect(refusal(() => check({ content: content(anonymous, { nonce: new Uint8Array(33) }) })).message).toBe(
      'Nonce in request is too big: got 33 bytes, but at most 32 are allowed.',
    );
  });

  it('allow 1000 paths of 127 labels', () => {
    const read = (paths: CborValue): CborValue => ({
      content: { request_type: 'read_state', sender: anonymous, ingress_expiry: 0n, paths },
    });
    const deep = Array.from({ length: 127 }, () => utf8('a'));
    expect(check(read(Array.from({ length: 1000 }, () => [utf8('time')])), 'read_state')).toEqual({});
    expect(check(read([deep]), 'read_state')).toEqual({});
    expect(refusal(() => check(read(Array.from({ length: 1001 }, () => [utf8('time')])), 'read_state')).message).toBe(
      'Too many paths in read state request: got 1001 paths, but at most 1000 are allowed.',
    );
    expect(refusal(() => check(read([[...deep, utf8('a')]]), 'read_state')).code).toBe('limits');
    expect(check(read(Array.from({ length: 1000 }, () => deep)), 'read_state')).toEqual({});
  });

  it('refuse an envelope of very many values, wherever they are, before anything is made of them', () => {
    const many = 150_000;
    const list = Array<CborValue>(many).fill(0);
    const map = Object.fromEntries(list.map((_, at) => [`k${at}`, 0]));
    const envelopes: CborValue[] = [
      { content: content(anonymous), other: list },
      { content: content(anonymous, { other: list }) },
      { content: content(anonymous, { other: map }) },
      { content: content(anonymous, map) },
      { content: content(anonymous), sender_delegation: list },
    ];
    for (const envelope of envelopes) expect(() => parseEnvelope(encodeTagged(envelope), 'call')).toThrow('more than 130000 values');
    const fitting = Object.fromEntries(Object.entries(map).slice(0, 60_000));
    expect(check({ content: content(anonymous, fitting) })).toEqual({});
    expect(check({ content: content(anonymous, { other: list.slice(0, 120_000) }) })).toEqual({});
  });

  it('refuse what is no envelope with a reason', () => {
    const broken: CborValue[] = [
      1, [], {}, { content: 1 }, { content: content(anonymous, { request_type: 'query' }) },
      { content: content(anonymous, { sender: new Uint8Array(30) }) },
      { content: content(anonymous, { canister_id: 'text' }) },
      { content: content(anonymous, { arg: undefined }) },
      { content: content(anonymous, { ingress_expiry: -1 }) },
      { content: content(anonymous, { ingress_expiry: 'x' }) },
      { content: content(anonymous, { ingress_expiry: 1n << 64n }) },
      { content: content(anonymous), sender_delegation: 1 },
      { content: content(anonymous), sender_delegation: [{ delegation: { pubkey: utf8('x') }, signature: utf8('x') }] },
      { content: content(anonymous), sender_pubkey: 'x' },
    ];
    for (const envelope of broken) expect(() => parseEnvelope(encodeTagged(envelope), 'call')).toThrow(EnvelopeFormatError);
  });
});
