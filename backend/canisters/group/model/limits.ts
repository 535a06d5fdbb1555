// How much one member may do in a short time. People never meet these; scripts do.

import { timeMillis } from "../../../cdk/api";
import { RateLimit } from "../../../chat/rate-limit";
import { GroupError, RetryAfter } from "../../../generated/group/types";

/** Messages and edits: five minutes' hurry, and two a second for ever. */
const sends = new RateLimit(300, 500);
const reactions = new RateLimit(300, 500);
/** People invited: half of a full group at once, and six a minute. */
const invitations = new RateLimit(500, 10_000);

function limited(waitMillis: u64): GroupError | null {
  return waitMillis == 0 ? null : GroupError.RateLimited(new RetryAfter(waitMillis));
}

/** Null when it is allowed, and then it is counted; likewise below. */
export function limitSend(member: u32): GroupError | null {
  return limited(sends.take(member, timeMillis()));
}

export function limitReaction(member: u32): GroupError | null {
  return limited(reactions.take(member, timeMillis()));
}

export function limitInvitations(member: u32, people: i32): GroupError | null {
  return limited(invitations.take(member, timeMillis(), people));
}
