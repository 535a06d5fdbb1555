// Tells a canister of this network whether another is a user canister, and whose.

import { Principal } from "../../../cdk/principal/principal";
import { UserSummary } from "../../../generated/user_index/types";
import { callerIsOurs } from "../guards";
import { userById } from "../model/directory";
import { summaryView } from "../model/views";

export function c2c_lookup_user(userId: Principal): UserSummary | null {
  if (!callerIsOurs()) return null;
  const user = userById(userId);
  return user === null ? null : summaryView(user);
}
