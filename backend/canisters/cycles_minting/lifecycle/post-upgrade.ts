// State is in stable memory; certified data is kept too, but the tree's form may have changed.

import { certifyRate } from "../model/certified-rate";

export function post_upgrade(): void {
  certifyRate();
}
