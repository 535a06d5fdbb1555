import { Principal } from "../../../cdk/principal/principal";
import { Permission } from "../../../generated/assets/types";
import { settings } from "./settings";

/** Who holds a permission; the list itself. */
export function holders(permission: Permission): Array<Principal> {
  switch (permission) {
    case Permission.Commit:
      return settings().commit;
    case Permission.Prepare:
      return settings().prepare;
    default:
      return settings().manage;
  }
}
