import { beforeAll, describe, expect, it } from 'vitest';
import { compileForTest, instantiate, MockSystem } from '../../tools/testing/module.ts';
import type { SentCall, TestModule } from '../../tools/testing/module.ts';

type Exports = {
  put(n: number, count: number, size: number): number;
  waiting(n: number): number;
  deadLetters(): bigint;
  reported(): number;
  postUpgrade(): void;
  fireTimers(): void;
  runTimer(): void;
  collect(): void;
};

let code: { bytes: Uint8Array; sourceMap: string | undefined };

/** A canister with an outbox, its receivers, and the network between: everything happens when told. */
class World {
  system = new MockSystem();
  module: TestModule;
  /** Sequences that each receiver has applied, in order. */
  applied = new Map<number, number[]>();
  constructor() { this.module = instantiate(code.bytes, this.system, code.sourceMap); }

  get out(): Exports { return this.module.exports as unknown as Exports; }

  put(n: number, count: number, size = 200): number { return this.out.put(n, count, size); }

  /** Receives one call as a correct receiver would; returns the answer. */
  receive(call: SentCall): Uint8Array {
    const view = new DataView(call.data.buffer, call.data.byteOffset, call.data.byteLength);
    const first = Number(view.getBigUint64(0, true));
    const applied = this.applied.get(call.callee[0] ?? 0) ?? [];
    this.applied.set(call.callee[0] ?? 0, applied);
    let at = 8;
    for (let i = 0; at < call.data.length; i++) {
      const size = view.getUint32(at, true);
      const sequence = Number(view.getBigUint64(at + 4, true));
      expect(sequence).toBe(first + i);
      if (sequence === applied.length) applied.push(sequence);
      at += 4 + size;
    }
    return this.answer(BigInt(applied.length));
  }

  answer(next: bigint): Uint8Array {
    const reply = new Uint8Array(8);
    new DataView(reply.buffer).setBigUint64(0, next, true);
    return reply;
  }

  reply(call: SentCall, data: Uint8Array): void {
    this.system.argument = data;
    this.module.callback(call.reply[0], call.reply[1]);
  }

  reject(call: SentCall, code: number, message = 'no'): void {
    this.system.rejectCode = code;
    this.system.rejectMessage = message;
    this.module.callback(call.reject[0], call.reject[1]);
  }

  /** Takes the open calls. Calls to itself (timers) run and are answered. */
  take(): SentCall[] {
    const out: SentCall[] = [];
    for (;;) {
      const calls = this.system.calls.splice(0);
      if (calls.length === 0) return out;
      for (const call of calls) {
        if (!call.method.startsWith('<kit>')) {
          out.push(call);
          continue;
        }
        this.system.caller = this.system.self;
        this.system.argument = call.data;
        this.out.runTimer();
        this.reply(call, new Uint8Array());
      }
    }
  }

  /** Lets time pass until the timer fires, and fires it. */
  tick(): void {
    if (this.system.timer === 0n) return;
    if (this.system.timer > this.system.timeNanos) this.system.timeNanos = this.system.timer;
    this.system.timer = 0n;
    this.out.fireTimers();
  }

  /** Fires timers until something goes out. */
  next(): SentCall {
    for (let i = 0; i < 10; i++) {
      const call = this.take()[0];
      if (call) return call;
      this.tick();
    }
    throw new Error('nothing was sent');
  }

  upgrade(): void {
    this.system.calls = [];
    this.system.timer = 0n;
    this.module = instantiate(code.bytes, this.system, code.sourceMap);
    this.out.postUpgrade();
  }
}

