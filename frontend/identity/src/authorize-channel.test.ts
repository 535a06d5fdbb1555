import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { effectiveOrigin, openLegacyChannel, parseAuthorizeRequest, REQUEST_TIMEOUT_MS, type ChannelWindow } from './authorize-channel.ts';

const APP = 'http://parley.localhost:4943';
const KEY = new Uint8Array(91).fill(7);

/** A page opened by an app: what it posts, and a way to speak to it. */
function openedPage(): { page: ChannelWindow; posted: [unknown, string][]; say: (data: unknown, origin?: string, source?: unknown) => void } {
  const posted: [unknown, string][] = [];
  const opener = { postMessage: (message: unknown, target: string) => void posted.push([message, target]) };
  const listeners = new Set<(event: MessageEvent) => void>();
  const page: ChannelWindow = {
    opener,
    location: { origin: 'http://id.localhost:4943' },
    addEventListener: (_, listener) => void listeners.add(listener),
    removeEventListener: (_, listener) => void listeners.delete(listener),
  };
  return {
    page,
    posted,
    say: (data, origin = APP, source = opener) => {
      for (const listener of [...listeners]) listener({ data, origin, source } as MessageEvent);
    },
  };
}

const request = { kind: 'authorize-client', sessionPublicKey: KEY, maxTimeToLive: 60_000_000_000n, derivationOrigin: undefined };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('the window protocol of @dfinity/auth-client', () => {
  it('says it is ready before anything else, and nothing more', () => {
    const { page, posted } = openedPage();
    openLegacyChannel(page);
    expect(posted).toEqual([[{ kind: 'authorize-ready' }, '*']]);
  });

  it('takes the origin from the browser, not from the message', async () => {
    const { page, say } = openedPage();
    const channel = openLegacyChannel(page);
    say({ ...request, origin: 'https://evil.example' });
    expect(await channel?.request).toMatchObject({ origin: APP, maxTimeToLive: 60_000_000_000n, derivationOrigin: null });
  });

  it('answers the asking origin only, once', async () => {
    const { page, posted, say } = openedPage();
    const channel = openLegacyChannel(page);
    say(request);
    await channel?.request;
    channel?.succeed(Uint8Array.of(1), { pubkey: KEY, expiration: 9n, signature: Uint8Array.of(2) });
    channel?.fail('too late');
    expect(posted.slice(1)).toEqual([
      [
        {
          kind: 'authorize-client-success',
          delegations: [{ delegation: { pubkey: KEY, expiration: 9n }, signature: Uint8Array.of(2) }],
          userPublicKey: Uint8Array.of(1),
          authnMethod: 'passkey',
        },
        APP,
      ],
    ]);
  });

  it('hears nobody but its opener, and not itself', async () => {
    const { page, say } = openedPage();
    const channel = openLegacyChannel(page);
    say(request, 'https://evil.example', {});
    say(request, 'http://id.localhost:4943');
    say({ kind: 'something-else' });
    say(request, 'https://app.example');
    expect((await channel?.request)?.origin).toBe('https://app.example');
  });

  it('takes no second request', async () => {
    const { page, posted, say } = openedPage();
    const channel = openLegacyChannel(page);
    say(request);
    say(request, 'https://evil.example');
    await channel?.request;
    channel?.fail('no');
    expect(posted.at(-1)?.[1]).toBe(APP);
  });

  it('gives up after ten seconds of silence and then tells nobody anything', async () => {
    const { page, posted } = openedPage();
    const channel = openLegacyChannel(page);
    vi.advanceTimersByTime(REQUEST_TIMEOUT_MS);
    expect(await channel?.request).toBeNull();
    channel?.fail('x');
    expect(posted).toHaveLength(1);
  });

  it('does not open without an opener', () => {
    expect(openLegacyChannel({ ...openedPage().page, opener: null })).toBeNull();
  });

  it('refuses a page without an origin', async () => {
    const { page, say } = openedPage();
    const channel = openLegacyChannel(page);
    say(request, 'null');
    expect(await channel?.request).toBeNull();
  });
});

describe('requests', () => {
  it.each([
    ['a number of nanoseconds', 5, 5n],
    ['a decimal text', '5', 5n],
    ['nothing', undefined, null],
  ])('takes %s as time to live', (_, given, taken) => {
    expect(parseAuthorizeRequest({ ...request, maxTimeToLive: given }, APP)?.maxTimeToLive).toBe(taken);
  });

  it.each([
    ['no key', { sessionPublicKey: undefined }],
    ['a key that is no bytes', { sessionPublicKey: 'abc' }],
    ['an empty key', { sessionPublicKey: new Uint8Array() }],
    ['a giant key', { sessionPublicKey: new Uint8Array(5_000) }],
    ['a negative time', { maxTimeToLive: -1n }],
    ['a time of 65 bits', { maxTimeToLive: 2n ** 64n }],
    ['half a nanosecond', { maxTimeToLive: 0.5 }],
    ['a time that is no number', { maxTimeToLive: 'soon' }],
    ['an origin that is no text', { derivationOrigin: 7 }],
  ])('refuses %s', (_, fields) => {
    expect(parseAuthorizeRequest({ ...request, ...fields }, APP)).toBeNull();
  });
});

describe('the effective origin', () => {
  it.each([
    ['https://abc-cai.icp0.io', 'https://abc-cai.ic0.app'],
    ['https://abc-cai.raw.icp0.io', 'https://abc-cai.raw.ic0.app'],
    ['http://parley.localhost:4943', 'http://parley.localhost:4943'],
    ['https://evil.icp0.io.example', 'https://evil.icp0.io.example'],
  ])('%s is %s', (origin, effective) => {
    expect(effectiveOrigin(origin)).toBe(effective);
  });
});
