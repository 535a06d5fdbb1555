// The identity canister on the embedded replica: registration, return, devices, delegations, and what is refused.

import { Actor, HttpAgent } from "@dfinity/agent";
import { IDL } from "@dfinity/candid";
import { Delegation, DelegationChain, DelegationIdentity, Ed25519KeyIdentity } from "@dfinity/identity";
import { Principal } from "@dfinity/principal";
import { encode as cbor } from "cborg";
import { createHash, generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import wabtInit from "wabt";
import { startTestNetwork } from "../../tools/testing/network.ts";
import type { EmbeddedNetwork } from "../../../replica/network/embed.ts";
import { idlFactory } from "../../declarations/internet_identity/internet_identity.did.js";
import { CandidCanister, moduleOf } from "../../tools/testing/candid-canister.ts";


const II = "rdmx6-jaaaa-aaaaa-aaadq-cai";
const MINUTE = 60_000_000_000n;

type Any = any; // eslint-disable-line @typescript-eslint/no-explicit-any -- Candid values

let net: EmbeddedNetwork;
let ii: CandidCanister;
let wasm: Uint8Array;

beforeAll(async () => {
  wasm = await moduleOf("internet_identity");
  net = await startTestNetwork({ port: 0 });
  await net.createCanister({ subnet: 0, id: II, cycles: 100_000_000_000_000n });
  await net.install(II, wasm, IDL.encode([IDL.Opt(IDL.Null)], [[]]));
  ii = new CandidCanister(net, II, idlFactory);
}, 300_000);

afterAll(async () => {
  await net?.stop();
});

const hex = (b: Uint8Array): string => Buffer.from(b).toString("hex");

/** DER of a COSE key, as a browser gives it. */
function wrap(cose: Uint8Array): Uint8Array {
  const algorithm = Buffer.from("300c060a2b0601040183b8430101", "hex");
  const bits = Buffer.concat([Buffer.from([0x03, cose.length + 1, 0]), cose]);
  return new Uint8Array(Buffer.concat([Buffer.from([0x30, algorithm.length + bits.length]), algorithm, bits]));
}

let made = 0;
/** A passkey with a P-256 key. */
function passkey(alias = "phone"): { key: Uint8Array; credential: Uint8Array; principal: Principal; data: Any } {
  const jwk = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
  const cose = cbor(new Map<number, unknown>([[1, 2], [3, -7], [-1, 1], [-2, Buffer.from(jwk.x!, "base64url")], [-3, Buffer.from(jwk.y!, "base64url")]]));
  const key = wrap(cose);
  const credential = new Uint8Array(createHash("sha256").update(`credential ${made++} ${hex(key)}`).digest());
  const data = {
    authn_method: { WebAuthn: { credential_id: credential, pubkey: key, aaguid: [] } },
    security_settings: { protection: { Unprotected: null }, purpose: { Authentication: null } },
    metadata: [["alias", { String: alias }], ["authenticator_attachment", { String: "platform" }], ["os", { String: "Linux" }]],
    last_authentication: [],
  };
  return { key, credential, principal: Principal.selfAuthenticating(key), data };
}

async function register(name: [] | [string] = ["Ada"]): Promise<{ number: bigint; pass: ReturnType<typeof passkey>; temporary: Ed25519KeyIdentity }> {
  const temporary = Ed25519KeyIdentity.generate();
  const pass = passkey();
  expect(await ii.call("identity_registration_start", [], temporary.getPrincipal())).toEqual({ Ok: { next_step: { Finish: null } } });
  const result = await ii.call("identity_registration_finish", [{ authn_method: pass.data, name }], temporary.getPrincipal());
  return { number: result.Ok.identity_number, pass, temporary };
}

/** Prepare and get, over the trusted door. */
async function delegate(number: bigint, origin: string, sessionKey: Uint8Array, sender: Principal, ttl: [] | [bigint] = []): Promise<{ userKey: Uint8Array; expiration: bigint; answer: Any }> {
  const [userKey, expiration] = await ii.call("prepare_delegation", [number, origin, sessionKey, ttl], sender);
  const answer = await ii.call("get_delegation", [number, origin, sessionKey, expiration], sender);
  return { userKey, expiration, answer };
}

const origin = "http://parley.localhost:4943";
const session = Ed25519KeyIdentity.generate();
const sessionKey = new Uint8Array(session.getPublicKey().toDer());

// First of all, while the network's clock is still near the one that the agent reads.
describe("signing in", () => {
  test("an unmodified agent acts under the delegation as the identity's principal; a tampered one is refused", async () => {
    net.time.catchUp();
    const { number, temporary } = await register();
    const { userKey, expiration, answer } = await delegate(number, origin, sessionKey, temporary.getPrincipal(), [10n * MINUTE]);
    const { delegation, signature } = answer.signed_delegation;
    expect(delegation.expiration).toBe(expiration);
    expect(hex(delegation.pubkey)).toBe(hex(sessionKey));

    const whoami = await net.createCanister({ cycles: 100_000_000_000_000n });
    await net.install(whoami, await whoamiModule());
    const ask = async (signed: Uint8Array, expires: bigint): Promise<Principal> => {
      const chain = DelegationChain.fromDelegations([{ delegation: new Delegation(sessionKey, expires), signature: signed as Any }], userKey);
      const agent = await HttpAgent.create({ host: net.url!, identity: DelegationIdentity.fromDelegation(session, chain), shouldFetchRootKey: true, retryTimes: 0 });
      const actor: Any = Actor.createActor(() => IDL.Service({ whoami: IDL.Func([], [IDL.Principal], []), whoami_query: IDL.Func([], [IDL.Principal], ["query"]) }), { agent, canisterId: whoami });
      expect((await actor.whoami_query()).toText()).toBe((await actor.whoami()).toText());
      return actor.whoami();
    };
    expect((await ask(signature, expiration)).toText()).toBe(Principal.selfAuthenticating(userKey).toText());
    expect((await ii.call("get_principal", [number, origin], temporary.getPrincipal())).toText()).toBe(Principal.selfAuthenticating(userKey).toText());

    await expect(ask(signature, expiration + 1n)).rejects.toThrow(/Invalid delegation/);
    for (const at of [20, signature.length >> 1, signature.length - 5]) {
      const flipped = new Uint8Array(signature);
      flipped[at]! ^= 1;
      await expect(ask(flipped, expiration)).rejects.toThrow(/Invalid delegation/);
    }
  });
});

describe("registration", () => {
  test("numbers are dense from 10000; the new identity is found by its credential and knows its device", async () => {
    const first = await register();
    const second = await register([]);
    expect(first.number).toBeGreaterThanOrEqual(10_000n);
    expect(second.number).toBe(first.number + 1n);
    expect(await ii.call("lookup_device_key", [first.pass.credential])).toEqual([{ pubkey: first.pass.key, anchor_number: first.number }]);
    const info = (await ii.call("identity_info", [first.number], first.pass.principal)).Ok;
    expect(info.name).toEqual(["Ada"]);
    expect(info.authn_methods).toHaveLength(1);
    expect(info.authn_methods[0].authn_method).toEqual(first.pass.data.authn_method);
    expect(new Map(info.authn_methods[0].metadata)).toEqual(new Map(first.pass.data.metadata));
    const anchor = await ii.call("get_anchor_info", [first.number], first.pass.principal);
    expect(anchor.devices[0].alias).toBe("phone");
    expect(anchor.devices[0].key_type).toEqual({ platform: null });
    expect(anchor.devices[0].last_usage).toHaveLength(1);
  });

  test("a registration belongs to its caller, works once, and ends after five minutes", async () => {
    const caller = Ed25519KeyIdentity.generate().getPrincipal();
    const other = Ed25519KeyIdentity.generate().getPrincipal();
    const finish = (who: Principal, data = passkey().data): Promise<Any> => ii.call("identity_registration_finish", [{ authn_method: data, name: [] }], who);
    expect(await finish(caller)).toEqual({ Err: { NoRegistrationFlow: null } });
    await ii.call("identity_registration_start", [], caller);
    expect(await ii.call("identity_registration_start", [], caller)).toEqual({ Err: { AlreadyInProgress: null } });
    expect(await finish(other)).toEqual({ Err: { NoRegistrationFlow: null } });
    expect(await finish(caller)).toHaveProperty("Ok");
    expect(await finish(caller)).toEqual({ Err: { NoRegistrationFlow: null } });
    await ii.call("identity_registration_start", [], other);
    await net.time.advance(5 * 60_000 + 1);
    expect(await finish(other)).toEqual({ Err: { NoRegistrationFlow: null } });
    expect(await ii.call("identity_registration_start", [], other)).toHaveProperty("Ok");
    expect(await ii.call("check_captcha", [{ solution: "x" }], other)).toEqual({ Err: { UnexpectedCall: { next_step: { Finish: null } } } });
  });

  test("callers without a key of their own are refused", async () => {
    for (const who of [Principal.anonymous(), Principal.fromText(II)]) {
      expect(await ii.call("identity_registration_start", [], who)).toEqual({ Err: { InvalidCaller: null } });
    }
  });

  test("calls larger than any page makes are refused at the door", async () => {
    const caller = Ed25519KeyIdentity.generate().getPrincipal();
    await expect(ii.call("identity_registration_finish", [{ authn_method: passkey("x".repeat(20_000)).data, name: [] }], caller)).rejects.toThrow("Canister rejected the message");
  });

  test("a passkey that is known, malformed or too long is refused with the reason", async () => {
    const { pass } = await register();
    const caller = Ed25519KeyIdentity.generate().getPrincipal();
    await ii.call("identity_registration_start", [], caller);
    const attempt = async (change: (data: Any) => void): Promise<string> => {
      const { data } = passkey();
      change(data);
      return (await ii.call("identity_registration_finish", [{ authn_method: data, name: [] }], caller)).Err?.InvalidAuthnMethod ?? "accepted";
    };
    const webauthn = (data: Any): Any => data.authn_method.WebAuthn;
    expect(await attempt((d) => (webauthn(d).pubkey = pass.key))).toContain("already used");
    expect(await attempt((d) => (webauthn(d).credential_id = pass.credential))).toContain("already used");
    expect(await attempt((d) => (webauthn(d).pubkey = webauthn(d).pubkey.slice(0, -1)))).toContain("COSE");
    expect(await attempt((d) => (webauthn(d).pubkey = Ed25519KeyIdentity.generate().getPublicKey().toDer()))).toContain("COSE");
    expect(await attempt((d) => (webauthn(d).pubkey = wrap(cbor(new Map<number, unknown>([[1, 2], [3, -257], [-1, 1], [-2, new Uint8Array(32)], [-3, new Uint8Array(32)]])))))).toContain("COSE");
    expect(await attempt((d) => (webauthn(d).credential_id = new Uint8Array(351)))).toContain("credential id");
    expect(await attempt((d) => (webauthn(d).credential_id = new Uint8Array(0)))).toContain("credential id");
    expect(await attempt((d) => (d.metadata = [["alias", { String: "x".repeat(65) }]]))).toContain("alias");
    expect(await attempt((d) => (d.metadata = [["alias", { Bytes: new Uint8Array(1) }]]))).toContain("must be a String");
    expect(await attempt((d) => (d.metadata = [["pubkey", { String: "x" }]]))).toContain("reserved");
    expect(await attempt((d) => (d.metadata = [["big", { String: "x".repeat(2500) }]]))).toContain("2500");
    expect(await attempt((d) => (d.security_settings.protection = { Protected: null }))).toContain("protected");
    expect(await attempt(() => undefined)).toBe("accepted");
  });

  test("registrations that come too fast are refused until time has passed", async () => {
    const id = await net.createCanister({ subnet: 1, cycles: 100_000_000_000_000n });
    const rate = IDL.Record({ time_per_token_ns: IDL.Nat64, max_tokens: IDL.Nat64 });
    await net.install(id, wasm, IDL.encode([IDL.Opt(IDL.Record({ register_rate_limit: IDL.Opt(rate) }))], [[{ register_rate_limit: [{ time_per_token_ns: 10_000_000_000n, max_tokens: 3n }] }]]));
    const limited = new CandidCanister(net, id, idlFactory);
    const start = (): Promise<Any> => limited.call("identity_registration_start", [], Ed25519KeyIdentity.generate().getPrincipal());
    for (let i = 0; i < 3; i++) expect(await start()).toHaveProperty("Ok");
    expect(await start()).toEqual({ Err: { RateLimitExceeded: null } });
    await net.time.advance(10_001);
    expect(await start()).toHaveProperty("Ok");
    expect(await start()).toEqual({ Err: { RateLimitExceeded: null } });
  });

  test("the number range comes from the argument and is kept", async () => {
    const id = await net.createCanister({ subnet: 1, cycles: 100_000_000_000_000n });
    await net.install(id, wasm, IDL.encode([IDL.Opt(IDL.Record({ assigned_user_number_range: IDL.Opt(IDL.Tuple(IDL.Nat64, IDL.Nat64)) }))], [[{ assigned_user_number_range: [[77n, 78n]] }]]));
    const small = new CandidCanister(net, id, idlFactory);
    const caller = Ed25519KeyIdentity.generate().getPrincipal();
    await small.call("identity_registration_start", [], caller);
    expect(await small.call("identity_registration_finish", [{ authn_method: passkey().data, name: [] }], caller)).toEqual({ Ok: { identity_number: 77n } });
    await small.call("identity_registration_start", [], caller);
    expect(await small.call("identity_registration_finish", [{ authn_method: passkey().data, name: [] }], caller)).toEqual({ Err: { IdentityLimitReached: null } });
    expect((await small.call("config", [])).assigned_user_number_range).toEqual([[77n, 78n]]);
  });
});

describe("delegations", () => {
  test("principals differ by origin and by identity, and follow the formula of the real service", async () => {
    const a = await register();
    const b = await register();
    const principal = async (r: typeof a, at: string): Promise<string> => (await ii.call("get_principal", [r.number, at], r.pass.principal)).toText();
    const all = [await principal(a, origin), await principal(a, "https://other.app"), await principal(b, origin), await principal(a, `${origin}/`)];
    expect(new Set(all).size).toBe(4);
    // The key: DER around canister id and seed; the seed is hidden behind the salt, the shape is not.
    const { userKey } = await delegate(a.number, origin, sessionKey, a.pass.principal);
    const id = Principal.fromText(II).toUint8Array();
    expect(hex(userKey)).toMatch(new RegExp(`^303c300c060a2b0601040183b8430102032c000a${hex(id)}[0-9a-f]{64}$`));
  });

  test("a delegation lasts 30 minutes by default, as long as asked within 30 days", async () => {
    const { number, pass } = await register();
    const lasting = async (ttl: [] | [bigint]): Promise<bigint> => {
      const { expiration } = await delegate(number, origin, sessionKey, pass.principal, ttl);
      return expiration - net.time.get();
    };
    const near = (value: bigint, expected: bigint): void => expect(Number((value - expected) / 1_000_000_000n)).toBeCloseTo(0, 0);
    near(await lasting([]), 30n * MINUTE);
    near(await lasting([MINUTE]), MINUTE);
    near(await lasting([31n * 24n * 60n * MINUTE]), 30n * 24n * 60n * MINUTE);
    near(await lasting([(1n << 64n) - 1n]), 30n * 24n * 60n * MINUTE);
  });

  test("a prepared delegation can be fetched for one minute, and only with the same arguments", async () => {
    const { number, pass } = await register();
    const { expiration, answer } = await delegate(number, origin, sessionKey, pass.principal);
    expect(answer).toHaveProperty("signed_delegation");
    const none = { no_such_delegation: null };
    const get = (o: string, key: Uint8Array, e: bigint): Promise<Any> => ii.call("get_delegation", [number, o, key, e], pass.principal);
    expect(await get("https://other.app", sessionKey, expiration)).toEqual(none);
    expect(await get(origin, new Uint8Array([1]), expiration)).toEqual(none);
    expect(await get(origin, sessionKey, expiration + 1n)).toEqual(none);
    await net.time.advance(60_001);
    await delegate(number, "https://other.app", sessionKey, pass.principal);
    expect(await get(origin, sessionKey, expiration)).toEqual(none);
  });

  test("two delegations prepared one after the other can both be fetched", async () => {
    const { number, pass } = await register();
    const other = new Uint8Array(Ed25519KeyIdentity.generate().getPublicKey().toDer());
    const [, e1] = await ii.call("prepare_delegation", [number, origin, sessionKey, []], pass.principal);
    const [, e2] = await ii.call("prepare_delegation", [number, origin, other, []], pass.principal);
    expect(await ii.call("get_delegation", [number, origin, sessionKey, e1], pass.principal)).toHaveProperty("signed_delegation");
    expect(await ii.call("get_delegation", [number, origin, other, e2], pass.principal)).toHaveProperty("signed_delegation");
  });

  test("one identity cannot take the room of others: twenty delegations a minute", async () => {
    const [a, b] = [await register(), await register()];
    const prepare = (r: typeof a, i: number): Promise<Any> => ii.call("prepare_delegation", [r.number, `https://${i}.app`, sessionKey, []], r.pass.principal);
    await net.time.advance(60_000);
    for (let i = 0; i < 20; i++) await prepare(a, i);
    await expect(prepare(a, 20)).rejects.toThrow("too many sign-ins");
    await prepare(b, 0);
    await net.time.advance(60_000);
    await prepare(a, 20);
  });

  test("strangers and numbers that do not exist get the same refusal", async () => {
    const { number } = await register();
    const stranger = Ed25519KeyIdentity.generate().getPrincipal();
    const text = `${stranger.toText()} could not be authenticated.`;
    for (const n of [number, 99_999_999n]) {
      await expect(ii.call("prepare_delegation", [n, origin, sessionKey, []], stranger)).rejects.toThrow(text);
      await expect(ii.call("get_delegation", [n, origin, sessionKey, 1n], stranger)).rejects.toThrow(text);
      await expect(ii.call("get_principal", [n, origin], stranger)).rejects.toThrow(text);
      await expect(ii.call("get_anchor_info", [n], stranger)).rejects.toThrow(text);
      await expect(ii.call("authn_method_add", [n, passkey().data], stranger)).rejects.toThrow(text);
      await expect(ii.call("authn_method_remove", [n, new Uint8Array(1)], stranger)).rejects.toThrow(text);
      expect((await ii.call("identity_info", [n], stranger)).Err.Unauthorized.toText()).toBe(stranger.toText());
    }
    expect(await ii.call("lookup", [99_999_999n])).toEqual([]);
    expect(await ii.call("identity_authn_info", [99_999_999n])).toEqual({ Ok: { authn_methods: [], recovery_authn_methods: [] } });
  });

  test("an origin of more than 255 bytes is refused", async () => {
    const { number, pass } = await register();
    await expect(ii.call("prepare_delegation", [number, "x".repeat(256), sessionKey, []], pass.principal)).rejects.toThrow("255");
    await expect(ii.call("prepare_delegation", [number, "", sessionKey, []], pass.principal)).rejects.toThrow("255");
    await expect(ii.call("prepare_delegation", [number, origin, new Uint8Array(0), []], pass.principal)).rejects.toThrow("session key");
  });

  test("the key of the registration acts for ten minutes and dies with the device", async () => {
    const { number, pass, temporary } = await register();
    const who = temporary.getPrincipal();
    await delegate(number, origin, sessionKey, who);
    await net.time.advance(10 * 60_000 + 1);
    await expect(ii.call("prepare_delegation", [number, origin, sessionKey, []], who)).rejects.toThrow("could not be authenticated");
    await delegate(number, origin, sessionKey, pass.principal);

    const again = await register();
    const second = passkey("second");
    expect(await ii.call("authn_method_add", [again.number, second.data], again.pass.principal)).toEqual({ Ok: null });
    expect(await ii.call("authn_method_remove", [again.number, again.pass.key], second.principal)).toEqual({ Ok: null });
    await expect(ii.call("prepare_delegation", [again.number, origin, sessionKey, []], again.temporary.getPrincipal())).rejects.toThrow("could not be authenticated");
  });

  test("principals stay over an upgrade; prepared delegations do not", async () => {
    const { number, pass } = await register();
    const { userKey, expiration } = await delegate(number, origin, sessionKey, pass.principal);
    await net.install(II, wasm, IDL.encode([IDL.Opt(IDL.Null)], [[]]), { mode: "upgrade" });
    expect(await ii.call("get_delegation", [number, origin, sessionKey, expiration], pass.principal)).toEqual({ no_such_delegation: null });
    const after = await delegate(number, origin, sessionKey, pass.principal);
    expect(hex(after.userKey)).toBe(hex(userKey));
    expect(after.answer).toHaveProperty("signed_delegation");
    const next = await register();
    expect(next.number).toBeGreaterThan(number);
    await expect(ii.call("init_salt", [], pass.principal)).rejects.toThrow("Salt already set");
  });
});

describe("devices", () => {
  test("a second passkey opens the same identity; it can be renamed, replaced and removed; the last one cannot go", async () => {
    const { number, pass } = await register();
    const second = passkey("laptop");
    const third = passkey("key");
    expect(await ii.call("authn_method_add", [number, second.data], pass.principal)).toEqual({ Ok: null });
    const [before] = await ii.call("prepare_delegation", [number, "https://a.app", new Uint8Array([1]), []], pass.principal);
    const [after] = await ii.call("prepare_delegation", [number, "https://a.app", new Uint8Array([1]), []], second.principal);
    expect(hex(after)).toBe(hex(before));
    expect((await ii.call("authn_method_add", [number, second.data], pass.principal)).Err.InvalidMetadata).toContain("already used");

    expect(await ii.call("authn_method_metadata_replace", [number, second.key, [["alias", { String: "work laptop" }]]], pass.principal)).toEqual({ Ok: null });
    const aliases = async (): Promise<string[]> => (await ii.call("get_anchor_info", [number], pass.principal)).devices.map((d: Any) => d.alias);
    expect(await aliases()).toEqual(["phone", "work laptop"]);

    expect(await ii.call("authn_method_replace", [number, second.key, third.data], pass.principal)).toEqual({ Ok: null });
    expect(await ii.call("lookup_device_key", [second.credential])).toEqual([]);
    expect((await ii.call("lookup_device_key", [third.credential]))[0].anchor_number).toBe(number);
    expect((await ii.call("authn_method_replace", [number, second.key, third.data], pass.principal)).Err).toEqual({ AuthnMethodNotFound: null });
    expect((await ii.call("authn_method_replace", [number, third.key, pass.data], pass.principal)).Err).toEqual({ PasskeyWithThisPublicKeyIsAlreadyUsed: null });

    expect(await ii.call("authn_method_remove", [number, third.key], pass.principal)).toEqual({ Ok: null });
    expect(await ii.call("authn_method_remove", [number, third.key], pass.principal)).toEqual({ Err: null });
    expect(await ii.call("authn_method_remove", [number, pass.key], pass.principal)).toEqual({ Err: null });
    await expect(ii.call("remove", [number, pass.key], pass.principal)).rejects.toThrow("last way");
    expect(await aliases()).toEqual(["phone"]);
  });

  test("version 1 adds, updates, replaces and removes as well", async () => {
    const { number, pass } = await register();
    const phraseKey = new Uint8Array(Ed25519KeyIdentity.generate().getPublicKey().toDer());
    const phrase = { pubkey: phraseKey, alias: "Recovery phrase", credential_id: [], aaguid: [], purpose: { recovery: null }, key_type: { seed_phrase: null }, protection: { unprotected: null }, origin: [], metadata: [] };
    await ii.call("add", [number, phrase], pass.principal);
    await expect(ii.call("add", [number, { ...phrase, pubkey: new Uint8Array([1]) }], pass.principal)).rejects.toThrow("at most one recovery phrase");
    const credentials = await ii.call("get_anchor_credentials", [number]);
    expect(credentials.recovery_phrases.map(hex)).toEqual([hex(phraseKey)]);
    expect(credentials.credentials).toHaveLength(1);
    expect((await ii.call("lookup", [number])).map((d: Any) => d.alias)).toEqual(["", ""]);

    await ii.call("update", [number, phraseKey, { ...phrase, protection: { protected: null } }], pass.principal);
    await expect(ii.call("remove", [number, phraseKey], pass.principal)).rejects.toThrow("protected");
    await expect(ii.call("replace", [number, phraseKey, phrase], pass.principal)).rejects.toThrow("protected");
    await ii.call("remove", [number, phraseKey], Principal.selfAuthenticating(phraseKey));
    await expect(ii.call("get_anchor_info", [number], Principal.selfAuthenticating(phraseKey))).rejects.toThrow("could not be authenticated");
  });

  test("ten devices are the most", async () => {
    const { number, pass } = await register();
    const small = (): Any => ({ ...passkey().data, metadata: [] });
    for (let i = 0; i < 9; i++) expect(await ii.call("authn_method_add", [number, small()], pass.principal)).toEqual({ Ok: null });
    expect((await ii.call("authn_method_add", [number, small()], pass.principal)).Err.InvalidMetadata).toContain("at most 10");
  });

  test("a device is added from another one by its code; three wrong codes end it", async () => {
    const { number, pass } = await register();
    const newcomer = Ed25519KeyIdentity.generate().getPrincipal();
    const fresh = passkey("tablet");
    const offer = (): Promise<Any> => ii.call("authn_method_register", [number, fresh.data], newcomer);
    const confirm = (code: string): Promise<Any> => ii.call("authn_method_confirm", [number, code], pass.principal);
    const enter = (id: [] | [string] = []): Promise<Any> => ii.call("authn_method_registration_mode_enter", [number, id], pass.principal);
    await delegate(number, "https://a.app", new Uint8Array([1]), pass.principal); // draws the salt if this test runs alone

    expect(await offer()).toEqual({ Err: { RegistrationModeOff: null } });
    expect((await enter(["abc"])).Err).toHaveProperty("InvalidRegistrationId");
    expect(await enter(["aB3xZ"])).toHaveProperty("Ok");
    expect(await ii.call("lookup_by_registration_mode_id", ["aB3xZ"])).toEqual([number]);
    expect(await confirm("000000")).toEqual({ Err: { NoAuthnMethodToConfirm: null } });
    const { confirmation_code: code } = (await offer()).Ok;
    expect(code).toMatch(/^[0-9]{6}$/);
    expect(await offer()).toEqual({ Err: { RegistrationAlreadyInProgress: null } });
    const wrong = code === "123456" ? "123457" : "123456";
    expect(await confirm(wrong)).toEqual({ Err: { WrongCode: { retries_left: 2 } } });
    expect(await confirm(code)).toEqual({ Ok: null });
    expect((await ii.call("lookup_device_key", [fresh.credential]))[0].anchor_number).toBe(number);
    expect(await ii.call("lookup_by_registration_mode_id", ["aB3xZ"])).toEqual([]);

    const again = passkey();
    await enter();
    await ii.call("authn_method_register", [number, again.data], newcomer);
    for (const left of [2, 1, 0]) expect(await confirm("wrong!")).toEqual({ Err: { WrongCode: { retries_left: left } } });
    expect(await confirm("wrong!")).toEqual({ Err: { RegistrationModeOff: null } });

    await enter();
    await net.time.advance(15 * 60_000 + 1);
    expect(await ii.call("authn_method_register", [number, again.data], newcomer)).toEqual({ Err: { RegistrationModeOff: null } });
    await enter();
    expect(await ii.call("authn_method_registration_mode_exit", [number], pass.principal)).toEqual({ Ok: null });
    expect(await ii.call("authn_method_register", [number, again.data], newcomer)).toEqual({ Err: { RegistrationModeOff: null } });
  });

  test("the identity's name can be changed within its limit", async () => {
    const { number, pass } = await register();
    expect(await ii.call("identity_properties_replace", [number, { name: ["Grace"] }], pass.principal)).toEqual({ Ok: null });
    expect((await ii.call("identity_info", [number], pass.principal)).Ok.name).toEqual(["Grace"]);
    expect((await ii.call("identity_properties_replace", [number, { name: ["x".repeat(129)] }], pass.principal)).Err).toEqual({ NameTooLong: { limit: 128n } });
  });
});

/** Answers with its caller, as update and as query. */
async function whoamiModule(): Promise<Uint8Array> {
  const wabt = await wabtInit();
  const text = `(module
    (import "ic0" "msg_caller_size" (func $size (result i32)))
    (import "ic0" "msg_caller_copy" (func $copy (param i32 i32 i32)))
    (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
    (import "ic0" "msg_reply" (func $reply))
    (memory 1)
    (data (i32.const 0) "DIDL\\00\\01\\68\\01")
    (func $answer
      (i32.store8 (i32.const 8) (call $size))
      (call $copy (i32.const 9) (i32.const 0) (call $size))
      (call $append (i32.const 0) (i32.add (i32.const 9) (call $size)))
      (call $reply))
    (func (export "canister_update whoami") (call $answer))
    (func (export "canister_query whoami_query") (call $answer)))`;
  return new Uint8Array(wabt.parseWat("whoami.wat", text).toBinary({}).buffer);
}
