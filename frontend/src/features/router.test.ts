import { describe, expect, it } from 'vitest';
import { parsePath, pathOf, type Route } from './router.svelte.ts';
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
