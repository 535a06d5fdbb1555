// The session's sign-in, over the sign-in library and this deployment's identity page.

import type { AuthClient } from '@dfinity/auth-client';
import { loadRuntimeConfig, type RuntimeConfig } from '../agent/runtime-config.ts';
import type { ParleyDatabase } from '../db/database.ts';
import { RequestError } from '../domain/failure.ts';
import type { SignIn } from '../features/session/session.svelte.ts';

export function createSignIn(db: ParleyDatabase): SignIn {
  let library: typeof import('../agent/sign-in.ts') | null = null;
  let client: AuthClient | null = null;
  let config: RuntimeConfig | null = null;

  async function prepare(): Promise<void> {
    try {
      config ??= await loadRuntimeConfig(
        () => db.getMeta('config'),
        (value) => db.setMeta('config', value),
      );
      library ??= await import('../agent/sign-in.ts');
      client ??= await library.openAuthClient();
    } catch (error) {
      throw new RequestError('unavailable', String(error));
    }
  }

  return {
    prepare,
    async signIn() {
      // Already there after `prepare`, so that the window opens within the tap.
      if (!library || !client || !config) await prepare();
      if (!library || !client || !config) throw new RequestError('unavailable');
      return library.signInThrough(client, config.identityUrl);
    },
    async signOut() {
      library ??= await import('../agent/sign-in.ts');
      client ??= await library.openAuthClient();
      await client.logout();
      client = null;
    },
    identityUrl: () => config?.identityUrl ?? null,
  };
}
