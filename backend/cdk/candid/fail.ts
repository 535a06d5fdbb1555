/**
 * The one way a Candid decoder gives up: a trap whose message starts with "Candid: ", which the
 * caller sees as a reject. Nothing of the message's effects remains.
 */
import * as ic0 from "../ic0";

/** Traps with "Candid: <what>". `what` must be ASCII. */
export function fail(what: string): void {
  const text = "Candid: " + what;
  const size = <usize>text.length;
  const buffer = heap.alloc(size);
  for (let i: usize = 0; i < size; i++) {
    store<u8>(buffer + i, load<u8>(changetype<usize>(text) + (i << 1)));
  }
  ic0.trap(buffer, size);
  unreachable();
}

/** Decodes a value of type empty: there is none. */
export function readEmpty(): u8 {
  fail("value of type empty");
  return 0;
}

/** A getter of a variant was used for another case than the variant holds. */
export function wrongCase(): void { fail("variant holds another case"); }
