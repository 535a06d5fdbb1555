import { Principal } from "../../../cdk/principal/principal";
import { settings } from "../model/settings";

export function list_authorized(): Array<Principal> {
  return settings().commit;
}