describe('outbox', () => {
  beforeAll(async () => { code = await compileForTest('cdk/outbox/outbox.fixture.ts'); });

  it('sends an envelope in the message that put it in, with a bounded wait', () => {
    const w = new World();
    w.put(1, 1);
    const [call] = w.take();
    expect(call?.timeoutSeconds).toBe(60);
    expect(w.out.waiting(1)).toBe(1);
    if (call) w.reply(call, w.receive(call));
    expect(w.out.waiting(1)).toBe(0);
    expect(w.applied.get(1)).toEqual([0]);
  });

  it('O5 keeps one call open per destination and sends the rest as one batch', () => {
    const w = new World();
    w.put(1, 1);
    w.put(1, 5);
    w.put(2, 1);
    const calls = w.take();
    expect(calls.map((c) => c.callee[0])).toEqual([1, 2]);
    for (const c of calls) w.reply(c, w.receive(c));
    const [second] = w.take();
    if (second) w.reply(second, w.receive(second));
    expect(w.applied.get(1)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(w.out.waiting(1)).toBe(0);
  });

  it('O3 retries after a reject with growing delays and loses nothing', () => {
    const w = new World();
    w.put(1, 3);
    const delays: number[] = [];
    let call = w.next();
    for (let i = 0; i < 6; i++) {
      const at = w.system.timeNanos;
      w.reject(call, 5, 'stopped');
      call = w.next();
      delays.push(Number((w.system.timeNanos - at) / 1_000_000_000n));
    }
    expect(delays).toEqual([1, 2, 4, 8, 16, 32]);
    w.reply(call, w.receive(call));
    expect(w.applied.get(1)).toEqual([0, 1, 2]);
  });

  it('O3 goes on after an upgrade that lost the open call', () => {
    const w = new World();
    w.put(1, 3);
    const [lost] = w.take();
    if (lost) w.receive(lost);
    w.upgrade();
    const again = w.next();
    w.reply(again, w.receive(again));
    expect(w.applied.get(1)).toEqual([0, 1, 2]);
    expect(w.out.waiting(1)).toBe(0);
  });

  it('O3 goes on when the continuation trapped', () => {
    const w = new World();
    w.put(1, 2);
    const [call] = w.take();
    if (!call) throw new Error('no call');
    w.receive(call);
    expect(() => { w.reply(call, new Uint8Array(3)); }).toThrow('bad answer');
    for (let i = 0; i < 5 && w.applied.get(1)?.length === 2 && w.out.waiting(1) > 0; i++) {
      w.tick();
      for (const c of w.take()) w.reply(c, w.receive(c));
    }
    expect(w.out.waiting(1)).toBe(0);
    expect(w.applied.get(1)).toEqual([0, 1]);
  });

  it('O3 goes on with the next envelope to anybody when the timer that would have tried again was lost to traps', () => {
    const w = new World();
    w.put(1, 3);
    w.reject(w.next(), 5, 'stopped');
    // A trap undoes what the timer did, so it is as if it had not run; after some attempts the kit gives it up.
    for (let i = 0; i < 20 && w.system.timer !== 0n; i++) {
      w.tick();
      for (const call of w.system.calls.splice(0)) w.reject(call, 5, 'trapped');
    }
    expect(w.out.waiting(1)).toBe(3);
    w.system.timeNanos += 600_000_000_000n;
    w.put(2, 1);
    for (let i = 0; i < 10 && w.out.waiting(1) > 0; i++) {
      for (const call of w.take()) w.reply(call, w.receive(call));
      w.tick();
    }
    expect(w.applied.get(1)).toEqual([0, 1, 2]);
  });

  it('O4 counts and reports what a missing destination never gets', () => {
    const w = new World();
    w.put(1, 4);
    const [call] = w.take();
    if (call) w.reject(call, 3, 'canister not found');
    expect(w.out.deadLetters()).toBe(4n);
    expect(w.out.reported()).toBe(4);
    expect(w.out.waiting(1)).toBe(0);
  });

  it('O4 gives up everything when the receiver refuses', () => {
    const w = new World();
    w.put(1, 2);
    const [call] = w.take();
    w.put(1, 1);
    if (call) w.reply(call, w.answer(2n ** 64n - 1n));
    expect(w.out.reported()).toBe(3);
  });

  it('keeps what could not be sent because the queue was full', () => {
    const w = new World();
    w.system.callResult = 2;
    w.put(1, 1);
    expect(w.take()).toEqual([]);
    w.system.callResult = 0;
    const call = w.next();
    w.reply(call, w.receive(call));
    expect(w.applied.get(1)).toEqual([0]);
  });

  it('refuses envelopes beyond the bound', () => {
    const w = new World();
    expect(w.put(1, 1100)).toBe(1000);
    expect(w.out.waiting(1)).toBe(1000);
  });

  it('O1 O2 delivers everything in order, once, through random rejects, losses, upgrades and traps', () => {
    for (let seed = 1; seed <= 30; seed++) {
      let x = seed * 2654435761;
      const random = (n: number): number => {
        x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
        return Math.floor((x / 2 ** 32) * n);
      };
      const w = new World();
      const put = new Map<number, number>();
      const open: SentCall[] = [];
      for (let step = 0; step < 200; step++) {
        const what = random(10);
        if (what < 4) {
          const n = random(4);
          const count = 1 + random(3);
          put.set(n, (put.get(n) ?? 0) + w.put(n, count, 8 + random(600)));
        } else if (what < 7 && open.length > 0) {
          const call = open.splice(random(open.length), 1)[0] as SentCall;
          const fate = random(4);
          if (fate === 0) w.reject(call, 2 + (random(2) === 0 ? 0 : 4));
          else if (fate === 1) {
            w.receive(call);
            w.reject(call, 6);
          } else w.reply(call, w.receive(call));
        } else if (what === 7) {
          w.tick();
        } else if (what === 8 && random(10) === 0) {
          open.length = 0;
          w.upgrade();
        } else {
          w.out.collect();
        }
        open.push(...w.take());
      }
      for (let i = 0; i < 2000 && [...put.keys()].some((n) => w.out.waiting(n) > 0); i++) {
        w.tick();
        open.push(...w.take());
        for (const c of open.splice(0)) w.reply(c, w.receive(c));
        open.push(...w.take());
      }
      for (const [n, count] of put) expect({ seed, n, applied: w.applied.get(n) ?? [] }).toEqual({ seed, n, applied: Array.from({ length: count }, (_, i) => i) });
      expect(w.out.deadLetters()).toBe(0n);
    }
  });
});
