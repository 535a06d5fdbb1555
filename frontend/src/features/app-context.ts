// What the features need from outside themselves, handed down once.

import { createContext } from 'svelte';
import type { ParleyDatabase } from '../db/database.ts';
import type { Session } from './session/session.svelte.ts';
import type { EngineClient } from '../sync/engine-client.ts';
import type { WriteAhead } from '../sync/write-ahead.ts';
import type { Router } from './router.svelte.ts';

export interface AppServices {
  db: ParleyDatabase;
  engine: EngineClient;
  session: Session;
  router: Router;
  writeAhead: WriteAhead;
}

export const [getApp, setApp] = createContext<AppServices>();
