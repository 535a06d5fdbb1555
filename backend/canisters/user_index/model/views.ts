// From records to the types of user_index.did.

import { Principal } from "../../../cdk/principal/principal";
import { CurrentUser, UserSummary } from "../../../generated/user_index/types";
import { User } from "./directory";

export function currentUserView(user: User): CurrentUser {
  return new CurrentUser(new Principal(user.userId), user.username, new Principal(user.localIndex), user.created);
}

/** Without the sign-in principal, which is nobody's business. */
export function summaryView(user: User): UserSummary {
  const displayName: string | null = user.displayName.length == 0 ? null : user.displayName;
  return new UserSummary(new Principal(user.userId), user.username, displayName, new Principal(user.localIndex));
}

export function summaryViews(users: Array<User>): Array<UserSummary> {
  const views = new Array<UserSummary>(users.length);
  for (let i = 0; i < users.length; i++) views[i] = summaryView(users[i]);
  return views;
}
