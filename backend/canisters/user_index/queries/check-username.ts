// Tells while typing whether a name can be had.

import { caller } from "../../../cdk/api";
import { CheckUsernameResult, UsernameError } from "../../../generated/user_index/types";
import { isTaken } from "../model/directory";
import { isReserved } from "../model/pending";
import { usernameFault } from "../model/usernames";

export function check_username(username: string): CheckUsernameResult {
  const fault = usernameFault(username);
  if (fault !== null) return CheckUsernameResult.Err(fault);
  if (isTaken(username) || isReserved(username, caller().bytes)) return CheckUsernameResult.Err(UsernameError.Taken());
  return CheckUsernameResult.Ok();
}
