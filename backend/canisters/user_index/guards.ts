// Who may call what of the index.

import { caller, isController } from "../../cdk/api";
import { Principal } from "../../cdk/principal/principal";
import { groups } from "./model/groups";
import { userById, userByPrincipal } from "./model/directory";
import { settings } from "./model/settings";
import { isLocalIndex } from "./model/subnets";

/** A person with an account, by sign-in principal. */
export function callerIsRegistered(): bool {
  return userByPrincipal(caller()) !== null;
}

/** A canister that a local index of this network made, or a local index. */
export function callerIsOurs(): bool {
  const who = caller();
  return userById(who) !== null || groups.has(who.bytes) || isLocalIndex(who);
}

export function callerIsLocalIndex(): bool {
  return isLocalIndex(caller());
}

export function callerMayManage(): bool {
  const who = caller();
  if (isController(who)) return true;
  const governance = settings().governance;
  return governance.length > 0 && who.equals(new Principal(governance));
}
