/** Hostile HTTP against a real network: nothing crashes, nothing hangs, nothing changes. */
import { Ed25519KeyIdentity } from '@dfinity/identity';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import wabtInit from 'wabt';
import { toHex, utf8 } from '../codec/bytes.ts';
import type { CborValue } from '../codec/cbor.ts';
import { encodeTagged } from '../codec/cbor.ts';
import { domainSeparated, hashOfMap } from '../codec/request-id.ts';
import { startNetwork } from '../network/embed.ts';
import type { EmbeddedNetwork } from '../network/embed.ts';
import { Principal } from '../types/principal.ts';

// Properties with many runs: on a busy machine they take their time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const COUNTER = `(module
  (import "ic0" "msg_reply" (func $reply))
  (memory 1)
  (func (export "canister_update inc")
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
    (call $reply)))`;

let net: EmbeddedNetwork;
let canister: string;

beforeAll(async () => {
  const wabt = await wabtInit();
  net = await startNetwork({ subnets: [{ kind: 'system' }, { kind: 'application' }], port: 0 });
  canister = await net.createCanister({ cycles: 10_000_000_000_000n });
  await net.install(canister, new Uint8Array(wabt.parseWat('counter.wat', COUNTER).toBinary({}).buffer));
});
afterAll(() => net.stop());

async function envelopes(): Promise<Uint8Array[]> {
  const identity = Ed25519KeyIdentity.generate(new Uint8Array(32).fill(7));
  const common = { sender: identity.getPrincipal().toUint8Array(), ingress_expiry: net.time.get() + 120_000_000_000n };
  const call = { ...common, canister_id: Principal.fromText(canister).bytes, method_name: 'inc', arg: utf8('DIDL\0\0') };
  const contents: Record<string, CborValue>[] = [
    { request_type: 'call', ...call, nonce: new Uint8Array(16) },
    { request_type: 'query', ...call },
    { request_type: 'read_state', ...common, paths: [[utf8('time')], [utf8('canister'), call.canister_id, utf8('controllers')]] },
  ];
  return Promise.all(
    contents.map(async (content) => {
      const sig = new Uint8Array(await identity.sign(domainSeparated('ic-request', hashOfMap(content))));
      return encodeTagged({ content, sender_pubkey: new Uint8Array(identity.getPublicKey().toDer()), sender_sig: sig });
    }),
  );
}

const mutation = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), at: fc.nat(), byte: fc.nat(255) }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat() }),
  fc.record({ kind: fc.constant('insert' as const), at: fc.nat(), bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }) }),
);

function mutate(original: Uint8Array, change: typeof mutation extends fc.Arbitrary<infer T> ? T : never): Uint8Array {
  const at = change.at % original.length;
  switch (change.kind) {
    case 'set':
      return original.slice().fill(change.byte, at, at + 1);
    case 'cut':
      return original.slice(0, at);
    case 'insert':
      return Uint8Array.of(...original.slice(0, at), ...change.bytes, ...original.slice(at));
  }
}

describe('mangled requests', () => {
  it('by the thousand change no state, and good ones are served after them', { timeout: 120_000 }, async () => {
    const originals = await envelopes();
    const endpoints = ['call', 'query', 'read_state'];
    const application = net.subnets[1]!;
    const before = toHex(await application.stateHash());
    await fc.assert(
      fc.asyncProperty(fc.nat(2), fc.nat(2), fc.constantFrom(2, 3), mutation, async (which, endpoint, version, change) => {
        const body = mutate(originals[which]!, change);
        const intact = toHex(body) === toHex(originals[which]!);
        fc.pre(!intact);
        const response = await fetch(`${net.url!}/api/v${version}/canister/${canister}/${endpoints[endpoint]!}`, {
          method: 'POST',
          headers: { 'content-type': 'application/cbor' },
          body: body as Uint8Array<ArrayBuffer>,
        });
        const text = await response.text();
        // Unknown fields and other spellings outside the signed content are harmless; then the request is the same one.
        expect([200, 202, 400, 403, 404]).toContain(response.status);
        if (response.status >= 400) expect(text.length).toBeGreaterThan(0);
        if (response.status === 202 || (response.status === 200 && endpoints[endpoint] === 'call')) {
          throw new Error(`a mangled call was accepted: ${toHex(body)}`);
        }
      }),
      { numRuns: 2000 },
    );
    expect(toHex(await application.stateHash())).toBe(before);
    const response = await fetch(`${net.url!}/api/v3/canister/${canister}/call`, {
      method: 'POST',
      headers: { 'content-type': 'application/cbor' },
      body: originals[0] as Uint8Array<ArrayBuffer>,
    });
    expect(response.status).toBe(200);
    expect(toHex(await application.stateHash())).not.toBe(before);
  });
});
