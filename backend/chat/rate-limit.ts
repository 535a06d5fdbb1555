// How often somebody may do something: so many at once after a quiet time, then one an interval.
//
// Kept on the heap, one number a person: an upgrade forgets it, which nobody but a controller can cause. What is
// kept is bounded; who has been quiet long enough is forgotten first.
//
// It is a bucket of tokens told by one time ("generic cell rate algorithm", ITU-T I.371): the moment at which the
// bucket will be full again.

/** People remembered at once. */
const MAX_PEOPLE: i32 = 4_096;

export class RateLimit {
  private fullAt: Map<u32, u64> = new Map<u32, u64>();

  constructor(
    private burst: u32,
    private intervalMillis: u64,
  ) {}

  /** Milliseconds until `count` (at most the burst) are allowed; 0: they are now, and are counted. */
  take(who: u32, nowMillis: u64, count: u32 = 1): u64 {
    const known = this.fullAt.has(who);
    const fullAt = (known ? max(this.fullAt.get(who), nowMillis) : nowMillis) + <u64>count * this.intervalMillis;
    const latest = nowMillis + <u64>this.burst * this.intervalMillis;
    if (fullAt > latest) return fullAt - latest;
    if (!known && this.fullAt.size >= MAX_PEOPLE) this.forget(nowMillis);
    this.fullAt.set(who, fullAt);
    return 0;
  }

  private forget(nowMillis: u64): void {
    const people = this.fullAt.keys();
    for (let i = 0; i < people.length; i++) if (this.fullAt.get(people[i]) <= nowMillis) this.fullAt.delete(people[i]);
    if (this.fullAt.size >= MAX_PEOPLE) this.fullAt.clear();
  }
}
