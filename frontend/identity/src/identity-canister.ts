// What the identity page asks of the identity canister.

import { Actor, AnonymousIdentity, HttpAgent, type ActorSubclass, type Identity, type SignIdentity } from '@dfinity/agent';
import { DelegationChain, DelegationIdentity, ECDSAKeyIdentity } from '@dfinity/identity';
import { idlFactory, type AuthnMethodData, type MetadataMapV2, type _SERVICE } from '../../generated/internet_identity.did.ts';
import { toRequestError } from '../../src/agent/request-error.ts';
import { loadRuntimeConfig, type RuntimeConfig } from '../../src/agent/runtime-config.ts';
import type { AuthorizeRequest, SignedDelegation } from './authorize-channel.ts';
import { effectiveOrigin } from './authorize-channel.ts';
import { createPasskey, DiscoveredPasskey, type NewPasskey } from './passkey.ts';

/** The passkey signs once for this long; everything on the page is done with the key in the page. */
const PAGE_SESSION_MS = 30 * 60_000;

/** The signature is there a moment after it was prepared; how often to look, and how long between. */
const DELEGATION_TRIES = 8;
const DELEGATION_PAUSE_MS = 400;

/** How often a new device asks whether it was let in. */
const LET_IN_PAUSE_MS = 1_500;

export type IdentityFailure =
  | 'unreachable'
  | 'unknown-passkey'
  | 'rate-limited'
  | 'full'
  | 'wrong-phrase'
  | 'wrong-code'
  | 'code-unknown'
  | 'code-over'
  | 'nobody-waiting'
  | 'refused';

export class IdentityError extends Error {
  readonly reason: IdentityFailure;

  constructor(reason: IdentityFailure, detail = '') {
    super(`${reason} ${detail}`);
    this.name = 'IdentityError';
    this.reason = reason;
  }
}

/** Somebody is signed in on this page. */
export interface PageSession {
  anchor: bigint;
  identity: Identity;
  /** Of the passkey in use; `null` when it is the recovery phrase. */
  credentialId: Uint8Array | null;
}

export interface PasskeyInfo {
  name: string;
  publicKey: Uint8Array;
  credentialId: Uint8Array;
  /** Milliseconds; `null` when never used since it was made. */
  lastUsedAt: number | null;
  method: AuthnMethodData;
}

const ALIAS = 'alias';
const CONFIG_KEY = 'parley-identity-config';

const bytes = (value: Uint8Array | number[]): Uint8Array => Uint8Array.from(value);

function methodOf(passkey: NewPasskey, name: string): AuthnMethodData {
  const metadata: MetadataMapV2 = [[ALIAS, { String: name }]];
  if (passkey.attachment) metadata.push(['authenticator_attachment', { String: passkey.attachment }]);
  return {
    authn_method: { WebAuthn: { credential_id: passkey.credentialId, pubkey: passkey.publicKey, aaguid: [] } },
    security_settings: { protection: { Unprotected: null }, purpose: { Authentication: null } },
    metadata,
    last_authentication: [],
  };
}

async function asked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof IdentityError) throw error;
    const { code, detail } = toRequestError(error);
    throw new IdentityError(code === 'offline' || code === 'unavailable' ? 'unreachable' : 'refused', detail);
  }
}

function phraseMethod(publicKey: Uint8Array): AuthnMethodData {
  return {
    authn_method: { PubKey: { pubkey: publicKey } },
    security_settings: { protection: { Unprotected: null }, purpose: { Recovery: null } },
    metadata: [
      [ALIAS, { String: 'Recovery phrase' }],
      ['usage', { String: 'recovery_phrase' }],
    ],
    last_authentication: [],
  };
}

export interface WaysIn {
  passkeys: PasskeyInfo[];
  /** Public key of the recovery phrase, if there is one. */
  phrase: Uint8Array | null;
}

export class IdentityCanister {
  #config: RuntimeConfig | null = null;

