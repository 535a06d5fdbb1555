// The app's entry: paints from the local database first, then starts the engine, then the rest.

import { mount } from 'svelte';
import '../ui/tokens.css';
import '../ui/base.css';
import { ParleyDatabase } from '../db/database.ts';
import { saveAllDrafts } from '../features/composer/drafts.ts';
import { Router } from '../features/router.svelte.ts';
import { Session } from '../features/session/session.svelte.ts';
import { settings } from '../features/settings.svelte.ts';
import { engineOver } from '../sync/engine-client.ts';
import { openTabChannel } from '../sync/tab-channel.ts';
import { WriteAhead } from '../sync/write-ahead.ts';
import Root from './Root.svelte';
import { createSignIn } from './sign-in-port.ts';
import { trustedScriptUrl } from './trusted-types.ts';
import { updates } from './updates.svelte.ts';
import engineUrl from '../sync/engine.worker.ts?worker&url';

const db = new ParleyDatabase();
const worker = new Worker(trustedScriptUrl(engineUrl), { type: 'module', name: 'parley-engine' });
const engine = engineOver(worker);
const session = new Session(db, engine, openTabChannel(), createSignIn(db));

const target = document.getElementById('app');
if (!target) throw new Error('the page has no place for the app');

const writeAhead = new WriteAhead(localStorage);

await Promise.all([session.restore(), settings.apply()]);
await writeAhead.takeUp(db, session.me?.userId ?? null);
mount(Root, { target, props: { services: { db, engine, session, writeAhead, router: new Router() } } });

// A page that goes away may not come back: what was typed is stored while there is time.
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'hidden') void saveAllDrafts();
});

requestAnimationFrame(() => {
  session.connect();
  void updates.register(saveAllDrafts);
  // Messages are worth more than a cache: ask the browser not to throw them away.
  if (session.me) void navigator.storage?.persist?.();
});
