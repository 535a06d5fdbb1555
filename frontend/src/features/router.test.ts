import { afterEach, describe, expect, it, vi } from 'vitest';
import { parsePath, pathOf, Router, type Route } from './router.svelte.ts';
import { directChatId, userId } from '../domain/ids.ts';

const chatId = directChatId(userId('rrkah-fqaaa-aaaaa-aaaaq-cai'));

describe('addresses', () => {
  it.each<[Route]>([
    [{ at: 'chats' }],
    [{ at: 'people' }],
    [{ at: 'new-group' }],
    [{ at: 'me' }],
    [{ at: 'chat', chatId, details: false }],
    [{ at: 'chat', chatId, details: true }],
  ])('%j survives being written and read', (route) => {
    expect(parsePath(pathOf(route))).toEqual(route);
  });

  it.each(['/chat/x:1', '/chat/', '/nowhere', '/chat/d:../../x', '/%E0%A4%A'])('%s is no screen', (path) => {
    expect(parsePath(path)).toEqual({ at: 'unknown' });
  });
});

/** What a browser keeps of one tab. */
class TabHistory {
  readonly entries: { path: string; state: unknown }[] = [{ path: '/', state: null }];
  at = 0;
  readonly #moved = new Set<() => void>();

  install(): void {
    const { entries } = this;
    const now = () => entries[this.at]!;
    vi.stubGlobal('location', { get pathname() { return now().path; } });
    vi.stubGlobal('addEventListener', (_: string, listener: () => void) => this.#moved.add(listener));
    vi.stubGlobal('history', {
      get state() { return now().state; },
      pushState: (state: unknown, _: string, path: string) => {
        entries.splice((this.at += 1), Infinity, { path, state });
      },
      replaceState: (state: unknown, _: string, path: string) => {
        entries[this.at] = { path, state };
      },
      back: () => {
        this.at -= 1;
        for (const listener of this.#moved) listener();
      },
    });
  }
}

describe('the way back', () => {
  afterEach(() => vi.unstubAllGlobals());
  const chat: Route = { at: 'chat', chatId, details: false };

  it('from a chat to its list, from details to their chat, leaves no second visit behind', () => {
    const tab = new TabHistory();
    tab.install();
    const router = new Router();
    router.go(chat);
    router.go({ ...chat, details: true });
    router.up(chat);
    expect([router.route, tab.at]).toEqual([chat, 1]);
    router.up({ at: 'chats' });
    expect([router.route, tab.at]).toEqual([{ at: 'chats' }, 0]);
  });

  it('is the list for a chat that was opened by its address, or found by a search', () => {
    const tab = new TabHistory();
    tab.entries[0] = { path: pathOf(chat), state: null };
    tab.install();
    const router = new Router();
    router.up({ at: 'chats' });
    expect([router.route, tab.entries.map(({ path }) => path)]).toEqual([{ at: 'chats' }, ['/']]);

    router.go({ at: 'people' });
    router.go(chat, 'replace');
    router.up({ at: 'chats' });
    expect([router.route, tab.at]).toEqual([{ at: 'chats' }, 0]);
  });
});
