// Tells the local index of every new version, so that it need not ask this canister for members who have it.
//
// - A1 whatever changed the version is announced: it is looked at when a message ends, not by those who change it.
// - A2 one announcement is under way at a time; what changes meanwhile is announced together when it is answered.
// - A3 a reject, a trap, a stopped or older local index and an upgrade of either side only delay: it is announced again
//   after 1 s, 2 s … 256 s, with the next change, and after every upgrade of this canister.
// - A4 a group that has never announced, or has another module since, is asked by the local index every time.

import { atEnd } from "../../../cdk/entry";
import { Rejection } from "../../../cdk/calls";
import { Principal } from "../../../cdk/principal/principal";
import { setTimer } from "../../../cdk/timers";
import * as management from "../../../generated/clients/management/client";
import * as local_index from "../../../generated/local_index/client";
import { AnnounceArgs } from "../../../generated/local_index/types";
import { CHAT, events, group } from "../model/group";
import { hasStampKey, setStampKey, stampOf } from "../model/stamps";

const RETRY_NANOS: u64 = 1_000_000_000;
const MAX_DOUBLINGS: u32 = 8;

// Heap only: after an upgrade nothing is under way, and everything is announced anew.
/** In init and post_upgrade, where no call can be made. */
let isStarting: bool = false;
let isUnderWay: bool = false;
/** The version under way, the last one that arrived, and the last one that did not. */
let sending: u64 = 0;
let announced: u64 = 0;
let failed: u64 = 0;
/** A new attempt is due by timer. */
let isWaiting: bool = false;
let doublings: u32 = 0;

atEnd(announceNews);

/** Call in init and post_upgrade. */
export function keepAnnouncing(): void {
  isStarting = true;
  setTimer(0, begin);
}

function begin(context: Object | null): void {
  // A group of the pool has nothing to announce yet, and has its key when it does.
  if (!isUnderWay && !hasStampKey()) drawKey();
}

function announceNews(): void {
  if (isStarting) {
    isStarting = false;
    return;
  }
  if (isUnderWay) return;
  const version = events.version;
  if (version == announced || version == failed) return;
  sending = version;
  if (!hasStampKey()) return drawKey();
  isUnderWay = true;
  const args = new AnnounceArgs(stampOf(version));
  local_index.c2c_announce(new Principal(group().localIndex), args).onTrap(onTrapped).perform(onAnnounced, onRejected, null);
}

function onAnnounced(context: Object | null): void {
  isUnderWay = false;
  announced = sending;
  doublings = 0;
}

function onRejected(context: Object | null, rejection: Rejection): void {
  onTrapped(null);
}

function onTrapped(context: Object | null): void {
  isUnderWay = false;
  failed = sending;
  if (isWaiting) return;
  isWaiting = true;
  setTimer(RETRY_NANOS << <u64>doublings, tryAgain);
  doublings = min(doublings + 1, MAX_DOUBLINGS);
}

function tryAgain(context: Object | null): void {
  isWaiting = false;
  failed = 0;
  begin(null);
}

function drawKey(): void {
  isUnderWay = true;
  management.raw_rand(Principal.management()).onTrap(onTrapped).perform(onRandomness, onRejected, null);
}

function onRandomness(context: Object | null): void {
  isUnderWay = false;
  setStampKey(management.raw_rand_reply());
  // Members who have everything come for the stamp.
  if (events.version > 0) events.touchSummary(CHAT);
}
