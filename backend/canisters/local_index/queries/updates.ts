// Everything that changed for the caller on this subnet, in one composite query: the user canister first, then
// each group asked for that may have news, one after the other. Answers of the children are passed on as they came; they
// check the caller themselves.
//
// A group has no news for whoever knows the stamp of its newest version: only the group makes stamps, and only members
// get them. Everybody else's question reaches the group, which refuses it, whatever they put into it: from what is said
// here nobody learns whether anything goes on in a group that is not theirs.

import { caller, timeMillis } from "../../../cdk/api";
import { Later, Rejection, replyBytes } from "../../../cdk/calls";
import { Principal } from "../../../cdk/principal/principal";
import * as group from "../../../generated/group/client";
import { UpdatesArgs as GroupUpdatesArgs, UpdatesResultTag } from "../../../generated/group/types";
import { reply_updates } from "../../../generated/local_index/replies";
import { FailedGroup, GroupBlob, GroupFailure, UpdatesArgs, UpdatesResponse } from "../../../generated/local_index/types";
import * as user from "../../../generated/user/client";
import { UpdatesArgs as UserUpdatesArgs } from "../../../generated/user/types";
import { findChild, Kind } from "../model/children";
import { hasStamp } from "../model/stamps";

const MAX_GROUPS: i32 = 100;
/** A query's reply holds 3 MiB; a child's page at most about 1 MiB. */
const FULL_BYTES: i32 = 1_500_000;

class Asking {
  response: UpdatesResponse = new UpdatesResponse(null, [], [], false, timeMillis());
  bytes: i32 = 0;
  /** The group asked now. */
  at: i32 = -1;
  constructor(
    public who: Principal,
    public args: UpdatesArgs,
  ) {}
}

export function updates(args: UpdatesArgs): Later {
  const asking = new Asking(caller(), args);
  const wanted = args.user;
  if (wanted === null || !isChild(wanted.user_id, Kind.User)) return nextGroup(asking);
  user.updates(wanted.user_id, new UserUpdatesArgs(wanted.since, asking.who)).perform(onUser, onUserRejected, asking);
}

function isChild(id: Principal, kind: u8): bool {
  const child = findChild(id);
  return child !== null && child.kind == kind;
}

function onUser(context: Object | null): void {
  const asking = changetype<Asking>(context);
  if (user.updates_reply() !== null) {
    const bytes = replyBytes();
    asking.response.user = bytes;
    asking.bytes += bytes.length;
  }
  nextGroup(asking);
}

function onUserRejected(context: Object | null, rejection: Rejection): void {
  // A user canister that is being upgraded has no news for a moment.
  nextGroup(changetype<Asking>(context));
}

function fail(asking: Asking, groupId: Principal, reason: GroupFailure): void {
  asking.response.failed.push(new FailedGroup(groupId, reason));
}

function nextGroup(asking: Asking): void {
  const groups = asking.args.groups;
  while (++asking.at < min(groups.length, MAX_GROUPS)) {
    const wanted = groups[asking.at];
    const stamp = wanted.stamp;
    if (stamp !== null && hasStamp(wanted.group_id, stamp.value)) continue;
    if (asking.bytes > FULL_BYTES) {
      asking.response.more = true;
      break;
    }
    if (isChild(wanted.group_id, Kind.Group)) {
      group.updates(wanted.group_id, new GroupUpdatesArgs(wanted.since, asking.who)).perform(onGroup, onGroupRejected, asking);
      return;
    }
    fail(asking, wanted.group_id, GroupFailure.NotMember);
  }
  reply_updates(asking.response);
}

function onGroup(context: Object | null): void {
  const asking = changetype<Asking>(context);
  const groupId = asking.args.groups[asking.at].group_id;
  const result = group.updates_reply();
  if (result.tag == UpdatesResultTag.Err) {
    fail(asking, groupId, GroupFailure.NotMember);
  } else if (result.as_Ok !== null) {
    const bytes = replyBytes();
    asking.bytes += bytes.length;
    asking.response.groups.push(new GroupBlob(groupId, bytes));
  }
  nextGroup(asking);
}

function onGroupRejected(context: Object | null, rejection: Rejection): void {
  const asking = changetype<Asking>(context);
  fail(asking, asking.args.groups[asking.at].group_id, GroupFailure.Unavailable);
  nextGroup(asking);
}
