// The caller's own account.

import { caller } from "../../../cdk/api";
import { CurrentUser } from "../../../generated/user_index/types";
import { userByPrincipal } from "../model/directory";
import { currentUserView } from "../model/views";

export function current_user(): CurrentUser | null {
  const user = userByPrincipal(caller());
  return user === null ? null : currentUserView(user);
}
