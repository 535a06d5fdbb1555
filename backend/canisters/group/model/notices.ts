// What the group tells people's user canisters: one ordered queue a person, in stable memory.

import { Ack, Outbox } from "../../../cdk/outbox/outbox";
import { Call } from "../../../cdk/calls";
import { Principal } from "../../../cdk/principal/principal";
import { stableMemory } from "../../../cdk/stable/memory-manager";
import * as user from "../../../generated/user/client";
import { decodeGroupNotice, encodeGroupNotice, GroupNotice, InvitedNotice, NoticeDelivery } from "../../../generated/user/types";
import { OUTBOX_DESTINATIONS, OUTBOX_ENVELOPES } from "../memory";
import { group } from "./group";

const outbox = new Outbox(stableMemory(OUTBOX_ENVELOPES), stableMemory(OUTBOX_DESTINATIONS), send, acknowledged, giveUp);

function send(destination: Principal, first: u64, envelopes: Array<Uint8Array>): Call {
  const notices = new Array<GroupNotice>(envelopes.length);
  for (let i = 0; i < envelopes.length; i++) notices[i] = decodeGroupNotice(envelopes[i]);
  return user.c2c_group_notices(destination, new NoticeDelivery(first, notices));
}

function acknowledged(destination: Principal): Ack {
  return Ack.upTo(user.c2c_group_notices_reply().next);
}

/** An invitation that reaches nobody stays listed as invited; admins can take it back. */
function giveUp(destination: Principal, sequence: u64, envelope: Uint8Array, reason: string): void {}

export function enqueueInvitation(user: Principal, by: Principal): void {
  outbox.enqueue(user, encodeGroupNotice(GroupNotice.Invited(new InvitedNotice(group().name, by))));
}

export function enqueueRemoval(user: Principal): void {
  outbox.enqueue(user, encodeGroupNotice(GroupNotice.Removed()));
}
