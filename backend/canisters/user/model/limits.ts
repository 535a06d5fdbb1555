// How much the owner may send, and how much others may make this canister keep. People never meet these; scripts do.
// What comes too fast from others is not taken yet: their outbox holds it and tries again.

import { timeMillis } from "../../../cdk/api";
import { RateLimit } from "../../../chat/rate-limit";
import { RetryAfter } from "../../../generated/user/types";
import { DirectChat } from "./chats";

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;

/** A day's writing without a network, sent when it is back, and five messages a second for ever. */
const sends = new RateLimit(1_000, SECOND / 5);
const reactions = new RateLimit(1_000, SECOND / 5);
/** Each costs the subnet a canister. */
const groups = new RateLimit(20, 3 * MINUTE);

/** From somebody whom the owner has answered: as much as they may send. */
const fromContact = new RateLimit(1_000, SECOND / 5);
/** From each person and from all people whom the owner has not answered: they cannot fill this canister (8 MB at once, 6 MB a day). */
const fromStranger = new RateLimit(200, 10 * MINUTE);
const fromStrangers = new RateLimit(2_000, 10 * SECOND);
/** New chats begun by others, and new groups that invite. */
const newChats = new RateLimit(50, 5 * MINUTE);
const newGroups = new RateLimit(50, 5 * MINUTE);
/** What one group tells: invitations and removals. */
const fromGroup = new RateLimit(20, 10 * MINUTE);

/** For limits that are not by person. */
const EVERYBODY: u32 = 0;

function retry(waitMillis: u64): RetryAfter | null {
  return waitMillis == 0 ? null : new RetryAfter(waitMillis);
}

/** Null when it is allowed, and then it is counted; likewise below. */
export function limitSend(): RetryAfter | null {
  return retry(sends.take(EVERYBODY, timeMillis()));
}

export function limitReaction(): RetryAfter | null {
  return retry(reactions.take(EVERYBODY, timeMillis()));
}

export function limitGroup(): RetryAfter | null {
  return retry(groups.take(EVERYBODY, timeMillis()));
}

/** Whether one more envelope of theirs is taken now. */
export function mayDeliver(chat: DirectChat): bool {
  const now = timeMillis();
  if (chat.isAnswered) return fromContact.take(chat.number, now) == 0;
  return fromStranger.take(chat.number, now) == 0 && fromStrangers.take(EVERYBODY, now) == 0;
}

export function mayBeginChat(): bool {
  return newChats.take(EVERYBODY, timeMillis()) == 0;
}

export function mayBeginGroup(): bool {
  return newGroups.take(EVERYBODY, timeMillis()) == 0;
}

export function mayNotice(group: u32): bool {
  return fromGroup.take(group, timeMillis()) == 0;
}
