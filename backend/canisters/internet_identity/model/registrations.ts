// Registrations under way. Starting one is the challenge: bound to the caller's key, good for one identity and five
// minutes; how many there can be, and how fast they come, is limited.

import { Principal } from "../../../cdk/principal/principal";
import { settings } from "./settings";

const LIFETIME_NANOS: u64 = 300_000_000_000;
/** Open at once. Each takes some 300 bytes of heap. */
const MAX_OPEN: i32 = 4096;

const open = new Map<string, u64>();
let order: Array<string> = [];

// A bucket of tokens that fills with time.
let tokens: u64 = 0;
let filledAt: u64 = 0;

function takeToken(nowNanos: u64): bool {
  const limit = settings();
  if (filledAt == 0) {
    tokens = limit.registrationBurst;
    filledAt = nowNanos;
  }
  if (limit.nanosPerRegistration == 0) return true;
  const fresh = (nowNanos - filledAt) / limit.nanosPerRegistration;
  tokens = min(limit.registrationBurst, tokens + fresh);
  filledAt += fresh * limit.nanosPerRegistration;
  if (tokens == 0) return false;
  tokens--;
  return true;
}

function dropExpired(nowNanos: u64): void {
  let gone = 0;
  while (gone < order.length) {
    const name = order[gone];
    if (open.has(name)) {
      if (open.get(name) > nowNanos) break;
      open.delete(name);
    }
    gone++;
  }
  if (gone > 0) order = order.slice(gone);
}

/** Whether the caller has a registration under way. */
export function isRegistering(caller: Principal, nowNanos: u64): bool {
  const name = caller.toText();
  return open.has(name) && open.get(name) > nowNanos;
}

/** Opens one for the caller, who has none; false when there are too many or they come too fast. */
export function startRegistration(caller: Principal, nowNanos: u64): bool {
  dropExpired(nowNanos);
  if (open.size >= MAX_OPEN || !takeToken(nowNanos)) return false;
  const name = caller.toText();
  open.set(name, nowNanos + LIFETIME_NANOS);
  order.push(name);
  return true;
}

/** Uses it up. */
export function finishRegistration(caller: Principal): void {
  open.delete(caller.toText());
}
