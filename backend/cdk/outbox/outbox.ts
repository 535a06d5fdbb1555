/**
 * Delivery to other canisters that survives everything but the end of the destination.
 *
 * A handler puts an envelope (bytes that explain themselves, best a Candid message) into the outbox
 * and is done: the envelope is in stable memory together with the handler's other effects. It
 * leaves in the same message if nothing is under way to that destination, otherwise with the next
 * batch.
 *
 * Promises:
 *   O1 envelopes reach a destination in the order in which they were put in, numbered 0, 1, 2 …;
 *   O2 an envelope may be sent several times but is forgotten only when acknowledged or given up;
 *      the receiver skips numbers it has seen, which makes delivery exactly once;
 *   O3 upgrade, trap, full queue, stopped or missing cycles at either end only delay;
 *   O4 envelopes are given up, counted and reported only if the destination does not exist, says
 *      so, or has not answered for MAX_ATTEMPTS attempts (about a week);
 *   O5 at most one call per destination is open, with a bounded wait, so neither side is kept from
 *      stopping.
 *
 * The canister provides three named functions: how to send a batch, how to read the answer, and
 * what to do with an envelope that is given up.
 */
import * as ic0 from "../ic0";
import { afterUpgrade, atEnd } from "../entry";
import { Call, Rejection, Retry } from "../calls";
import { Memory } from "../stable/memory-manager";
import { Principal } from "../principal/principal";
import { setTimer } from "../timers";
import { OutboxStore } from "./store";

/** The receiver's answer to a batch. */
export class Ack {
  private constructor(readonly next: u64, readonly reason: string | null) {}

  /** All envelopes with a sequence below `next` are applied. */
  static upTo(next: u64): Ack { return new Ack(next, null); }

  /** The receiver will never take what is waiting for it. */
  static refused(reason: string): Ack { return new Ack(0, reason); }
}

/** Starts the call that carries `envelopes`, the first of which has sequence `first`. */
export type SendBatch = (destination: Principal, first: u64, envelopes: Array<Uint8Array>) => Call;
/** Reads the reply of such a call, in its continuation. */
export type ReadAck = (destination: Principal) => Ack;
/** Learns of an envelope that will not be delivered. */
export type GiveUp = (destination: Principal, sequence: u64, envelope: Uint8Array, reason: string) => void;

const SECOND: u64 = 1_000_000_000;
/** Delays double from one second … */
const FIRST_DELAY: u64 = SECOND;
/** … to five minutes. */
const MAX_DELAY: u64 = 300 * SECOND;
/** Five minutes each, for a week. */
const MAX_ATTEMPTS: u32 = 2016;
/** Longest wait for an answer, in seconds. */
const TIMEOUT: u32 = 60;
/** A call that was not answered after this long was lost to a trap in its continuation. */
const LOST: u64 = 330 * SECOND;
/** A sweep that is so late was lost: its timer was given up after traps, which takes the kit three minutes. */
const OVERDUE: u64 = 330 * SECOND;
/** Envelopes in one batch, and their bytes: other subnets take 2 MB. */
const MAX_BATCH: i32 = 100;
const MAX_BATCH_BYTES: i32 = 1_000_000;
/** Destinations looked at in one sweep. */
const MAX_SWEEP: i32 = 200;

/** A batch under way. */
class Batch {
  constructor(readonly outbox: Outbox, readonly index: u32, readonly end: u64) {}
}

const boxes: Array<Outbox> = new Array<Outbox>();

function flushAll(): void {
  for (let i = 0; i < boxes.length; i++) boxes[i].flush();
}

function resumeAll(): void {
  for (let i = 0; i < boxes.length; i++) boxes[i].resume();
}

export class Outbox {
  private store: OutboxStore;
  /** Destinations written to in this message. */
  private fresh: Array<u32> = new Array<u32>();
  /** When the open call to a destination was sent. */
  private open: Map<u32, u64> = new Map<u32, u64>();
  /** When the next sweep is due, 0 = none is set. */
  private sweepAt: u64 = 0;
  /** Where a sweep that saw MAX_SWEEP destinations goes on (slot + 1), 0 = at the front. */
  private cursor: u32 = 0;

  /** Create one at module scope for each pair of regions. `maxWaiting` bounds what one destination may pile up. */
  constructor(
    envelopes: Memory,
    destinations: Memory,
    private send: SendBatch,
    private acknowledged: ReadAck,
    private giveUp: GiveUp,
    private maxWaiting: u32 = 100_000,
  ) {
    this.store = new OutboxStore(envelopes, destinations);
    if (boxes.length == 0) {
      atEnd(flushAll);
      afterUpgrade(resumeAll);
    }
    boxes.push(this);
  }

  /** The sequence that the next envelope to this destination will have. */
  nextSequence(destination: Principal): u64 {
    return this.store.find(destination, false) < 0 ? 0 : this.store.next;
  }

  /** Envelopes not yet acknowledged by this destination. */
  waiting(destination: Principal): u32 {
    return this.store.find(destination, false) < 0 ? 0 : this.store.waiting;
  }

  /** Envelopes given up, ever. */
  get deadLetters(): u64 { return this.store.deadLetters; }

  /** Puts an envelope in. False if too many are waiting for this destination already. */
  enqueue(destination: Principal, envelope: Uint8Array): bool {
    const index = <u32>this.store.find(destination, true);
    if (this.store.waiting >= this.maxWaiting) return false;
    this.store.append(envelope.dataStart, envelope.byteLength);
    if (!this.fresh.includes(index)) this.fresh.push(index);
    return true;
  }

