/**
 * The one way a Candid decoder gives up: a trap whose message starts with "Candid: ", which the
 * caller sees as a reject. Nothing of the message's effects remains.
 */
import * as ic0 from "../ic0";
import { ascii } from "./ascii";

/** Traps with "Candid: <what>"; `what` points to bytes that end in a zero. */
export function fail(what: usize): void {
  const buffer = heap.alloc(128);
  let at = append(buffer, ascii("Candid: "));
  at = append(at, what);
  ic0.trap(buffer, at - buffer);
  unreachable();
}

/** The most frequent failure. */
export function endsEarly(): void { fail(ascii("input ends early")); }

function append(to: usize, from: usize): usize {
  for (let c = load<u8>(from); c != 0; c = load<u8>(++from)) store<u8>(to++, c);
  return to;
}

/** Decodes a value of type empty: there is none. */
export function readEmpty(): u8 {
  fail(ascii("value of type empty"));
  return 0;
}

/** A getter of a variant was used for another case than the variant holds. */
export function wrongCase(): void { fail(ascii("variant holds another case")); }
