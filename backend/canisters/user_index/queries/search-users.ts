// Finds people by the beginning of their username.

import { SearchArgs, UserSummary } from "../../../generated/user_index/types";
import { callerIsRegistered } from "../guards";
import { usersByPrefix } from "../model/directory";
import { summaryViews } from "../model/views";

const MAX_RESULTS: i32 = 20;
/** No username is longer; a longer prefix finds nobody. */
const MAX_PREFIX: i32 = 20;

export function search_users(arg: SearchArgs): Array<UserSummary> {
  const prefix = arg.prefix.trim();
  if (!callerIsRegistered() || prefix.length == 0 || prefix.length > MAX_PREFIX) return [];
  return summaryViews(usersByPrefix(prefix, min(<i32>arg.max_results, MAX_RESULTS)));
}
