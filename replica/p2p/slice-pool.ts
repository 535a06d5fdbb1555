/**
 * The known part of the stream from each other subnet, and what of it is still news to our state.
 *
 * Never: a message twice, or out of order; that is measured against our own stream's `signalsEnd`, which says what the
 * state has taken so far.
 */
import { sliceFault } from '../messaging/streams.ts';
import type { StreamSlice } from '../types/batch.ts';
import type { TimeNanos } from '../types/messages.ts';
import { Principal } from '../types/principal.ts';
import type { PrincipalKey } from '../types/principal.ts';
import { messageBytes } from '../state/queues.ts';
import type { ReplicatedState } from '../state/replicated-state.ts';

/**
 * Signals alone only let us drop what the other side has. Worth a block of their own after this long, in which usually
 * some other block takes them along.
 */
const SIGNALS_WAIT_NANOS = 1_000_000_000n;

export interface TakenSlice {
  readonly from: Principal;
  readonly slice: StreamSlice;
}

export class SlicePool {
  readonly #slices = new Map<PrincipalKey, StreamSlice>();
  /** Since when signals wait that no block has taken. */
  #signalsSinceNanos: TimeNanos | undefined;

  /**
   * Joins a slice with what is known of the same stream. One that is old or leaves a gap is dropped. One that no honest
   * subnet sends is dropped too, and what is wrong with it returned: in a block it would stop the subnet for good.
   */
  add(state: ReplicatedState, from: Principal, slice: StreamSlice): string | undefined {
    const known = this.#slices.get(from.key);
    if (known && (slice.header.end < known.header.end || slice.header.signalsEnd < known.header.signalsEnd)) return undefined;
    const next = received(state, from.key);
    const kept = known ? known.messages.slice(Math.max(0, next - known.messagesBegin)) : [];
    const begin = known && kept.length > 0 ? Math.max(known.messagesBegin, next) : slice.messagesBegin;
    const added = slice.messages.slice(Math.max(0, begin + kept.length - slice.messagesBegin));
    const leavesGap = slice.messagesBegin > begin + kept.length || (added.length > 0 && begin > next);
    if (leavesGap || slice.header.end < next) return undefined;
    const joined = { header: slice.header, messagesBegin: begin, messages: [...kept, ...added] };
    const fault = sliceFault(state, from, unseenPart(joined, next, Infinity).slice);
    if (fault === undefined) this.#slices.set(from.key, joined);
    return fault;
  }

  /** Whether there is something urgent to take, or signals that have waited long enough. */
  hasNews(state: ReplicatedState, nowNanos: TimeNanos): boolean {
    let signals = false;
    for (const [from, slice] of this.#slices) {
      if (isUrgent(slice, state, from)) return true;
      signals ||= hasSignals(slice, state, from);
    }
    this.#signalsSinceNanos = signals ? (this.#signalsSinceNanos ?? nowNanos) : undefined;
    return this.#signalsSinceNanos !== undefined && nowNanos >= this.#signalsSinceNanos + SIGNALS_WAIT_NANOS;
  }

  /** When signals will have waited long enough; undefined if none wait. As of the last `hasNews`. */
  get wakeNanos(): TimeNanos | undefined {
    return this.#signalsSinceNanos === undefined ? undefined : this.#signalsSinceNanos + SIGNALS_WAIT_NANOS;
  }

  /**
   * What the next block should hold, ascending by subnet; messages of at most `maxBytes` in all, headers beside. `turn`
   * says which subnet's messages come first. Nothing is removed: once taken, it is no news.
   */
  take(state: ReplicatedState, maxBytes: number, turn: number): { slices: TakenSlice[]; bytes: number } {
    this.#signalsSinceNanos = undefined;
    const slices: TakenSlice[] = [];
    let bytes = 0;
    for (const from of rotated([...this.#slices.keys()].sort(), turn)) {
      const slice = this.#slices.get(from)!;
      const signals = hasSignals(slice, state, from);
      if (!isUrgent(slice, state, from) && !signals) continue;
      const part = unseenPart(slice, received(state, from), maxBytes - bytes);
      if (part.slice.messages.length === 0 && !signals && !hasRejects(slice, state, from)) continue;
      bytes += part.bytes;
      slices.push({ from: Principal.fromKey(from), slice: part.slice });
    }
    slices.sort((left, right) => (left.from.key < right.from.key ? -1 : 1));
    return { slices, bytes };
  }
}

function rotated<T>(items: readonly T[], by: number): readonly T[] {
  const at = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}

function received(state: ReplicatedState, from: PrincipalKey): number {
  return state.streams.get(from)?.signalsEnd ?? 0;
}

/** Somebody waits for it: messages, or the reject of one of ours. */
function isUrgent(slice: StreamSlice, state: ReplicatedState, from: PrincipalKey): boolean {
  const next = received(state, from);
  if (slice.messagesBegin <= next && next < slice.messagesBegin + slice.messages.length) return true;
  return hasRejects(slice, state, from);
}

function hasRejects(slice: StreamSlice, state: ReplicatedState, from: PrincipalKey): boolean {
  const begin = state.streams.get(from)?.begin;
  return begin !== undefined && slice.header.rejectSignals.some(({ index }) => index >= begin);
}

/** Signals let us drop messages; the other stream's begin lets us drop reject signals. */
function hasSignals({ header }: StreamSlice, state: ReplicatedState, from: PrincipalKey): boolean {
  const stream = state.streams.get(from);
  if (!stream) return false;
  const [firstReject] = stream.rejectSignals;
  return header.signalsEnd > stream.begin || (firstReject !== undefined && firstReject.index < header.begin);
}

/** The messages from index `next` on that fit. */
function unseenPart(slice: StreamSlice, next: number, maxBytes: number): { slice: StreamSlice; bytes: number } {
  const skip = Math.max(0, next - slice.messagesBegin);
  let end = skip;
  let bytes = 0;
  while (end < slice.messages.length) {
    const more = messageBytes(slice.messages[end]!);
    if (bytes + more > maxBytes) break;
    bytes += more;
    end++;
  }
  const { header, messagesBegin, messages } = slice;
  return { slice: { header, messagesBegin: messagesBegin + skip, messages: messages.slice(skip, end) }, bytes };
}
