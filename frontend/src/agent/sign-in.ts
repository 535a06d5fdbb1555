// The sign-in, through the unmodified sign-in library: it makes the session key, opens the identity page
// and stores the delegation. Loaded only when somebody is about to sign in or out.

import { AuthClient, ERROR_USER_INTERRUPT } from '@dfinity/auth-client';
import { RequestError } from '../domain/failure.ts';

/** As long as the identity canister grants: a messenger that signs people out daily is not one. */
const SESSION_NANOS = 30n * 24n * 60n * 60n * 1_000_000_000n;

const WINDOW = { width: 460, height: 700 };

// Idle people keep their messenger; leaving is signing out.
export const openAuthClient = (): Promise<AuthClient> => AuthClient.create({ idleOptions: { disableIdle: true } });

function windowFeatures(): string | undefined {
  // On a phone a tab of its own is what the browser does best.
  if (!matchMedia('(pointer: fine)').matches) return undefined;
  const left = Math.max(0, Math.round(screenX + (outerWidth - WINDOW.width) / 2));
  const top = Math.max(0, Math.round(screenY + (outerHeight - WINDOW.height) / 2));
  return `popup,width=${WINDOW.width},height=${WINDOW.height},left=${left},top=${top}`;
}

export function signInThrough(client: AuthClient, identityUrl: string): Promise<'signed-in' | 'cancelled'> {
  const features = windowFeatures();
  return new Promise((resolve, reject) => {
    void client.login({
      identityProvider: identityUrl,
      maxTimeToLive: SESSION_NANOS,
      ...(features === undefined ? {} : { windowOpenerFeatures: features }),
      onSuccess: () => resolve('signed-in'),
      onError: (error) => {
        // The page tells of a person who chose to stop with this word too.
        if (error === ERROR_USER_INTERRUPT) resolve('cancelled');
        else reject(new RequestError('unexpected', error ?? ''));
      },
    });
  });
}
