// What the features need from outside themselves, handed down once.

import { createContext } from 'svelte';
import type { ParleyDatabase } from '../db/database.ts';
import type { Session } from './session/session.svelte.ts';
import type { EngineClient } from '../sync/engine-client.ts';
import type { Router } from './router.svelte.ts';

export interface AppServices {
  db: ParleyDatabase;
  engine: EngineClient;
  session: Session;
  router: Router;
}

export const [getApp, setApp] = createContext<AppServices>();
