// Keeps a child of a local index in cycles: it looks at its balance now and then and asks in good time.

import { cycleBalance } from "../cdk/api";
import { Rejection } from "../cdk/calls";
import { Principal } from "../cdk/principal/principal";
import { setTimerInterval } from "../cdk/timers";
import * as local_index from "../generated/local_index/client";

/** Rare, because a look wakes an idle canister; often enough, because a busy one spends far less than LOW between two looks. */
const INTERVAL_NANOS: u64 = 6 * 3_600 * 1_000_000_000;
/** Enough for about 100,000 messages. */
const LOW_CYCLES: u64 = 1_000_000_000_000;

/** Call in init and post_upgrade: timers do not survive an upgrade. */
export function keepInCycles(localIndex: Principal): void {
  setTimerInterval(INTERVAL_NANOS, look, localIndex);
}

function look(context: Object | null): void {
  if (cycleBalance() >= LOW_CYCLES) return;
  local_index.c2c_request_cycles(changetype<Principal>(context)).perform(onAnswer, onReject, null);
}

// Whatever the answer: the balance shows at the next look.
function onAnswer(context: Object | null): void {}
function onReject(context: Object | null, rejection: Rejection): void {}
