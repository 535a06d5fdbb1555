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

export type IdentityFailure = 'unreachable' | 'unknown-passkey' | 'rate-limited' | 'full' | 'refused';

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
  /** Of the passkey in use. */
  credentialId: Uint8Array;
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

  async passkeys(session: PageSession): Promise<PasskeyInfo[]> {
    const canister = await asked(() => this.#as(session.identity));
    const info = await asked(() => canister.identity_info(session.anchor));
    if ('Err' in info) throw new IdentityError('refused', Object.keys(info.Err)[0]);
    return info.Ok.authn_methods.flatMap((method): PasskeyInfo[] => {
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

  async removePasskey(session: PageSession, passkey: PasskeyInfo): Promise<void> {
    const canister = await asked(() => this.#as(session.identity));
    const removed = await asked(() => canister.authn_method_remove(session.anchor, passkey.publicKey));
    if ('Err' in removed) throw new IdentityError('refused');
  }
}
