// Blocking and unblocking, with a word when it did not work.

import { RequestError } from '../../domain/failure.ts';
import type { UserId } from '../../domain/ids.ts';
import type { EngineClient } from '../../sync/engine-client.ts';
import { notices } from '../notices.svelte.ts';

/** `true` when it was done. */
async function tried(work: Promise<void>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    notices.show({ failed: error instanceof RequestError ? error.code : 'unexpected' });
    return false;
  }
}

export const block = (engine: EngineClient, user: UserId): Promise<boolean> => tried(engine.blockUser(user));
export const unblock = (engine: EngineClient, user: UserId): Promise<boolean> => tried(engine.unblockUser(user));
