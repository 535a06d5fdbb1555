import { describe, expect, test } from 'vitest';
import { Outbox } from './outbox.ts';

function outboxOf(): { outbox: Outbox<number>; posted: (readonly number[])[]; endTurn: () => void } {
  const posted: (readonly number[])[] = [];
  let ends: (() => void)[] = [];
  const outbox = new Outbox<number>((items) => posted.push(items), (action) => ends.push(action));
  const endTurn = (): void => {
    const due = ends;
    ends = [];
    for (const end of due) end();
  };
  return { outbox, posted, endTurn };
}

describe('what one thread says to another', () => {
  test('in one turn goes in one message, at the end of the turn', () => {
    const { outbox, posted, endTurn } = outboxOf();
    for (const item of [1, 2, 3]) outbox.add(item);
    expect(posted).toEqual([]);
    endTurn();
    outbox.add(4);
    endTurn();
    endTurn();
    expect(posted).toEqual([[1, 2, 3], [4]]);
  });

  test('goes in several messages if it is much, all of it and in order', () => {
    const { outbox, posted, endTurn } = outboxOf();
    const items = Array.from({ length: 100 }, (_, at) => at);
    for (const item of items) outbox.add(item);
    expect(posted.length).toBeGreaterThan(5);
    endTurn();
    expect(posted.flat()).toEqual(items);
  });

  test('goes at once where it is wanted at once, after what was said before', () => {
    const { outbox, posted, endTurn } = outboxOf();
    outbox.add(1);
    outbox.add(2);
    outbox.flush();
    expect(posted).toEqual([[1, 2]]);
    endTurn();
    expect(posted).toEqual([[1, 2]]);
  });
});