  /** Made ahead of the tap: nothing slow may stand between a tap and the browser's passkey dialog. */
  async prepare(): Promise<void> {
    this.#config ??= await loadRuntimeConfig(
      () => Promise.resolve(JSON.parse(localStorage.getItem(CONFIG_KEY) ?? 'null') as unknown),
      (value) => Promise.resolve(localStorage.setItem(CONFIG_KEY, JSON.stringify(value))),
    );
  }

  async #as(identity: Identity): Promise<ActorSubclass<_SERVICE>> {
    await this.prepare();
    const config = this.#config;
    if (!config) throw new IdentityError('unreachable');
    const agent = await HttpAgent.create({ host: config.apiHost, identity, rootKey: config.rootKey, retryTimes: 1 });
    return Actor.createActor<_SERVICE>(idlFactory, { agent, canisterId: config.identityCanister });
  }

  /** One touch: a throw-away key speaks for the new identity until the page is closed. */
  async register(name: string): Promise<PageSession> {
    const identity = await ECDSAKeyIdentity.generate();
    const canister = await asked(() => this.#as(identity));
    const started = await asked(() => canister.identity_registration_start());
    if ('Err' in started) {
      throw new IdentityError('RateLimitExceeded' in started.Err ? 'rate-limited' : 'refused', Object.keys(started.Err)[0]);
    }
    const passkey = await createPasskey(name, []);
    const finished = await asked(() =>
      canister.identity_registration_finish({ authn_method: methodOf(passkey, name), name: [name] }),
    );
    if ('Err' in finished) {
      throw new IdentityError('IdentityLimitReached' in finished.Err ? 'full' : 'refused', Object.keys(finished.Err)[0]);
    }
    return { anchor: finished.Ok.identity_number, identity, credentialId: passkey.credentialId };
  }

  /** One touch of any passkey of this site; `allowed` spares the choice. */
  async signIn(allowed: Uint8Array | null): Promise<PageSession> {
    const sessionKey = await ECDSAKeyIdentity.generate();
    let anchor: bigint | null = null;
    const passkey = new DiscoveredPasskey(async (credentialId) => {
      const anonymous = await asked(() => this.#as(new AnonymousIdentity()));
      const [found] = await asked(() => anonymous.lookup_device_key(credentialId));
      if (!found) throw new IdentityError('unknown-passkey');
      anchor = found.anchor_number;
      return bytes(found.pubkey);
    }, allowed);
    const chain = await DelegationChain.create(
      passkey as SignIdentity,
      sessionKey.getPublicKey(),
      new Date(Date.now() + PAGE_SESSION_MS),
    );
    if (anchor === null || !passkey.credentialId) throw new Error('a signature without a passkey');
    return { anchor, identity: DelegationIdentity.fromDelegation(sessionKey, chain), credentialId: passkey.credentialId };
  }

  /** The delegation that an app asked for, from the principal that belongs to that app alone. */
  async delegate(session: PageSession, request: AuthorizeRequest): Promise<{ userKey: Uint8Array; delegation: SignedDelegation }> {
    const canister = await asked(() => this.#as(session.identity));
    const origin = effectiveOrigin(request.origin);
    const [userKey, expiration] = await asked(() =>
      canister.prepare_delegation(
        session.anchor,
        origin,
        request.sessionPublicKey,
        request.maxTimeToLive === null ? [] : [request.maxTimeToLive],
      ),
    );
    for (let turn = 0; turn < DELEGATION_TRIES; turn += 1) {
      const answer = await asked(() => canister.get_delegation(session.anchor, origin, request.sessionPublicKey, expiration));
      if ('signed_delegation' in answer) {
        const { delegation, signature } = answer.signed_delegation;
        return {
          userKey: bytes(userKey),
          delegation: { pubkey: bytes(delegation.pubkey), expiration: delegation.expiration, signature: bytes(signature) },
        };
      }
      await new Promise((resolve) => setTimeout(resolve, DELEGATION_PAUSE_MS));
    }
    throw new IdentityError('unreachable', 'the delegation did not appear');
  }

  async waysIn(session: PageSession): Promise<WaysIn> {
    const canister = await asked(() => this.#as(session.identity));
    const info = await asked(() => canister.identity_info(session.anchor));
    if ('Err' in info) throw new IdentityError('refused', Object.keys(info.Err)[0]);
    const isPhrase = ({ metadata }: AuthnMethodData): boolean =>
      metadata.some(([key, value]) => key === 'usage' && 'String' in value && value.String === 'recovery_phrase');
    const phrase = info.Ok.authn_methods.find(isPhrase)?.authn_method;
    const passkeys = info.Ok.authn_methods.flatMap((method): PasskeyInfo[] => {
      if (!('WebAuthn' in method.authn_method)) return [];
      const { credential_id, pubkey } = method.authn_method.WebAuthn;
      const alias = method.metadata.find(([key]) => key === ALIAS)?.[1];
      const [last] = method.last_authentication;
      return [
        {
          name: alias && 'String' in alias ? alias.String : '',
          publicKey: bytes(pubkey),
          credentialId: bytes(credential_id),
          lastUsedAt: last === undefined ? null : Number(last / 1_000_000n),
          method,
        },
      ];
    });
    return { passkeys, phrase: phrase && 'PubKey' in phrase ? bytes(phrase.PubKey.pubkey) : null };
  }

  /** The person has these words on paper: from now on they open the identity. A former phrase ends. */
  async setPhrase(session: PageSession, words: readonly string[], former: Uint8Array | null): Promise<void> {
    const canister = await asked(() => this.#as(session.identity));
    const { keyOfWords } = await import('./recovery-phrase.ts');
    const method = phraseMethod((await keyOfWords(words)).getPublicKey().toDer());
    const set = await asked(() =>
      former ? canister.authn_method_replace(session.anchor, former, method) : canister.authn_method_add(session.anchor, method),
    );
    if ('Err' in set) throw new IdentityError('refused', Object.keys(set.Err)[0]);
  }

  async removeMethod(session: PageSession, publicKey: Uint8Array): Promise<void> {
    const canister = await asked(() => this.#as(session.identity));
    const removed = await asked(() => canister.authn_method_remove(session.anchor, publicKey));
    if ('Err' in removed) throw new IdentityError('refused');
  }

  async enterWithPhrase(text: string): Promise<PageSession> {
    const { keyOfWords, parsePhrase } = await import('./recovery-phrase.ts');
    const phrase = parsePhrase(text);
    if (!phrase) throw new IdentityError('wrong-phrase');
    const identity = await keyOfWords(phrase.words);
    const key = new Uint8Array(identity.getPublicKey().toDer()).toHex();
    const canister = await asked(() => this.#as(identity));
    const { recovery_phrases } = await asked(() => canister.get_anchor_credentials(phrase.anchor));
    if (!recovery_phrases.some((known) => bytes(known).toHex() === key)) throw new IdentityError('wrong-phrase');
    return { anchor: phrase.anchor, identity, credentialId: null };
  }

  /** On a device that has a way in: opens the identity for one new device that knows this code. */
  async openForDevice(session: PageSession, code: string): Promise<void> {
    const canister = await asked(() => this.#as(session.identity));
    const opened = await asked(() => canister.authn_method_registration_mode_enter(session.anchor, [code]));
    if ('Err' in opened) throw new IdentityError('refused', Object.keys(opened.Err)[0]);
  }

  async closeForDevices(session: PageSession): Promise<void> {
    const canister = await asked(() => this.#as(session.identity));
    await asked(() => canister.authn_method_registration_mode_exit(session.anchor));
  }

  /** Lets the new device in that shows this number. */
  async letIn(session: PageSession, number: string): Promise<void> {
    const canister = await asked(() => this.#as(session.identity));
    const answer = await asked(() => canister.authn_method_confirm(session.anchor, number));
    if ('Ok' in answer) return;
    const { Err: error } = answer;
    if ('NoAuthnMethodToConfirm' in error) throw new IdentityError('nobody-waiting');
    if ('RegistrationModeOff' in error) throw new IdentityError('code-over');
    if ('WrongCode' in error) throw new IdentityError(error.WrongCode.retries_left === 0 ? 'code-over' : 'wrong-code');
    throw new IdentityError('refused', Object.keys(error)[0]);
  }

  /** On a new device: makes a passkey for the identity that waits for this code. Answers what to type on the old one. */
  async askToJoin(code: string, name: string): Promise<{ number: string; expiresAt: number; credentialId: Uint8Array }> {
    const canister = await asked(async () => this.#as(await ECDSAKeyIdentity.generate()));
    const [anchor] = await asked(() => canister.lookup_by_registration_mode_id(code));
    if (anchor === undefined) throw new IdentityError('code-unknown');
    const passkey = await createPasskey(name, []);
    const answer = await asked(() => canister.authn_method_register(anchor, methodOf(passkey, name)));
    if ('Err' in answer) throw new IdentityError('RegistrationModeOff' in answer.Err ? 'code-over' : 'refused', Object.keys(answer.Err)[0]);
    const { confirmation_code, expiration } = answer.Ok;
    return { number: confirmation_code, expiresAt: Number(expiration / 1_000_000n), credentialId: passkey.credentialId };
  }

  /** Resolves when the old device has let this one in. */
  async letInAt(credentialId: Uint8Array, expiresAt: number, signal: AbortSignal): Promise<void> {
    const canister = await asked(() => this.#as(new AnonymousIdentity()));
    while (!signal.aborted) {
      const [found] = await asked(() => canister.lookup_device_key(credentialId)).catch(() => []);
      if (found) return;
      if (Date.now() > expiresAt) throw new IdentityError('code-over');
      await new Promise((resolve) => setTimeout(resolve, LET_IN_PAUSE_MS));
    }
  }

  async addPasskey(session: PageSession, name: string, present: readonly PasskeyInfo[]): Promise<void> {
    const canister = await asked(() => this.#as(session.identity));
    const passkey = await createPasskey(
      name,
      present.map(({ credentialId }) => credentialId),
    );
    const added = await asked(() => canister.authn_method_add(session.anchor, methodOf(passkey, name)));
    if ('Err' in added) throw new IdentityError('refused', Object.keys(added.Err)[0]);
  }

  async renamePasskey(session: PageSession, passkey: PasskeyInfo, name: string): Promise<void> {
    const canister = await asked(() => this.#as(session.identity));
    const rest = passkey.method.metadata.filter(([key]) => key !== ALIAS);
    const renamed = await asked(() =>
      canister.authn_method_metadata_replace(session.anchor, passkey.publicKey, [[ALIAS, { String: name }], ...rest]),
    );
    if ('Err' in renamed) throw new IdentityError('refused', Object.keys(renamed.Err)[0]);
  }
}
