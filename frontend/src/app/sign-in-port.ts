// The session's sign-in, over the sign-in library and this deployment's identity page.

import type { AuthClient } from '@dfinity/auth-client';
import type * as SignInLibrary from '../agent/sign-in.ts';
import { loadRuntimeConfig, type RuntimeConfig } from '../agent/runtime-config.ts';
import type { ParleyDatabase } from '../db/database.ts';
import { RequestError } from '../domain/failure.ts';
import type { SignIn } from '../features/session/session.svelte.ts';

interface Ready {
  library: typeof SignInLibrary;
  client: AuthClient;
  config: RuntimeConfig;
}

export function createSignIn(db: ParleyDatabase): SignIn {
  // One preparation at a time: two libraries at once would each make a session key, and the one that is
  // stored last need not be the one that the identity page signs for.
  let preparing: Promise<Ready> | null = null;
  let ready: Ready | null = null;

  async function load(): Promise<Ready> {
    const [config, library] = await Promise.all([
      loadRuntimeConfig(
        () => db.getMeta('config'),
        (value) => db.setMeta('config', value),
      ),
      import('../agent/sign-in.ts'),
    ]);
    ready = { config, library, client: await library.openAuthClient() };
    return ready;
  }

  function prepare(): Promise<Ready> {
    preparing ??= load().catch((error: unknown) => {
      preparing = null;
      throw new RequestError('unavailable', String(error));
    });
    return preparing;
  }

  return {
    async prepare() {
      await prepare();
    },
    async signIn() {
      // There already, as a rule, so that the window opens within the tap.
      const { library, client, config } = ready ?? (await prepare());
      return library.signInThrough(client, config.identityUrl);
    },
    async signOut() {
      const library = await import('../agent/sign-in.ts');
      const client = ready?.client ?? (await library.openAuthClient());
      await client.logout();
      preparing = ready = null;
    },
  };
}
