// The only script addresses that this page ever loads by itself, for browsers that enforce Trusted Types.

interface Policy {
  createScriptURL(url: string): unknown;
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): Policy;
}

const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };

const policy = trustedTypes?.createPolicy('parley', {
  createScriptURL(url) {
    const { origin, pathname } = new URL(url, location.href);
    if (origin !== location.origin || !(pathname === '/sw.js' || pathname.endsWith('.js') || import.meta.env.DEV)) {
      throw new TypeError(`not a script of this site: ${url}`);
    }
    return url;
  },
});

/** Typed as text, because that is what the standard library's types know. */
export function trustedScriptUrl(url: string): string {
  return (policy ? policy.createScriptURL(url) : url) as string;
}
