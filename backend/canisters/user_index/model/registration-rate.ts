// How fast accounts may be made: each costs a canister, and keys are free. It stops a machine from emptying the local
// indexes; it does not tell people from machines.

import { timeMillis } from "../../../cdk/api";
import { RateLimit } from "../../../chat/rate-limit";
import { settings } from "./settings";

const HOUR_MILLIS: u64 = 3_600_000;
/** Stands for "none in the long run": ten years. */
const NEVER_MILLIS: u64 = 87_600 * HOUR_MILLIS;
const EVERYBODY: u32 = 0;

let rate: RateLimit | null = null;

/** Milliseconds until another registration is allowed; 0: it is now, and is counted. */
export function limitRegistration(): u64 {
  let limit = rate;
  if (limit === null) {
    const known = settings();
    limit = new RateLimit(known.burst, known.perHour == 0 ? NEVER_MILLIS : max<u64>(1, HOUR_MILLIS / known.perHour));
    rate = limit;
  }
  return limit.take(EVERYBODY, timeMillis());
}
