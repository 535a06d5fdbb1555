// Who may upload, commit, and give permissions. Controllers may everything.

import { caller, isController, trap } from "../../cdk/api";
import { holds, settings } from "./model/settings";

function refuse(permission: string): void {
  trap("Caller does not have " + permission + " permission");
}

export function mustCommit(): void {
  if (!holds(settings().commit, caller()) && !isController(caller())) refuse("Commit");
}

/** Who may commit may also prepare. */
export function mustPrepare(): void {
  const all = settings();
  const who = caller();
  if (!holds(all.prepare, who) && !holds(all.commit, who) && !isController(who)) refuse("Prepare");
}

export function mustManage(): void {
  if (!holds(settings().manage, caller()) && !isController(caller())) refuse("ManagePermissions");
}

export function mustControl(): void {
  if (!isController(caller())) trap("Caller is not a controller");
}

/** Whether the caller holds any permission at all. */
export function callerMayAnything(): bool {
  const all = settings();
  const who = caller();
  return holds(all.prepare, who) || holds(all.commit, who) || holds(all.manage, who) || isController(who);
}
