import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import type { MessageBody } from './chat.ts';
import { directChatId, messageId, userId } from './ids.ts';
import { headJobs, retryDelayMs, toggleReaction, withPending, type Job, type JobAction } from './job.ts';

const me = userId('aaaaa-aa');
const other = userId('bbbbb-bb');
const body: MessageBody = { text: 'hi', deleted: false, editedAt: null, reactions: [{ emoji: '👍', count: 2, mine: true, users: [other, me] }] };
const job = (action: JobAction, chat = 'c', seq = 1): Job => ({
  seq,
  chatId: directChatId(userId(chat)),
  messageId: messageId(1n),
  action,
  createdAt: 5,
  attempts: 0,
  notBefore: 0,
});

describe('what a message looks like while changes are under way', () => {
  it('shows the last of several edits', () => {
    const view = withPending(body, [job({ do: 'edit', text: 'one' }), job({ do: 'edit', text: 'two' })], me);
    expect(view).toMatchObject({ text: 'two', editedAt: 5 });
  });

  it('shows nothing of a deleted message, whatever came before', () => {
    const view = withPending(body, [job({ do: 'react', emoji: '🎉', add: true }), job({ do: 'delete' })], me);
    expect(view).toEqual({ text: '', deleted: true, editedAt: null, reactions: [] });
  });

  it('removes a reaction with its last person', () => {
    expect(toggleReaction([{ emoji: '👍', count: 1, mine: true, users: [me] }], '👍', false, me)).toEqual([]);
  });

  it('counts the same reaction by the same person once', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 12 }), (adds) => {
        let reactions = toggleReaction([], '👍', true, other).map((r) => ({ ...r, mine: false }));
        let mine = false;
        for (const add of adds) {
          reactions = toggleReaction(reactions, '👍', add, me);
          mine = add;
        }
        expect(reactions).toHaveLength(1);
        expect(reactions[0]?.count).toBe(mine ? 2 : 1);
        expect(reactions[0]?.users).toHaveLength(mine ? 2 : 1);
      }),
    );
  });
});

describe('the order of the outbox', () => {
  it('offers one job per chat, the oldest', () => {
    const jobs = [job({ do: 'delete' }, 'a', 1), job({ do: 'delete' }, 'b', 2), job({ do: 'delete' }, 'a', 3)];
    expect(headJobs(jobs).map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it('waits longer after each failure, and never longer than half a minute', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempts, random) => {
        const delay = retryDelayMs(attempts, random);
        expect(delay).toBeGreaterThanOrEqual(375);
        expect(delay).toBeLessThanOrEqual(30_000);
      }),
    );
    expect(retryDelayMs(4, 0)).toBe(8_000);
    expect(retryDelayMs(5, 0)).toBeGreaterThan(retryDelayMs(4, 0));
  });
});
