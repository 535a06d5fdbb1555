// How a chat reads: days, runs of one author, the line before what is new.

import type { MessageEvent, SystemEventRow, TimelineEvent } from './chat.ts';
import type { UserId } from './ids.ts';

/** Messages of one author this close together join into a run. */
export const RUN_MS = 5 * 60_000;

export type TimelineRow =
  | { kind: 'message'; key: string; event: MessageEvent; startsRun: boolean; endsRun: boolean }
  | { kind: 'system'; key: string; event: SystemEventRow }
  | { kind: 'unread'; key: string };

export interface TimelineDay {
  /** Local midnight, milliseconds. */
  day: number;
  rows: TimelineRow[];
}

/**
 * `events` in order. The unread line stands before the first event by somebody else after
 * `unreadAfter` (an order; `null` for no line).
 */
export function toDays(
  events: readonly TimelineEvent[],
  unreadAfter: number | null,
  me: UserId,
  startOfDay: (at: number) => number,
): TimelineDay[] {
  const days: TimelineDay[] = [];
  let previous: TimelineEvent | null = null;
  let lineDrawn = unreadAfter === null;
  for (const event of events) {
    if (event.kind === 'system' && event.event.what === 'chat-created') continue;
    const day = startOfDay(event.at);
    let current = days.at(-1);
    // Clocks of others differ; a message slightly "before" its forerunner stays in the forerunner's day.
    if (!current || day > current.day) {
      current = { day, rows: [] };
      days.push(current);
      previous = null;
    }
    if (!lineDrawn && unreadAfter !== null && event.order > unreadAfter && event.kind === 'message' && event.sender !== me) {
      current.rows.push({ kind: 'unread', key: 'unread' });
      lineDrawn = true;
      endRun(current.rows);
      previous = null;
    }
    if (event.kind === 'system') {
      endRun(current.rows);
      current.rows.push({ kind: 'system', key: event.key, event });
      previous = null;
      continue;
    }
    const joins: boolean =
      previous?.kind === 'message' && previous.sender === event.sender && event.at - previous.at < RUN_MS;
    if (joins) endsNoMore(current.rows);
    current.rows.push({ kind: 'message', key: event.key, event, startsRun: !joins, endsRun: true });
    previous = event;
  }
  return days;
}

function endsNoMore(rows: TimelineRow[]): void {
  const last = rows.at(-1);
  if (last?.kind === 'message') rows[rows.length - 1] = { ...last, endsRun: false };
}

function endRun(rows: TimelineRow[]): void {
  const last = rows.at(-1);
  if (last?.kind === 'message' && !last.endsRun) rows[rows.length - 1] = { ...last, endsRun: true };
}
