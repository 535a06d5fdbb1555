// Which screen is shown, as an address. Addresses are shared between phone and desktop: a phone shows the
// deepest pane, a desktop the list beside it.

import { parseChatId, type ChatId } from '../domain/ids.ts';

export type Route =
  | { at: 'chats' }
  | { at: 'chat'; chatId: ChatId; details: boolean }
  | { at: 'people' }
  | { at: 'new-group' }
  | { at: 'me' }
  | { at: 'unknown' };

export function parsePath(path: string): Route {
  const [first = '', second = '', third = ''] = path.split('/').filter((part) => part !== '').map(decodePart);
  if (first === '') return { at: 'chats' };
  if (first === 'people' && second === '') return { at: 'people' };
  if (first === 'people' && second === 'new-group') return { at: 'new-group' };
  if (first === 'me' && second === '') return { at: 'me' };
  if (first === 'chat' && parseChatId(second)) {
    return { at: 'chat', chatId: second as ChatId, details: third === 'details' };
  }
  return { at: 'unknown' };
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function pathOf(route: Route): string {
  switch (route.at) {
    case 'chat':
      return `/chat/${route.chatId}${route.details ? '/details' : ''}`;
    case 'people':
      return '/people';
    case 'new-group':
      return '/people/new-group';
    case 'me':
      return '/me';
    default:
      return '/';
  }
}

export class Router {
  #route = $state.raw<Route>({ at: 'chats' });

  constructor() {
    this.#route = parsePath(location.pathname);
    addEventListener('popstate', () => {
      this.#route = parsePath(location.pathname);
    });
  }

  get route(): Route {
    return this.#route;
  }

  go(route: Route, how: 'push' | 'replace' = 'push'): void {
    const path = pathOf(route);
    if (path !== location.pathname) {
      if (how === 'push') history.pushState({ from: location.pathname }, '', path);
      else history.replaceState(history.state, '', path);
    }
    this.#route = route;
  }

  /** Back if we came from within the app, else to `fallback`. */
  back(fallback: Route): void {
    if (this.#from === undefined) this.go(fallback, 'replace');
    else history.back();
  }

  /** To what this screen belongs to. A step back where one came from there, so that the device's own "back" does not return here. */
  up(route: Route): void {
    if (this.#from === pathOf(route)) history.back();
    else this.go(route, 'replace');
  }

  /** Address from which the present screen was opened. */
  get #from(): string | undefined {
    return (history.state as { from?: string } | null)?.from;
  }
}

/** For links: plain clicks stay in the app, everything else is the browser's business. */
export function followed(event: MouseEvent): boolean {
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return false;
  event.preventDefault();
  return true;
}
