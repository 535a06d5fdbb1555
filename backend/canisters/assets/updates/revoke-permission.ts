import { caller } from "../../../cdk/api";
import { RevokePermission } from "../../../generated/assets/types";
import { mustManage } from "../guards";
import { holders } from "../model/permissions";
import { revoke } from "../model/settings";

/** Anybody may give up what is theirs. */
export function revoke_permission(arg: RevokePermission): void {
  if (!arg.of_principal.equals(caller())) mustManage();
  revoke(holders(arg.permission), arg.of_principal);
}
