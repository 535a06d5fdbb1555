import { trap } from "../../../cdk/api";
import { GrantPermission } from "../../../generated/assets/types";
import { mustManage } from "../guards";
import { holders } from "../model/permissions";
import { grant } from "../model/settings";

export function grant_permission(arg: GrantPermission): void {
  mustManage();
  if (!grant(holders(arg.permission), arg.to_principal)) trap("too many principals");
}
