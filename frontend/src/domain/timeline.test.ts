import { describe, expect, it } from 'vitest';
import { directChatId, messageId, userId } from './ids.ts';
import type { MessageEvent, TimelineEvent } from './chat.ts';
import { RUN_MS, toDays, type TimelineRow } from './timeline.ts';

const me = userId('me');
const ann = userId('ann');
const chatId = directChatId(ann);
const DAY = 86_400_000;
const startOfDay = (at: number): number => Math.floor(at / DAY) * DAY;

const message = (order: number, sender: typeof me, at: number): MessageEvent => ({
  kind: 'message',
  chatId,
  key: `m${order}`,
  id: messageId(BigInt(order)),
  order,
  at,
  sender,
  replyTo: null,
  body: { text: String(order), deleted: false, editedAt: null, reactions: [] },
});

const shape = (rows: readonly TimelineRow[]): string[] =>
  rows.map((row) => (row.kind === 'message' ? `${row.key}${row.startsRun ? '<' : ''}${row.endsRun ? '>' : ''}` : row.kind));

describe('how a chat reads', () => {
  it('joins messages of one author within five minutes', () => {
    const events = [message(0, ann, 0), message(1, ann, RUN_MS - 1), message(2, ann, 3 * RUN_MS), message(3, me, 3 * RUN_MS + 1)];
    expect(shape(toDays(events, null, me, startOfDay)[0]?.rows ?? [])).toEqual(['m0<', 'm1>', 'm2<>', 'm3<>']);
  });

  it('begins a new day at midnight and a new run with it', () => {
    const days = toDays([message(0, ann, DAY - 1), message(1, ann, DAY)], null, me, startOfDay);
    expect(days.map(({ day, rows }) => [day, shape(rows)])).toEqual([
      [0, ['m0<>']],
      [DAY, ['m1<>']],
    ]);
  });

  it('keeps a message whose clock runs slow in the day it stands in', () => {
    const days = toDays([message(0, ann, DAY), message(1, me, DAY - 1)], null, me, startOfDay);
    expect(days).toHaveLength(1);
  });

  it('draws the unread line once, before the first message of somebody else after the mark', () => {
    const events = [message(0, ann, 0), message(1, me, 1), message(2, ann, 2), message(3, ann, 3)];
    expect(shape(toDays(events, 0, me, startOfDay)[0]?.rows ?? [])).toEqual(['m0<>', 'm1<>', 'unread', 'm2<', 'm3>']);
  });

  it('says nothing of the making of a direct chat', () => {
    const made: TimelineEvent = { kind: 'system', chatId, key: 'e0', order: 0, at: 0, event: { what: 'chat-created' } };
    expect(toDays([made], null, me, startOfDay)).toEqual([]);
  });
});
