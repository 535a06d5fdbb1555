/**
 * Random numbers that nobody can predict before the canister draws them.
 *
 * The seed comes from the management canister's `raw_rand` (the subnet's threshold randomness) and
 * feeds SHA-256 in counter mode: block i = SHA-256(key ‖ i), and after each draw the key is replaced
 * by a block of its own, so that a later leak of the heap does not tell earlier numbers.
 *
 * R1 `next…` before the seed has arrived traps; use `isSeeded` or `seed` with a continuation.
 * R2 mixing in (`mix`) never makes the state easier to guess.
 * The state is on the heap: seed again in `post_upgrade`. Numbers drawn in a query repeat, because
 * a query's state changes are dropped.
 */
import { Rejection } from "./calls";
import { sha256 } from "./hash/sha256";
import { Principal } from "./principal/principal";
import { setTimer } from "./timers";
import * as management from "../generated/clients/management/client";

const RETRY_NANOS: u64 = 5_000_000_000;

let key: Uint8Array = new Uint8Array(32);
let seeded: bool = false;
let asking: bool = false;

export function isSeeded(): bool { return seeded; }

/** Asks for a seed; needs an update, timer, init is too early: there calls are not allowed, use a timer. */
export function seed(): void {
  if (asking) return;
  asking = true;
  management.raw_rand(Principal.management()).perform(onRandomness, onFailure, null);
}

/** Sets a timer that asks for a seed, and again until there is one. For `init` and `post_upgrade`. */
export function seedSoon(): void { setTimer(0, seedNow); }

function seedNow(context: Object | null): void { seed(); }

function onRandomness(context: Object | null): void {
  asking = false;
  mix(management.raw_rand_reply());
  seeded = true;
}

function onFailure(context: Object | null, rejection: Rejection): void {
  asking = false;
  setTimer(RETRY_NANOS, seedNow);
}

/** Stirs bytes into the state: the key becomes SHA-256(key ‖ bytes). */
export function mix(bytes: Uint8Array): void {
  const both = new Uint8Array(32 + bytes.length);
  both.set(key);
  both.set(bytes, 32);
  key = sha256(both);
}

/** Block `i` of the present key. */
function block(i: u64): Uint8Array {
  const input = new Uint8Array(40);
  input.set(key);
  store<u64>(input.dataStart + 32, i);
  return sha256(input);
}

/** `n` random bytes. */
export function randomBytes(n: i32): Uint8Array {
  assert(seeded, "randomness was used before it was seeded");
  const out = new Uint8Array(n);
  for (let at = 0, i: u64 = 1; at < n; at += 32, i++) {
    const part = block(i);
    memory.copy(out.dataStart + at, part.dataStart, min(32, n - at));
  }
  key = block(0);
  return out;
}

export function randomU64(): u64 { return load<u64>(randomBytes(8).dataStart); }

/** Evenly 0 … n − 1, n > 0. */
export function randomBelow(n: u64): u64 {
  assert(n > 0);
  // Draws at or above the largest multiple of n would favour small results.
  const most = u64.MAX_VALUE - (u64.MAX_VALUE % n);
  let x = randomU64();
  while (x >= most) x = randomU64();
  return x % n;
}