  /** Sends what this message has put in. Called by the kit at the end of every message. */
  flush(): void {
    const n = this.fresh.length;
    if (n == 0) return;
    const now = ic0.time();
    for (let i = 0; i < n; i++) {
      const index = this.fresh[i];
      if (this.open.has(index)) continue;
      this.store.load(index);
      if (this.store.notBefore <= now) this.sendTo(index);
    }
    this.fresh.length = 0;
    this.sweepWithin(LOST);
  }

  /** After an upgrade: whatever is waiting goes on. */
  resume(): void {
    if (this.store.firstPending != 0) this.sweepWithin(0);
  }

  private sendTo(index: u32): void {
    const store = this.store;
    store.load(index);
    let at = store.head;
    if (at == 0) return;
    const first = store.first;
    const destination = store.principal;
    const list = new Array<Uint8Array>();
    let bytes = 0;
    while (at != 0 && list.length < MAX_BATCH) {
      const envelope = store.read(at);
      bytes += envelope.byteLength;
      if (bytes > MAX_BATCH_BYTES && list.length > 0) break;
      list.push(envelope);
      at = store.after(at);
    }
    this.open.set(index, ic0.time());
    const batch = new Batch(this, index, first + <u64>list.length);
    this.send(destination, first, list).bestEffort(TIMEOUT).perform(onReply, onReject, batch);
  }

  replied(batch: Batch): void {
    this.open.delete(batch.index);
    this.store.load(batch.index);
    const destination = this.store.principal;
    const ack = this.acknowledged(destination);
    // The canister's functions may have used the store.
    this.store.load(batch.index);
    const reason = ack.reason;
    if (reason !== null) return this.dropAll(reason);
    const next = min(ack.next, batch.end);
    if (next <= this.store.first) return this.failed(batch.index, "not accepted");
    while (this.store.first < next && this.store.head != 0) this.store.dropFirst();
    this.store.setRetry(0, 0);
    this.sendTo(batch.index);
  }

  rejected(batch: Batch, rejection: Rejection): void {
    this.open.delete(batch.index);
    this.store.load(batch.index);
    if (rejection.retry == Retry.Never) this.dropAll(rejection.message);
    else this.failed(batch.index, rejection.message);
  }

  /** Puts the destination in hand off, or gives it up. */
  private failed(index: u32, reason: string): void {
    const attempts = this.store.attempts + 1;
    if (attempts >= MAX_ATTEMPTS) return this.dropAll(reason);
    const delay = attempts > 9 ? MAX_DELAY : min(MAX_DELAY, FIRST_DELAY << <u64>(attempts - 1));
    this.store.setRetry(ic0.time() + delay, attempts);
    this.sweepWithin(delay);
  }

  /** Gives up all that waits for the destination in hand. */
  private dropAll(reason: string): void {
    const store = this.store;
    const index = store.loadedIndex;
    const destination = store.principal;
    while (store.head != 0) {
      const sequence = store.first;
      const envelope = store.read(store.head);
      store.dropFirst();
      store.countDeadLetters(1);
      this.giveUp(destination, sequence, envelope, reason);
      store.load(index);
    }
    store.setRetry(0, 0);
  }

  /** Makes sure that a sweep comes within `delay`. */
  private sweepWithin(delay: u64): void {
    const now = ic0.time();
    const at = now + delay;
    if (this.sweepAt != 0 && this.sweepAt <= at && now < this.sweepAt + OVERDUE) return;
    this.sweepAt = at;
    setTimer(delay, sweep, this);
  }

  /**
   * Looks at the destinations with envelopes and starts those that are due, each in a message of
   * its own so that one whose sending traps does not hold up the rest.
   */
  sweep(): void {
    const now = ic0.time();
    if (this.sweepAt > now) return;
    this.sweepAt = 0;
    const store = this.store;
    let soonest = u64.MAX_VALUE;
    let seen = 0;
    let link = store.firstPending;
    if (this.cursor != 0) {
      store.load(this.cursor - 1);
      if (store.waiting != 0) link = this.cursor;
      this.cursor = 0;
    }
    for (; link != 0; link = store.nextPending) {
      const index = link - 1;
      store.load(index);
      if (++seen > MAX_SWEEP) {
        soonest = min(soonest, now + SECOND);
        this.cursor = link;
        break;
      }
      if (this.open.has(index)) {
        const lost = this.open.get(index) + LOST;
        if (lost > now) {
          soonest = min(soonest, lost);
          continue;
        }
        this.open.delete(index);
      }
      if (store.notBefore <= now) {
        // Should its message trap, the next sweep finds it again later.
        store.setRetry(now + MAX_DELAY, store.attempts);
        setTimer(0, sendDue, new Batch(this, index, 0));
      }
      soonest = min(soonest, store.notBefore);
    }
    if (soonest != u64.MAX_VALUE) this.sweepWithin(soonest > now ? soonest - now : 0);
  }

  sendDue(index: u32): void {
    if (this.open.has(index)) return;
    this.store.load(index);
    this.store.setRetry(0, this.store.attempts);
    this.sendTo(index);
    this.sweepWithin(LOST);
  }
}

function onReply(context: Object | null): void {
  const batch = changetype<Batch>(context);
  batch.outbox.replied(batch);
}

function onReject(context: Object | null, rejection: Rejection): void {
  const batch = changetype<Batch>(context);
  batch.outbox.rejected(batch, rejection);
}

function sweep(context: Object | null): void { changetype<Outbox>(context).sweep(); }

function sendDue(context: Object | null): void {
  const batch = changetype<Batch>(context);
  batch.outbox.sendDue(batch.index);
}
