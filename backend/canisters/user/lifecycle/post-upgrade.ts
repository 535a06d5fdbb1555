// State is in stable memory; only timers have to be set again.

import { keepInCycles } from "../../../chat/cycles";
import { localIndex } from "../model/account";

export function post_upgrade(): void {
  keepInCycles(localIndex());
}
