// Where canisters are made when nobody says where.

import { Principal } from "../../../cdk/principal/principal";
import { settings } from "../model/settings";

export function get_default_subnets(): Array<Principal> {
  return settings().subnets;
}
