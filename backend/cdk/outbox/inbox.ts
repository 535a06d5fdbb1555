/**
 * The receiving side of an outbox: which envelope of a sender comes next.
 *
 * A sender's envelopes are numbered from 0. Those below the expected number were applied already
 * and are skipped; a gap is refused by applying nothing, and the sender sends again from there.
 */
import { Memory } from "../stable/memory-manager";
import { StableBTreeMap } from "../stable/btree-map";
import { Principal } from "../principal/principal";

export class Inbox {
  private expected: StableBTreeMap<Uint8Array, u64>;

  constructor(memory: Memory) {
    this.expected = new StableBTreeMap<Uint8Array, u64>(memory);
  }

  /** The number that is next from this sender. */
  next(sender: Principal): u64 { return this.expected.getOr(sender.bytes, 0); }

  /**
   * Takes a batch of `count` envelopes that begins with number `first`. Returns how many at its
   * start to skip; the rest must be applied in this message. `count` means: apply none.
   */
  accept(sender: Principal, first: u64, count: u32): u32 {
    const next = this.next(sender);
    if (first > next || first + <u64>count <= next) return count;
    this.expected.insert(sender.bytes, first + <u64>count);
    return <u32>(next - first);
  }
}
