// From what this browser holds (configuration, session) to a backend, or `null` when nobody is signed in.

import type { ParleyDatabase } from '../db/database.ts';
import type { ChatBackend } from '../sync/backend-port.ts';
import { CanisterBackend } from './canister-backend.ts';
import { loadRuntimeConfig } from './runtime-config.ts';
import { readSession } from './session.ts';

export async function connectToNetwork(db: ParleyDatabase): Promise<ChatBackend | null> {
  const session = await readSession();
  if (!session) return null;
  const config = await loadRuntimeConfig(
    () => db.getMeta('config'),
    (value) => db.setMeta('config', value),
  );
  return CanisterBackend.connect(config, session);
}
