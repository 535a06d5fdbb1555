// A child that runs low is given cycles, before its own messages can fail for want of them.

import { caller, liquidCycleBalance, trap } from "../../../cdk/api";
import { Later, Rejection } from "../../../cdk/calls";
import { Nat } from "../../../cdk/candid/nat";
import { Principal } from "../../../cdk/principal/principal";
import * as management from "../../../generated/clients/management/client";
import { CanisterId } from "../../../generated/clients/management/types";
import { reply_c2c_request_cycles } from "../../../generated/local_index/replies";
import { findChild } from "../model/children";
import { RESERVE_CYCLES, saveSettings, settings } from "../model/settings";

const TOP_UP_CYCLES: u64 = 2_000_000_000_000;
const MILLION: u64 = 1_000_000;

export function c2c_request_cycles(): Later {
  const child = caller();
  if (findChild(child) === null) trap("only children of this local index are topped up");
  if (liquidCycleBalance() < RESERVE_CYCLES + TOP_UP_CYCLES) return reply_c2c_request_cycles(Nat.ZERO);
  management.deposit_cycles(Principal.management(), new CanisterId(child)).cycles(TOP_UP_CYCLES).perform(onDeposited, onRejected, null);
}

function onDeposited(context: Object | null): void {
  settings().toppedUpMillions += TOP_UP_CYCLES / MILLION;
  saveSettings();
  reply_c2c_request_cycles(Nat.from(TOP_UP_CYCLES));
}

function onRejected(context: Object | null, rejection: Rejection): void {
  reply_c2c_request_cycles(Nat.ZERO);
}
