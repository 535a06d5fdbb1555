// Tells the user index what the owner wants to be called, until it knows: over lost calls, stops and upgrades.

import { Rejection } from "../../../cdk/calls";
import { setTimer } from "../../../cdk/timers";
import * as user_index from "../../../generated/user_index/client";
import { account, saveAccount, userIndex } from "../model/account";

const RETRY_NANOS: u64 = 60_000_000_000;
const TIMEOUT_SECONDS: u32 = 60;

class Telling {
  constructor(public name: string | null) {}
}

/** Call when the name has changed, and after an upgrade. */
export function tellName(): void {
  const state = account();
  if (!state.isNameUntold) return;
  user_index
    .c2c_set_display_name(userIndex(), state.displayName)
    .bestEffort(TIMEOUT_SECONDS)
    .perform(onTold, onNotTold, new Telling(state.displayName));
}

function onTold(context: Object | null): void {
  const state = account();
  // Should it have changed meanwhile, a later call tells the new one.
  if (state.displayName != changetype<Telling>(context).name || !state.isNameUntold) return;
  state.isNameUntold = false;
  saveAccount();
}

function onNotTold(context: Object | null, rejection: Rejection): void {
  setTimer(RETRY_NANOS, tellAgain);
}

function tellAgain(context: Object | null): void {
  tellName();
}
