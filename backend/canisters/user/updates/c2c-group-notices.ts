// What a group tells this person, in order: an invitation, or that they are out. The first time, the user
// index is asked whether the caller is a group canister of this network.

import { caller, reject, timeMillis } from "../../../cdk/api";
import { Later, openCalls, Rejection } from "../../../cdk/calls";
import { Principal } from "../../../cdk/principal/principal";
import * as user_index from "../../../generated/user_index/client";
import { checkText, MAX_NAME_CHARS, TextCheck } from "../../../chat/text-rules";
import { reply_c2c_group_notices } from "../../../generated/user/replies";
import { Delivered, GroupNotice, GroupNoticeTag, NoticeDelivery } from "../../../generated/user/types";
import { account, userIndex } from "../model/account";
import { isBlocked } from "../model/blocked";
import { isImpostor, noteImpostor } from "../model/impostors";
import { mayBeginGroup, mayNotice } from "../model/limits";
import { findGroup, GroupMembership, groupOrNew, Membership, saveGroup } from "../model/groups";

/** More first contacts than this wait for their turn: each holds a notice on the heap. */
const MAX_OPEN_CALLS: i32 = 100;
const NO_GROUP: string = "the caller is no group canister";

/** What waits for the user index. Anybody can make such, so it holds one notice, and none beyond the bounds. */
class FirstNotice {
  constructor(
    public group: Principal,
    public delivery: NoticeDelivery,
  ) {}
}

export function c2c_group_notices(delivery: NoticeDelivery): Later {
  if (!account().isClaimed) return reject("there is no such account");
  const group = caller();
  const membership = findGroup(group);
  if (membership !== null) return answer(membership, delivery);
  const notices = delivery.notices;
  if (isImpostor(group)) return reject(NO_GROUP);
  if (openCalls() >= MAX_OPEN_CALLS) return reply_c2c_group_notices(new Delivered(0, null));
  // The others come again: the answer will say that they were not taken.
  if (notices.length > 1) delivery.notices = [notices[0]];
  if (notices.length > 0 && isOversized(notices[0])) return reject("no group sends that much");
  user_index.c2c_lookup_group(userIndex(), group).perform(onLookup, onLookupFailed, new FirstNotice(group, delivery));
}

function isOversized(notice: GroupNotice): bool {
  return notice.tag == GroupNoticeTag.Invited && checkText(notice.as_Invited.name, MAX_NAME_CHARS) == TextCheck.TooLong;
}

function onLookup(context: Object | null): void {
  const first = changetype<FirstNotice>(context);
  const localIndex = user_index.c2c_lookup_group_reply();
  if (localIndex === null) {
    noteImpostor(first.group);
    return reject(NO_GROUP);
  }
  if (findGroup(first.group) === null && !mayBeginGroup()) return reply_c2c_group_notices(new Delivered(0, null));
  const membership = groupOrNew(first.group);
  membership.localIndex = localIndex.bytes;
  answer(membership, first.delivery);
}

function onLookupFailed(context: Object | null, rejection: Rejection): void {
  reply_c2c_group_notices(new Delivered(0, null));
}

function answer(membership: GroupMembership, delivery: NoticeDelivery): void {
  const before = membership.nextNotice;
  // A gap is what the group has given up: it will not come any more, and what follows must not wait for it.
  if (delivery.first > before) membership.nextNotice = delivery.first;
  const notices = delivery.notices;
  for (let i = <i32>min<u64>(membership.nextNotice - delivery.first, notices.length); i < notices.length; i++) {
    if (!mayNotice(membership.number)) break;
    membership.nextNotice++;
    apply(membership, notices[i]);
  }
  if (membership.nextNotice != before) saveGroup(membership);
  reply_c2c_group_notices(new Delivered(membership.nextNotice, null));
}

function apply(membership: GroupMembership, notice: GroupNotice): void {
  if (notice.tag == GroupNoticeTag.Removed) {
    membership.membership = Membership.Gone;
    return;
  }
  if (membership.membership == Membership.Joined) return;
  const invitation = notice.as_Invited;
  if (isBlocked(invitation.by)) {
    membership.membership = Membership.Gone;
    return;
  }
  membership.membership = Membership.Invited;
  membership.name = invitation.name;
  membership.invitedBy = invitation.by.bytes;
  membership.at = timeMillis();
}
