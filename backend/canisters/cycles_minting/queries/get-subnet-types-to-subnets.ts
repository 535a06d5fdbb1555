// No subnet of this network has a type of its own.

import { SubnetTypes } from "../../../generated/cycles_minting/types";

export function get_subnet_types_to_subnets(): SubnetTypes {
  return new SubnetTypes([]);
}
