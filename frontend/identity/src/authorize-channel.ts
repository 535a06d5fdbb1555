// How an app asks this page to sign somebody in: the window messages of @dfinity/auth-client.
//   page → app   authorize-ready                       to whoever opened the page; says nothing secret
//   app → page   authorize-client {sessionPublicKey, maxTimeToLive?, derivationOrigin?, …}
//   page → app   authorize-client-success | authorize-client-failure
// Always: the asking origin is the browser's word (`event.origin`), never the message's; answers go to that
// origin only. Never: a second request replaces the first, or anybody but the opener is heard.

/** Longer than any slow phone needs to load the asking page's answer; then nobody is there. */
export const REQUEST_TIMEOUT_MS = 10_000;

/** SPKI of P-256 is 91 bytes, of Ed25519 44; RSA-4096 about 550. */
const MAX_KEY_BYTES = 1_024;

export interface AuthorizeRequest {
  /** Of the app, as the browser vouches for it. */
  origin: string;
  /** DER of the app's session key; opaque here. */
  sessionPublicKey: Uint8Array;
  /** Nanoseconds; `null` leaves it to the canister. */
  maxTimeToLive: bigint | null;
  /** The origin whose principal is wanted, when it is not the app's own. */
  derivationOrigin: string | null;
}

export interface SignedDelegation {
  pubkey: Uint8Array;
  /** Nanoseconds since 1970. */
  expiration: bigint;
  signature: Uint8Array;
}

export interface AuthorizeChannel {
  /** Resolves with the request; `null` when nobody asked in time or the request is malformed. */
  readonly request: Promise<AuthorizeRequest | null>;
  succeed(userPublicKey: Uint8Array, delegation: SignedDelegation): void;
  fail(text: string): void;
}

/** The word by which @dfinity/auth-client knows that the person stopped. */
export const USER_INTERRUPT = 'UserInterrupt';

function asBytes(value: unknown): Uint8Array | null {
  // Structured clone makes it in this realm; a test may hand it over from another one.
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]'
    ? new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength)
    : null;
}

function asNanos(value: unknown): bigint | null | 'malformed' {
  if (value === undefined || value === null) return null;
  try {
    if (typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value)) || typeof value === 'string') {
      const nanos = BigInt(value);
      return nanos >= 0n && nanos < 2n ** 64n ? nanos : 'malformed';
    }
  } catch {
    // Not a number after all.
  }
  return 'malformed';
}

/** `null` for anything that is not a well-formed request. */
export function parseAuthorizeRequest(data: unknown, origin: string): AuthorizeRequest | null {
  if (typeof data !== 'object' || data === null) return null;
  const { kind, sessionPublicKey, maxTimeToLive, derivationOrigin } = data as Record<string, unknown>;
  if (kind !== 'authorize-client') return null;
  const key = asBytes(sessionPublicKey);
  if (!key || key.length === 0 || key.length > MAX_KEY_BYTES) return null;
  const nanos = asNanos(maxTimeToLive);
  if (nanos === 'malformed') return null;
  if (derivationOrigin !== undefined && derivationOrigin !== null && typeof derivationOrigin !== 'string') return null;
  return { origin, sessionPublicKey: key, maxTimeToLive: nanos, derivationOrigin: derivationOrigin ?? null };
}

export interface ChannelWindow {
  readonly opener: { postMessage(message: unknown, targetOrigin: string): void } | null;
  readonly location: { readonly origin: string };
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
  removeEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
}

/** `null` when no app opened this page. */
export function openLegacyChannel(page: ChannelWindow, timeoutMs = REQUEST_TIMEOUT_MS): AuthorizeChannel | null {
  const { opener } = page;
  if (!opener) return null;
  let origin: string | null = null;
  let answered = false;

  const request = new Promise<AuthorizeRequest | null>((resolve) => {
    const settle = (found: AuthorizeRequest | null): void => {
      clearTimeout(timer);
      page.removeEventListener('message', onmessage);
      origin = found?.origin ?? null;
      resolve(found);
    };
    const timer = setTimeout(() => settle(null), timeoutMs);
    function onmessage(event: MessageEvent): void {
      if (event.source !== opener || event.origin === page.location.origin) return;
      // Other messages of the opener (extensions, developer tools) are not for us.
      if ((event.data as { kind?: unknown } | null)?.kind !== 'authorize-client') return;
      // An opaque origin ("null") cannot be answered nor named.
      settle(event.origin === 'null' ? null : parseAuthorizeRequest(event.data, event.origin));
    }
    page.addEventListener('message', onmessage);
  });
  opener.postMessage({ kind: 'authorize-ready' }, '*');

  const answer = (message: unknown): void => {
    if (origin === null || answered) return;
    answered = true;
    opener.postMessage(message, origin);
  };
  return {
    request,
    succeed(userPublicKey, { pubkey, expiration, signature }) {
      answer({
        kind: 'authorize-client-success',
        // No `targets`: they would arrive without their prototype, and there are none.
        delegations: [{ delegation: { pubkey, expiration }, signature }],
        userPublicKey,
        authnMethod: 'passkey',
      });
    },
    fail(text) {
      answer({ kind: 'authorize-client-failure', text });
    },
  };
}

/** The public network's two names for one app count as one origin. */
export function effectiveOrigin(origin: string): string {
  return origin.replace(/^(https:\/\/[\w-]+(?:\.raw)?)\.icp0\.io$/, '$1.ic0.app');
}
