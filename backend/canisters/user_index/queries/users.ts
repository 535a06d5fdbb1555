// Names of people by id: for member lists and for chats that somebody else began.

import { Principal } from "../../../cdk/principal/principal";
import { UserSummary } from "../../../generated/user_index/types";
import { callerIsRegistered } from "../guards";
import { userById } from "../model/directory";
import { summaryView } from "../model/views";

const MAX_IDS: i32 = 100;

export function users(ids: Array<Principal>): Array<UserSummary> {
  const found: UserSummary[] = [];
  if (!callerIsRegistered()) return found;
  for (let i = 0, count = min(ids.length, MAX_IDS); i < count; i++) {
    const user = userById(ids[i]);
    if (user !== null) found.push(summaryView(user));
  }
  return found;
}
