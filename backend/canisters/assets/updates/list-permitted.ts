import { Principal } from "../../../cdk/principal/principal";
import { ListPermitted } from "../../../generated/assets/types";
import { holders } from "../model/permissions";

export function list_permitted(arg: ListPermitted): Array<Principal> {
  return holders(arg.permission);
}
