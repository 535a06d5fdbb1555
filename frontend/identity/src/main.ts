// The identity page. Asked by an app (opened by it at `#authorize`), it signs in for that app; opened by
// hand, it manages the passkeys of an identity.

import { mount } from 'svelte';
import '../../src/ui/tokens.css';
import '../../src/ui/base.css';
import { openLegacyChannel } from './authorize-channel.ts';
import { IdentityCanister } from './identity-canister.ts';
import IdentityApp from './IdentityApp.svelte';
import { words } from './words.svelte.ts';

await words.use(navigator.languages);

const asked = location.hash.startsWith('#authorize') || location.pathname.replace(/\/$/, '') === '/authorize';
const channel = asked ? openLegacyChannel(window) : null;

const target = document.getElementById('app');
if (!target) throw new Error('the page has no place for itself');
mount(IdentityApp, { target, props: { asked, channel, canister: new IdentityCanister() } });
